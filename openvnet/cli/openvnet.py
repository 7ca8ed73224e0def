"""The command `openvnet`: this host, the demo, and a lab to play with."""

import os
import select
import signal
import sys
from pathlib import Path
from typing import NoReturn

import click
from rich.console import Console

from openvnet.cli.address import webapi_address
from openvnet.cli.host_path import host
from openvnet.cli.settings import files, settings
from openvnet.cli.this_host import bundle, doctor
from openvnet.cli.this_host import status as status_here
from openvnet.cli.this_host import up as up_here
from openvnet.lab import building, namespaces, pages
from openvnet.lab.demo import declare, demonstrate, teller
from openvnet.lab.directory import wait_until_let_go, well_known_directory
from openvnet.lab.environment import SEED
from openvnet.lab.errors import LabError
from openvnet.lab.lab import Lab, open_lab

_TAIL = {"ignore_unknown_options": True, "allow_interspersed_args": False}


class _Group(click.Group):
    """Says what a lab cannot do in one line, without a traceback."""

    def invoke(self, context: click.Context) -> object:
        try:
            return super().invoke(context)
        except LabError as error:
            raise click.ClickException(str(error)) from None


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="openvnet")
def main() -> None:
    """Run OpenVNet on this host, or try it in a lab without touching this host's network."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)  # As Ctrl-C: what was built goes.


for command in (up_here, status_here, doctor, bundle, host):
    main.add_command(command)


@main.command()
def demo() -> None:
    """Show two networks with equal addresses on real Open vSwitch, and who reaches whom."""
    sys.exit(0 if demonstrate(_console()) else 1)


@main.group()
@click.option(
    "--directory",
    envvar="OPENVNET_LAB",
    show_envvar=True,
    type=click.Path(path_type=Path, file_okay=False),
    default=well_known_directory,
    help="Where the lab keeps its sockets and logs; each lab has its own.",
)
@click.pass_context
def lab(context: click.Context, directory: Path) -> None:
    """A lab: hosts and guests in namespaces of its own, gone without a trace when it ends."""
    context.obj = directory.absolute()


@lab.command()
@click.pass_obj
def up(directory: Path) -> None:
    """Build the lab, declare its networks, and leave it running until Ctrl-C."""
    console = _console()
    try:
        with building.lab(SEED, directory, tell=teller(console)) as running:
            console.print("\nDeclared through vnctl:\n")
            declare(running, console)
            running.settle()
            _welcome(console, running)
            _wait_until_it_ends(running)
            raise LabError("the lab has ended: somebody killed it.")
    except KeyboardInterrupt:
        console.print("\nThe lab is gone.")


def _welcome(console: Console, running: Lab) -> None:
    console.print("\n[bold]The lab is running.[/bold] Ctrl-C ends it and leaves nothing behind.\n")
    console.print(pages.guests_table(running.environment))
    _show_processes(console, running)
    as_root = " as root ([cyan]sudo -s[/cyan])," if "SUDO_UID" in os.environ else ""
    console.print(f"In another terminal,{as_root} after [cyan]. .venv/bin/activate[/cyan]:\n")
    if webapi_address(os.environ, settings(files(Path.home()))) != running.webapi:
        console.print(f"  [cyan]export VNET_WEBAPI={running.webapi}[/cyan]\n", soft_wrap=True)
    for line in pages.journey(running.environment):
        console.print(line, soft_wrap=True)


def _show_processes(console: Console, running: Lab) -> None:
    console.print(pages.processes_table(running))
    console.print(f"Logs are in {running.directory / 'log'}.\n", soft_wrap=True)


def _wait_until_it_ends(running: Lab) -> None:
    init = os.pidfd_open(running.init)
    select.select([init], [], [])
    os.close(init)


@lab.command()
@click.pass_obj
def status(directory: Path) -> None:
    """Say what runs in the lab."""
    running = open_lab(directory)
    console = _console()
    console.print(f"A lab runs in {running.directory}.", soft_wrap=True)
    console.print(f"webapi is at {running.webapi}.\n", soft_wrap=True)
    console.print(pages.guests_table(running.environment))
    _show_processes(console, running)


@lab.command()
@click.pass_obj
def down(directory: Path) -> None:
    """End the lab from another terminal."""
    running = open_lab(directory)
    os.kill(running.owner, signal.SIGTERM)
    wait_until_let_go(running.directory)


@lab.command()
@click.argument("place")
@click.pass_obj
def shell(directory: Path, place: str) -> None:
    """A shell in a guest or on a host; type `exit` to leave it."""
    running = open_lab(directory)
    _become(running, place, ("bash", "--rcfile", f"{running.root}/bashrc", "-i"))


@lab.command("exec", context_settings=_TAIL)
@click.argument("place")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_obj
def execute(directory: Path, place: str, command: tuple[str, ...]) -> None:
    """Run a command in a guest or on a host."""
    _become(open_lab(directory), place, command)


@lab.command(context_settings=_TAIL)
@click.argument("port")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def tcpdump(directory: Path, port: str, arguments: tuple[str, ...]) -> None:
    """Show what passes a port of the switch, named by itself or by the guest behind it.

    Arguments go to tcpdump: `openvnet lab tcpdump vm3 -c 5 icmp`.
    """
    running = open_lab(directory)
    found = [each for each in running.environment.guests if port in (each.name, each.port_name)]
    if not found:
        known = ", ".join(guest.port_name for guest in running.environment.guests)
        raise LabError(f"there is no port {port!r} in this lab, but {known}")
    command = ("tcpdump", "-n", "-l", "-i", found[0].port_name, *arguments)
    _become(running, found[0].host, command)


@lab.command()
@click.argument("names", nargs=-1, required=True, metavar="PROCESS...")
@click.pass_obj
def start(directory: Path, names: tuple[str, ...]) -> None:
    """Start processes that do not run, and wait until they work."""
    open_lab(directory).start(*names)


@lab.command()
@click.argument("names", nargs=-1, required=True, metavar="PROCESS...")
@click.pass_obj
def stop(directory: Path, names: tuple[str, ...]) -> None:
    """End processes as an orderly system does (SIGTERM)."""
    open_lab(directory).stop(*names)


@lab.command()
@click.argument("names", nargs=-1, required=True, metavar="PROCESS...")
@click.pass_obj
def kill(directory: Path, names: tuple[str, ...]) -> None:
    """End processes as a disorderly system does (SIGKILL)."""
    open_lab(directory).kill(*names)


def _become(running: Lab, place: str, command: tuple[str, ...]) -> NoReturn:
    """Be that command from now on, so that its exit status and its terminal are ours."""
    entering = running.command(place, ("env", f"--chdir={Path.cwd()}", *command))
    variables = namespaces.environment_inside(running.variables(place))
    os.execvpe(entering[0], entering, variables)  # noqa: S606 - no shell is wanted


def _console() -> Console:
    return Console(highlight=False)


if __name__ == "__main__":
    main()

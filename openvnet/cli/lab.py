"""The commands `openvnet lab ...`: a lab to play with, from any number of terminals."""

import os
import select
import signal
import sys
from pathlib import Path
from typing import NoReturn

import click
import msgspec
from rich.console import Console

from openvnet.cli.address import webapi_address
from openvnet.cli.settings import files, settings
from openvnet.lab import building, namespaces, pages, underlay
from openvnet.lab.demo import declare, teller
from openvnet.lab.described import described
from openvnet.lab.directory import wait_until_let_go, well_known_directory
from openvnet.lab.drawing import drawing
from openvnet.lab.drill import BAR_SECONDS, one_or_two
from openvnet.lab.drill import drill as one_drill
from openvnet.lab.environment import DATABASES, ROUTER, SEED, Environment
from openvnet.lab.errors import LabError
from openvnet.lab.lab import Lab, open_lab
from openvnet.lab.many import GUESTS, many_hosts
from openvnet.lab.reach import measured, wrong_cells
from openvnet.lab.writing import prepare

_TAIL = {"ignore_unknown_options": True, "allow_interspersed_args": False}


_hosts_option = click.option(
    "--hosts",
    type=int,
    metavar="NUMBER",
    help="So many hosts, on two underlays that a router joins; otherwise one host by itself.",
)
_guests_option = click.option(
    "--guests",
    type=int,
    metavar="NUMBER",
    help=f"Guests of each of many hosts.  [default: {GUESTS}]",
)
_database_option = click.option(
    "--database",
    type=click.Choice(DATABASES),
    default=DATABASES[0],
    show_default=True,
    help="Where vnmgr keeps its rows.",
)


@click.group(invoke_without_command=True)
@click.option(
    "--directory",
    envvar="OPENVNET_LAB",
    show_envvar=True,
    type=click.Path(path_type=Path, file_okay=False),
    default=well_known_directory,
    help="Where the lab keeps its sockets and logs; each lab has its own.",
)
@_hosts_option
@_guests_option
@click.pass_context
def lab(context: click.Context, directory: Path, hosts: int | None, guests: int | None) -> None:
    """A lab: hosts and guests in namespaces of its own, gone without a trace when it ends."""
    context.obj = directory.absolute()
    if context.invoked_subcommand is None and hosts is not None:
        context.invoke(up, hosts=hosts, guests=guests)
    elif context.invoked_subcommand is None and guests is None:
        click.echo(context.get_help())
    elif hosts is not None or guests is not None:
        raise click.UsageError("say so behind `up`: openvnet lab up --hosts 3")


@lab.command()
@_hosts_option
@_guests_option
@click.option(
    "--file",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The hosts, networks and guests that this file describes.",
)
@_database_option
@click.pass_obj
def up(
    directory: Path,
    hosts: int | None,
    guests: int | None,
    file: Path | None = None,
    database: str = "sqlite",
) -> None:
    """Build the lab, declare its networks, and leave it running until Ctrl-C."""
    console = _console()
    environment = _environment(hosts, guests, file, database)
    try:
        with building.lab(environment, directory, tell=teller(console)) as running:
            console.print("\nDeclared through vnctl:\n")
            declare(running, console)
            running.settle()
            _welcome(console, running)
            _wait_until_it_ends(running)
            raise LabError("the lab has ended: somebody killed it.")
    except KeyboardInterrupt:
        console.print("\nThe lab is gone.")


def _environment(
    hosts: int | None, guests: int | None, file: Path | None, database: str
) -> Environment:
    if file is not None:
        if hosts is not None or guests is not None:
            raise click.UsageError("--file says which hosts and guests there are")
        return msgspec.structs.replace(described(file), database=database)
    if hosts is not None:
        return many_hosts(hosts, GUESTS if guests is None else guests, database)
    if guests is not None:
        raise click.UsageError("--guests is of many hosts: --hosts 3 --guests 4")
    return msgspec.structs.replace(SEED, database=database)


def _welcome(console: Console, running: Lab) -> None:
    console.print("\n[bold]The lab is running.[/bold] Ctrl-C ends it and leaves nothing behind.\n")
    _show_guests(console, running)
    _show_processes(console, running)
    as_root = " as root ([cyan]sudo -s[/cyan])," if "SUDO_UID" in os.environ else ""
    console.print(f"In another terminal,{as_root} after [cyan]. .venv/bin/activate[/cyan]:\n")
    if webapi_address(os.environ, settings(files(Path.home()))) != running.webapi:
        console.print(f"  [cyan]export VNET_WEBAPI={running.webapi}[/cyan]\n", soft_wrap=True)
    for line in pages.journey(running.environment):
        console.print(line, soft_wrap=True)


def _show_guests(console: Console, running: Lab) -> None:
    if not running.environment.underlays:
        console.print(pages.guests_table(running.environment))
        return
    for line in drawing(running.now(), console.width):
        console.print(line, soft_wrap=True)
    console.print()


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
    _show_guests(console, running)
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
    """Show what passes a port of a switch, named by itself or by the guest or host behind it.

    Arguments go to tcpdump: `openvnet lab tcpdump vm3 -c 5 icmp`.
    """
    running = open_lab(directory)
    place, link = _link(running, port)
    _become(running, place, ("tcpdump", "-n", "-l", "-i", link, *arguments))


def _link(running: Lab, port: str) -> tuple[str, str]:
    """Where a port is, and the name that it has there."""
    environment = running.environment
    for guest in environment.guests:
        if port in (guest.name, guest.port_name):
            return running.host_of(guest.name), guest.port_name
    cables = [host.name for host in environment.hosts if host.underlay]
    if port in cables:
        return ROUTER, port
    known = ", ".join([*(guest.port_name for guest in environment.guests), *cables])
    raise LabError(f"there is no port {port!r} in this lab, but {known}")


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


@lab.command()
@click.argument("names", nargs=-1, required=True, metavar="PROCESS...")
@click.pass_obj
def freeze(directory: Path, names: tuple[str, ...]) -> None:
    """Let processes hang, neither working nor gone (SIGSTOP)."""
    open_lab(directory).freeze(*names)


@lab.command()
@click.argument("names", nargs=-1, required=True, metavar="PROCESS...")
@click.pass_obj
def thaw(directory: Path, names: tuple[str, ...]) -> None:
    """Let frozen processes go on (SIGCONT)."""
    open_lab(directory).thaw(*names)


@lab.command()
@click.argument("guest")
@click.argument("host", default="")
@click.pass_obj
def plug(directory: Path, guest: str, host: str) -> None:
    """Plug a guest's port into the switch of a host, or of that where it was."""
    open_lab(directory).plug(guest, host)


@lab.command()
@click.argument("guest")
@click.pass_obj
def unplug(directory: Path, guest: str) -> None:
    """Pull a guest's port out of the switch."""
    open_lab(directory).unplug(guest)


@lab.command()
@click.argument("one")
@click.argument("other")
@click.pass_obj
def cut(directory: Path, one: str, other: str) -> None:
    """Let nothing pass between two hosts, or between a host and the manager."""
    underlay.cut(open_lab(directory), one, other)


@lab.command()
@click.argument("one")
@click.argument("other")
@click.pass_obj
def mend(directory: Path, one: str, other: str) -> None:
    """Undo `cut`."""
    underlay.mend(open_lab(directory), one, other)


@lab.command()
@click.pass_obj
def reach(directory: Path) -> None:
    """Let all guests ping all others, and show who reaches whom; status 1 if any is wrong."""
    running, console = open_lab(directory), _console()
    pings = measured(running, count=2)
    console.print(pages.reach_matrix(running.now(), pings))
    sys.exit(1 if any(wrong_cells(running.environment, pings)) else 0)


@lab.command()
@_hosts_option
@click.option(
    "--seconds",
    type=click.FloatRange(min=0.1),
    default=60.0,
    show_default=True,
    help="How long each fault lasts.",
)
@_database_option
def drill(hosts: int | None, seconds: float, database: str) -> None:
    """Kill, freeze and cut off each part of the control plane, and any two; see what is lost.

    It has a lab of its own, of three hosts, and ends with status 1 if anything is lost, or if it
    takes longer than five seconds until all is well again.
    """
    console, outcomes = _console(), []
    with building.lab(many_hosts(hosts or 3, GUESTS, database), tell=teller(console)) as running:
        running.declare()
        prepare(running)
        for number, faults in enumerate(one_or_two(running)):
            outcomes.append(one_drill(running, f"drill{number}x", faults, seconds))
            console.print(str(outcomes[-1]), soft_wrap=True)
            for each in outcomes[-1].wrong:
                console.print(f"  {each}", soft_wrap=True)
    sys.exit(0 if all(each.ok and each.seconds < BAR_SECONDS for each in outcomes) else 1)


def _become(running: Lab, place: str, command: tuple[str, ...]) -> NoReturn:
    """Be that command from now on, so that its exit status and its terminal are ours."""
    entering = running.command(place, ("env", f"--chdir={Path.cwd()}", *command))
    variables = namespaces.environment_inside(running.variables(place))
    os.execvpe(entering[0], entering, variables)  # noqa: S606 - no shell is wanted


def _console() -> Console:
    return Console(highlight=False)

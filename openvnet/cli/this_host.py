"""`openvnet up`, `status`, `doctor` and `bundle`: OpenVNet on the host that they are typed on."""

import functools
import io
import os
import re
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from openvnet.cli import host_pages
from openvnet.cli.address import webapi_address
from openvnet.cli.settings import files, settings
from openvnet.host.errors import HostError
from openvnet.host.places import Places, places
from openvnet.host.switch import default_database

if TYPE_CHECKING:
    from openvnet.host.gathering import Question

BRIDGE = "br0"
LISTEN = "127.0.0.1:6633"

_Directory = click.Path(path_type=Path, file_okay=False, readable=False)


def _placed(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say where this host's OpenVNet is."""

    @click.option(
        "--state",
        type=_Directory,
        envvar="OPENVNET_STATE",
        show_envvar=True,
        help="Directory of the database and of what vna knows.  [default: /var/lib/openvnet; "
        "for a plain user $XDG_STATE_HOME/openvnet]",
    )
    @click.option(
        "--run",
        type=_Directory,
        envvar="OPENVNET_RUN",
        show_envvar=True,
        help="Directory of the sockets.  [default: /run/openvnet; for a plain user "
        "$XDG_RUNTIME_DIR/openvnet]",
    )
    @click.option(
        "--log",
        type=_Directory,
        envvar="LOG_DIRECTORY",
        show_envvar=True,
        help="Directory of the logs.  [default: /var/log/openvnet; for a plain user in the "
        "state directory]",
    )
    @click.option(
        "--ovsdb",
        default=lambda: default_database(os.environ),
        show_default="unix:/run/openvswitch/db.sock, or in OVS_RUNDIR",
        help="Open vSwitch's database: unix:/path or tcp:host:port.",
    )
    @functools.wraps(command)
    def run(state: Path | None, run: Path | None, log: Path | None, **given: Any) -> None:
        found = places(os.environ, os.geteuid(), state=state, run=run, log=log)
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # Not every terminal has a tick.
        try:
            command(places=found, **given)
        except HostError as error:
            raise click.ClickException(str(error)) from None

    return run


def _asked(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command that only looks its options; it is called with the `Question` they make."""

    @click.option(
        "--bridge",
        default=BRIDGE,
        show_default=True,
        help="OpenVNet's bridge, if it is not the one whose controller is where --listen says.",
    )
    @click.option(
        "--listen",
        default=LISTEN,
        show_default=True,
        metavar="HOST:PORT",
        help="Where vna is to be found by the bridge.",
    )
    @_placed
    @functools.wraps(command)
    def run(places: Places, ovsdb: str, bridge: str, listen: str, **given: Any) -> None:
        from openvnet.host.gathering import Question

        _check(bridge, listen)
        webapi = webapi_address(os.environ, settings(files(Path.home())))
        command(question=Question(places, ovsdb, listen, bridge, webapi), **given)

    return run


_output = click.option(
    "-o",
    "--output",
    type=click.Choice(("table", "json")),
    default="table",
    show_default=True,
    help="For people or for programs.",
)


@click.command()
@click.option(
    "--bridge",
    default=BRIDGE,
    show_default=True,
    help="The bridge that OpenVNet is to have; made if it is not there.",
)
@click.option("--no-bridge", is_flag=True, help="Leave all bridges as they are.")
@click.option(
    "--listen",
    default=LISTEN,
    show_default=True,
    metavar="HOST:PORT",
    help="Where vna is to be found by the bridge.",
)
@click.option(
    "--node-id",
    help="vna's name, as in its datapath's node_id.  [default: as configured, else vna]",
)
@click.option("--bind", help="webapi's address.  [default: as configured, else 127.0.0.1]")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="webapi's TCP port.  [default: as configured, else 9090]",
)
@_placed
def up(places: Places, bridge: str, no_bridge: bool, listen: str, **given: Any) -> None:
    """Start all that this host needs, in the foreground, and keep it running.

    Open vSwitch must run already. The bridge is made if it is not there; vnmgr, webapi and vna are
    started, and started again whenever one of them ends; this host is declared as a datapath.
    On a host that has joined a vnmgr elsewhere (`openvnet join`), only what it has joined as is
    started. Ctrl-C or SIGTERM ends all. The switch keeps its flows: guests do not notice.
    """
    import uvloop

    from openvnet.host import starting

    _check(bridge, listen)
    name = None if no_bridge else bridge
    plan = starting.Plan(places, given.pop("ovsdb"), name, listen, **given)
    if programs := starting.joined_programs(places.state):
        _refuse_idle(given, programs)
        plan = msgspec.structs.replace(plan, programs=programs)
    uvloop.run(starting.up(plan, _tell, partial(_welcome, bridge=name or bridge)))


def _refuse_idle(given: dict[str, Any], programs: tuple[str, ...]) -> None:
    """Refuse options of programs that a host that has joined does not start."""
    for option, program in (("bind", "webapi"), ("port", "webapi"), ("node_id", "vna")):
        if given[option] is not None and program not in programs:
            raise HostError(
                f"--{option.replace('_', '-')} is of {program}, and this host has joined a vnmgr "
                f"elsewhere as {programs[0]}: nothing else is started here."
            )


def _check(bridge: str, listen: str) -> None:
    if not re.fullmatch(r"[^\s/]{1,15}", bridge):
        words = f"{bridge!r} must be the name of a network link, of at most 15 letters"
        raise click.BadParameter(words, param_hint="--bridge")
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) <= 0xFFFF:
        words = f"{listen!r} must be host:port, with a port from 1 to 65535"
        raise click.BadParameter(words, param_hint="--listen")


def _tell(words: str) -> None:
    click.echo(f"openvnet: {words}")
    sys.stdout.flush()


def _welcome(webapi: str, bridge: str) -> None:
    """How to go on, for somebody who has never done so; nothing of webapi if there is none."""
    if webapi:
        _go_on(webapi, bridge)
    click.echo("Ctrl-C ends it; what is declared stays, and the switch keeps its flows.")
    sys.stdout.flush()


def _go_on(webapi: str, bridge: str) -> None:
    _tell(f"webapi is at {webapi if webapi.startswith('unix:') else f'http://{webapi}'}")
    steps = [
        "vnctl networks add --uuid nw-first --display-name first --ipv4-network 10.100.0.0",
        "vnctl interfaces add --uuid if-vm1 --mode vif --network-uuid nw-first \\",
        "    --mac-address 52:54:00:00:00:01 --ipv4-address 10.100.0.11 --port-name vm1",
        f"ovs-vsctl add-port {bridge} vm1",
        "openvnet status",
    ]
    if webapi_address(os.environ, settings(files(Path.home()))) != webapi:
        steps.insert(0, f"export VNET_WEBAPI={webapi}")
    click.echo("\nGo on in another terminal; vm1 is a guest's network card on this host:\n")
    click.echo("".join(f"  {step}\n" for step in steps))


@click.command()
@_output
@_asked
def status(question: "Question", output: str) -> None:
    """Say how OpenVNet fares on this host.

    Exit status: 0 if it is well, 1 if not. A guest that is not up is shown with the reason, and
    makes no difference: it may be switched off.
    """
    from openvnet.host.gathering import gather
    from openvnet.host.status import status as status_of

    found = status_of(gather(question, with_interfaces=True))
    _print(found, output, lambda: host_pages.status_lines(found))
    sys.exit(0 if found.well else 1)


@click.command()
@_output
@_asked
def doctor(question: "Question", output: str) -> None:
    """Say what is well on this host and what is not, and what to do. Nothing is changed.

    Exit status: 0 if all is well, 1 if something must be done.
    """
    from openvnet.host.findings import findings, must_act
    from openvnet.host.gathering import gather

    found = findings(gather(question))
    said = {"well": not must_act(found), "findings": found}
    _print(said, output, lambda: host_pages.doctor_lines(found))
    sys.exit(1 if must_act(found) else 0)


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@_asked
def bundle(question: "Question", file: Path | None) -> None:
    """Collect what a bug report needs into FILE, a .tar.gz, without secrets.

    Whoever reads it sees your networks' names and addresses; its list of contents says what is in
    it, and what was left out.
    """
    from openvnet.host.bundle import default_path, write_bundle
    from openvnet.host.gathering import gather

    facts = gather(question, with_interfaces=True)
    path = file or default_path(os.uname().nodename, facts.now)
    for line in write_bundle(path, facts):
        click.echo(line)
    click.echo(f"\nAll of this is in {path}, which only you may read.")


def _print(found: Any, output: str, lines: Callable[[], Iterable[str]]) -> None:
    if output == "json":
        click.echo(msgspec.json.encode(found).decode())
        return
    for line in lines():
        click.echo(line)

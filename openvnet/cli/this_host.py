"""`openvnet up`, `status`, `doctor` and `bundle`: OpenVNet on the host that they are typed on."""

import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from openvnet.cli.address import webapi_address
from openvnet.cli.settings import files, settings
from openvnet.host.errors import HostError
from openvnet.host.places import Places, places
from openvnet.host.switch import DEFAULT_DATABASE

LISTEN = "127.0.0.1:6633"

_Directory = click.Path(path_type=Path, file_okay=False)


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
        default=DEFAULT_DATABASE,
        show_default=True,
        help="Open vSwitch's database: unix:/path or tcp:host:port.",
    )
    @functools.wraps(command)
    def run(state: Path | None, run: Path | None, log: Path | None, **given: Any) -> None:
        found = places(os.environ, os.geteuid(), state=state, run=run, log=log)
        try:
            command(places=found, **given)
        except HostError as error:
            raise click.ClickException(str(error)) from None

    return run


@click.command()
@click.option(
    "--bridge",
    default="br0",
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
    Ctrl-C or SIGTERM ends all three. The switch keeps its flows: guests do not notice.
    """
    import uvloop

    from openvnet.host import starting

    _check_listen(listen)
    name = None if no_bridge else bridge
    plan = starting.Plan(places, given.pop("ovsdb"), name, listen, **given)
    uvloop.run(starting.up(plan, _tell, lambda address: _welcome(address, name or bridge)))


def _check_listen(listen: str) -> None:
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) <= 0xFFFF:
        words = f"{listen!r} must be host:port, with a port from 1 to 65535"
        raise click.BadParameter(words, param_hint="--listen")


def _tell(words: str) -> None:
    click.echo(f"openvnet: {words}")
    sys.stdout.flush()


def _welcome(webapi: str, bridge: str) -> None:
    """How to go on, for somebody who has never done so."""
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
    click.echo("Ctrl-C ends it; what is declared stays, and the switch keeps its flows.")
    sys.stdout.flush()

"""`openvnet host join` and `leave`: a NIC of the host goes into the bridge, and out of it again."""

import asyncio
import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click
import msgspec

from openvnet.cli.host_path import config_option, database_option, told
from openvnet.host.errors import HostError
from openvnet.host.places import places

if TYPE_CHECKING:
    from openvnet.host.moving import Move

TARGET = "tcp:127.0.0.1:6633"
GRACE_SECONDS = 5.0
"""What the guard waits for an answer beyond what may be waited for."""


def _moving(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of both ways."""

    @click.option("--uplink", required=True, metavar="NIC", help="The network card, as eth0.")
    @click.option("--bridge", help="The bridge.  [default: as in vna.conf, else br0]")
    @click.option(
        "--check",
        multiple=True,
        metavar="ADDRESS",
        help="An address that must answer a ping afterwards; may be given several times. The "
        "routers of the NIC's routes must answer anyhow.",
    )
    @click.option(
        "--within",
        type=click.FloatRange(1, 3600),
        default=60,
        show_default=True,
        metavar="SECONDS",
        help="How long all that may take; then everything goes back.",
    )
    @click.option(
        "--yes", is_flag=True, help="Keep it if all have answered, without asking a person."
    )
    @click.option("--dry-run", is_flag=True, help="Say what would be moved, and change nothing.")
    @config_option
    @click.option(
        "--state",
        type=click.Path(path_type=Path, file_okay=False),
        envvar="OPENVNET_STATE",
        show_envvar=True,
        help="Where it is written down what was moved.  [default: /var/lib/openvnet]",
    )
    @database_option
    @functools.wraps(command)
    def run(**given: Any) -> None:
        try:
            command(**given)
        except HostError as error:
            raise click.ClickException(str(error)) from None

    return run


@click.command("join")
@_moving
def join_bridge(
    uplink: str, bridge: str | None, config: Path | None, state: Path | None, ovsdb: str, **how: Any
) -> None:
    """Put a NIC of this host into the bridge; its addresses and routes go to the bridge.

    Connections of the host stay open. The bridge is made if it is not there. If the host is not
    confirmed to be reached in time, all goes back by itself, also if this command is killed or its
    terminal lost: routers and whoever --check names must answer, and somebody must press Enter
    (unless --yes). What the host's own network configuration says of the NIC is not changed: see
    docs/uplinks.md for what to write there.
    """
    from openvnet.host.bridging import NO_MODULE
    from openvnet.host.moving import planned

    own, trouble = told(config)
    if trouble:
        raise HostError(trouble)
    name = bridge or own.bridge
    move = asyncio.run(planned(ovsdb, name, uplink, tuple(own.uplink), TARGET))
    if move.wanted.datapath_type and move.is_made:
        click.echo(f"openvnet: bridge {name} will switch in userspace: {NO_MODULE}", err=True)
    words = f"{uplink} goes into bridge {name}"
    if _moved(move, "out", words, name, **how):
        _write_down(_directory(state), move)


@click.command("leave")
@_moving
def leave_bridge(
    uplink: str, bridge: str | None, config: Path | None, state: Path | None, ovsdb: str, **how: Any
) -> None:
    """Take a NIC out of the bridge again; what `host join` gave to the bridge goes back to it."""
    from openvnet.host.bridging import Wanted
    from openvnet.host.moving import way_back

    own, _ = told(config)
    name = bridge or own.bridge
    directory = _directory(state)
    recorded = _written_down(directory)
    kept = [
        address.local
        for other in recorded.values()
        if other.device.name != uplink
        for address in other.device.addresses
    ]
    move = asyncio.run(
        way_back(
            ovsdb,
            Wanted(name, TARGET, "", ""),
            uplink,
            tuple(own.uplink),
            kept,
            recorded.get(uplink),
        )
    )
    if _moved(move, "in", f"{uplink} leaves bridge {name}", uplink, **how):
        (directory / f"{uplink}.json").unlink(missing_ok=True)


def _moved(
    move: "Move",
    undo: Literal["in", "out"],
    words: str,
    through: str,
    *,
    check: tuple[str, ...],
    within: float,
    yes: bool,
    dry_run: bool,
) -> bool:
    """Do it, and keep it only if it is confirmed. `through` is how the host is reached then."""
    from openvnet.host.guard import Job, guarded
    from openvnet.host.moving import move_in, move_out

    for line in _plan(move, words):
        click.echo(line)
    if dry_run:
        return False
    if not yes and not sys.stdin.isatty():
        raise HostError("nobody is here to press Enter: say --yes to leave it to what answers.")
    guard = guarded(Job(move, undo, within * (1 if yes else 2) + GRACE_SECONDS))
    try:
        done = asyncio.run((move_in if undo == "out" else move_out)(move))
        click.echo(f"openvnet: {done}")
        asyncio.run(_confirmed(move, through, check, within, yes=yes))
        guard.communicate("keep\n")
    except (HostError, KeyboardInterrupt) as error:
        said, _ = guard.communicate()
        why = str(error) or "you did not want it."
        raise HostError(f"{why} All was taken back: {said.strip() or 'see the log'}.") from None
    if guard.returncode:
        raise HostError("it took too long; all was taken back.")
    click.echo("openvnet: kept")
    return True


async def _confirmed(
    move: "Move", through: str, check: tuple[str, ...], within: float, *, yes: bool
) -> None:
    from openvnet.host.confirming import confirm, pressed_enter

    gateways = move.device.gateways
    await confirm(check, gateways, through, within)
    for address in (*check, *gateways):
        click.echo(f"openvnet: {address} answers")
    if not yes:
        click.echo(f"Press Enter within {within:g} s to keep it so; else all goes back.")
        if not await pressed_enter(within):
            raise HostError("nobody has pressed Enter.")


def _plan(move: "Move", words: str) -> list[str]:
    lines = [f"{words}, and with it"]
    lines += [f"  address {each.words[0]}" for each in move.device.addresses]
    lines += [f"  route {route}" for _, route in move.device.routes]
    return lines if len(lines) > 1 else [f"{words}; it has no address"]


def _directory(state: Path | None) -> Path:
    return places(os.environ, os.geteuid(), state=state).state / "uplinks"


def _write_down(directory: Path, move: "Move") -> None:
    """So that `leave` knows whose addresses the bridge has."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / f"{move.device.name}.json"
    path.write_bytes(msgspec.json.encode(move))


def _written_down(directory: Path) -> dict[str, "Move"]:
    from openvnet.host.moving import Move

    found = {}
    for path in directory.glob("*.json"):
        try:
            found[path.stem] = msgspec.json.decode(path.read_bytes(), type=Move)
        except (OSError, msgspec.DecodeError) as error:
            raise HostError(f"{path} cannot be read: {error}") from None
    return found

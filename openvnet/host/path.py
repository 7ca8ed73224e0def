"""The host's own path through its bridge, written without vna: at boot, or when vna is not there.

The flows are computed from what the host alone knows, by the very features that vna runs, and so
are the same to the last bit: a vna that is there, or comes later, finds nothing to change. They are
only added; nothing is removed, and no setting is changed. A bridge without a controller that is in
`standalone` is left alone: it is a plain switch, which passes the host's packets by itself.
"""

import asyncio
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from openvnet.compiler import Compiler
from openvnet.features import STRATA
from openvnet.host.errors import HostError, NoBridge, SwitchError
from openvnet.host.switch import open_database, switch_of
from openvnet.model.facts import BondMember, Bridge, Port
from openvnet.model.host import RowKey, Uplink
from openvnet.openflow.driver import Switch, connect
from openvnet.openflow.errors import OpenFlowError
from openvnet.ovsdb.client import Tables
from openvnet.ovsdb.driver import bonds, is_of_use
from openvnet.pipeline.flow import Flow
from openvnet.uplinks import uplinks

AGAIN_SECONDS = 0.2

_PLAIN = (
    "Bridge {} is a plain switch: it has no controller, and its fail mode is not secure. "
    "Nothing was written."
)
_PATH = "Bridge {}: the host's own packets pass by {}."
_NO_BRIDGE = "Open vSwitch has no bridge {}: nothing was written."
_NO_UPLINK = "Bridge {} has no uplink: nobody reaches the host through it."


async def write_path(
    bridge: str,
    named: Collection[str],
    database: str,
    seconds: float,
    *,
    needed: Collection[str] | None = None,
    if_exists: bool = False,
) -> str:
    """Write the host's path; wait so long for Open vSwitch, the bridge and the needed ports.

    Needed are the named ones if nothing is said. `database` is the address of a unix socket, beside
    which the bridge's own is. With `if_exists`, a bridge that Open vSwitch does not have is neither
    waited for nor an error. Returns what was done, in words. Raises HostError; whatever could be
    written is.
    """
    scheme, _, socket = database.partition(":")
    if scheme != "unix" or not socket:
        raise SwitchError(f"--ovsdb: {database!r} must be unix:/path: the bridge is beside it.")
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        try:
            return await _write_once(
                bridge, named, named if needed is None else needed, Path(socket)
            )
        except HostError as error:
            if if_exists and isinstance(error, NoBridge):
                return _NO_BRIDGE.format(bridge)
            if asyncio.get_running_loop().time() > deadline:
                raise
        await asyncio.sleep(AGAIN_SECONDS)


async def _write_once(
    bridge: str, named: Collection[str], needed: Collection[str], database_socket: Path
) -> str:
    socket = database_socket.with_name(f"{bridge}.mgmt")
    async with open_database(f"unix:{database_socket}") as (database, _):
        tables = database.tables
    if _is_plain(bridge, tables):
        return _PLAIN.format(bridge)
    try:
        switch = await connect(str(socket))
        compiler = Compiler(STRATA)
        outputs = compiler.apply(dict(_facts(switch, named, tables))).add
        flows = [output for output in outputs if isinstance(output, Flow)]
        written = await switch.write(flows, ())
        switch.close("all is written")
    except OpenFlowError as error:
        raise SwitchError(f"bridge {bridge} does not take the host's path: {error}.") from None
    except OSError as error:
        raise SwitchError(f"ovs-vswitchd does not answer at {socket}: {error.strerror}.") from None
    for refused in written.refused:
        raise SwitchError(f"bridge {bridge} refused a flow of the host's path: {refused.reason}.")
    _check_ports(bridge, needed, switch, tables)
    names = sorted(map(str, compiler.state.rows.get(Uplink, {})))
    return (_PATH if names else _NO_UPLINK).format(bridge, " and ".join(names))


def _is_plain(bridge: str, tables: Tables) -> bool:
    switch = switch_of(tables)
    found = switch.bridge(bridge)
    if found is None:
        there = ", ".join(each.name for each in switch.bridges) or "none"
        raise NoBridge(f"Open vSwitch has no bridge {bridge}; of bridges it has: {there}.")
    return found.fail_mode != "secure" and not found.controllers


def _facts(switch: Switch, named: Collection[str], tables: Tables) -> Iterator[tuple[RowKey, Any]]:
    is_uplink = uplinks(named)
    yield (Bridge, "bridge"), Bridge(switch.dpid)
    for port in switch.ports.values():
        uplink, mac_address = is_uplink(port.name), port.mac_address
        yield (Port, port.name), Port(port.name, port.number, port.up, uplink, mac_address)
    for name, bond in _bonds(tables).items():
        yield (BondMember, name), BondMember(name, bond)


def _bonds(tables: Tables) -> dict[str, str]:
    several = {id: row for id, row in tables.get("Port", {}).items() if is_of_use("Port", row)}
    return bonds({**tables, "Port": several})


def _check_ports(bridge: str, needed: Collection[str], switch: Switch, tables: Tables) -> None:
    """Raise SwitchError if a needed uplink is not there."""
    for name in needed:
        if name and name not in switch.ports:
            members = sorted(port for port, bond in _bonds(tables).items() if bond == name)
            hint = f"; it is a bond: name its members, {' and '.join(members)}" if members else ""
            raise SwitchError(f"uplink {name} is no port of bridge {bridge}{hint}.")

"""Writes to this host's Open vSwitch: a bridge that vna can serve, and an uplink as its port.

What vna itself keeps right afterwards (disable-in-band, max_backoff, names of tables) is in
`openvnet.ovsdb.driver`.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from openvnet.host.errors import NoBridge, SwitchError
from openvnet.host.switch import NEEDED, PROTOCOLS, Bridge, open_database, switch_of
from openvnet.ovsdb.client import Database, Tables

SWITCH_SECONDS = 5.0
"""How long Open vSwitch may take to do what is written."""

NO_MODULE = "this kernel has no openvswitch module"

Operations = list[dict[str, Any]]


class Wanted(msgspec.Struct, frozen=True):
    """A bridge as it is to be made."""

    name: str
    target: str
    """Of its controller, in Open vSwitch's words."""
    datapath_type: str
    """`netdev` switches in userspace; empty is the kernel's."""
    hwaddr: str
    """Its MAC address, which it is to keep whatever ports come and go."""

    @property
    def dpid(self) -> str:
        """Its datapath id, 16 digits."""
        return self.hwaddr.replace(":", "").rjust(16, "0")


async def prepare_bridge(address: str, wanted: Wanted) -> tuple[Bridge, list[str]]:
    """Make the bridge, or what it lacks; return it, and a sentence for each thing done.

    Raises SwitchError, also if the bridge is somebody else's.
    """
    async with open_database(address) as (database, changed):
        found = switch_of(database.tables).bridge(wanted.name)
        sentences, operations = bridge_changes(found, wanted)
        await _done(database, changed, operations)
        made = switch_of(database.tables).bridge(wanted.name)
        why = _why_not(made)
        if made is None or why:
            if found is None:
                await _remove_bridge(database, wanted.name)
            raise SwitchError(f"Open vSwitch cannot make bridge {wanted.name}: {why}.")
        return made, sentences


_MUTE = (
    "Open vSwitch's database is written, but ovs-vswitchd does not do it: it does not run, or "
    "hangs (`systemctl restart openvswitch-switch`; its log is in /var/log/openvswitch)."
)


def _why_not(made: Bridge | None) -> str:
    """Why a bridge does not work, empty if it does."""
    if made is None:
        return "somebody has removed it"
    own = (port.error for port in made.ports if port.name == made.name and port.error)
    return next(own, "" if made.dpid else "ovs-vswitchd has not given it a datapath id")


async def _remove_bridge(database: Database, name: str) -> None:
    gone = [["bridges", "delete", ["uuid", uuid]] for uuid in _uuids(database, "Bridge", name)]
    root = {"op": "mutate", "table": "Open_vSwitch", "where": [], "mutations": gone}
    await _transact(database, [root])


def _uuids(database: Database, table: str, name: str) -> list[str]:
    return [uuid for uuid, row in database.tables.get(table, {}).items() if row["name"] == name]


def bridge_changes(found: Bridge | None, wanted: Wanted) -> tuple[list[str], Operations]:
    """What to write so that a bridge is there and asks vna; raise SwitchError if it must not."""
    if found is None:
        where = f"in userspace ({NO_MODULE})" if wanted.datapath_type else "in the kernel"
        words = f"made bridge {wanted.name}: datapath id 0x{wanted.dpid}, switches {where}"
        return [words], list(_new_bridge(wanted))
    _check_owner(found, wanted)
    missing = list(_missing(found, wanted))
    return [sentence for sentence, _ in missing], [op for _, ops in missing for op in ops]


def _check_owner(found: Bridge, wanted: Wanted) -> None:
    name = found.name
    strange = [each.target for each in found.controllers if each.target != wanted.target]
    if strange:
        raise SwitchError(
            f"bridge {name} has the controller {', '.join(strange)}, not {wanted.target}. "
            f"If OpenVNet shall control it: `ovs-vsctl set-controller {name} {wanted.target}`; "
            "else name another bridge with --bridge."
        )
    if found.others and not found.controllers:
        names = ", ".join(sorted(port.name for port in found.others))
        raise SwitchError(
            f"bridge {name} is in use without a controller; its ports: {names}. What passes it "
            "would be up to OpenVNet from now on. If that is what you want: "
            f"`ovs-vsctl set-controller {name} {wanted.target}`; else name another bridge with "
            "--bridge."
        )


def _missing(found: Bridge, wanted: Wanted) -> Iterable[tuple[str, Operations]]:
    name = found.name
    if not found.controllers:
        yield (
            f"bridge {name}: controller {wanted.target}",
            [
                _controller(wanted),
                _mutation(name, "controller", ["named-uuid", "controller"]),
                _update(name, fail_mode="secure"),
            ],
        )
    if found.protocols and NEEDED not in found.protocols:
        yield f"bridge {name}: {NEEDED} too", [_mutation(name, "protocols", NEEDED)]
    if found.dpid and "datapath-id" not in found.other_config:
        dpid = found.dpid.removeprefix("0x")
        config = ["map", [["datapath-id", dpid]]]
        yield (
            f"bridge {name}: keeps its datapath id {found.dpid}",
            [_mutation(name, "other_config", config)],
        )


def _new_bridge(wanted: Wanted) -> Iterable[dict[str, Any]]:
    """As OpenVNet's guide sets it up, but isolated from its first moment on."""
    name = wanted.name
    yield _insert("Interface", "interface", name=name, type="internal")
    yield _insert("Port", "port", name=name, interfaces=["named-uuid", "interface"])
    yield _controller(wanted)
    config = {
        "disable-in-band": "true",
        "datapath-id": wanted.dpid,
        "hwaddr": wanted.hwaddr,
    }
    yield _insert(
        "Bridge",
        "bridge",
        name=name,
        datapath_type=wanted.datapath_type,
        fail_mode="secure",
        protocols=["set", list(PROTOCOLS)],
        other_config=["map", [list(item) for item in config.items()]],
        ports=["named-uuid", "port"],
        controller=["named-uuid", "controller"],
    )
    bridges = ["bridges", "insert", ["named-uuid", "bridge"]]
    yield {"op": "mutate", "table": "Open_vSwitch", "where": [], "mutations": [bridges]}


def _controller(wanted: Wanted) -> dict[str, Any]:
    return _insert("Controller", "controller", target=wanted.target)


def _insert(table: str, reference: str, **row: Any) -> dict[str, Any]:
    return {"op": "insert", "table": table, "uuid-name": reference, "row": row}


def _mutation(bridge: str, column: str, value: Any) -> dict[str, Any]:
    where = [["name", "==", bridge]]
    mutations = [[column, "insert", value]]
    return {"op": "mutate", "table": "Bridge", "where": where, "mutations": mutations}


def _update(bridge: str, **row: Any) -> dict[str, Any]:
    return {"op": "update", "table": "Bridge", "where": [["name", "==", bridge]], "row": row}


async def _done(database: Database, changed: asyncio.Event, operations: Operations) -> None:
    """Write, and wait until ovs-vswitchd has done so."""
    if operations:
        number = await _transact(database, operations)
        await _until(lambda: _seen(database.tables) >= number, changed, _MUTE)


async def _transact(database: Database, operations: Operations) -> int:
    """Write, and return the number that ovs-vswitchd says when it has done so."""
    step = {
        "op": "mutate",
        "table": "Open_vSwitch",
        "where": [],
        "mutations": [["next_cfg", "+=", 1]],
    }
    read = {"op": "select", "table": "Open_vSwitch", "where": [], "columns": ["next_cfg"]}
    results = await database.transact([*operations, step, read])
    return int(results[-1]["rows"][0]["next_cfg"])


def _seen(tables: Tables) -> int:
    (root,) = tables["Open_vSwitch"].values()
    return int(root["cur_cfg"])


async def _until(true: Callable[[], bool], changed: asyncio.Event, otherwise: str) -> None:
    try:
        async with asyncio.timeout(SWITCH_SECONDS):
            while not true():
                changed.clear()
                await changed.wait()
    except TimeoutError:
        raise SwitchError(otherwise) from None


async def put_uplink(address: str, bridge: str, uplink: str, hwaddr: str = "") -> None:
    """Make a NIC a port of a bridge, which takes the MAC address `hwaddr` unless it is empty.

    Raises SwitchError; then all is as it was.
    """
    async with open_database(address) as (database, changed):
        _check_bridge(database, bridge)
        operations = [
            _insert("Interface", "interface", name=uplink),
            _insert("Port", "port", name=uplink, interfaces=["named-uuid", "interface"]),
            _mutation(bridge, "ports", ["named-uuid", "port"]),
            *_hwaddr(bridge, hwaddr),
        ]
        await _done(database, changed, operations)
        made = switch_of(database.tables).bridge(bridge)
        error = next((port.error for port in made.ports if port.name == uplink), "") if made else ""
        if error:
            await _done(database, changed, _port_removed(database, bridge, uplink))
            raise SwitchError(f"Open vSwitch cannot use {uplink}: {error}.")


async def take_uplink(address: str, bridge: str, uplink: str, hwaddr: str = "") -> None:
    """Take a NIC out of a bridge, if it is there; raise SwitchError."""
    async with open_database(address) as (database, changed):
        if _uuids(database, "Bridge", bridge):
            operations = [*_port_removed(database, bridge, uplink), *_hwaddr(bridge, hwaddr)]
            await _done(database, changed, operations)


async def remove_bridge(address: str, bridge: str) -> None:
    """Remove a bridge, if it is there; raise SwitchError."""
    async with open_database(address) as (database, _):
        await _remove_bridge(database, bridge)


def _check_bridge(database: Database, bridge: str) -> None:
    if not _uuids(database, "Bridge", bridge):
        raise NoBridge(f"Open vSwitch has no bridge {bridge}.")


def _hwaddr(bridge: str, hwaddr: str) -> Operations:
    """What gives a bridge a MAC address; its datapath id is kept by `prepare_bridge`."""
    if not hwaddr:
        return []
    where = [["name", "==", bridge]]
    mutations = [
        ["other_config", "delete", ["set", ["hwaddr"]]],
        ["other_config", "insert", ["map", [["hwaddr", hwaddr]]]],
    ]
    return [{"op": "mutate", "table": "Bridge", "where": where, "mutations": mutations}]


def _port_removed(database: Database, bridge: str, port: str) -> Operations:
    """Its row goes with the last that refers to it."""
    where = [["name", "==", bridge]]
    gone = [["ports", "delete", ["uuid", uuid]] for uuid in _uuids(database, "Port", port)]
    return [{"op": "mutate", "table": "Bridge", "where": where, "mutations": gone}] if gone else []

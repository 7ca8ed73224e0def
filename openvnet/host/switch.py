"""Open vSwitch of this host, as its database has it: read, and given a bridge that vna can serve.

What vna itself keeps right afterwards (disable-in-band, max_backoff, names of tables) is in
`openvnet.ovsdb.driver`.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from openvnet.host.errors import SwitchError
from openvnet.ovsdb.client import Columns, Database, Tables, connect
from openvnet.ovsdb.errors import OvsdbError, TransactionError

DEFAULT_DATABASE = "unix:/run/openvswitch/db.sock"
PROTOCOLS = ("OpenFlow10", "OpenFlow12", "OpenFlow13")
NEEDED = "OpenFlow13"
SWITCH_SECONDS = 5.0
"""How long Open vSwitch may take to make a bridge."""

CONNECT_SECONDS = 5.0

NO_MODULE = "this kernel has no openvswitch module"

MONITORED: Mapping[str, Sequence[str]] = {
    "Open_vSwitch": ("next_cfg", "cur_cfg", "datapath_types"),
    "Bridge": (
        *("name", "datapath_id", "datapath_type", "fail_mode", "protocols", "other_config"),
        *("controller", "ports"),
    ),
    "Controller": ("target", "is_connected", "status"),
    "Port": ("name", "interfaces"),
    "Interface": ("name", "type", "mtu", "ofport", "error", "link_state"),
}

Operations = list[dict[str, Any]]


class Controller(msgspec.Struct, frozen=True):
    """Whom a bridge asks."""

    target: str
    connected: bool
    error: str = ""
    """Of the last try to connect, if it failed."""


class SwitchPort(msgspec.Struct, frozen=True):
    """An interface of a bridge."""

    name: str
    type: str
    mtu: int | None
    error: str
    link: str


class Bridge(msgspec.Struct, frozen=True):
    """A bridge and its settings."""

    name: str
    dpid: str
    """As OpenVNet writes it, 0x and 16 digits; empty if ovs-vswitchd has not made the bridge."""
    datapath_type: str
    fail_mode: str
    protocols: tuple[str, ...]
    other_config: dict[str, str]
    controllers: tuple[Controller, ...]
    ports: tuple[SwitchPort, ...]
    """Its own, which has its name, too."""

    @property
    def others(self) -> tuple[SwitchPort, ...]:
        """All ports but its own."""
        return tuple(port for port in self.ports if port.name != self.name)


class Switch(msgspec.Struct, frozen=True):
    """What Open vSwitch's database says."""

    datapath_types: tuple[str, ...]
    bridges: tuple[Bridge, ...]

    def bridge(self, name: str) -> Bridge | None:
        """The bridge of this name."""
        return next((bridge for bridge in self.bridges if bridge.name == name), None)


def switch_of(tables: Tables) -> Switch:
    """The tables of a database, in our words."""
    (root,) = tables.get("Open_vSwitch", {"": {}}).values()
    bridges = (_bridge_of(row, tables) for row in tables.get("Bridge", {}).values())
    return Switch(
        tuple(several(root.get("datapath_types"))),
        tuple(sorted(bridges, key=lambda bridge: bridge.name)),
    )


def _bridge_of(row: Columns, tables: Tables) -> Bridge:
    dpid = _word(row["datapath_id"])
    controllers = (tables["Controller"][uuid] for uuid in several(row["controller"]))
    interfaces = (
        tables["Interface"][interface]
        for port in several(row["ports"])
        for interface in several(tables["Port"][port]["interfaces"])
    )
    return Bridge(
        row["name"],
        f"0x{dpid}" if dpid else "",
        row["datapath_type"],
        _word(row["fail_mode"]),
        tuple(several(row["protocols"])),
        row["other_config"],
        tuple(map(_controller_of, controllers)),
        tuple(map(_port_of, interfaces)),
    )


def _controller_of(row: Columns) -> Controller:
    error = "" if row["is_connected"] else row["status"].get("last_error", "")
    return Controller(row["target"], row["is_connected"], error)


def _port_of(row: Columns) -> SwitchPort:
    mtu = row["mtu"] if isinstance(row["mtu"], int) else None
    return SwitchPort(row["name"], row["type"], mtu, _word(row["error"]), _word(row["link_state"]))


def several(value: Any) -> list[Any]:
    """The members of a set, which OVSDB writes as a plain value if it has just one."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _word(value: Any) -> str:
    return value if isinstance(value, str) else ""


def default_database(variables: Mapping[str, str]) -> str:
    """Where Open vSwitch's own programs would look for its database."""
    own = variables.get("OVS_RUNDIR")
    return f"unix:{own}/db.sock" if own else DEFAULT_DATABASE


async def read_switch(address: str) -> Switch:
    """What Open vSwitch's database says now; raise SwitchError."""
    async with open_database(address) as (database, _):
        return switch_of(database.tables)


@asynccontextmanager
async def open_database(address: str) -> AsyncIterator[tuple[Database, asyncio.Event]]:
    """A database whose tables are kept current, and what tells of a change; raise SwitchError."""
    changed = asyncio.Event()
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            database = await connect(address)
            running = asyncio.create_task(database.run(MONITORED, changed.set))
            telling = asyncio.create_task(changed.wait())
            await asyncio.wait({running, telling}, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                running.result()
        try:
            yield database, changed
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
    except ValueError as error:
        raise SwitchError(f"--ovsdb: {error}") from None
    except TransactionError as error:
        raise SwitchError(str(error)) from None
    except (OSError, OvsdbError) as error:  # TimeoutError is an OSError.
        raise SwitchError(unreachable(address, error)) from None


def unreachable(address: str, error: Exception) -> str:
    """Why Open vSwitch's database does not answer, and what would help."""
    why = getattr(error, "strerror", None) or str(error) or "it does not answer in time"
    if isinstance(error, PermissionError):
        remedy = "Run this as root, or let your user open that socket"
    else:
        remedy = (
            "Start it (`systemctl start openvswitch-switch`), install it "
            "(`apt install openvswitch-switch`), or name another with --ovsdb"
        )
    return f"Open vSwitch does not answer at {address}: {why}. {remedy}."


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
        if operations:
            number = await _transact(database, operations)
            await _until(lambda: _seen(database.tables) >= number, changed, _MUTE)
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
    bridges = database.tables["Bridge"].items()
    gone = [["bridges", "delete", ["uuid", uuid]] for uuid, row in bridges if row["name"] == name]
    root = {"op": "mutate", "table": "Open_vSwitch", "where": [], "mutations": gone}
    await _transact(database, [root])


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


async def _until(true: Any, changed: asyncio.Event, otherwise: str) -> None:
    try:
        async with asyncio.timeout(SWITCH_SECONDS):
            while not true():
                changed.clear()
                await changed.wait()
    except TimeoutError:
        raise SwitchError(otherwise) from None

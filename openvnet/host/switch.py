"""Open vSwitch of this host, as its database has it. `bridging` writes to it."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from openvnet.host.errors import SwitchError
from openvnet.ovsdb.client import Columns, Database, Tables, connect
from openvnet.ovsdb.errors import OvsdbError, TransactionError

DEFAULT_DATABASE = "unix:/run/openvswitch/db.sock"
PROTOCOLS = ("OpenFlow10", "OpenFlow12", "OpenFlow13")
NEEDED = "OpenFlow13"

CONNECT_SECONDS = 5.0

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

"""What an agent wants of its bridge beside flows, and what it learns from OVSDB.

Settings are reconciled like anything else: read what is, write the difference, and nothing if there
is none. Each is there for a reason:

- `fail_mode=secure`: in `standalone`, Open vSwitch flushes all flows and forwards everything
  everywhere once its controller has been silent for 15 s. Written only after our flows are in.
- `disable-in-band=true`: the hidden in-band flows bypass the pipeline.
- `max_backoff` of about 1000: else Open vSwitch tries a controller that went away only every 8 s.
  An ovs-vswitchd that starts with the value in its database overlooks it (3.1 does), and only a
  change wakes it: so it is changed, back and forth, for each that starts.
- flow table names: `ovs-ofctl --names dump-flows` then reads in our words.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from openvnet.ovsdb.client import Columns, Database, Tables
from openvnet.ovsdb.tunnels import OURS

MONITORED: Mapping[str, tuple[str, ...]] = {
    "Bridge": ("name", "datapath_id", "fail_mode", "other_config", "controller", "flow_tables"),
    "Controller": ("target", "max_backoff"),
    "Interface": ("name", "type", "options", "external_ids", "error"),
    "Port": ("name", "interfaces", "external_ids"),
    "Flow_Table": ("name",),
}
MAX_BACKOFFS = (1000, 1001)
"""Milliseconds between tries to reach the controller, at most; either is as good."""


def identities(tables: Tables) -> dict[str, str]:
    """The iface-id of each interface that has one, by the interface's name."""
    return {
        row["name"]: row["external_ids"]["iface-id"]
        for row in tables.get("Interface", {}).values()
        if row.get("external_ids", {}).get("iface-id")
    }


def is_of_use(table: str, row: Columns) -> bool:
    """Whether a row needs to be kept: of ports, bonds, which have several interfaces, and ours."""
    if table != "Port" or isinstance(row["interfaces"], list):
        return True
    return OURS in row.get("external_ids", {})


def bonds(tables: Tables) -> dict[str, str]:
    """The bond of each interface that is a member of one: both by name."""
    interfaces = tables.get("Interface", {})
    return {
        interfaces[uuid]["name"]: bond["name"]
        for bond in tables.get("Port", {}).values()
        if isinstance(bond["interfaces"], list)
        for uuid in bond["interfaces"]
        if uuid in interfaces
    }


def settings(
    tables: Tables,
    dpid: str,
    table_names: Mapping[int, str],
    *,
    secure: bool,
    overlooked: bool = False,
) -> Iterator[tuple[str, dict[str, Any]]]:
    """What to write so that the bridge is as it must be: a sentence and an operation each.

    `secure` lets the fail mode be set; `overlooked` says that ovs-vswitchd has just started.
    """
    for uuid, bridge in tables.get("Bridge", {}).items():
        if bridge["datapath_id"] == dpid.removeprefix("0x"):
            yield from _bridge_settings(uuid, bridge, secure)
            yield from _controller_settings(bridge, tables, overlooked)
            yield from _table_names(uuid, bridge, tables, table_names)


def _bridge_settings(
    uuid: str, bridge: Columns, secure: bool
) -> Iterator[tuple[str, dict[str, Any]]]:
    name = bridge["name"]
    if bridge["other_config"].get("disable-in-band") != "true":
        mutations: list[list[Any]] = [
            ["other_config", "delete", ["set", ["disable-in-band"]]],
            ["other_config", "insert", ["map", [["disable-in-band", "true"]]]],
        ]
        operation: dict[str, Any] = {"op": "mutate", "table": "Bridge", "mutations": mutations}
        yield f"bridge {name}: disable-in-band=true", operation | _only(uuid)
    if secure and bridge["fail_mode"] != "secure":
        operation = {"op": "update", "table": "Bridge", "row": {"fail_mode": "secure"}}
        yield f"bridge {name}: fail_mode=secure, so that it stays isolated", operation | _only(uuid)


def _controller_settings(
    bridge: Columns, tables: Tables, overlooked: bool
) -> Iterator[tuple[str, dict[str, Any]]]:
    for uuid in _several(bridge["controller"]):
        controller = tables.get("Controller", {}).get(uuid)
        if controller and (overlooked or controller["max_backoff"] not in MAX_BACKOFFS):
            wanted = MAX_BACKOFFS[controller["max_backoff"] == MAX_BACKOFFS[0]]
            operation = {"op": "update", "table": "Controller", "row": {"max_backoff": wanted}}
            sentence = f"controller {controller['target']}: max_backoff={wanted}"
            yield sentence, operation | _only(uuid)


def _table_names(
    uuid: str, bridge: Columns, tables: Tables, wanted: Mapping[int, str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    known = tables.get("Flow_Table", {})
    for number, name in wanted.items():
        row = bridge["flow_tables"].get(number)
        if row is None:
            fresh = f"table{number}"
            yield (
                f"bridge {bridge['name']}: table {number} is {name}",
                {"op": "insert", "table": "Flow_Table", "uuid-name": fresh, "row": {"name": name}},
            )
            mutation = ["flow_tables", "insert", ["map", [[number, ["named-uuid", fresh]]]]]
            yield "", {"op": "mutate", "table": "Bridge", "mutations": [mutation]} | _only(uuid)
        elif known.get(row, {}).get("name") != name:
            operation = {"op": "update", "table": "Flow_Table", "row": {"name": name}}
            yield f"bridge {bridge['name']}: table {number} is {name}", operation | _only(row)


def _only(uuid: str) -> dict[str, Any]:
    return {"where": [["_uuid", "==", ["uuid", uuid]]]}


def _several(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


async def write_settings(
    database: Database,
    dpid: str,
    table_names: Mapping[int, str],
    *,
    secure: bool,
    overlooked: bool = False,
) -> list[str]:
    """Write what differs, in one transaction; return a sentence for each setting written."""
    found = settings(database.tables, dpid, table_names, secure=secure, overlooked=overlooked)
    wanted = list(found)
    if wanted:
        await database.transact([operation for _, operation in wanted])
    return [sentence for sentence, _ in wanted if sentence]

"""The ports that tunnels begin and end at: made where they are wanted, and removed where not.

There is one for each encapsulation, whatever the number of hosts: flows say for each packet where
its tunnel leads, and with which number. A port is ours if its `external_ids` name our bridge, which
holds after any restart. A port of somebody else is left alone, also if it has a name that we want.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from openvnet.ovsdb.client import Columns, Database, Tables
from openvnet.ovsdb.errors import TransactionError

OURS = "openvnet-tunnel"
"""The key in `external_ids` whose value is the datapath id of the bridge that a tunnel is for."""

OPTIONS = {"remote_ip": "flow", "local_ip": "flow", "key": "flow"}

NOT_OURS = "a port of this name is there that OpenVNet did not make; rename or remove it"

Operation = dict[str, Any]


def tunnels(tables: Tables, dpid: str, names: Collection[str]) -> dict[str, str]:
    """The ports that have these names, each with what is wrong with it; nothing if it is well."""
    return {
        row["name"]: (_error(row) if _is_ours(row, dpid) else NOT_OURS)
        for row in tables.get("Interface", {}).values()
        if row["name"] in names
    }


def _is_ours(row: Columns, dpid: str) -> bool:
    ours: bool = row["external_ids"].get(OURS) == _digits(dpid)
    return ours


def _error(row: Columns) -> str:
    return str(row["error"]) if row["error"] else ""


def _digits(dpid: str) -> str:
    return dpid.removeprefix("0x")


def operations(
    tables: Tables, dpid: str, wanted: Mapping[str, str], *, may_remove: bool
) -> Iterator[tuple[str, str, list[Operation]]]:
    """What is to be done: a port's name, a sentence, and operations of one transaction.

    `wanted` are types by name.
    """
    bridges = tables.get("Bridge", {}).items()
    bridge = next((uuid for uuid, row in bridges if row["datapath_id"] == _digits(dpid)), None)
    if bridge is None:
        return
    found = {row["name"]: (uuid, row) for uuid, row in tables.get("Interface", {}).items()}
    for name, type in wanted.items():
        if name not in found:
            yield name, f"port {name} is added, for tunnels", _adding(bridge, dpid, name, type)
        elif _is_ours(found[name][1], dpid) and not _is_right(found[name][1], type):
            row = {"type": type, "options": _map(OPTIONS)}
            change = {"op": "update", "table": "Interface", "row": row, **_only(found[name][0])}
            yield name, f"port {name} is made a tunnel of {type} again", [change]
    for uuid, port in tables.get("Port", {}).items() if may_remove else ():
        if _is_ours(port, dpid) and port["name"] not in wanted:
            gone = [["ports", "delete", ["uuid", uuid]]]
            removal = {"op": "mutate", "table": "Bridge", "mutations": gone, **_only(bridge)}
            yield port["name"], f"port {port['name']} is removed: no tunnel needs it", [removal]


def again(tables: Tables, dpid: str) -> list[Operation]:
    """What makes Open vSwitch try again to make those of ours that it could not; else nothing.

    It tries when it is told that its configuration is another one, as `ovs-vsctl` always does; by
    then, what was in the way may be gone.
    """
    rows = tables.get("Interface", {}).values()
    if not any(_is_ours(row, dpid) and _error(row) for row in rows):
        return []
    mutations = [["next_cfg", "+=", 1]]
    return [{"op": "mutate", "table": "Open_vSwitch", "mutations": mutations, "where": []}]


def _is_right(row: Columns, type: str) -> bool:
    return bool(row["type"] == type and row["options"] == OPTIONS)


def _adding(bridge: str, dpid: str, name: str, type: str) -> list[Operation]:
    ours = {"name": name, "external_ids": _map({OURS: _digits(dpid)})}
    interface = {**ours, "type": type, "options": _map(OPTIONS)}
    port = {**ours, "interfaces": ["named-uuid", "interface"]}
    added = [["ports", "insert", ["named-uuid", "port"]]]
    return [
        {"op": "insert", "table": "Interface", "uuid-name": "interface", "row": interface},
        {"op": "insert", "table": "Port", "uuid-name": "port", "row": port},
        {"op": "mutate", "table": "Bridge", "mutations": added, **_only(bridge)},
    ]


def _map(content: Mapping[str, str]) -> list[Any]:
    return ["map", [[key, value] for key, value in content.items()]]


def _only(uuid: str) -> Operation:
    return {"where": [["_uuid", "==", ["uuid", uuid]]]}


async def write_tunnels(
    database: Database, dpid: str, wanted: Mapping[str, str], *, may_remove: bool
) -> tuple[list[str], dict[str, str]]:
    """Write what differs, port by port; return what was done, and why some could not be."""
    done, refused = [], {}
    found = list(operations(database.tables, dpid, wanted, may_remove=may_remove))
    for name, sentence, transaction in found:
        try:
            await database.transact(transaction)
        except TransactionError as error:
            refused[name] = str(error)
        else:
            done.append(sentence)
    return done, refused

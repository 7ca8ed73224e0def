"""Lists: which rows are asked for, in which order, and which part of them.

They are found in the replica, so that all databases answer alike (MariaDB holds "a" and "A" for
equal, PostgreSQL and SQLite do not), and no list waits for one. Whatever takes long is done in
slices, between which others get their turn; rows are frozen, so a list is of one moment.
"""

import asyncio
from collections.abc import Callable, Hashable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from openvnet.manager.errors import InvalidArgument
from openvnet.manager.replica import Replica
from openvnet.manager.rights import is_confined, sees
from openvnet.model import Network, NetworkProject, Resource, Row, indexes
from openvnet.model.filters import RELATED, Related, filters
from openvnet.model.rights import LOCAL, Caller

SLICE = 5000
"""Rows that are looked at without a pause for others."""

CREATED = "created"
"""Lists can be sorted by it, although it is no attribute: the revision that made a row."""

Filters = Mapping[str, Hashable]
"""The value that is wanted of each attribute; None: that it has none."""


async def listed(
    replica: Replica,
    resource: Resource,
    wanted: Filters,
    sort: Sequence[str] = (),
    among: list[Any] | None = None,
    caller: Caller = LOCAL,
) -> list[Row]:
    """All rows with these values, in this order; by default in the order of creation.

    `among` are the rows below a parent; None: there is no parent, and it may be any.
    """
    known = filters(resource)
    for name in wanted:
        if name not in known:
            raise InvalidArgument(f"{name} is nothing that {resource.one} has.")
    related = RELATED.get(resource.kind, {})
    own = {name: value for name, value in wanted.items() if name not in related}
    asked = [(related[name], wanted[name]) for name in wanted if name in related]
    rows = among
    if rows is None:
        rows = await _candidates(replica, resource, asked, own, caller)
    if caller.role != "admin":
        rows = await _seen(replica, rows, caller)
    for name, value in own.items():
        rows = await _with(rows, name, value)
    for key in reversed(sort):
        rows = await _sorted(replica, rows, key.removeprefix("-"), key.startswith("-"))
    return rows


async def _candidates(
    replica: Replica,
    resource: Resource,
    related: Sequence[tuple[Related, Any]],
    own: Filters,
    caller: Caller,
) -> list[Any]:
    """Rows among which all that are wanted are, in the order of creation: as few as is quick."""
    kind, found = resource.kind, None
    for relation, value in related:
        uuids = await _owners(replica, kind, relation, value)
        found = uuids if found is None else found & uuids
    if found is not None:
        return replica.in_order(kind, found)
    if "uuid" in own:
        row = replica.get(kind, str(own["uuid"]))
        return [] if row is None else [row]
    if indexed := next((name for name in own if name in indexes(kind)), None):
        return replica.where(kind, **{indexed: own[indexed]})
    if is_confined(caller) and "project_uuid" in indexes(kind):
        return _of_project(replica, kind, str(caller.project_uuid))
    return replica.every(kind)


def _of_project(replica: Replica, kind: type[Any], project_uuid: str) -> list[Any]:
    """The rows of a project, and the networks that are shared: few of many, usually."""
    found = dict.fromkeys(replica.state.members(kind, "project_uuid", project_uuid))
    if kind is Network:
        found |= dict.fromkeys(replica.state.members(kind, "shared", True))
        shares = replica.where(NetworkProject, project_uuid=project_uuid)
        found |= dict.fromkeys(share.network_uuid for share in shares)
    return replica.in_order(kind, found)


async def _seen(replica: Replica, rows: list[Any], caller: Caller) -> list[Any]:
    """Those that exist for a caller."""
    found: list[Any] = []
    for start in range(0, len(rows), SLICE):
        if start:
            await asyncio.sleep(0)
        found += (row for row in rows[start : start + SLICE] if sees(caller, row, replica))
    return found


async def _owners(replica: Replica, kind: type[Any], relation: Related, value: Any) -> set[str]:
    """The uuids of what the related rows with a value refer to; None: of what has no such row."""
    rows: list[Any]
    if value is None:
        rows = await _scanned(replica.every(relation.kind), relation.name, (None, ""), False)
        having = {getattr(row, relation.reference) for row in rows}
        return {row.uuid for row in replica.every(kind) if row.uuid not in having}
    if relation.name in indexes(relation.kind):
        members = replica.state.members(relation.kind, relation.name, value)
        table = replica.state.rows.get(relation.kind, {})
        return {getattr(table[uuid], relation.reference) for uuid in members}
    rows = await _scanned(replica.every(relation.kind), relation.name, (value,), True)
    return {getattr(row, relation.reference) for row in rows}


async def _with(rows: list[Any], name: str, value: Any) -> list[Any]:
    """Those of which an attribute has a value; None stands for the empty text, too."""
    return await _scanned(rows, name, (None, "") if value is None else (value,), True)


async def _scanned(rows: list[Any], name: str, values: tuple[Any, ...], among: bool) -> list[Any]:
    """Those of which an attribute is among these values, or those of which it is not."""
    found: list[Any] = []
    for start in range(0, len(rows), SLICE):
        if start:
            await asyncio.sleep(0)
        part = rows[start : start + SLICE]
        found += [row for row in part if (getattr(row, name) in values) is among]
    return found


async def _sorted(replica: Replica, rows: list[Any], name: str, falls: bool) -> list[Any]:
    """Rows by an attribute; those without it come first, and those that are equal as before.

    Each slice is sorted by itself; the whole then consists of runs, which are merged quickly.
    """
    key: Callable[[Any], Any] = replica.created if name == CREATED else attrgetter(name)
    lacking = [] if name == CREATED else await _scanned(rows, name, (None,), True)
    having = await _scanned(rows, name, (None,), False) if lacking else rows
    runs: list[Any] = []
    for start in range(0, len(having), SLICE):
        if start:
            await asyncio.sleep(0)
        runs += sorted(having[start : start + SLICE], key=key, reverse=falls)
    runs.sort(key=key, reverse=falls)
    return runs + lacking if falls else lacking + runs

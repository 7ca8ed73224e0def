"""What a document wants, held against what there is: which rows it means, and what differs.

A resource is known by its uuid; what is below one and has no name of its own by what it relates
to, by its address, or by all that the document says of it. Only what the document says counts: a
field that it leaves out may be anything. What is nested is exact, but for what vnmgr has made by
itself (of a topology): documents know nothing of that.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from openvnet.manager.carrying import is_made
from openvnet.manager.interfaces import PARAMETERS
from openvnet.manager.ports import singular
from openvnet.manager.rules import DESCRIPTIONS
from openvnet.model import (
    RESOURCES,
    Interface,
    InterfacePort,
    IpLease,
    MacLease,
    Resource,
    Row,
    TranslationStaticAddress,
)
from openvnet.model.documents import LINKS
from openvnet.model.operations import change
from openvnet.model.rows import Rows
from openvnet.store.transaction import referrers
from openvnet.wire.messages import Wanted

Values = Mapping[str, Any]
COLLECTIONS = {resource.collection: resource for resource in RESOURCES}

KEYS: Mapping[type[Any], tuple[str, ...]] = {
    MacLease: ("mac_address",),
    IpLease: ("network_uuid", "ipv4_address"),
    **{resource.kind: (resource.related,) for resource in RESOURCES if resource.related},
}
"""By what rows without a name are known, where not all that is said of them has to fit."""

ACTED = {IpLease: ("interface_uuid", "mac_lease_uuid")}
"""Fields that are not changed by an update, but by actions."""


class Scope(NamedTuple):
    """What a document wants of one kind at one place: below a parent exactly this."""

    resource: Resource
    parent: Wanted | None
    wanted: Sequence[Wanted]


class Matched(NamedTuple):
    """What of a scope is there."""

    pairs: Sequence[tuple[Wanted, Row | None]]
    extra: Sequence[Row]
    """Rows below the parent that the document does not name."""


@contextmanager
def at(wanted: Wanted) -> Iterator[None]:
    """Say of a failure where in the document its reason stands."""
    try:
        yield
    except Exception as failure:
        if not getattr(failure, "__notes__", ()):
            failure.add_note(f"{wanted.at}: ")
        raise


def scopes(trees: Sequence[Wanted]) -> Iterator[Scope]:
    """All places of a document, a parent before what is below it."""
    by_collection: dict[str, list[Wanted]] = {}
    for tree in trees:
        by_collection.setdefault(tree.collection, []).append(tree)
    for collection, wanted in by_collection.items():
        yield Scope(COLLECTIONS[collection], None, wanted)
    for tree in trees:
        yield from _below(tree)


def _below(wanted: Wanted) -> Iterator[Scope]:
    for collection, parts in wanted.parts.items():
        yield Scope(COLLECTIONS[collection], wanted, parts)
        for part in parts:
            yield from _below(part)


def differs(rows: Rows, tree: Wanted) -> bool:
    """Whether anything is not as a document wants it."""
    resource = COLLECTIONS[tree.collection]
    row = rows.get(resource.kind, tree.uuid or "")
    return row is None or _differs(rows, resource, tree, row, None)


def _differs(rows: Rows, resource: Resource, wanted: Wanted, row: Row, parent: Row | None) -> bool:
    if difference(resource, wanted, row, parent):
        return True
    for collection, parts in wanted.parts.items():
        below = COLLECTIONS[collection]
        matches = matched(rows, below, parts, row)
        if matches.extra:
            return True
        for part, found in matches.pairs:
            if found is None or _differs(rows, below, part, found, row):
                return True
    return False


def difference(resource: Resource, wanted: Wanted, row: Row, parent: Row | None) -> dict[str, Any]:
    """The fields of a row that are not as wanted, as they are to be."""
    fields = fields_of(resource, wanted, parent)
    return {name: value for name, value in fields.items() if getattr(row, name) != value}


def fixed(resource: Resource, names: Values) -> list[str]:
    """Those of some fields that cannot be changed once the resource is there."""
    changeable = {*change(resource), *ACTED.get(resource.kind, ())}
    return [name for name in names if name not in changeable]


def is_value(resource: Resource) -> bool:
    """Whether it is no more than what is said of it, so that another one is as good."""
    return resource.parent is not None and not referrers(resource.kind)


def matched(
    rows: Rows,
    resource: Resource,
    wanted: Sequence[Wanted],
    parent: Row | None,
    *,
    top: bool = False,
) -> Matched:
    """What is there of what is wanted, at the `top` or below a parent (None: not there yet)."""
    if top:
        return Matched([(each, rows.get(resource.kind, each.uuid or "")) for each in wanted], ())
    link = LINKS[resource.kind]
    below: list[Row] = [] if parent is None else rows.where(resource.kind, **{link: parent.uuid})
    free = {row.uuid: row for row in below if not is_made(row)}
    if not free:  # As it is for all that is new.
        get = rows.get
        return Matched([(each, get(resource.kind, each.uuid or "")) for each in wanted], ())
    found: dict[int, Row | None] = {}
    unnamed: list[tuple[int, dict[str, Any]]] = []
    for index, each in enumerate(wanted):
        if each.uuid is None:
            with at(each):
                unnamed.append((index, fields_of(resource, each, parent)))
        else:
            found[index] = free.pop(each.uuid, None) or rows.get(resource.kind, each.uuid)
    found |= _unnamed(resource, unnamed, free)
    pairs = [(each, found[index]) for index, each in enumerate(wanted)]
    return Matched(pairs, list(free.values()))


def _unnamed(
    resource: Resource, wanted: Sequence[tuple[int, dict[str, Any]]], free: dict[str, Row]
) -> Iterator[tuple[int, Row | None]]:
    """The rows that are meant by what is said of them; what is said most of finds first."""
    indexes: dict[tuple[str, ...], dict[tuple[Any, ...], list[Row]]] = {}
    for index, fields in sorted(wanted, key=lambda each: -len(each[1])):
        known = KEYS.get(resource.kind, tuple(fields))
        names = tuple(sorted(name for name in known if name in fields))
        if names not in indexes:
            indexes[names] = {}
            for each in reversed(free.values()):
                values = tuple(getattr(each, name) for name in names)
                indexes[names].setdefault(values, []).append(each)
        candidates = indexes[names].get(tuple(fields[name] for name in names), [])
        row: Row | None = None
        while candidates and row is None:
            row = free.pop(candidates.pop().uuid, None)
        yield index, row


def fields_of(resource: Resource, wanted: Wanted, parent: Row | None) -> dict[str, Any]:
    """The fields that a row has if it is as wanted."""
    describe = _FIELDS.get(resource.kind)
    fields = dict(describe(wanted.values) if describe else wanted.values)
    if parent is not None:
        fields[LINKS[resource.kind]] = parent.uuid
        if isinstance(parent, MacLease):
            fields["interface_uuid"] = parent.interface_uuid
    return fields


def _of_interface(values: Values) -> Values:
    """Without what only says how its ports and leases begin."""
    return {name: value for name, value in values.items() if name not in PARAMETERS}


def _of_port(values: Values) -> Values:
    fields = {name: values.get(name) or None for name in ("port_name", "datapath_uuid")}
    said = "singular" in values or values.get("datapath_uuid")
    return {**fields, "singular": singular(values)} if said else fields


def _of_static_address(values: Values) -> Values:
    fields = DESCRIPTIONS[TranslationStaticAddress](values)
    return {name: value for name, value in fields.items() if not name.endswith("_network_uuid")}


_FIELDS: Mapping[type[Any], Callable[[Values], Values]] = {
    **DESCRIPTIONS,
    TranslationStaticAddress: _of_static_address,
    Interface: _of_interface,
    InterfacePort: _of_port,
}
"""What is not said of a row in its own fields."""

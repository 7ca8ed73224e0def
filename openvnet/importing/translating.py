"""Rows of the original, translated into rows of ours, or the reason why one cannot be.

Integer ids become uuids: those that people know, with their prefix; rows that never had one get
one made of their id, so that a second reading tells the same. What is wrong with one row leaves
out those that refer to it too, each with its reason.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple, get_args, get_type_hints

import msgspec

from openvnet.consistency import Known
from openvnet.importing.original import OldRow, Original
from openvnet.importing.rules import Rules
from openvnet.importing.tables import CARRIED, Carried, Unfit
from openvnet.model import RESOURCES, Project, Row, attributes
from openvnet.model.belonging import DEFAULT_PROJECT

_PREFIXES = {resource.kind: resource.prefix for resource in RESOURCES}


class Told(NamedTuple):
    """What is to be said of one row of the original."""

    table: str
    id: int
    uuid: str
    """As people know it; empty if it never had one."""
    words: str


class Translated(NamedTuple):
    """What came of a database of the original."""

    rows: Mapping[type[Any], list[tuple[Row, int]]]
    """By class, each with the original's id, which says in which order they were made."""
    found: Mapping[str, int]
    carried: Mapping[str, int]
    changed: list[Told]
    """Rows that were carried over with another value."""
    refused: list[Told]
    """Rows that were not."""
    left: Mapping[str, int]
    """Rows of a table that follow from others here, and need not be carried over."""


class World:
    """What has been carried over so far, and the original beside it."""

    def __init__(self, original: Original) -> None:
        self.original = original
        self.uuids: dict[tuple[str, int], str] = {}
        """Of what was carried over, by table and id."""
        self.known = Known()
        self.known.add(Project(uuid=DEFAULT_PROJECT))
        self.rules = Rules(self.known)
        self.notes: list[str] = []
        """What has to be changed of the row that is being translated."""
        self._vni = 0

    def uuid(self, table: str, id: int | None, name: str) -> str | None:
        """The uuid of a row that another refers to; None for none. Raise Unfit."""
        if id is None:
            return None
        if (found := self.uuids.get((table, id))) is not None:
            return found
        gone = "was not carried over" if id in self.original.rows[table] else "does not exist"
        raise Unfit(f"{name} {id}: that row of {table} {gone}")

    def note(self, words: str) -> None:
        """Say what is changed of the row."""
        self.notes.append(words)

    def first_ip_lease(self, interface_uuid: str | None) -> str | None:
        """The first IP lease of an interface, if it has any."""
        return next(iter(self.rules.addresses.get(interface_uuid or "", ())), None)

    def allotted_vni(self) -> int:
        """The next number that packets carry."""
        self._vni += 1
        return self._vni


def translated(original: Original) -> Translated:
    """All rows that can be carried over, and what is to be said of the others."""
    world = World(original)
    made: dict[type[Any], list[tuple[Row, int]]] = {carried.kind: [] for carried in CARRIED}
    left: dict[str, int] = {}
    changed: list[Told] = []
    refused: list[Told] = []
    for carried in CARRIED:
        for old in original.rows[carried.table].values():
            if carried.follows and carried.follows(old):
                left[carried.table] = left.get(carried.table, 0) + 1
                continue
            uuid = _uuid(carried, old)
            shown = uuid if old.get("uuid") else ""
            world.notes.clear()
            try:
                row = _row(world, carried, old, uuid)
            except Unfit as reason:
                refused.append(Told(carried.table, old["id"], shown, f"{reason}."))
                continue
            made[carried.kind].append((row, old["id"]))
            world.uuids[carried.table, old["id"]] = uuid
            changed += (Told(carried.table, old["id"], shown, f"{note}.") for note in world.notes)
    return Translated(
        made,
        {carried.table: len(original.rows[carried.table]) for carried in CARRIED},
        {carried.table: len(made[carried.kind]) for carried in CARRIED},
        changed,
        refused,
        left,
    )


def _row(world: World, carried: Carried, old: OldRow, uuid: str) -> Row:
    """The row that one of the original's becomes; raise Unfit."""
    values = {"uuid": uuid, **_plain(carried, old), **carried.more(world, old)}
    for name in _needed(carried):
        if values.get(name, "") is None:
            raise Unfit(f"{name.replace('_uuid', '_id')} is none")
    try:
        row: Row = msgspec.convert(values, carried.kind)
    except msgspec.ValidationError as error:
        raise Unfit(str(error)) from None
    if wrong := world.rules.complaint(row) or world.known.add(row):
        raise Unfit(wrong)
    world.rules.took(row)
    return row


def _plain(carried: Carried, old: OldRow) -> dict[str, Any]:
    """The values of the columns that are called as our attributes are."""
    return {
        name: bool(old[name]) if is_boolean else old[name]
        for name, is_boolean, optional in _columns(carried)
        if name in old and (optional or old[name] is not None)
    }


@cache
def _columns(carried: Carried) -> tuple[tuple[str, bool, bool], ...]:
    """The attributes: the name, whether it is a boolean, whether it may be none."""
    kind = carried.kind
    hints = get_type_hints(kind)
    return tuple(
        (name, attribute.type.name == "boolean", type(None) in get_args(hints[name]))
        for name, attribute in attributes(kind).items()
        if name != "uuid" and not attribute.type.refers_to
    )


@cache
def _needed(carried: Carried) -> tuple[str, ...]:
    """The attributes that may not be none."""
    hints = get_type_hints(carried.kind)
    names = attributes(carried.kind)
    return tuple(name for name in names if type(None) not in get_args(hints[name]))


def _uuid(carried: Carried, old: OldRow) -> str:
    return f"{_PREFIXES[carried.kind]}-{old.get('uuid') or old['id']}"

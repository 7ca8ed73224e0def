"""One write: rows read, put and deleted, which all become one revision or never happened.

A `Transaction` is read like a `state.View`, and remembers what it changed, before and after. It
lives within a commit of the store's (`store.database`); nobody else writes meanwhile, so
what it has read once it keeps.
"""

from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence
from functools import cache
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import (
    Connection,
    Delete,
    Insert,
    Select,
    Table,
    Update,
    bindparam,
    delete,
    func,
    insert,
    literal,
    select,
    union_all,
)
from sqlalchemy import update as update_of

from openvnet.model import RESOURCES, Resource, Rights, Row, attributes
from openvnet.model.ownership import projects_of
from openvnet.store.errors import Taken
from openvnet.store.memory import Memory
from openvnet.store.schema import TABLES
from openvnet.store.sending import Unsent

R = TypeVar("R")
Kind = type[Any]

MOST_AT_ONCE = 500
"""Values that one query asks for."""
MOST_REFERRED = 100
"""Rows whose referrers one query asks for: it names them once for each of twenty tables."""


class Change(NamedTuple):
    """What a revision did to a row."""

    kind: Kind
    uuid: str
    before: Row | None
    after: Row | None
    projects: str = ""
    """Of which it is, with spaces between them."""


class Transaction:
    """The rows as this write sees them."""

    def __init__(
        self, connection: Connection, number: int, time: int = 0, memory: Memory | None = None
    ) -> None:
        self._connection = connection
        self.unsent = Unsent(connection)
        """What is to be stored, and the database has not been told yet."""
        self._memory = memory
        self.number = number
        """Of the revision that this will be."""
        self.time = time
        """When it is written, in seconds since 1970, UTC."""
        self.rights = Rights()
        """Of whoever writes."""
        self._read: dict[tuple[Kind, str], Any] = {}
        self._before: dict[tuple[Kind, str], Any] = {}

    @property
    def connection(self) -> Connection:
        """The database, which knows of all that was stored until now. Raise Refused."""
        self.send()
        return self._connection

    def send(self) -> None:
        """Have the database say now what it refuses of what was stored. Raise Refused."""
        self.unsent.send()

    def get(self, kind: type[R], uuid: str) -> R | None:
        """The row, or None."""
        if (kind, uuid) not in self._read:
            if self._memory:
                self._read[kind, uuid] = self._memory.get(kind, uuid)
            else:
                found = self.connection.execute(_one(TABLES[kind]), {"uuid": uuid}).first()
                self._read[kind, uuid] = None if found is None else row_of(kind, found)
        found_before: R | None = self._read[kind, uuid]
        return found_before

    def where(self, kind: type[R], **by: Hashable) -> list[R]:
        """The rows with these values (None: that have none), in the order of their creation."""
        known = self._memory.where(kind, by, self._changed()) if self._memory else None
        if known is not None:
            return known
        query = _where(TABLES[kind], tuple(by), tuple(value is None for value in by.values()))
        return [row_of(kind, found) for found in self.connection.execute(query, by)]

    def holders(self, kinds: tuple[Kind, ...], name: str, value: int) -> list[Row]:
        """The rows of several classes with a value in an index that all of them have."""
        if self._memory:
            changed, by = self._changed(), {name: value}
            known = [self._memory.where(kind, by, changed) for kind in kinds]
            if None not in known:
                return [row for rows in known for row in rows or ()]
        found = self.connection.execute(_holding(kinds, name), {"value": value})
        rows = (self.get(kinds[number], uuid) for number, uuid in found)
        return [row for row in rows if row is not None]

    def count(self, kind: Kind, most: int, **by: Hashable) -> int:
        """How many rows have these values; it counts to `most` only."""
        query = _count(TABLES[kind], tuple(by), most)
        return self.connection.execute(query, by).scalar_one()

    def among(self, kind: type[R], name: str, values: Collection[Hashable]) -> list[R]:
        """The rows with one of these values; those with the same in the order of their creation."""
        if self._memory and name == "uuid":
            return self._memory.among(kind, map(str, values), self._changed())
        query, rest = _among(TABLES[kind], name), iter(values)
        rows: list[R] = []
        while part := list(islice(rest, MOST_AT_ONCE)):
            found = self.connection.execute(query, {"values": part})
            rows += (row_of(kind, each) for each in found)
        return rows

    def taken(self, kinds: tuple[Kind, ...], name: str, values: Collection[int]) -> set[int]:
        """Which of these values rows of several classes have in a column that all of them have."""
        found = self.connection.execute(_taken(kinds, name), {"values": list(values)})
        return set(found.scalars())

    def neighbours(self, kind: Kind, uuid: str, count: int) -> list[str]:
        """The uuids next to one in the alphabet, up to `count` before it and as many after it."""
        given = {"uuid": uuid, "count": count}
        before = self.connection.execute(_names_before(TABLES[kind]), given).scalars()
        after = self.connection.execute(_names_after(TABLES[kind]), given).scalars()
        return [*before, *after]

    def numbers(self, kind: Kind, name: str) -> Iterator[int]:
        """The values of a column, from the greatest down."""
        column = TABLES[kind].c[name]
        yield from self.connection.execute(select(column).order_by(column.desc())).scalars()

    def between(
        self,
        kind: Kind,
        name: str,
        least: int,
        most: int,
        *,
        descending: bool = False,
        **by: Hashable,
    ) -> Iterator[int]:
        """The values of a column from one to another, both included, in order, of some rows."""
        table = TABLES[kind]
        column = table.c[name]
        query = select(column).where(column.between(least, most))
        query = query.where(*(table.c[field] == value for field, value in by.items()))
        ordered = query.order_by(column.desc() if descending else column)
        yield from self.connection.execute(ordered).scalars()

    def put(self, row: Row) -> None:
        """Store a row in place of the one with its uuid, if there is one.

        If the database refuses it, that is known with `send`, or once it is asked something.
        """
        before = self.get(type(row), row.uuid)
        if before == row:
            return
        values = columns_of(row)
        if before is None:
            values["created"] = self.number
            self.unsent.add(_insert(TABLES[type(row)]), values, row)
        else:
            values["row_uuid"] = row.uuid
            self.unsent.add(_update(TABLES[type(row)]), values, row)
        self._note(type(row), row.uuid, before, row)

    def delete(self, row: Row) -> None:
        """Delete a row, and the rows that refer to it, and those that refer to them."""
        first = self.get(type(row), row.uuid)
        levels = [[first]] if first is not None else []
        going = {(type(row), row.uuid)}
        while levels and levels[-1]:
            found = [each for each in self._referring(levels[-1]) if each not in going]
            going.update(found)
            others = (self.get(*key) for key in found)
            levels.append([other for other in others if other is not None])
        for level in reversed(levels):
            for kind, rows in _by_kind(level):
                named = [{"row_uuid": each.uuid} for each in rows]
                self.unsent.add_all(_delete(TABLES[kind]), named)
                for each in rows:
                    self._note(kind, each.uuid, each, None)

    def _referring(self, rows: Sequence[Row]) -> Iterator[tuple[Kind, str]]:
        """The rows that refer to some, each by its class and uuid; `get` knows them afterwards."""
        found: dict[tuple[Kind, str], None] = {}
        for kind, some in _by_kind(rows):
            if self._memory and len(some) == 1:
                found |= self._referring_to(some[0])
                continue
            referring = [each for each, _ in referrers(kind)]
            uuids = iter([row.uuid for row in some] if referring else [])
            while part := list(islice(uuids, MOST_REFERRED)):
                query = _referring_to(_RESOURCES[kind].prefix, many=len(part) > 1)
                values = {"uuid": part if len(part) > 1 else part[0]}
                for each in self.connection.execute(query, values):
                    found[referring[each.number], each.uuid] = None
        self._know(found)
        yield from found

    def _referring_to(self, row: Row) -> dict[tuple[Kind, str], None]:
        """The same of one row, as they are found in memory."""
        every = (
            (kind, other.uuid)
            for kind, name in referrers(type(row))
            for other in self.where(kind, **{name: row.uuid})
        )
        return dict.fromkeys(every)

    def _know(self, keys: Iterable[tuple[Kind, str]]) -> None:
        """Read rows that are not known yet, many at a time."""
        unknown: dict[Kind, list[str]] = {}
        for kind, uuid in keys:
            if (kind, uuid) not in self._read:
                unknown.setdefault(kind, []).append(uuid)
        for kind, uuids in unknown.items():
            self._read |= {(kind, row.uuid): row for row in self.among(kind, "uuid", uuids)}

    def take(self, changes: Sequence[Change]) -> None:
        """Do what was decided elsewhere: many rows at once, of which each is touched once.

        What gives up a value that only one may have goes first, so that it is free for others.
        """
        for kind in {change.kind: None for change in changes}:
            here = [change for change in changes if change.kind is kind]
            self._take(TABLES[kind], _RESOURCES[kind].unique, here)
        for change in changes:
            self._note(change.kind, change.uuid, change.before, change.after)

    def _take(self, table: Table, unique: Sequence[Sequence[str]], changes: list[Change]) -> None:
        gone, changed, made = [], [], []
        for _, uuid, before, after, *_ in changes:
            named = {"row_uuid": uuid}
            if before is None and after is not None:
                made.append({**columns_of(after), "created": self.number})
            elif after is None:
                gone.append(named)
            elif any(getattr(before, n) != getattr(after, n) for names in unique for n in names):
                created = self.connection.execute(_created(table), named).scalar_one()
                gone.append(named)
                made.append({**columns_of(after), "created": created})
            else:
                changed.append({**columns_of(after), **named})
        for make, rows in ((_delete, gone), (_update, changed), (_insert, made)):
            if rows:
                statement: Any = make(table)
                self.connection.execute(statement, rows)

    def changes(self) -> list[Change]:
        """What this has changed, in the order in which each row was first touched."""
        every = ((*key, before, self._read[key]) for key, before in self._before.items())
        return [
            Change(kind, uuid, before, after, projects_of(before, after, self._standing))
            for kind, uuid, before, after in every
            if before != after
        ]

    def _changed(self) -> dict[tuple[Kind, str], Any]:
        """What this has changed until now, as it is."""
        return {key: self._read[key] for key in self._before}

    def _standing(self, kind: type[R], uuid: str) -> R | None:
        """A row as it is, or was until now."""
        return self.get(kind, uuid) or self._before.get((kind, uuid))

    def _note(self, kind: Kind, uuid: str, before: Row | None, after: Row | None) -> None:
        self._before.setdefault((kind, uuid), before)
        self._read[kind, uuid] = after


def holder(connection: Connection, row: Row) -> Taken | None:
    """Who holds what a refused row wants, if it is a declared uniqueness that refused it."""
    for names in _RESOURCES[type(row)].unique:
        values = {name: getattr(row, name) for name in names}
        if None in values.values():
            continue
        query = _where(TABLES[type(row)], names, (False,) * len(names))
        for found in connection.execute(query, values):
            other = row_of(type(row), found)
            if other.uuid != row.uuid:
                return Taken(row, values, other)
    return None


def holder_among(rows: Iterable[Row], row: Row) -> Taken | None:
    """Who holds what a refused row wants, of rows that the same write was to store."""
    others = [other for other in rows if type(other) is type(row) and other.uuid != row.uuid]
    for names in _RESOURCES[type(row)].unique:
        values = {name: getattr(row, name) for name in names}
        for other in others if None not in values.values() else ():
            if all(getattr(other, name) == value for name, value in values.items()):
                return Taken(row, values, other)
    return None


def every(connection: Connection, kind: type[R]) -> Iterator[tuple[R, int]]:
    """All rows of a class, in the order of their creation, each with the revision that made it."""
    table = TABLES[kind]
    query = _fields(table).add_columns(table.c.created).order_by(table.c.created, table.c.uuid)
    for found in connection.execute(query):
        yield row_of(kind, found[:-1]), found[-1]


def referrers(kind: Kind) -> tuple[tuple[Kind, str], ...]:
    """The attributes that refer to rows of a class: whose, and which one."""
    return _referrers(_RESOURCES[kind].prefix)


@cache
def _referrers(prefix: str) -> tuple[tuple[Kind, str], ...]:
    return tuple(
        (resource.kind, name)
        for resource in RESOURCES
        for name, attribute in attributes(resource.kind).items()
        if attribute.type.refers_to == prefix
    )


def columns_of(row: Row) -> dict[str, Any]:
    """A row's values by column."""
    return {name: getattr(row, name) for name in row.__struct_fields__}


def row_of(kind: type[R], found: Sequence[Any]) -> R:
    """The row that a table's row holds; the columns are its fields, in order."""
    names: tuple[str, ...] = kind.__struct_fields__  # type: ignore[attr-defined]  # a Struct
    return kind(**dict(zip(names, found, strict=True)))


_RESOURCES: dict[Kind, Resource] = {resource.kind: resource for resource in RESOURCES}


@cache
def _fields(table: Table) -> Select[Any]:
    return select(*(column for column in table.c if column.name != "created"))


@cache
def _one(table: Table) -> Select[Any]:
    return _fields(table).where(table.c.uuid == bindparam("uuid"))


@cache
def _where(table: Table, names: tuple[str, ...], absent: tuple[bool, ...]) -> Select[Any]:
    conditions = (
        table.c[name].is_(None) if none else table.c[name] == bindparam(name)
        for name, none in zip(names, absent, strict=True)
    )
    return _fields(table).where(*conditions).order_by(table.c.created, table.c.uuid)


def _count(table: Table, names: tuple[str, ...], most: int) -> Select[int]:
    conditions = (table.c[name] == bindparam(name) for name in names)
    found = select(table.c.uuid).where(*conditions).limit(most).subquery()
    return select(func.count()).select_from(found)


def _by_kind(rows: Iterable[R]) -> Iterator[tuple[type[R], list[R]]]:
    """Rows, those of each class together."""
    found: dict[type[R], list[R]] = {}
    for row in rows:
        found.setdefault(type(row), []).append(row)
    yield from found.items()


@cache
def _referring_to(prefix: str, many: bool) -> Select[tuple[int, str]]:
    """Who refers to a row, or to one of many: the number of the referrer, and the uuid.

    One query for all referrers.
    """
    uuid: Any = bindparam("uuid", expanding=many)
    every = (
        select(literal(number).label("number"), table.c.created, table.c.uuid).where(
            table.c[name].in_(uuid) if many else table.c[name] == uuid
        )
        for number, (table, name) in enumerate(
            (TABLES[referring], name) for referring, name in _referrers(prefix)
        )
    )
    found = union_all(*every).subquery()
    return select(found.c.number, found.c.uuid).order_by(*found.c)


@cache
def _holding(kinds: tuple[Kind, ...], name: str) -> Any:
    """Who has a value: the number of the class, and the uuid. One query for all of them."""
    return union_all(
        *(
            select(literal(number), table.c.uuid).where(table.c[name] == bindparam("value"))
            for number, table in enumerate(TABLES[kind] for kind in kinds)
        )
    )


@cache
def _among(table: Table, name: str) -> Select[Any]:
    wanted: Any = bindparam("values", expanding=True)
    return _fields(table).where(table.c[name].in_(wanted)).order_by(table.c.created, table.c.uuid)


@cache
def _taken(kinds: tuple[Kind, ...], name: str) -> Any:
    wanted: Any = bindparam("values", expanding=True)
    columns = [TABLES[kind].c[name] for kind in kinds]
    return union_all(*(select(column).where(column.in_(wanted)) for column in columns))


@cache
def _names_before(table: Table) -> Select[Any]:
    names = select(table.c.uuid).where(table.c.uuid < bindparam("uuid"))
    return names.order_by(table.c.uuid.desc()).limit(bindparam("count"))


@cache
def _names_after(table: Table) -> Select[Any]:
    names = select(table.c.uuid).where(table.c.uuid > bindparam("uuid"))
    return names.order_by(table.c.uuid).limit(bindparam("count"))


@cache
def _insert(table: Table) -> Insert:
    return insert(table)


@cache
def _update(table: Table) -> Update:
    names = (column.name for column in table.c if column.name not in ("uuid", "created"))
    values: dict[str, Any] = {name: bindparam(name) for name in names}
    return update_of(table).where(table.c.uuid == bindparam("row_uuid")).values(values)


@cache
def _created(table: Table) -> Select[Any]:
    return select(table.c.created).where(table.c.uuid == bindparam("row_uuid"))


@cache
def _delete(table: Table) -> Delete:
    return delete(table).where(table.c.uuid == bindparam("row_uuid"))

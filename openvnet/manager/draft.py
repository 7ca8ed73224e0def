"""A write of many rows: read and made in memory, and then put into its transaction all at once.

A rule reads a dozen rows for each one that it makes. As questions to a database that is a
millisecond for an interface, and ten seconds for ten thousand, in which nobody else is served.
vnmgr has all rows in memory anyhow, so a `Draft` answers from there, and looks like a `Transaction`
to whoever reads and writes it. What it holds in the end becomes a few statements for each table.

It is misused if the replica is not of the very revision that the transaction follows.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection

from openvnet.manager.replica import Replica
from openvnet.model import RESOURCES, Row
from openvnet.model.ownership import projects_of
from openvnet.store.errors import Taken
from openvnet.store.transaction import Change, Transaction, referrers

R = TypeVar("R")
Kind = type[Any]
Names = tuple[str, ...]
Values = tuple[Hashable, ...]

_UNIQUE = {resource.kind: resource.unique for resource in RESOURCES}


class Draft:
    """The rows as a transaction would see them after what was put and deleted here."""

    def __init__(self, transaction: Transaction, replica: Replica) -> None:
        self.number = transaction.number
        self.time = transaction.time
        self.rights = transaction.rights
        self._transaction = transaction
        self._replica = replica
        self._now: dict[tuple[Kind, str], Row | None] = {}
        """What was put or deleted, as it is now, in the order of the first touch."""
        self._written: dict[tuple[Kind, str], Row | None] = {}
        """What the transaction has of it."""
        self._indexes: dict[tuple[Kind, Names], dict[Values, dict[str, None]]] = {}
        self._numbers: dict[tuple[Kind, str, Names], dict[Values, list[int]]] = {}

    @property
    def connection(self) -> Connection:
        """The database, with all that was put and deleted so far."""
        self.write()
        return self._transaction.connection

    def send(self) -> None:
        """Nothing: what is refused here is refused at once."""

    def write(self) -> None:
        """Put all of it into the transaction."""
        every = (
            Change(kind, uuid, self._before(kind, uuid), now)
            for (kind, uuid), now in self._now.items()
        )
        changes = [change for change in every if change.before != change.after]
        self._transaction.take(changes)
        self._written |= {(change.kind, change.uuid): change.after for change in changes}

    def _before(self, kind: Kind, uuid: str) -> Row | None:
        """What the transaction has of a row until now."""
        if (kind, uuid) in self._written:
            return self._written[kind, uuid]
        return self._replica.get(kind, uuid)

    def changes(self) -> list[Change]:
        """What this has changed, in the order in which each row was first touched."""
        every = (
            (kind, uuid, self._replica.get(kind, uuid), now)
            for (kind, uuid), now in self._now.items()
        )
        return [
            Change(kind, uuid, before, now, projects_of(before, now, self._standing))
            for kind, uuid, before, now in every
            if before != now
        ]

    def _standing(self, kind: type[R], uuid: str) -> R | None:
        """A row as it is, or was until now."""
        return self.get(kind, uuid) or self._replica.get(kind, uuid)

    def get(self, kind: type[R], uuid: str) -> R | None:
        """The row, or None."""
        if (kind, uuid) in self._now:
            row: Any = self._now[kind, uuid]
            found: R | None = row
            return found
        return self._replica.get(kind, uuid)

    def where(self, kind: type[R], **by: Hashable) -> list[R]:
        """The rows with these values (None: that have none), in the order of their creation."""
        index = self._index(kind, tuple(by))
        rows = [self.get(kind, uuid) for uuid in index.get(tuple(by.values()), ())]
        found = [row for row in rows if row is not None]
        if len(found) > 1:
            found.sort(key=self._place)
        return found

    def _place(self, row: Any) -> tuple[int, str]:
        return self._replica.created(row) or self.number, row.uuid

    def holders(self, kinds: tuple[Kind, ...], name: str, value: int) -> list[Row]:
        """The rows of several classes with a value in a field that all of them have."""
        return [row for kind in kinds for row in self.where(kind, **{name: value})]

    def count(self, kind: Kind, most: int, **by: Hashable) -> int:
        """How many rows have these values, or `most`."""
        return min(most, len(self._index(kind, tuple(by)).get(tuple(by.values()), ())))

    def among(self, kind: type[R], name: str, values: Collection[Hashable]) -> list[R]:
        """The rows with one of these values; those with the same in the order of their creation."""
        found = [row for value in values for row in self.where(kind, **{name: value})]
        return sorted(found, key=self._place)

    def taken(self, kinds: tuple[Kind, ...], name: str, values: Collection[int]) -> set[int]:
        """Which of these values rows of several classes have in a field that all of them have."""
        return {value for value in values if self.holders(kinds, name, value)}

    def take(self, changes: Sequence[Change]) -> None:
        """Do what was decided elsewhere, what is deleted first."""
        for change in sorted(changes, key=lambda change: change.after is not None):
            if change.after is not None:
                self.put(change.after)
            elif change.before is not None:
                self.delete(change.before)

    def neighbours(self, kind: Kind, uuid: str, count: int) -> list[str]:
        """The uuids next to one in the alphabet, up to `count` before it and as many after it."""
        uuids = sorted(row.uuid for row in self._every(kind))
        place = bisect_left(uuids, uuid)
        return [*uuids[max(0, place - count) : place], *islice(uuids, place, place + count)]

    def numbers(self, kind: Kind, name: str) -> Iterator[int]:
        """The values of a field, from the greatest down."""
        return reversed(self._sorted(kind, name, (), ()))

    def between(
        self,
        kind: Kind,
        name: str,
        least: int,
        most: int,
        *,
        descending: bool = False,
        **by: Hashable,
    ) -> Iterable[int]:
        """The values of a field from one to another, both included, in order, of some rows."""
        numbers = self._sorted(kind, name, tuple(by), tuple(by.values()))
        first, end = bisect_left(numbers, least), bisect_right(numbers, most)
        places = range(end - 1, first - 1, -1) if descending else range(first, end)
        return (numbers[place] for place in places)

    def put(self, row: Row) -> None:
        """Store a row in place of the one with its uuid, if there is one; raise Taken."""
        before = self.get(type(row), row.uuid)
        if before == row:
            return
        for names in _UNIQUE[type(row)]:
            values = _values(row, names)
            for uuid in self._index(type(row), names).get(values, ()) if None not in values else ():
                holder = self.get(type(row), uuid)
                if uuid != row.uuid and holder is not None:
                    raise Taken(row, dict(zip(names, values, strict=True)), holder)
        self._note(type(row), row.uuid, before, row)

    def delete(self, row: Row) -> None:
        """Delete a row, and the rows that refer to it."""
        kind = type(row)
        for referring, name in referrers(kind):
            for other in self.where(referring, **{name: row.uuid}):
                self.delete(other)
        before = self.get(kind, row.uuid)
        if before is not None:
            self._note(kind, row.uuid, before, None)

    def _note(self, kind: Kind, uuid: str, before: Row | None, after: Row | None) -> None:
        for (of, names), index in self._indexes.items():
            if of is kind:
                if before is not None:
                    index[_values(before, names)].pop(uuid, None)
                if after is not None:
                    index.setdefault(_values(after, names), {})[uuid] = None
        for (of, name, names), numbers in self._numbers.items():
            if of is kind:
                if before is not None and (number := getattr(before, name)) is not None:
                    held = numbers[_values(before, names)]
                    del held[bisect_left(held, number)]
                if after is not None and (number := getattr(after, name)) is not None:
                    insort(numbers.setdefault(_values(after, names), []), number)
        self._now[kind, uuid] = after

    def _every(self, kind: Kind) -> Iterator[Any]:
        for row in self._replica.every(kind):
            if (kind, row.uuid) not in self._now:
                yield row
        yield from (row for (of, _), row in self._now.items() if of is kind and row is not None)

    def _index(self, kind: Kind, names: Names) -> dict[Values, dict[str, None]]:
        """The uuids by the values of some fields, found out once and then kept up to date."""
        if (kind, names) not in self._indexes:
            index: dict[Values, dict[str, None]] = {}
            for row in self._every(kind):
                index.setdefault(_values(row, names), {})[row.uuid] = None
            self._indexes[kind, names] = index
        return self._indexes[kind, names]

    def _sorted(self, kind: Kind, name: str, names: Names, values: Values) -> list[int]:
        """The values of a field in order, of the rows with some values in other fields."""
        if (kind, name, names) not in self._numbers:
            made: dict[Values, list[int]] = {}
            for row in self._every(kind):
                if (number := getattr(row, name)) is not None:
                    made.setdefault(_values(row, names), []).append(number)
            for held in made.values():
                held.sort()
            self._numbers[kind, name, names] = made
        return self._numbers[kind, name, names].get(values, [])


def _values(row: Any, names: Names) -> Values:
    return tuple(getattr(row, name) for name in names)

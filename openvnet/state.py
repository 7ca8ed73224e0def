"""Rows of facts, and a view of them that remembers what was read.

`State` holds rows by kind and id, with the indexes that each kind names in `indexes`. Everything
that can be read and can change is a *cell*: a row, or one of four questions about an index value
(which rows, which ids, how many, any at all). `State.put` says which cells a change touched, a
`View` which ones a reader looked at; the compiler joins the two.

It is misused by asking more than one needs: a feature that asks `where` to learn whether anybody
is there is run again for every change of every member. Ask `any`.
"""

from collections.abc import Hashable, Mapping
from typing import Any, TypeVar

Id = Hashable
RowKey = tuple[type[Any], Id]
"""A row's kind and id."""
Cell = tuple[object, ...]
Changes = Mapping[RowKey, Any]
"""The newest row by kind and id; None where it was removed."""

R = TypeVar("R")
_NOBODY: Mapping[Id, None] = {}


class State:
    """Rows by kind and id. One task writes."""

    def __init__(self) -> None:
        self.rows: dict[type[Any], dict[Id, Any]] = {}
        self._members: dict[Cell, dict[Id, None]] = {}

    def put(self, kind: type[Any], id: Id, row: Any) -> list[Cell]:
        """Store a row (None removes it); return the cells that changed."""
        rows = self.rows.setdefault(kind, {})
        old = rows.get(id)
        if old == row:
            return []
        if row is None:
            del rows[id]
        else:
            rows[id] = row
        touched: list[Cell] = [("row", kind, id)]
        for field in getattr(kind, "indexes", ()):
            was = None if old is None else (kind, field, getattr(old, field))
            now = None if row is None else (kind, field, getattr(row, field))
            if was == now and now is not None:
                touched.append(("where", *now))
                continue
            if was is not None:
                self._leave(id, was, touched)
            if now is not None:
                self._join(id, now, touched)
        return touched

    def _leave(self, id: Id, place: Cell, touched: list[Cell]) -> None:
        members = self._members[place]
        del members[id]
        touched += (("where", *place), ("ids", *place), ("count", *place))
        if not members:
            del self._members[place]
            touched.append(("any", *place))

    def _join(self, id: Id, place: Cell, touched: list[Cell]) -> None:
        members = self._members.get(place)
        touched += (("where", *place), ("ids", *place), ("count", *place))
        if members is None:
            members = self._members[place] = {}
            touched.append(("any", *place))
        members[id] = None

    def members(self, kind: type[Any], field: str, value: Hashable) -> Mapping[Id, None]:
        """The ids of the rows whose indexed field has this value, in no particular order."""
        return self._members.get((kind, field, value), _NOBODY)


class View:
    """A State to read from; `reads` collects each cell that was looked at."""

    __slots__ = ("reads", "state")

    def __init__(self, state: State, reads: set[Cell] | None = None) -> None:
        self.state = state
        self.reads: set[Cell] = set() if reads is None else reads

    def get(self, kind: type[R], id: Id) -> R | None:
        """The row, or None."""
        self.reads.add(("row", kind, id))
        rows = self.state.rows.get(kind)
        return rows.get(id) if rows else None

    def where(self, kind: type[R], **by: Hashable) -> list[R]:
        """The rows with this index value, by id."""
        rows = self.state.rows.get(kind, {})
        return [rows[id] for id in _sorted(self._ask("where", kind, by))]

    def ids(self, kind: type[Any], **by: Hashable) -> list[Any]:
        """Their ids, sorted: not run again when a row changes but stays."""
        return _sorted(self._ask("ids", kind, by))

    def count(self, kind: type[Any], **by: Hashable) -> int:
        """How many they are."""
        return len(self._ask("count", kind, by))

    def any(self, kind: type[Any], **by: Hashable) -> bool:
        """Whether there are any."""
        return bool(self._ask("any", kind, by))

    def _ask(self, question: str, kind: type[Any], by: Mapping[str, Hashable]) -> Mapping[Id, None]:
        ((field, value),) = by.items()
        self.reads.add((question, kind, field, value))
        return self.state.members(kind, field, value)


def _sorted(ids: Mapping[Any, None]) -> list[Any]:
    return sorted(ids) if len(ids) > 1 else list(ids)

"""Rows of facts, and a view of them that remembers what was read.

`State` holds rows by kind and id, with the indexes that each kind names in `indexes`. Everything
that can be read and can change is a *cell*: a row, or one of four questions about an index value
(which rows, which ids, how many, any at all). `State.put` says which cells a change touched, a
`View` which ones a reader looked at; the compiler joins the two.

It is misused by asking more than one needs: a feature that asks `where` to learn whether anybody
is there is run again for every change of every member. Ask `any`.
"""

from collections.abc import Collection, Hashable, Mapping
from typing import Any, TypeVar

Id = Hashable
RowKey = tuple[type[Any], Id]
"""A row's kind and id."""
Cell = tuple[object, ...]
Changes = Mapping[RowKey, Any]
"""The newest row by kind and id; None where it was removed."""

R = TypeVar("R")
_NO_INDEX: dict[str, set[str]] = {}


class State:
    """Rows by kind and id. One task writes."""

    def __init__(self) -> None:
        self.rows: dict[type[Any], dict[Id, Any]] = {}
        self._members: dict[Cell, Id | dict[Id, None]] = {}  # Most places have one member.
        self._asked: dict[type[Any], dict[str, set[str]]] = {}
        # An index is made when somebody first asks for it, and of its cells only those are told
        # that anybody asks for: of most indexes, nobody asks most questions.

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
        for field, questions in self._asked.get(kind, _NO_INDEX).items():
            was = None if old is None else (kind, field, getattr(old, field))
            now = None if row is None else (kind, field, getattr(row, field))
            touched += self._moved(id, was, now, questions)
        return touched

    def ask(self, question: str, kind: type[Any], field: str, value: Hashable) -> Collection[Id]:
        """The ids of the rows whose indexed field has this value, in no particular order.

        From now on, `put` tells when the answer to such a question changes.
        """
        self._questions(kind, field).add(question)
        return self._at((kind, field, value))

    def members(self, kind: type[Any], field: str, value: Hashable) -> Collection[Id]:
        """The same, for whoever does not need to be told of changes."""
        self._questions(kind, field)
        return self._at((kind, field, value))

    def _at(self, place: Cell) -> Collection[Id]:
        members = self._members.get(place, ())
        return members if isinstance(members, dict) or members == () else (members,)

    def _questions(self, kind: type[Any], field: str) -> set[str]:
        """The questions that are asked of an index, which is made if this is the first time."""
        asked = self._asked.setdefault(kind, {})
        questions = asked.get(field)
        if questions is None:
            if field not in kind.indexes:
                raise ValueError(f"{kind.__name__} declares no index of {field}")
            questions = asked[field] = set()
            self._index(kind, field)
        return questions

    def _index(self, kind: type[Any], field: str) -> None:
        """Take all rows to their places; as `_join` does for each, and four times as fast."""
        places = self._members
        for id, row in self.rows.get(kind, {}).items():
            place = (kind, field, getattr(row, field))
            members = places.setdefault(place, id)
            if isinstance(members, dict):
                members[id] = None
            elif members is not id:
                places[place] = {members: None, id: None}

    def _moved(
        self, id: Id, was: Cell | None, now: Cell | None, questions: Collection[str]
    ) -> list[Cell]:
        """Move an id from place to place; return the cells of both that are ever asked for."""
        if was == now:
            return [("where", *now)] if now is not None and "where" in questions else []
        touched: list[Cell] = []
        if was is not None:
            last = self._leave(id, was)
            touched += [(question, *was) for question in questions if last or question != "any"]
        if now is not None:
            first = self._join(id, now)
            touched += [(question, *now) for question in questions if first or question != "any"]
        return touched

    def _leave(self, id: Id, place: Cell) -> bool:
        """Take an id from a place; whether that was the last one."""
        members = self._members[place]
        if isinstance(members, dict) and len(members) > 1:
            del members[id]
            return False
        del self._members[place]
        return True

    def _join(self, id: Id, place: Cell) -> bool:
        """Add an id to a place; whether it is the first one."""
        if place not in self._members:
            self._members[place] = id
            return True
        members = self._members[place]
        if isinstance(members, dict):
            members[id] = None
        else:
            self._members[place] = {members: None, id: None}
        return False


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

    def _ask(self, question: str, kind: type[Any], by: Mapping[str, Hashable]) -> Collection[Id]:
        ((field, value),) = by.items()
        self.reads.add((question, kind, field, value))
        return self.state.ask(question, kind, field, value)


def _sorted(ids: Collection[Any]) -> list[Any]:
    return sorted(ids) if len(ids) > 1 else list(ids)

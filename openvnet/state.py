"""Rows of facts, and a view of them that remembers what was read.

`State` holds rows by kind and id, with the indexes that each kind names in `indexes`. Everything
that can be read and can change is a *cell*: a row, or one of four questions about an index value
(which rows, which ids, how many, any at all). `State.put` says which cells a change touched, a
`View` which ones a reader looked at; the compiler joins the two. A cell is a pair, of which the
first half is one of few: whoever remembers very many cells keeps that half once.

It is misused by asking more than one needs: a feature that asks `where` to learn whether anybody
is there is run again for every change of every member. Ask `any`.
"""

from collections.abc import Collection, Hashable, Mapping
from typing import Any, TypeVar

Id = Hashable
RowKey = tuple[type[Any], Id]
"""A row's kind and id."""
Question = type[Any] | tuple[str, type[Any], str]
"""A kind of row, or one of the four questions, a kind and an indexed field."""
Cell = tuple[Question, Hashable]
"""A kind and the id of a row, or a question and the value that it is asked for."""
Asked = tuple[Question, Collection[Id]]
"""A question, and the ids of the rows that answer it."""
Changes = Mapping[RowKey, Any]
"""The newest row by kind and id; None where it was removed."""

R = TypeVar("R")
_NOWHERE = object()


class _Index:
    """Where the rows of a kind are by the value of one field, and what is asked of that."""

    __slots__ = ("asked", "field", "kind", "members")

    def __init__(self, kind: type[Any], field: str, rows: Mapping[Id, Any]) -> None:
        self.kind, self.field = kind, field
        self.asked: dict[str, Question] = {}
        """The questions that anybody has asked; of most indexes, nobody asks most of them."""
        self.members: dict[Hashable, Id | dict[Id, None]] = {}  # Most values have one member.
        members = self.members
        for id, row in rows.items():  # As `_join` does for each, and four times as fast.
            value = getattr(row, field)
            found = members.setdefault(value, id)
            if isinstance(found, dict):
                found[id] = None
            elif found is not id:
                members[value] = {found: None, id: None}

    def at(self, value: Hashable) -> Collection[Id]:
        """The ids of the rows with this value."""
        members = self.members.get(value, ())
        return members if isinstance(members, dict) or members == () else (members,)

    def question(self, word: str) -> Question:
        """A question of this index, of which `move` tells from now on."""
        question = self.asked.get(word)
        if question is None:
            question = self.asked[word] = (word, self.kind, self.field)
        return question

    def move(self, id: Id, old: Any, new: Any) -> list[Cell]:
        """Take an id from a row's place to another's; return the cells of both that changed."""
        was = _NOWHERE if old is None else getattr(old, self.field)
        now = _NOWHERE if new is None else getattr(new, self.field)
        if was == now:
            return [(self.asked["where"], now)] if "where" in self.asked else []
        touched: list[Cell] = []
        if was is not _NOWHERE:
            touched += self._touched(was, alone=self._leave(id, was))
        if now is not _NOWHERE:
            touched += self._touched(now, alone=self._join(id, now))
        return touched

    def _touched(self, value: Hashable, *, alone: bool) -> list[Cell]:
        """The cells of a value that a first or a last member changes, or any other."""
        asked = self.asked.items()
        return [(question, value) for word, question in asked if alone or word != "any"]

    def _leave(self, id: Id, value: Hashable) -> bool:
        """Take an id from a value; whether that was the last one."""
        members = self.members[value]
        if isinstance(members, dict) and len(members) > 1:
            del members[id]
            return False
        del self.members[value]
        return True

    def _join(self, id: Id, value: Hashable) -> bool:
        """Add an id to a value; whether it is the first one."""
        if value not in self.members:
            self.members[value] = id
            return True
        members = self.members[value]
        if isinstance(members, dict):
            members[id] = None
        else:
            self.members[value] = {members: None, id: None}
        return False


class State:
    """Rows by kind and id. One task writes."""

    def __init__(self) -> None:
        self.rows: dict[type[Any], dict[Id, Any]] = {}
        self._indexes: dict[type[Any], dict[str, _Index]] = {}  # Made when first asked for.

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
        touched: list[Cell] = [(kind, id)]
        if kind in self._indexes:
            for index in self._indexes[kind].values():
                touched += index.move(id, old, row)
        return touched

    def ask(self, word: str, kind: type[Any], field: str, value: Hashable) -> Asked:
        """A question, and the ids of the rows whose indexed field has this value, in any order.

        From now on, `put` tells when the answer to such a question changes.
        """
        index = self._index(kind, field)
        return index.question(word), index.at(value)

    def members(self, kind: type[Any], field: str, value: Hashable) -> Collection[Id]:
        """The same ids, for whoever does not need to be told of changes."""
        return self._index(kind, field).at(value)

    def _index(self, kind: type[Any], field: str) -> _Index:
        """An index, which is made if this is the first time."""
        indexes = self._indexes.setdefault(kind, {})
        index = indexes.get(field)
        if index is None:
            if field not in kind.indexes:
                raise ValueError(f"{kind.__name__} declares no index of {field}")
            index = indexes[field] = _Index(kind, field, self.rows.get(kind, {}))
        return index


class View:
    """A State to read from; `reads` collects each cell that was looked at."""

    __slots__ = ("reads", "state")

    def __init__(self, state: State, reads: set[Cell] | None = None) -> None:
        self.state = state
        self.reads: set[Cell] = set() if reads is None else reads

    def get(self, kind: type[R], id: Id) -> R | None:
        """The row, or None."""
        self.reads.add((kind, id))
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

    def _ask(self, word: str, kind: type[Any], by: Mapping[str, Hashable]) -> Collection[Id]:
        ((field, value),) = by.items()
        question, ids = self.state.ask(word, kind, field, value)
        self.reads.add((question, value))
        return ids


def _sorted(ids: Collection[Any]) -> list[Any]:
    return sorted(ids) if len(ids) > 1 else list(ids)

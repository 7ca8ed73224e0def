"""What a write reads without asking the database: rows that somebody has in memory anyhow.

A rule reads a dozen rows for each one that it makes, and each question to a database takes longer
than the rest of the write. vnmgr has all rows; `Memory` is them as the writes of one commit leave
them, one after the other. What the database alone knows (the next number that is free, what is kept
beside rows) is still asked of it, and it alone refuses.

It is misused if the rows are not those of the very revision that the commit follows.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from math import inf
from typing import Any, Protocol, TypeVar

from openvnet.model import indexes

R = TypeVar("R")
Kind = type[Any]
Key = tuple[Kind, str]

MOST_TOUCHED = 100
"""Rows that the writes of a commit may have changed and be looked through for each question."""


class Rows(Protocol):
    """Somebody's rows, all of them."""

    @property
    def place(self) -> tuple[str, int]:
        """The epoch and the revision that they are of."""

    def get(self, kind: type[R], uuid: str) -> R | None:
        """The row, or None."""

    def where(self, kind: type[R], **by: Hashable) -> list[R]:
        """The rows with this value in an indexed field."""

    def created(self, row: Any) -> int:
        """The number of the revision that made a row, or 0."""


class Memory:
    """Rows, and what the writes of one commit have made of them."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._touched: dict[Key, Any] = {}
        self._made: dict[Key, int] = {}
        """The revision of each that was not there before."""

    def take(self, changes: Iterable[tuple[Any, ...]], number: int) -> None:
        """Take over what a revision has changed: class, uuid, before and after."""
        for kind, uuid, before, after, *_ in changes:
            self._touched[kind, uuid] = after
            if before is None:
                self._made[kind, uuid] = number

    def get(self, kind: type[R], uuid: str) -> R | None:
        """The row, or None."""
        if (kind, uuid) in self._touched:
            touched: R | None = self._touched[kind, uuid]
            return touched
        return self._rows.get(kind, uuid)

    def among(self, kind: type[R], uuids: Iterable[str], changed: Mapping[Key, Any]) -> list[R]:
        """The rows with these uuids, in the order of creation.

        `changed` is what the write that asks has changed until now.
        """
        found = (
            changed[kind, uuid] if (kind, uuid) in changed else self.get(kind, uuid)
            for uuid in uuids
        )
        return sorted((row for row in found if row is not None), key=self._place)

    def where(
        self, kind: type[R], by: Mapping[str, Hashable], changed: Mapping[Key, Any]
    ) -> list[R] | None:
        """The rows with these values, in the order of creation; None: ask the database."""
        field = next((name for name in by if name in indexes(kind)), None)
        if field is None or len(self._touched) + len(changed) > MOST_TOUCHED:
            return None
        found = list(self._all(kind, field, by[field], {**self._touched, **changed}))
        if len(by) > 1:
            found = [row for row in found if all(getattr(row, n) == v for n, v in by.items())]
        if len(found) > 1:
            found.sort(key=self._place)
        return found

    def _all(
        self, kind: type[R], field: str, value: Hashable, touched: Mapping[Key, Any]
    ) -> Iterator[R]:
        for row in self._rows.where(kind, **{field: value}):
            if (kind, row.uuid) not in touched:  # type: ignore[attr-defined]  # it is a Row
                yield row
        for (of, _), row in touched.items():
            if of is kind and row is not None and getattr(row, field) == value:
                yield row

    def _place(self, row: Any) -> tuple[float, str]:
        """What the write that asks has made comes last."""
        key = type(row), row.uuid
        if key not in self._touched:
            return self._rows.created(row) or inf, row.uuid
        if self._touched[key] is None:
            return inf, row.uuid
        return self._made.get(key) or self._rows.created(row), row.uuid

"""All rows in memory, as of the newest revision that was published.

It is what answers and streams are made from: a commit's changes are applied to it in order, and
nothing else is.
"""

from collections.abc import Hashable, Iterable, Sequence
from heapq import nlargest, nsmallest
from operator import attrgetter
from typing import Any, TypeVar

from openvnet.model import KINDS, Rights, Row, indexes
from openvnet.state import State
from openvnet.store.database import Store
from openvnet.store.transaction import Change
from openvnet.wire.messages import Revision

R = TypeVar("R")


class Replica:
    """The rows of a store. Read it like a `state.View`, but in the order of creation."""

    def __init__(self, store: Store) -> None:
        self.load(store)

    def load(self, store: Store) -> None:
        """Take the rows of the store in place of all that was here."""
        self.state = State()
        self._created: dict[str, int] = {}
        tables = self.state.rows
        for row, number in store.rows():  # No index is asked for yet, so nothing else keeps track.
            tables.setdefault(type(row), {})[row.uuid] = row
            self._created[row.uuid] = number
        self.revision = Revision(store.epoch, store.number)
        # An index is made when it is first asked for, and no change should wait for that.
        for kind in KINDS.values():
            for field in indexes(kind):
                self.state.members(kind, field, None)

    def apply(self, changes: Sequence[Change], number: int) -> None:
        """Take over what a revision changed."""
        # What one revision makes is in the order of uuids, here as after a new start.
        for change in sorted(changes, key=attrgetter("uuid")):
            self.state.put(change.kind, change.uuid, change.after)
            if change.after is None:
                del self._created[change.uuid]
            elif change.before is None:
                self._created[change.uuid] = number
        self.revision = Revision(self.revision.epoch, number)

    @property
    def place(self) -> tuple[str, int]:
        """The epoch and the revision that the rows are of."""
        return self.revision.epoch, self.revision.number

    def get(self, kind: type[R], uuid: str) -> R | None:
        """The row, or None."""
        return self.state.rows.get(kind, {}).get(uuid)

    def where(self, kind: type[R], **by: Hashable) -> list[R]:
        """The rows with this value in an indexed field, in the order of creation."""
        ((field, value),) = by.items()
        found = self.state.members(kind, field, value)
        if len(found) > 1:
            return self.in_order(kind, found)
        rows = self.state.rows[kind] if found else {}
        return [rows[uuid] for uuid in found]

    def every(self, kind: type[R]) -> list[R]:
        """All rows of a class, in the order of creation: that in which they were put."""
        return list(self.state.rows.get(kind, {}).values())

    def in_order(self, kind: type[R], uuids: Iterable[Any]) -> list[R]:
        """Those rows with these uuids that are there, in the order of creation."""
        rows = self.state.rows.get(kind, {})
        there = [rows[uuid] for uuid in uuids if uuid in rows]
        if len(there) > 1:
            there.sort(key=self._place)
        return there

    def neighbours(self, kind: type[Any], uuid: str, count: int) -> list[str]:
        """The uuids next to one in the alphabet, up to `count` before it and as many after it."""
        uuids: list[Any] = list(self.state.rows.get(kind, ()))
        before = nlargest(count, (each for each in uuids if each < uuid))
        return [*before, *nsmallest(count, (each for each in uuids if each > uuid))]

    def created(self, row: Row) -> int:
        """The number of the revision that made a row, or would have."""
        return self._created.get(row.uuid, 0)

    def creations(self) -> dict[str, int]:
        """The number of the revision that made each row, as of now."""
        return dict(self._created)

    def _place(self, row: Any) -> tuple[int, str]:
        return self._created[row.uuid], row.uuid


class Look:
    """The rows in memory as somebody's transaction would read them."""

    def __init__(self, replica: Replica, rights: Rights) -> None:
        self.rights = rights
        self.get, self.where = replica.get, replica.where
        self.neighbours = replica.neighbours

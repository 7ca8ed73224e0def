"""Retention: IP leases that end by themselves.

    leased ──lease_time──► released ──grace_time──► deleted

What ends is decided within the write, on the rows and at the time that it finds: whoever comes
second, another vnmgr or this one after a restart, finds nothing to do. `Deadlines` only knows when
to look, so that nobody looks in vain.

Leases outlast restarts, so they end by the clock on the wall (UTC): one that jumps ahead ends them
early, one that is set back late. `LONGEST_WAIT` is how late a jump is noticed.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from openvnet.manager.following import follow
from openvnet.manager.leases import detached
from openvnet.manager.replica import Replica
from openvnet.model import IpLease, IpRetention, IpRetentionContainer
from openvnet.store.database import Work
from openvnet.store.transaction import Change, Transaction

MOST = 50
"""Leases that end in one write: others wait meanwhile."""
LONGEST_WAIT = 60.0
"""Seconds until the clock is looked at again, though no lease was to end yet."""
RETRY = 5.0
"""Seconds until a write is tried again that failed, or found that another vnmgr was quicker."""


class Ended(NamedTuple):
    """The uuids of IP leases that have ended."""

    released: tuple[str, ...]
    deleted: tuple[str, ...]


def deadline(container: IpRetentionContainer, retention: IpRetention) -> int | None:
    """When a lease is released, or deleted if it is released already; None: never.

    In seconds since 1970, UTC.
    """
    since, seconds = retention.leased_at, container.lease_time
    if retention.released_at is not None:
        since, seconds = retention.released_at, container.grace_time
    return None if since is None or seconds is None else since + seconds


def end(transaction: Transaction, retentions: Iterable[str], mac_group: str | None) -> Ended:
    """Release or delete the leases of these retentions whose deadline has come."""
    released, deleted = [], []
    for uuid in retentions:
        retention = transaction.get(IpRetention, uuid)
        if retention is None or not _is_due(transaction, retention):
            continue
        lease = transaction.get(IpLease, retention.ip_lease_uuid)
        if lease is None:
            continue
        if retention.released_at is not None:
            transaction.delete(lease)
            deleted.append(lease.uuid)
            continue
        for row in detached(transaction, lease):
            transaction.put(row)
        released.append(lease.uuid)
    follow(transaction, mac_group)
    return Ended(tuple(released), tuple(deleted))


def _is_due(transaction: Transaction, retention: IpRetention) -> bool:
    container = transaction.get(IpRetentionContainer, retention.ip_retention_container_uuid)
    at = deadline(container, retention) if container else None
    return at is not None and at <= transaction.time


class Deadlines:
    """When which retention is due, the next one first. What no longer holds is skipped."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._heap: list[tuple[int, str]] = []
        self.load()

    def load(self) -> None:
        """Take them all from the rows."""
        self._heap = list(self._of(self._replica.every(IpRetention)))
        heapify(self._heap)

    def change(self, changes: Iterable[Change]) -> bool:
        """Take over what a revision changed, after the replica has; whether it concerns this."""
        concerned = False
        for change in changes:
            if change.kind is IpRetention:
                row = self._replica.get(IpRetention, change.uuid)
                self._push([] if row is None else [row])
                concerned = True
            elif change.kind is IpRetentionContainer:
                by = {"ip_retention_container_uuid": change.uuid}
                self._push(self._replica.where(IpRetention, **by))
                concerned = True
        return concerned

    def next(self) -> int | None:
        """When the next one is due, in seconds since 1970; None: never."""
        while self._heap and not self._holds(*self._heap[0]):
            heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def due(self, now: float, most: int) -> list[str]:
        """The uuids of those that are due, up to so many; `put_back` them when they are done."""
        found: dict[str, None] = {}
        while len(found) < most and (at := self.next()) is not None and at <= now:
            found[heappop(self._heap)[1]] = None
        return list(found)

    def put_back(self, uuids: Iterable[str]) -> None:
        """Know of them again, as far as they are still there."""
        rows = (self._replica.get(IpRetention, uuid) for uuid in uuids)
        self._push([row for row in rows if row is not None])

    def _push(self, rows: Sequence[IpRetention]) -> None:
        for entry in self._of(rows):
            heappush(self._heap, entry)
        if len(self._heap) > 1000 + 2 * len(self._replica.state.rows.get(IpRetention, ())):
            self.load()

    def _of(self, rows: Iterable[IpRetention]) -> Iterator[tuple[int, str]]:
        for row in rows:
            at = self._at(row)
            if at is not None:
                yield at, row.uuid

    def _at(self, row: IpRetention) -> int | None:
        uuid = row.ip_retention_container_uuid
        container = self._replica.get(IpRetentionContainer, uuid)
        return deadline(container, row) if container else None

    def _holds(self, at: int, uuid: str) -> bool:
        row = self._replica.get(IpRetention, uuid)
        return row is not None and self._at(row) == at


class Retention:
    """Ends leases as their time comes, until it is closed.

    `write` does some work as a revision, and says whether it changed anything; `clock` is
    `time.time`.
    """

    def __init__(
        self,
        replica: Replica,
        write: Callable[[Work], bool],
        clock: Callable[[], float],
        mac_group: str | None,
    ) -> None:
        self._write, self._clock, self._mac_group = write, clock, mac_group
        self._deadlines = Deadlines(replica)
        self._turn: asyncio.TimerHandle | None = None
        self._wait()

    def close(self) -> None:
        """End no more leases."""
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None

    def load(self) -> None:
        """All rows have become others."""
        self._deadlines.load()
        self._wait()

    def change(self, changes: Iterable[Change]) -> None:
        """A revision has changed rows, and is in the replica."""
        if self._deadlines.change(changes):
            self._wait()

    def _wait(self, least: float = 0.0) -> None:
        self.close()
        at = self._deadlines.next()
        if at is not None:
            seconds = min(max(least, at - self._clock()), LONGEST_WAIT)
            self._turn = asyncio.get_running_loop().call_later(seconds, self._end)

    def _end(self) -> None:
        due = self._deadlines.due(self._clock(), MOST)
        work = partial(end, retentions=due, mac_group=self._mac_group)
        done = not due or self._write(work)
        self._deadlines.put_back(due)
        self._wait(0.0 if done else RETRY)

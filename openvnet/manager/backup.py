"""Backups: all rows of one revision as lines of JSON, whatever database they are in.

Rows are frozen, so a copy of the tables that hold them is one revision, and stays it; it is written
a part at a time, as fast as whoever asked reads, and writes go on beside it. The log only grows, so
it is read from the database just as calmly.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any, NamedTuple

import openvnet
from openvnet.manager.errors import Conflict
from openvnet.manager.replica import Replica
from openvnet.model import RESOURCES
from openvnet.store import log
from openvnet.store.database import Store
from openvnet.store.migrations import NEWEST
from openvnet.wire.backup import Header, Writer

PART = 2000
"""Rows, or lines of the log, that are written without a pause for others."""
REVISIONS = 500
"""That are read from the log at once."""


class Made(NamedTuple):
    """A part of a backup."""

    text: bytes
    rows: int
    """So far."""
    over: bool


class Backup:
    """One backup that is being written."""

    def __init__(self, store: Store, replica: Replica, now: float, history: bool) -> None:
        revision = replica.revision
        self.header = Header(
            openvnet=openvnet.__version__,
            schema=NEWEST,
            epoch=revision.epoch,
            revision=revision.number,
            time=datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds"),
        )
        rows = replica.state.rows
        tables = [list(rows.get(resource.kind, {}).values()) for resource in RESOURCES]
        self.total = sum(map(len, tables))
        self._created = replica.creations()
        self._rows = (row for table in tables for row in table)
        self._lines = _logged(store, revision.epoch, revision.number) if history else iter(())
        self._writer = Writer()

    def begin(self) -> bytes:
        """The header."""
        return self._writer.begin(self.header)

    def part(self) -> Made:
        """The next lines; raise Conflict if the log that was to be in it is gone."""
        writer = self._writer
        if rows := list(islice(self._rows, PART)):
            text = writer.put((self._created.get(row.uuid, 0), row) for row in rows)
            return Made(text, writer.rows, over=False)
        if lines := list(islice(self._lines, PART)):
            return Made(writer.log(lines), writer.rows, over=False)
        return Made(writer.end(), writer.rows, over=True)


def _logged(store: Store, epoch: str, number: int) -> Iterator[dict[str, Any]]:
    """The lines of the log up to a revision, read a few revisions at a time."""
    for start in range(0, number, REVISIONS):
        if store.epoch != epoch:
            raise Conflict("The database was restored while this backup was written. Do it again.")
        end = min(start + REVISIONS, number)

        def read(transaction: Any, start: int = start, end: int = end) -> list[dict[str, Any]]:
            return list(log.plain_lines(transaction.connection, start, end))

        yield from store.read(read)

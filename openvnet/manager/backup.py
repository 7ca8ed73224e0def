"""Backups: all rows of one revision as lines of JSON, whatever database they are in.

    {"format": "openvnet-backup", "version": 1, "schema": "0003", "revision": 57, ...}   the header
    [3, {"kind": "datapath", "uuid": "dp-1", ...}]              a row, and what revision made it
    {"number": 3, "position": 0, "kind": "datapath", ...}       a line of the revision log
    {"end": true, "rows": 4711, "lines": 0, "blake2b": "..."}   of all bytes before this line

Rows are frozen, so a copy of the tables that hold them is one revision, and stays it; it is written
a part at a time, as fast as whoever asked reads, and writes go on beside it. The log only grows, so
it is read from the database just as calmly.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import islice
from typing import Any, NamedTuple

import msgspec

import openvnet
from openvnet.manager.errors import Conflict
from openvnet.manager.replica import Replica
from openvnet.model import RESOURCES, Row
from openvnet.store import log
from openvnet.store.database import Store
from openvnet.store.migrations import NEWEST

FORMAT, VERSION = "openvnet-backup", 1
PART = 2000
"""Rows, or lines of the log, that are written without a pause for others."""
REVISIONS = 500
"""That are read from the log at once."""


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The first line."""

    format: str
    version: int
    openvnet: str
    """The release that wrote it."""
    schema: str
    """The newest migration that it knew: what attributes rows have follows from that."""
    epoch: str
    revision: int
    time: str
    """When it was begun, ISO 8601, UTC."""


class End(msgspec.Struct, frozen=True, kw_only=True):
    """The last line: a file that does not have it, or not rightly, is not whole."""

    end: bool = True
    rows: int
    lines: int
    blake2b: str


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
            format=FORMAT,
            version=VERSION,
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
        self._digest = blake2b(digest_size=32)
        self._row_count = self._line_count = 0

    def begin(self) -> bytes:
        """The header."""
        return self._told([self.header])

    def part(self) -> Made:
        """The next lines; raise Conflict if the log that was to be in it is gone."""
        rows = list(islice(self._rows, PART))
        if rows:
            self._row_count += len(rows)
            text = self._told([(self._created.get(row.uuid, 0), row) for row in rows])
            return Made(text, self._row_count, over=False)
        lines = list(islice(self._lines, PART))
        if lines:
            self._line_count += len(lines)
            return Made(self._told(lines), self._row_count, over=False)
        digest = self._digest.hexdigest()
        end = End(rows=self._row_count, lines=self._line_count, blake2b=digest)
        return Made(self._told([end]), self._row_count, over=True)

    def _told(self, lines: list[Any]) -> bytes:
        text: bytes = _ENCODER.encode_lines(lines)
        self._digest.update(text)
        return text


def _logged(store: Store, epoch: str, number: int) -> Iterator[dict[str, Any]]:
    """The lines of the log up to a revision, read a few revisions at a time."""
    for start in range(0, number, REVISIONS):
        if store.epoch != epoch:
            raise Conflict("The database was restored while this backup was written. Do it again.")
        end = min(start + REVISIONS, number)

        def read(transaction: Any, start: int = start, end: int = end) -> list[dict[str, Any]]:
            return list(log.plain_lines(transaction.connection, start, end))

        yield from store.read(read)


_ENCODER = msgspec.json.Encoder()
Stored = tuple[int, Row]
"""A row of a backup, and the number of the revision that made it."""

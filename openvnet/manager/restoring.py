"""Restoring: a backup is read, held against all that must hold, and only then put into force.

Nothing of the database is touched before the last line was read and found right, so a file that is
cut short, changed, or of a later release changes nothing.
"""

import asyncio
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any

import msgspec

from openvnet.consistency import Known
from openvnet.manager.errors import InvalidArgument
from openvnet.manager.replica import Replica
from openvnet.model import RESOURCES, Project, Quota, Row, Token
from openvnet.store import log
from openvnet.store.migrations import NEWEST, versions
from openvnet.store.replacing import Content
from openvnet.wire.backup import FORMAT, VERSION, End, Header, Stored

SLICE = 2000
"""Rows that are looked at without a pause for others."""
PEOPLE: tuple[type[Any], ...] = (Project, Quota, Token)
"""Who may do what. A database that has nothing else is empty."""
LONGEST = 16 * 1024 * 1024
"""Bytes of one line."""


class Restoring:
    """One backup that is being read, line by line."""

    def __init__(self) -> None:
        self.header: Header | None = None
        self.end: End | None = None
        self.count = 0
        """Rows so far."""
        self._rows: dict[type[Any], list[tuple[Row, int]]] = {
            resource.kind: [] for resource in RESOURCES
        }
        self._lines: list[Mapping[str, Any]] = []
        self._rest = b""
        self._number = 0
        self._digest = blake2b(digest_size=32)

    def feed(self, text: bytes) -> None:
        """Take the next bytes of the file; raise InvalidArgument."""
        *lines, self._rest = (self._rest + text).split(b"\n")
        if len(self._rest) > LONGEST:
            raise InvalidArgument(f"Line {self._number + 1} is too long for a backup.")
        for line in lines:
            self._number += 1
            try:
                self._take(line)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                if self._number == 1:
                    raise InvalidArgument("This is no backup of OpenVNet.") from None
                raise InvalidArgument(f"Line {self._number} of the backup: {error}.") from None

    def _take(self, line: bytes) -> None:
        if self.end is not None:
            raise InvalidArgument(f"Line {self._number} of the backup comes after its end.")
        if self.header is None:
            self.header = _header(line)
        elif line.startswith(b"["):
            created, row = _ROW.decode(line)
            self._rows[type(row)].append((row, created))
            self.count += 1
        elif line.startswith(b'{"end"'):
            self.end = self._ending(_END.decode(line))
        else:
            self._lines.append(log.read_line(line))
        self._digest.update(line + b"\n")

    def _ending(self, end: End) -> End:
        digest = self._digest.hexdigest()
        if (end.rows, end.lines, end.blake2b) != (self.count, len(self._lines), digest):
            raise InvalidArgument("The backup is not as it was written: its checksum differs.")
        return end

    async def content(self, replica: Replica) -> Content:
        """What the database is to hold; raise InvalidArgument if that may not be.

        A backup of an earlier release knows nothing of projects, nor does what was imported: then
        those that there are stay, with their quotas and tokens.
        """
        if self.header is None or self.end is None or self._rest:
            raise InvalidArgument("The backup is cut short: its end is missing.")
        if not self._rows[Project]:
            for kind in PEOPLE:
                self._rows[kind] = [(row, 0) for row in replica.every(kind)]
        newest = max((line["number"] for line in self._lines), default=0)
        known = Known()
        for number, (row, created) in enumerate(self._ordered()):
            if number % SLICE == 0:
                await asyncio.sleep(0)
            if wrong := known.add(row):
                raise InvalidArgument(f"The backup cannot be restored: {row.uuid}: {wrong}.")
            newest = max(newest, created)
        if newest > self.header.revision:
            raise InvalidArgument(
                f"The backup is of revision {self.header.revision}, but names revision {newest}."
            )
        return Content(self.header.revision, self._rows, self._lines)

    def _ordered(self) -> Iterator[tuple[Row, int]]:
        """What is referred to first."""
        return ((row, created) for stored in self._rows.values() for row, created in stored)


def _header(line: bytes) -> Header:
    header = _HEADER.decode(line)
    if header.format != FORMAT:
        raise InvalidArgument("This is no backup of OpenVNet.")
    if header.version > VERSION or header.schema not in versions():
        raise InvalidArgument(
            f"A later release of OpenVNet, {header.openvnet}, wrote this backup (schema "
            f"{header.schema}; this one knows {NEWEST}). Restore it with that release."
        )
    return header


_HEADER = msgspec.json.Decoder(Header)
_END = msgspec.json.Decoder(End)
_ROW = msgspec.json.Decoder(Stored)

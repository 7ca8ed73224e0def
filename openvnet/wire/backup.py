"""The lines of a backup that are no rows: what it is, and that it is whole.

{"format": "openvnet-backup", "version": 1, "schema": "0003", "revision": 57, ...}   the header
[3, {"kind": "datapath", "uuid": "dp-1", ...}]              a row, and what revision made it
{"number": 3, "position": 0, "kind": "datapath", ...}       a line of the revision log
{"end": true, "rows": 4711, "lines": 0, "blake2b": "..."}   of all bytes before this line

Files hold these lines compressed (gzip); REST and vnmgr pass them on as they are.
"""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

import msgspec

from openvnet.model import Row

FORMAT, VERSION = "openvnet-backup", 1

Stored = tuple[int, Row]
"""A row, and the number of the revision that made it."""


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The first line."""

    format: str = FORMAT
    version: int = VERSION
    openvnet: str
    """The release that wrote it."""
    schema: str
    """The newest migration that it knew: what attributes rows have follows from that."""
    epoch: str
    revision: int
    time: str
    """When it was begun, ISO 8601, UTC."""
    source: str = ""
    """Of what was not backed up but imported: from where."""


class End(msgspec.Struct, frozen=True, kw_only=True):
    """The last line: a file that does not have it, or not rightly, is not whole."""

    end: bool = True
    rows: int
    lines: int
    blake2b: str


class Writer:
    """The bytes of a backup, as its parts are told."""

    def __init__(self) -> None:
        self._digest = blake2b(digest_size=32)
        self.rows = self.lines = 0

    def begin(self, header: Header) -> bytes:
        """The first line."""
        return self._told([header])

    def put(self, rows: Iterable[Stored]) -> bytes:
        """Rows."""
        told = list(rows)
        self.rows += len(told)
        return self._told(told)

    def log(self, lines: Iterable[Any]) -> bytes:
        """Lines of the revision log."""
        told = list(lines)
        self.lines += len(told)
        return self._told(told)

    def end(self) -> bytes:
        """The last line."""
        digest = self._digest.hexdigest()
        return self._told([End(rows=self.rows, lines=self.lines, blake2b=digest)])

    def _told(self, lines: list[Any]) -> bytes:
        text: bytes = _ENCODER.encode_lines(lines)
        self._digest.update(text)
        return text


_ENCODER = msgspec.json.Encoder()

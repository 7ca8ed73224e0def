"""What an agent keeps on disk, so that it comes back alone with all it knew.

A file of records, each a batch of changes, appended *before* the batch goes to the switch. It is
written but not synced: a process that is killed loses nothing, and a power cut empties the switch
too. A record is its length, its checksum and MessagePack; reading stops at the first record that is
not whole, which is the last one if the agent was killed while it wrote. The file is written anew,
as one record, whenever it is opened, and when most of it is of the past.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any
from zlib import crc32

import msgspec

from openvnet.model import Row
from openvnet.model.facts import Fact
from openvnet.state import Changes, RowKey
from openvnet.wire.messages import Revision

_HEADER = 8
"""Bytes before each record: its length and its checksum, 32 bits each."""

SPARE = 1 << 24
"""Bytes of the past that a cache may hold beside as many as it needs."""


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """One batch of changes, after which the agent was at a revision."""

    revision: Revision | None
    put: tuple[tuple[Any, Row | Fact], ...] = ()
    remove: tuple[tuple[str, Any], ...] = ()
    """Kinds and ids."""


_ENCODER = msgspec.msgpack.Encoder()
_DECODER: msgspec.msgpack.Decoder[Record] = msgspec.msgpack.Decoder(Record)

KINDS: dict[str, type[Row | Fact]] = {
    kind.__struct_config__.tag: kind for kind in (*Row.__args__, *Fact.__args__)
}


class Cache:
    """The file of one agent. Open it with `Cache.open`."""

    def __init__(self, path: Path, revision: Revision | None, rows: dict[RowKey, Any]) -> None:
        self.revision = revision
        """Of the last record read."""
        self.rows = rows
        """What was in it, by kind and id; the agent's to take."""
        self._path = path
        self._file = _fresh(path, revision, rows.items())
        self._needed = self._size()

    @classmethod
    def open(cls, path: Path) -> "Cache":
        """Read a cache and make it ready to append; a missing file is an empty cache.

        Raises OSError if it cannot be read or written.
        """
        return cls(path, *_replay(path.read_bytes() if path.exists() else b""))

    def append(self, changes: Changes, revision: Revision | None) -> None:
        """Add a batch; raises OSError, and adds nothing, if the disk does not take it."""
        put = tuple((id, row) for (_, id), row in changes.items() if row is not None)
        gone = tuple((_word(kind), id) for (kind, id), row in changes.items() if row is None)
        record, end = _packed(Record(revision, put, gone)), self._size()
        try:
            if self._file.write(record) < len(record):
                raise OSError("the disk is full")
        except OSError:
            self._file.truncate(end)  # Else nothing after a torn record would ever be read.
            raise

    def tidy(
        self,
        revision: Revision | None,
        rows: Iterable[tuple[RowKey, Any]],
        spare: int = SPARE,
    ) -> None:
        """Write it anew with just these rows if too much of it is of the past; raises OSError."""
        if self._size() <= 2 * self._needed + spare:
            return
        self._needed = self._size()  # If it fails, not again at once.
        fresh = _fresh(self._path, revision, rows)
        self._file.close()
        self._file = fresh
        self._needed = self._size()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _size(self) -> int:
        return self._file.seek(0, os.SEEK_END)


def _fresh(path: Path, revision: Revision | None, rows: Iterable[tuple[RowKey, Any]]) -> IO[bytes]:
    """A file of one record in the place of the one that was there, which stays if this fails."""
    fresh = path.with_suffix(".new")
    fresh.write_bytes(_packed(Record(revision, tuple((id, row) for (_, id), row in rows))))
    fresh.chmod(0o600)
    file = fresh.open("ab", buffering=0)
    fresh.replace(path)
    return file


def _replay(content: bytes) -> tuple[Revision | None, dict[RowKey, Any]]:
    revision: Revision | None = None
    rows: dict[RowKey, Any] = {}
    for record in _records(content):
        revision = record.revision
        rows.update(((type(row), id), row) for id, row in record.put)
        for word, id in record.remove:
            rows.pop((KINDS[word], id), None)
    return revision, rows


def _records(content: bytes) -> Iterator[Record]:
    at = 0
    while at + _HEADER <= len(content):
        length = int.from_bytes(content[at : at + 4], "big")
        body = content[at + _HEADER : at + _HEADER + length]
        if len(body) < length or crc32(body).to_bytes(4, "big") != content[at + 4 : at + _HEADER]:
            return
        record = _read(body)
        if record is None:  # Written by another version: what follows builds on it.
            return
        yield record
        at += _HEADER + length


def _read(body: bytes) -> Record | None:
    try:
        record = _DECODER.decode(body)
    except msgspec.DecodeError:
        return None
    return record if all(word in KINDS for word, _ in record.remove) else None


def _packed(record: Record) -> bytes:
    body = _ENCODER.encode(record)
    return len(body).to_bytes(4, "big") + crc32(body).to_bytes(4, "big") + body


def _word(kind: type[msgspec.Struct]) -> str:
    return str(kind.__struct_config__.tag)

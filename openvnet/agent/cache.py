"""What an agent keeps on disk, so that it comes back alone with all it knew.

A file of records, each a batch of changes, appended *before* the batch goes to the switch. It is
written but not synced: a process that is killed loses nothing, and a power cut empties the switch
too. A record is its length, its checksum and MessagePack; reading stops at the first record that is
not whole, which is the last one if the agent was killed while it wrote.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any
from zlib import crc32

import msgspec

from openvnet.model import Row
from openvnet.model.host import Fact
from openvnet.state import Changes, RowKey
from openvnet.wire.messages import Revision

_HEADER = 8
"""Bytes before each record: its length and its checksum, 32 bits each."""


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

    def __init__(self, file: IO[bytes], revision: Revision | None, rows: dict[RowKey, Any]) -> None:
        self._file = file
        self.revision = revision
        """Of the last record read."""
        self.rows = rows
        """What was in it, by kind and id; the agent's to take."""

    @classmethod
    def open(cls, path: Path) -> "Cache":
        """Read a cache and make it ready to append; a missing file is an empty cache.

        It is written anew, as one record, so that it never holds more than what is needed.
        Raises OSError if it cannot be read or written.
        """
        revision, rows = _replay(path.read_bytes() if path.exists() else b"")
        fresh = path.with_suffix(".new")
        fresh.write_bytes(
            _packed(Record(revision, tuple((id, row) for (_, id), row in rows.items())))
        )
        fresh.chmod(0o600)
        fresh.replace(path)
        return cls(path.open("ab", buffering=0), revision, rows)

    def append(self, changes: Changes, revision: Revision | None) -> None:
        """Add a batch; raises OSError, and adds nothing, if the disk does not take it."""
        put = tuple((id, row) for (_, id), row in changes.items() if row is not None)
        gone = tuple((_word(kind), id) for (kind, id), row in changes.items() if row is None)
        record, end = _packed(Record(revision, put, gone)), self._file.tell()
        try:
            if self._file.write(record) < len(record):
                raise OSError("the disk is full")
        except OSError:
            self._file.truncate(end)  # Else nothing after a torn record would ever be read.
            raise

    def close(self) -> None:
        """Close the file."""
        self._file.close()


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
        try:
            yield _DECODER.decode(body)
        except msgspec.DecodeError:  # Written by another version: what follows builds on it.
            return
        at += _HEADER + length


def _packed(record: Record) -> bytes:
    body = _ENCODER.encode(record)
    return len(body).to_bytes(4, "big") + crc32(body).to_bytes(4, "big") + body


def _word(kind: type[msgspec.Struct]) -> str:
    return str(kind.__struct_config__.tag)

"""What was translated, as a backup: so an import is a restore into a database that is empty."""

import zlib
from collections.abc import Iterator
from itertools import islice

import openvnet
from openvnet.importing.translating import Translated
from openvnet.store.migrations import NEWEST
from openvnet.wire.backup import Header, Writer

PART = 2000
"""Rows that are written at once."""
GZIP = 31
"""What zlib calls a gzip file (RFC 1952)."""


def document(translated: Translated, time: str) -> Iterator[bytes]:
    """The bytes of the backup, compressed; `time` is when the original was read."""
    packing, writer = zlib.compressobj(wbits=GZIP), Writer()
    rows = iter([(id, row) for made in translated.rows.values() for row, id in made])
    newest = max((id for made in translated.rows.values() for _, id in made), default=0)
    header = Header(
        openvnet=openvnet.__version__,
        schema=NEWEST,
        epoch="imported",
        revision=newest,
        time=time,
        source=f"the database of an original OpenVNet as of {time}",
    )
    yield packing.compress(writer.begin(header))
    while part := list(islice(rows, PART)):
        yield packing.compress(writer.put(part))
    yield packing.compress(writer.end()) + packing.flush()

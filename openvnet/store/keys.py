"""Idempotency keys: whoever repeats a write with its key gets its answer again.

A key is kept in the transaction of its write, so that there is never the one without the other, and
for a day.
"""

from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, delete, insert, select

from openvnet.store.schema import KEYS

SECONDS = 24 * 60 * 60
"""How long a key is kept."""


class Kept(NamedTuple):
    """What came of the first write with a key."""

    digest: str
    """Of what was asked for."""
    number: int
    """Of its revision."""
    answer: str
    """In JSON."""


def kept(connection: Connection, key: str, now: int) -> Kept | None:
    """What came of the first write with a key; `now` is in seconds since 1970."""
    found = connection.execute(_KEPT, {"wanted": key, "since": now - SECONDS}).first()
    return None if found is None else Kept(*found)


def keep(connection: Connection, key: str, what: Kept, now: int) -> None:
    """Keep what came of a write, and forget what is too old."""
    connection.execute(_FORGET, {"since": now - SECONDS})
    connection.execute(_KEEP, {"key": key, **what._asdict(), "time": now})


_KEPT: Any = select(KEYS.c.digest, KEYS.c.number, KEYS.c.answer).where(
    KEYS.c.key == bindparam("wanted"), KEYS.c.time > bindparam("since")
)
_FORGET = delete(KEYS).where(KEYS.c.time <= bindparam("since"))
_KEEP = insert(KEYS)

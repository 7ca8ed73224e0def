"""The revision log: what each revision did to each row."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, bindparam, insert, or_, select

from openvnet.model import KINDS, Row
from openvnet.store.schema import REVISIONS, tag
from openvnet.store.transaction import Change


class Entry(NamedTuple):
    """One line of the log."""

    number: int
    position: int
    change: Change
    time: int
    """Microseconds since 1970, UTC."""
    origin: str


def append(
    connection: Connection, number: int, changes: Sequence[Change], time: int, origin: str
) -> None:
    """Write down one revision."""
    lines = [
        {
            "number": number,
            "position": position,
            "kind": tag(change.kind),
            "uuid": change.uuid,
            "before": _json(change.before),
            "after": _json(change.after),
            "time": time,
            "origin": origin[:255],
        }
        for position, change in enumerate(changes)
    ]
    connection.execute(_APPEND, lines)


def entries(connection: Connection, after: int = 0) -> Iterator[Entry]:
    """What happened after a revision, in order."""
    for line in connection.execute(_ENTRIES, {"after": after}):
        yield _entry(line)


def revisions(
    connection: Connection, after: int, until: int, of: Sequence[type[Row]] = (), uuid: str = ""
) -> Iterator[tuple[int, list[Entry]]]:
    """The revisions after one number, up to another one, in order, each with its lines.

    With `of`, only the lines of rows of these classes; with `uuid`, only those of this row, or of
    rows that refer to it.
    """
    query = _LINES.where(REVISIONS.c.number > after, REVISIONS.c.number <= until)
    if of:
        query = query.where(REVISIONS.c.kind.in_([tag(kind) for kind in of]))
    if uuid:
        named = f'%"{uuid}"%'
        query = query.where(
            or_(
                REVISIONS.c.uuid == uuid,
                REVISIONS.c.before.like(named),
                REVISIONS.c.after.like(named),
            )
        )
    for number, lines in groupby(connection.execute(query), key=lambda line: line.number):
        yield int(number), [_entry(line) for line in lines]


def _entry(line: Any) -> Entry:
    kind = KINDS[line.kind]
    change = Change(kind, line.uuid, _row(kind, line.before), _row(kind, line.after))
    return Entry(line.number, line.position, change, line.time, line.origin)


def _json(row: Row | None) -> str | None:
    return None if row is None else _ENCODER.encode(row).decode()


def _row(kind: type[Row], text: str | None) -> Row | None:
    return None if text is None else msgspec.json.decode(text, type=kind)


_ENCODER = msgspec.json.Encoder()
_APPEND = insert(REVISIONS)
_LINES: Any = select(REVISIONS).order_by(REVISIONS.c.number, REVISIONS.c.position)
_ENTRIES = _LINES.where(REVISIONS.c.number > bindparam("after"))

"""The revision log: what each revision did to each row."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Annotated, Any, NamedTuple

import msgspec
from sqlalchemy import Connection, bindparam, insert, or_, select

from openvnet.model import KINDS, Row
from openvnet.store.schema import REVISIONS, tag
from openvnet.store.sending import Unsent
from openvnet.store.transaction import Change


class Entry(NamedTuple):
    """One line of the log."""

    number: int
    position: int
    change: Change | None
    """None of the revision that a restored backup became: it did something to all rows."""
    time: int
    """Microseconds since 1970, UTC."""
    origin: str


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line as it is kept."""

    number: int
    position: int
    kind: str
    uuid: Annotated[str, msgspec.Meta(max_length=24)]
    before: str | None = None
    after: str | None = None
    time: int
    origin: Annotated[str, msgspec.Meta(max_length=255)] = ""
    projects: Annotated[str, msgspec.Meta(max_length=64)] = ""


def append(unsent: Unsent, number: int, changes: Sequence[Change], time: int, origin: str) -> None:
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
            "projects": change.projects[:64],
        }
        for position, change in enumerate(changes)
    ]
    unsent.add_all(_APPEND, lines)


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


def restored(connection: Connection, number: int, epoch: str, time: int, origin: str) -> None:
    """Write down that a backup became this revision."""
    line = {"number": number, "position": 0, "kind": RESTORED, "uuid": epoch}
    more = {"before": None, "after": None, "time": time, "origin": origin[:255], "projects": ""}
    connection.execute(_APPEND, line | more)


def plain_lines(connection: Connection, after: int, until: int) -> Iterator[dict[str, Any]]:
    """The lines of the revisions after one number, up to another one, as they are kept."""
    query = _LINES.where(REVISIONS.c.number > after, REVISIONS.c.number <= until)
    for line in connection.execute(query).mappings():
        yield dict(line)


def read_line(text: bytes) -> dict[str, Any]:
    """A line as it is kept, from JSON; raise msgspec.DecodeError if it is none."""
    line = _LINE.decode(text)
    if line.kind != RESTORED:
        if line.kind not in KINDS:
            raise msgspec.ValidationError(f"there is no kind {line.kind}")
        for row in (line.before, line.after):
            _row(KINDS[line.kind], row)
    return msgspec.structs.asdict(line)


def changes(entries: Sequence[Entry]) -> list[Change]:
    """What was done to rows."""
    return [entry.change for entry in entries if entry.change]


def _entry(line: Any) -> Entry:
    if line.kind == RESTORED:
        return Entry(line.number, line.position, None, line.time, line.origin)
    kind = KINDS[line.kind]
    before, after = _row(kind, line.before), _row(kind, line.after)
    change = Change(kind, line.uuid, before, after, line.projects)
    return Entry(line.number, line.position, change, line.time, line.origin)


def _json(row: Row | None) -> str | None:
    return None if row is None else _ENCODER.encode(row).decode()


def _row(kind: type[Row], text: str | None) -> Row | None:
    return None if text is None else msgspec.json.decode(text, type=kind)


RESTORED = "restored"
"""In place of a kind, in the one line of the revision that a backup became."""
_LINE = msgspec.json.Decoder(Line)
_ENCODER = msgspec.json.Encoder()
_APPEND = insert(REVISIONS)
_LINES: Any = select(REVISIONS).order_by(REVISIONS.c.number, REVISIONS.c.position)
_ENTRIES = _LINES.where(REVISIONS.c.number > bindparam("after"))

"""All rows of a database replaced by others, within the transaction that is open."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, delete, insert

from openvnet.model import RESOURCES, Row
from openvnet.store.schema import KEYS, REVISIONS, TABLES
from openvnet.store.transaction import columns_of

BULK = 2000
"""Rows that the database is given at once."""


class Content(NamedTuple):
    """What a database is to hold."""

    number: int
    """Of the newest revision that is in it."""
    rows: Mapping[type[Any], Sequence[tuple[Row, int]]]
    """By kind, each with the number of the revision that made it."""
    lines: Sequence[Mapping[str, Any]]
    """Of the revision log, by column; none if only the rows were kept."""


def replace_all(connection: Connection, content: Content) -> None:
    """Put these rows and this log in place of all that there is; forget the idempotency keys."""
    for resource in reversed(RESOURCES):
        connection.execute(delete(TABLES[resource.kind]))
    for table in (REVISIONS, KEYS):
        connection.execute(delete(table))
    for resource in RESOURCES:
        rows = content.rows.get(resource.kind, ())
        values = ({**columns_of(row), "created": created} for row, created in rows)
        _insert(connection, TABLES[resource.kind], values)
    _insert(connection, REVISIONS, content.lines)


def _insert(connection: Connection, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
    for part in _parts(rows):
        connection.execute(insert(table), part)


def _parts(rows: Iterable[Mapping[str, Any]]) -> Iterator[list[Any]]:
    waiting = iter(rows)
    while part := list(islice(waiting, BULK)):
        yield part

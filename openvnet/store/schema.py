"""The tables: one for each resource, made from its declaration, and the revision log.

    <kind>s     one column for each field of the row's class, and `created`: the revision that made
                it, which gives lists their order
    revisions   what each revision did to each row, as JSON before and after
    idempotency_keys   what was answered to writes that may be repeated, for a day
    store       one row: the epoch, and the number of the newest revision

Rows are deleted for good; their history is in the log. `migrations/` builds the same tables step
by step, and a test holds the two against each other.
"""

import sys
import types
from typing import Any, get_args, get_type_hints

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeDecorator, TypeEngine

from openvnet.model import RESOURCES, Resource, attributes, indexes

METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

UUID = String(24)
"""A prefix, a hyphen and up to 16 letters."""


class Shared(TypeDecorator[str]):
    """A uuid that very many rows name: there is one text of it in memory, not one for each row."""

    impl = UUID
    cache_ok = True

    def process_result_value(self, value: str | None, _: object) -> str | None:
        """The one that all share."""
        return None if value is None else sys.intern(value)


STORE = Table(
    "store",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("epoch", String(32), nullable=False),
    Column("number", BigInteger, nullable=False),
)

REVISIONS = Table(
    "revisions",
    METADATA,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(64), nullable=False),
    Column("uuid", UUID, nullable=False),
    Column("before", Text),
    Column("after", Text),
    Column("time", BigInteger, nullable=False),
    Column("origin", String(255), nullable=False),
    Column("projects", String(64), nullable=False, server_default=""),
)
"""`time` is in microseconds since 1970, UTC; `position` counts the rows of one revision; `projects`
are those that the row was of, with spaces between them."""


KEYS = Table(
    "idempotency_keys",
    METADATA,
    Column("key", String(255), primary_key=True),
    Column("digest", String(32), nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("answer", Text(2**24 - 1), nullable=False),
    Column("time", BigInteger, nullable=False),
    Index(None, "time"),
)
"""What was answered to writes that may be repeated; `time` is in seconds since 1970, UTC."""


def tag(kind: type[Any]) -> str:
    """The word that tells a row's class on the wire and in the log."""
    return str(kind.__struct_config__.tag)


def _column(kind: type[Any], name: str, hint: Any) -> Column[Any]:
    optional = isinstance(hint, types.UnionType) and type(None) in get_args(hint)
    plain = next(part for part in get_args(hint) if part is not type(None)) if optional else hint
    return Column(
        name,
        _column_type(kind, name, plain),
        primary_key=name == "uuid",
        nullable=optional,
    )


def _column_type(kind: type[Any], name: str, plain: type) -> TypeEngine[Any]:
    if plain is bool:
        return Boolean()
    if plain is int:
        return BigInteger()
    if name == "project_uuid":
        return Shared()
    declared = attributes(kind).get(name)
    return UUID if declared and declared.type.name == "uuid" else String(255)


def _declared(resource: Resource) -> Table:
    kind = resource.kind
    hints = get_type_hints(kind)
    return Table(
        f"{tag(kind)}s",
        METADATA,
        *(_column(kind, name, hints[name]) for name in kind.__struct_fields__),
        Column("created", BigInteger, nullable=False),
        *(UniqueConstraint(*names) for names in resource.unique),
        Index(None, "created", "uuid"),
        *(Index(None, name) for name in indexes(kind) if not _leads(resource, name)),
    )


def _leads(resource: Resource, name: str) -> bool:
    return any(names[0] == name for names in resource.unique)


TABLES: dict[type[Any], Table] = {resource.kind: _declared(resource) for resource in RESOURCES}
"""The table of each class of rows."""

"""Projects, which all resources belong to; tokens, quotas, and networks that are shared."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

UUID = sa.String(length=24)
TEXT = sa.String(length=255)
NUMBER = sa.BigInteger()

BELONGING = (
    *("datapaths", "segments", "networks", "interfaces", "mac_leases", "ip_leases"),
    *("ip_range_groups", "mac_range_groups", "ip_lease_containers", "ip_retention_containers"),
    *("route_links", "routes", "translations", "network_services", "dns_services", "filters"),
    *("lease_policys", "topologys"),
)
"""The tables of what belongs to a project; all that there is belongs to pj-default."""


def upgrade() -> None:
    """Take the step."""
    _table("projects", _column("display_name", TEXT), _column("description", TEXT))
    _table(
        "quotas",
        _column("project_uuid", UUID),
        _column("resource", TEXT),
        _column("maximum", NUMBER),
        unique=("project_uuid", "resource"),
    )
    _table(
        "tokens",
        _column("display_name", TEXT),
        _column("role", TEXT),
        sa.Column("project_uuid", UUID, nullable=True),
        sa.Column("expires_at", NUMBER, nullable=True),
        _column("digest", TEXT),
        indexes=("project_uuid", "digest"),
    )
    _table(
        "network_projects",
        _column("network_uuid", UUID),
        _column("project_uuid", UUID),
        unique=("network_uuid", "project_uuid"),
        indexes=("project_uuid",),
    )
    shared: sa.Column[Any] = sa.Column(
        "shared", sa.Boolean(), nullable=False, server_default=sa.false()
    )
    op.add_column("networks", shared)
    _index("networks", "shared")
    for name in BELONGING:
        op.add_column(name, _defaulted("project_uuid", UUID, "pj-default"))
        _index(name, "project_uuid")
    op.add_column("revisions", _defaulted("projects", sa.String(length=64), ""))
    op.execute("UPDATE revisions SET projects = 'pj-default'")
    op.execute(
        "INSERT INTO projects (uuid, display_name, description, created) "
        "VALUES ('pj-default', 'default', 'What nobody says a project of.', 0)"
    )


def _defaulted(name: str, kind: sa.types.TypeEngine[Any], value: str) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False, server_default=value)


def _column(name: str, kind: sa.types.TypeEngine[Any]) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def _table(
    name: str,
    *columns: sa.Column[Any],
    unique: tuple[str, ...] = (),
    indexes: tuple[str, ...] = (),
) -> None:
    op.create_table(
        name,
        sa.Column("uuid", UUID, nullable=False),
        *columns,
        sa.Column("created", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("uuid", name=op.f(f"pk_{name}")),
        *(
            [sa.UniqueConstraint(*unique, name=op.f(f"uq_{name}_{'_'.join(unique)}"))]
            if unique
            else []
        ),
    )
    _index(name, "created", "uuid")
    for each in indexes:
        _index(name, each)


def _index(table: str, *columns: str) -> None:
    op.create_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table, columns, unique=False)

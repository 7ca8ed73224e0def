"""Where interfaces are that may be on several hosts; how packets come to a host."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

UUID = sa.String(length=24)
TEXT = sa.String(length=255)

ENCAPSULATED = ("datapath_networks", "datapath_segments", "datapath_route_links", "topologys")


def upgrade() -> None:
    """Take the step."""
    for table in ENCAPSULATED:
        column: sa.Column[str] = sa.Column(
            "encapsulation", TEXT, nullable=False, server_default="geneve"
        )
        op.add_column(table, column)
    op.create_table(
        "active_interfaces",
        sa.Column("uuid", UUID, nullable=False),
        sa.Column("interface_uuid", UUID, nullable=False),
        sa.Column("datapath_uuid", UUID, nullable=False),
        sa.Column("port_name", TEXT, nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("uuid", name="pk_active_interfaces"),
        sa.UniqueConstraint("interface_uuid", name="uq_active_interfaces_interface_uuid"),
    )
    op.create_index("ix_active_interfaces_created_uuid", "active_interfaces", ["created", "uuid"])
    op.create_index("ix_active_interfaces_datapath_uuid", "active_interfaces", ["datapath_uuid"])

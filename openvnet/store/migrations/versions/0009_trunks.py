"""Guests' ports that are trunks: interfaces that are VLANs of another one's port."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Take the step."""
    op.add_column(
        "interfaces", sa.Column("parent_interface_uuid", sa.String(length=24), nullable=True)
    )
    op.add_column("interfaces", sa.Column("vlan_id", sa.BigInteger(), nullable=True))
    op.create_index("ix_interfaces_parent_interface_uuid", "interfaces", ["parent_interface_uuid"])

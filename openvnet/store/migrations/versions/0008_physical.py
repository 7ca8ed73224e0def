"""Physical networks that are a VLAN of the wire."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Take the step."""
    op.add_column("networks", sa.Column("vlan_id", sa.BigInteger(), nullable=True))

"""The MTU of networks."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Take the step."""
    op.add_column("networks", sa.Column("mtu", sa.BigInteger(), nullable=True))

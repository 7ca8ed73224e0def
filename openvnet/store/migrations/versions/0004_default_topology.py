"""The topology that new networks are put into, if one is marked so."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Take the step."""
    column: sa.Column[bool] = sa.Column(
        "default", sa.Boolean(), nullable=False, server_default=sa.false()
    )
    op.add_column("topologys", column)

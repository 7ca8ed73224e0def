"""Nodes: the programs on other machines, and the keys that they are known by."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Take the step."""
    text, number = sa.String(length=255), sa.BigInteger()
    name = sa.String(length=24)
    op.create_table(
        "nodes",
        sa.Column("uuid", name, nullable=False),
        sa.Column("node_id", text, nullable=False),
        sa.Column("role", text, nullable=False),
        sa.Column("datapath_uuid", name, nullable=True),
        sa.Column("token_key", text, nullable=True),
        sa.Column("token_until", number, nullable=True),
        *(sa.Column(key, text, nullable=True) for key in ("public_key", "previous_key")),
        sa.Column("joined", number, nullable=True),
        sa.Column("created", number, nullable=False),
        sa.PrimaryKeyConstraint("uuid", name="pk_nodes"),
        *(
            sa.UniqueConstraint(column, name=f"uq_nodes_{column}")
            for column in ("node_id", "public_key", "token_key")
        ),
    )
    for columns in (("created", "uuid"), ("datapath_uuid",), ("previous_key",)):
        op.create_index(f"ix_nodes_{'_'.join(columns)}", "nodes", columns, unique=False)

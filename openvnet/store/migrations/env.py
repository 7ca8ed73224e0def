"""How alembic runs the steps: on the connection, and in the transaction, that it is given."""

from alembic import context

from openvnet.store.migrations import spelling  # noqa: F401  it is heard by SQLAlchemy
from openvnet.store.schema import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
with context.begin_transaction():
    context.run_migrations()

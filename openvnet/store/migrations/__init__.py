"""The steps by which a database of any age gets today's tables."""

import logging
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from openvnet.store.errors import StoreTooNew

NEWEST = "0007"
"""The newest step in `versions/`."""


def migrate(connection: Connection) -> None:
    """Take the steps that a database lacks, within the transaction that is open."""
    if current(connection) == NEWEST:
        return
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # Importing alembic takes as long as the rest of a start, and most starts do not need it.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    steps = Config()
    steps.set_main_option("script_location", str(Path(__file__).parent))
    steps.attributes["connection"] = connection
    try:
        command.upgrade(steps, "head")
    except CommandError as error:
        raise StoreTooNew(f"A later release of OpenVNet wrote this database: {error}.") from error


def current(connection: Connection) -> str | None:
    """The newest step that a database has taken."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()

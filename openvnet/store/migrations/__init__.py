"""The steps by which a database of any age gets today's tables."""

import logging
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from openvnet.store.errors import StoreError, StoreTooNew
from openvnet.store.schema import METADATA

NEWEST = "0010"
"""The newest step in `versions/`."""


def migrate(connection: Connection) -> None:
    """Take the steps that a database lacks, within the transaction that is open."""
    if current(connection) == NEWEST:
        return
    _refuse_foreign(connection)
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


def _refuse_foreign(connection: Connection) -> None:
    """Refuse a database in which others have tables called like ours, such as the original's."""
    tables = set(inspect(connection).get_table_names())
    if "alembic_version" not in tables and (theirs := sorted(tables & set(METADATA.tables))):
        raise StoreError(
            f"The database has a table {theirs[0]} that is not of this OpenVNet. Give it a "
            "database of its own; what an OpenVNet in Ruby left can be imported into that."
        )


def current(connection: Connection) -> str | None:
    """The newest step that a database has taken."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def versions() -> set[str]:
    """All steps that this release knows."""
    files = Path(__file__).parent.glob("versions/[0-9]*_*.py")
    return {file.name.partition("_")[0] for file in files}

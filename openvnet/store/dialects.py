"""What databases do differently: SQLite, MariaDB and MySQL, PostgreSQL.

Nobody else asks which it is, but for the spelling of tables (`migrations.spelling`). A server is
waited for, but never for long: vnmgr does nothing else meanwhile.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.exc import DBAPIError

from openvnet.store.errors import StoreError

CONNECT_SECONDS = 3
ANSWER_SECONDS = 10
"""After which a server that says nothing counts as gone."""
LOCK_SECONDS = 5
"""How long another vnmgr's transaction is waited for."""

MULTI_STATEMENTS = 1 << 16
"""What tells MariaDB and MySQL that a message may be several statements."""

EXTRAS = {"mysql": "mariadb", "postgresql": "postgresql"}
"""Of our package: what brings the drivers."""

LOST = {1053, 1927, 2006, 2013, "57P01", "57P02", "57P03"}
"""What a server says as it goes away, where SQLAlchemy does not know it for that."""
AWAY = {2002, 2003}
"""MariaDB's and MySQL's clients: nobody listens there."""
BUSY = {1020, 1213, "40001", "40P01"}
"""Deadlocks and the like: all was undone, and may be tried again at once."""
MISSING = {1044, 1049, "3D000"}
"""The server does not have the database, or not for this user."""


def engine(url: URL, patient: bool = False) -> Engine:
    """What connects to a database; `patient` waits as long as its answer takes.

    Raise StoreError if there is nothing to speak to it with.
    """
    try:
        return _engine(url, patient)
    except ModuleNotFoundError as error:
        extra = EXTRAS[url.get_backend_name()]
        raise StoreError(
            f"The Python package {error.name} is needed for this database, and is not installed; "
            f"openvnet[{extra}] brings it."
        ) from error


def _engine(url: URL, patient: bool) -> Engine:
    dialect = url.get_backend_name()
    if dialect == "sqlite":
        made = create_engine(url)
        event.listen(made, "connect", _prepare_sqlite)
        event.listen(made, "begin", _begin_sqlite)
        event.listen(made, "do_execute_no_params", _execute_each)
        return made
    if dialect == "mysql":
        made = create_engine(
            url,
            isolation_level="REPEATABLE READ",
            connect_args={
                "client_flag": MULTI_STATEMENTS,
                "connect_timeout": CONNECT_SECONDS,
                "read_timeout": None if patient else ANSWER_SECONDS,
                "write_timeout": ANSWER_SECONDS,
                "charset": "utf8mb4",
                "init_command": "SET SESSION sql_mode = 'STRICT_ALL_TABLES', "
                f"innodb_lock_wait_timeout = {LOCK_SECONDS}",
            },
        )
        event.listen(made, "do_execute_no_params", _execute_together)
        return made
    return create_engine(
        url,
        isolation_level="READ COMMITTED",
        connect_args={
            "connect_timeout": CONNECT_SECONDS,
            "tcp_user_timeout": 1000 * ANSWER_SECONDS,
            "client_encoding": "UTF8",
            "options": f"-c lock_timeout={LOCK_SECONDS}s"
            + ("" if patient else f" -c statement_timeout={ANSWER_SECONDS}s"),
        },
    )


def begin_reading(connection: Connection) -> None:
    """See all rows as of one moment, in the transaction that has just begun."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")


def alone(connection: Connection) -> bool:
    """Wait to be the only one who changes the tables, until this connection ends."""
    wait = {
        "mysql": "SELECT GET_LOCK(CONCAT('openvnet ', DATABASE()), 60)",
        "postgresql": "SELECT pg_advisory_lock(hashtext('openvnet')) IS NOT NULL",
    }
    statement = wait.get(connection.dialect.name)
    return statement is None or bool(connection.execute(text(statement)).scalar())


def execute_all(
    connection: Connection,
    statements: Sequence[tuple[Any, dict[str, Any]]],
    done: list[None],
) -> None:
    """Execute statements that answer nothing, in order; `done` gets one longer with each.

    MariaDB and MySQL get all of them in one message, and stop at the first that fails. SQLite gets
    them without what SQLAlchemy does for each, which takes longer than they do.
    """
    dialect = connection.dialect.name
    if dialect not in _SPELLINGS:
        for statement, values in statements:
            connection.execute(statement, values)
            done.append(None)
        return
    each = [_spelled(statement, dialect, values) for statement, values in statements]
    options = {"no_parameters": True, "each": each, "done": done}
    connection.exec_driver_sql("several statements", execution_options=options)


_SPELLINGS = {
    "mysql": mysql.dialect(paramstyle="pyformat"),
    "sqlite": sqlite.dialect(paramstyle="named"),
}


def _spelled(statement: Any, dialect: str, values: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """A statement as the database's driver takes it, and its values by name."""
    compiled = _compiled(statement, dialect)
    return compiled.string, compiled.construct_params(values)


@cache
def _compiled(statement: Any, dialect: str) -> Any:
    return statement.compile(dialect=_SPELLINGS[dialect])


def _execute_each(cursor: Any, _: str, context: Any) -> bool:
    """Do what `execute_all` says, for SQLite."""
    options = context.execution_options
    for statement, values in options["each"]:
        cursor.execute(statement, values)
        options["done"].append(None)
    return True


def _execute_together(cursor: Any, _: str, context: Any) -> bool:
    """Do what `execute_all` says, for MariaDB and MySQL."""
    options = context.execution_options
    cursor.execute(";".join(cursor.mogrify(*one) for one in options["each"]))
    options["done"].append(None)
    while cursor.nextset():
        options["done"].append(None)
    return True


def is_lost(error: DBAPIError) -> bool:
    """Whether the connection is gone, and nothing is known of the server."""
    return error.connection_invalidated or _code(error) in LOST


def is_away(error: DBAPIError) -> bool:
    """Whether a connection was not made because there is no server, or it only begins."""
    says = str(error.orig)
    # PostgreSQL's refusal comes without its code. Of itself it says that it is starting up, not yet
    # accepting connections, or in recovery.
    refused = "FATAL:" in says and "the database system is " not in says
    return is_lost(error) or _code(error) in AWAY or (_code(error) is None and not refused)


def is_busy(error: DBAPIError) -> bool:
    """Whether others were in the way."""
    return _code(error) in BUSY


def is_missing(error: DBAPIError) -> bool:
    """Whether there is a server, but no such database."""
    # PostgreSQL's refusal of a connection comes without its code.
    says = str(error)
    return _code(error) in MISSING or ('database "' in says and "does not exist" in says)


def _code(error: DBAPIError) -> object:
    first = error.orig.args[0] if error.orig and error.orig.args else None
    return first if isinstance(first, int) else getattr(error.orig, "sqlstate", None)


def words(error: BaseException) -> str:
    """What the database says of a failure, in one line without its code or a full stop."""
    said = error.orig if isinstance(error, DBAPIError) and error.orig else error
    last = said.args[-1] if said.args else said
    return " ".join(str(last).split()).rstrip(".")


def creation(url: URL) -> tuple[URL, str]:
    """How a database is made: where to connect to, and what to say there."""
    if url.get_backend_name() == "mysql":
        name = f"`{str(url.database).replace('`', '``')}`"
        return url.set(database=""), f"CREATE DATABASE {name} CHARACTER SET utf8mb4"
    name = '"{}"'.format(str(url.database).replace('"', '""'))
    return url.set(
        database="postgres"
    ), f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0"


def _prepare_sqlite(connection: Any, _: Any) -> None:
    # Without this, Python's sqlite3 begins transactions by itself, and not before savepoints.
    connection.isolation_level = None
    for setting in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=500"):
        connection.execute(f"PRAGMA {setting}")


def _begin_sqlite(connection: Connection) -> None:
    # IMMEDIATE takes the right to write at once: a later refusal would waste the work.
    connection.exec_driver_sql("BEGIN IMMEDIATE")

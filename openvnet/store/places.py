"""Where a database is: SQLAlchemy's URLs, as they are given and as they are shown."""

from pathlib import Path

from sqlalchemy import URL
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from openvnet.store.errors import StoreError

DRIVERS = {
    "sqlite": "sqlite",
    "mysql": "mysql+pymysql",
    "mysql2": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
    "postgresql": "postgresql+psycopg",
}
"""What speaks to each kind of database; `mysql2` is its name in Ruby."""

KINDS = "sqlite, mysql2 (MariaDB and MySQL) and postgresql"


def place_of(url: str | URL) -> URL:
    """The place that a URL names, with the driver that we use. Raise StoreError."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        hidden = f"***@{str(url).rpartition('@')[2]}" if "@" in str(url) else url
        raise StoreError(
            f'The database "{hidden}" is not a URL such as sqlite:////var/lib/openvnet/vnet.sqlite.'
        ) from None
    driver = DRIVERS.get(parsed.drivername.partition("+")[0])
    if driver is None:
        raise StoreError(f"{shown(parsed)} is of a kind that is not known; there are {KINDS}.")
    if not parsed.database:
        raise StoreError(f"{shown(parsed)} has no name.")
    return parsed.set(drivername=driver)


def file(path: Path) -> URL:
    """The place of a database of SQLite's."""
    return URL.create("sqlite", database=str(path))


def server(
    adapter: str,
    database: str,
    host: str | None,
    port: int | None,
    socket: str | None,
    user: str | None,
    password: str | None,
) -> URL:
    """The place of a server's database; the socket beats host and port."""
    driver = DRIVERS[adapter]
    if socket and driver.startswith("postgresql"):
        query, host = {"host": socket}, None
    elif socket:
        query, host, port = {"unix_socket": socket}, "localhost", None
    else:
        query, host = {}, host or "localhost"
    return URL.create(driver, user or None, password or None, host, port, database, query)


def shown(place: URL) -> str:
    """What logs and errors call a database: without its password, and its user."""
    if place.get_backend_name() == "sqlite":
        return f"The database {place.database}"
    where = place.query.get("unix_socket") or place.query.get("host") or place.host or "localhost"
    port = f":{place.port}" if place.port and place.host else ""
    return f"The database {place.database} at {where}{port}"

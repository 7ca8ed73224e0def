"""The MySQL database of the original OpenVNet, read as it is.

It is read in one transaction, which sees one moment, and writes nothing. Which tables there are is
that of the original's newest migration, 0018.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from sqlalchemy import URL, Connection, create_engine, inspect
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

TABLES = (
    *("datapaths", "segments", "networks", "interfaces", "interface_ports", "mac_addresses"),
    *("mac_leases", "ip_addresses", "ip_leases", "ip_range_groups", "ip_ranges"),
    *("mac_range_groups", "mac_ranges", "ip_lease_containers", "ip_lease_container_ip_leases"),
    *("ip_retention_containers", "ip_retentions", "route_links", "routes", "translations"),
    *("translation_static_addresses", "network_services", "dns_services", "dns_records"),
    *("filters", "filter_statics", "lease_policies", "lease_policy_base_networks"),
    *("lease_policy_base_interfaces", "lease_policy_ip_lease_containers"),
    *("lease_policy_ip_retention_containers", "topologies", "topology_datapaths"),
    *("topology_networks", "topology_segments", "topology_route_links"),
    *("topology_mac_range_groups", "topology_layers", "datapath_networks", "datapath_segments"),
    *("datapath_route_links", "interface_networks", "interface_segments"),
    *("interface_route_links",),
)
"""Those whose rows are carried over."""

DERIVED = (
    *("tunnels", "active_interfaces", "active_networks", "active_segments"),
    *("active_route_links", "active_ports"),
)
"""Those whose rows follow from others, and from what goes on."""

OldRow = Mapping[str, Any]


class ImportFailed(Exception):
    """The original's database cannot be read. The text says why, for people."""


class Original(NamedTuple):
    """What is in a database of the original."""

    rows: Mapping[str, Mapping[int, OldRow]]
    """The rows that were not deleted, by table and id, in the order of ids."""
    deleted: Mapping[str, int]
    """How many rows of each table were only marked as deleted."""
    derived: Mapping[str, int]
    """How many rows there are of each derived table."""
    others: Mapping[str, int]
    """How many rows there are of each table that nobody knows, if there are any."""


def address(text: str) -> URL:
    """The address of a database, such as mysql://root@localhost/vnet; raise ImportFailed."""
    try:
        given = make_url(text)
    except ArgumentError:
        given = None
    if given is None or given.get_backend_name() not in ("mysql", "mariadb", "mysql2"):
        raise ImportFailed(
            "The address of the original's database must be mysql://user@host:3306/name."
        )
    if given.password is not None:
        raise ImportFailed(
            "A password on the command line is seen by all users of this machine. Leave it out: "
            "it is asked for, or taken from --password-file or VNET_IMPORT_PASSWORD."
        )
    if not given.database:
        raise ImportFailed("The address must name the database: mysql://user@host/vnet.")
    return given.set(drivername="mysql+pymysql")


def read(where: URL, password: str) -> Original:
    """All that is in a database; raise ImportFailed."""
    shown = where.set(drivername="mysql").render_as_string()
    try:
        engine = create_engine(
            where.set(password=password or None),
            isolation_level="REPEATABLE READ",
            connect_args={"connect_timeout": 10},
        )
        with engine.connect() as connection:
            connection.exec_driver_sql("START TRANSACTION READ ONLY, WITH CONSISTENT SNAPSHOT")
            found = _read(connection, shown)
        engine.dispose()
    except (ImportError, NoSuchModuleError):
        raise ImportFailed(
            "To read MySQL, PyMySQL is needed: pip install 'openvnet[mariadb]'."
        ) from None
    except DBAPIError as error:
        why = error.orig.args[-1] if error.orig and error.orig.args else error
        raise ImportFailed(f"{shown} cannot be read: {why}.") from None
    return found


def _read(connection: Connection, shown: str) -> Original:
    there = inspect(connection).get_table_names()
    if missing := [table for table in TABLES if table not in there]:
        several = ", ".join(missing[:3]) + (" and others" if len(missing) > 3 else "")
        raise ImportFailed(
            f"{shown} is not a database of OpenVNet's last release: it has no table {several}. "
            "If it is of an earlier one, run the original's `rake db:migrate` on a copy first."
        )
    rows: dict[str, dict[int, OldRow]] = {}
    deleted: dict[str, int] = {}
    for table in TABLES:
        every = list(_rows(connection, table))
        living = [row for row in every if not (row.get("is_deleted") or row.get("deleted_at"))]
        rows[table] = {row["id"]: row for row in living}
        deleted[table] = len(every) - len(living)
    derived = {table: _count(connection, table) for table in DERIVED if table in there}
    unknown = set(there) - {*TABLES, *DERIVED, "schema_migrations", "schema_info"}
    others = {table: _count(connection, table) for table in sorted(unknown)}
    return Original(
        rows, deleted, derived, {name: count for name, count in others.items() if count}
    )


def _rows(connection: Connection, table: str) -> Iterator[OldRow]:
    found = connection.exec_driver_sql(f"SELECT * FROM `{table}` ORDER BY id")  # noqa: S608  our own words
    for row in found.mappings():
        yield {str(name): value for name, value in row.items()}


def _count(connection: Connection, table: str) -> int:
    quoted = table.replace("`", "``")
    found = connection.exec_driver_sql(f"SELECT COUNT(*) FROM `{quoted}`")  # noqa: S608  its own words
    return int(found.scalar_one())

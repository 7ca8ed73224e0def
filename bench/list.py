"""list: from the request for a list to its last byte, with 100,000 interfaces in the database.

They are in 100 networks, and have a port, a MAC and an address each: 400,000 rows. Lists are asked
for over HTTP and a unix socket, as a console or a script does.
"""

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from bench.figures import Figure, spread
from bench.worlds import base_rows, interface_rows
from openvnet.client import Client
from openvnet.model import Row
from openvnet.store.database import opened
from openvnet.store.schema import TABLES
from openvnet.store.transaction import columns_of
from tests.api.processes import vnmgr, webapi

INTERFACES = 100_000
RUNS = 40

LISTS: dict[str, dict[str, Any]] = {
    "1,000 of a network": {"network_uuid": "nw-7", "limit": 1000},
    "30 of a network, at 500": {"network_uuid": "nw-7", "mode": "vif", "limit": 30, "offset": 500},
    "30 of all": {"limit": 30, "offset": 50_000},
    "1 by its MAC address": {"mac_address": "52:00:00:01:00:00", "limit": 30},
    "30 in another order": {"sort": "-display_name,uuid", "limit": 30},
}
BARS = {"1,000 of a network": "< 50", "30 of a network, at 500": "< 50"}


def measure() -> Iterator[Figure]:
    """Milliseconds for each kind of list."""
    with tempfile.TemporaryDirectory(prefix="openvnet-") as name, ExitStack() as stack:
        directory = Path(name)
        (directory / "state").mkdir()
        fill(f"sqlite:///{directory}/state/openvnet.sqlite", rows())
        stack.enter_context(vnmgr(directory))
        stack.enter_context(webapi(directory))
        client = stack.enter_context(Client(f"unix:{directory}/webapi.sock"))
        for what, query in LISTS.items():
            client.get("/interfaces", **query)
            milliseconds = [_timed(client, query) for _ in range(RUNS)]
            yield from spread(f"list {what}", milliseconds, "ms", (BARS.get(what, ""), ""))


def _timed(client: Client, query: dict[str, Any]) -> float:
    started = time.perf_counter()
    answer = client.get("/interfaces", **query)
    ended = time.perf_counter()
    if not answer.body["items"]:
        raise RuntimeError(f"{query} found nothing")
    return 1000 * (ended - started)


def rows() -> Iterator[Row]:
    """The world of this figure."""
    yield from base_rows()
    for number in range(INTERFACES):
        yield from interface_rows(number)


def fill(url: str, rows: Iterator[Row]) -> None:
    """Put rows into a new database without a word in its log: so many would take minutes."""
    store = opened(url)
    by_kind: dict[type[Row], list[dict[str, Any]]] = {}
    for row in rows:
        by_kind.setdefault(type(row), []).append({**columns_of(row), "created": 1})
    with store.connection.begin():
        for kind, columns in by_kind.items():
            store.connection.execute(insert(TABLES[kind]), columns)
    store.close()

"""manager-restart: vnmgr with 100,000 interfaces in its database, from exec until it serves."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from bench.figures import Figure
from bench.list import INTERFACES, fill, rows
from tests.api.processes import Process
from tests.databases import server
from tests.system import process_of


def measure() -> Iterator[Figure]:
    """Seconds, with SQLite and MariaDB."""
    for kind in ("SQLite", "MariaDB"):
        with tempfile.TemporaryDirectory(prefix="openvnet-") as name, ExitStack() as stack:
            Path(name, "state").mkdir()
            url = f"sqlite:///{name}/state/openvnet.sqlite"
            if kind == "MariaDB":
                url = stack.enter_context(server("mariadb")).url("vnet")
            fill(url, rows())
            yield Figure(f"manager-restart {kind}, {INTERFACES:,}", _started(name, url), "s", "< 5")


def _started(directory: str, url: str) -> float:
    words = ("--run", directory, "--state", f"{directory}/state", "--config", directory)
    started = time.perf_counter()
    with process_of(Process("openvnet.manager.main", *words, "--database", url)) as running:
        running.says("serves", seconds=60)
        return time.perf_counter() - started

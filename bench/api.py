"""api: creating an interface with a MAC and an IP address, from the request to the answer.

Over HTTP and a unix socket, with a durable commit: SQLite and MariaDB sync to the disk each time,
or once for all that wait together. Clients are processes of their own: in one, they would wait for
each other.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec

from bench.figures import Figure, spread
from openvnet.client import Client
from openvnet.store.database import opened
from tests.api.processes import ROOT, process, webapi
from tests.databases import server

REQUESTS = 1000
"""Of each number of clients, all together."""
WARM_UP = 100
BARS = {1: ("< 5", ""), 8: ("", "")}
LEAST = 400
"""Requests per second of eight clients."""

NETWORK = {"uuid": "nw-1", "ipv4_network": "10.0.0.0", "ipv4_prefix": "8"}
WRITER = "import bench.api; bench.api.write()"


def measure() -> Iterator[Figure]:
    """Milliseconds and requests per second, for both databases and one and eight clients."""
    for kind in ("SQLite", "MariaDB"):
        with tempfile.TemporaryDirectory(prefix="openvnet-") as name, ExitStack() as stack:
            run = Path(name)
            words = ["--run", name, "--state", f"{name}/state", "--config", name]
            if kind == "MariaDB":
                mariadb = stack.enter_context(server("mariadb", durable=True))
                url = mariadb.url("vnet")
                opened(url).close()  # It makes its tables, which takes its time.
                words += ["--database", url]
            stack.enter_context(process("openvnet.manager.main", *words, says="serves"))
            stack.enter_context(webapi(run))
            with Client(f"unix:{run}/webapi.sock") as client:
                client.write("POST", "/networks", NETWORK)
            _timed(run, 1, 0, WARM_UP)
            first = WARM_UP
            for clients in (1, 8):
                took, seconds = _timed(run, clients, first, REQUESTS)
                first += REQUESTS
                what = f"api {kind}, {clients} client{'s' * (clients > 1)}"
                yield from spread(what, took, "ms", BARS[clients])
                bar = f"≥ {LEAST}" if clients == 8 else ""
                yield Figure(f"{what}", REQUESTS / seconds, "1/s", bar)


def _timed(run: Path, clients: int, first: int, count: int) -> tuple[list[float], float]:
    """How long each of `count` requests took, and all of them."""
    each = count // clients
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(run), str(first + number * each), str(each)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for number in range(clients)
    ]
    for writer in writers:
        assert writer.stdout
        writer.stdout.readline()  # It is ready.
    for writer in writers:
        assert writer.stdin
        writer.stdin.write(b"\n")
        writer.stdin.flush()
    spans: list[tuple[float, float]] = []
    for writer in writers:
        spans += msgspec.json.decode(writer.communicate()[0], type=list[tuple[float, float]])
    begun, ended = min(start for start, _ in spans), max(end for _, end in spans)
    return [1000 * (end - start) for start, end in spans], ended - begun


def write() -> None:
    """One client: its requests, one after the other; prints when each began and ended."""
    run, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    spans: list[tuple[float, float]] = []
    with Client(f"unix:{run}/webapi.sock") as client:
        client.get("/networks/nw-1")
        print(flush=True)
        sys.stdin.readline()
        for number in range(first, first + count):
            started = time.perf_counter()
            client.write("POST", "/interfaces", _interface(number))
            spans.append((started, time.perf_counter()))
    sys.stdout.buffer.write(msgspec.json.encode(spans))


def _interface(number: int) -> dict[str, str]:
    return {
        "uuid": f"if-{number}",
        "mode": "vif",
        "network_uuid": "nw-1",
        "mac_address": f"52:54:00:00:{number >> 8:02x}:{number & 255:02x}",
        "ipv4_address": f"10.0.{number // 250}.{1 + number % 250}",
        "port_name": f"port{number}",
    }

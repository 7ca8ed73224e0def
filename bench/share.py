"""share: what one agent holds of the world, by rows and by octets on the wire.

Its guests are 1 % of the smaller world, and in the same networks in the larger one, five times as
large; what it holds should be the same in both.
"""

import asyncio
from collections.abc import Iterator

from bench.figures import Figure
from bench.many_hosts import dpid, roots, rows
from openvnet.wire.messages import Beat, Hello, Snapshot, encode
from openvnet.wire.stream import Stream
from tests.system import system

HOSTS = 100
LARGER = 5


def measure() -> Iterator[Figure]:
    """Rows and octets in both worlds."""
    held = {hosts: _held(hosts) for hosts in (HOSTS, LARGER * HOSTS)}
    for hosts, snapshot in held.items():
        yield Figure(f"share of a world of {hosts} hosts", len(snapshot.rows), "rows")
        yield Figure(f"share of a world of {hosts} hosts, kB", len(encode(snapshot)) / 1e3, "kB")
        total = sum(1 for _ in rows(hosts))
        percent = 100 * len(snapshot.rows) / total
        yield Figure(f"share of a world of {hosts} hosts, part", percent, "%")
    few, many = (len(encode(snapshot)) for snapshot in held.values())
    yield Figure(f"share, {LARGER} times the world", many / few, "times", "≤ 1.1")


def _held(hosts: int) -> Snapshot:
    with system(rows(hosts)) as made:
        return asyncio.run(_snapshot(f"ipc://{made.directory}/agents.sock"))


async def _snapshot(endpoint: str) -> Snapshot:
    stream = Stream(endpoint)
    try:
        async with asyncio.timeout(30):
            while True:
                match await stream.receive():
                    case Beat(None):
                        stream.send(Hello("vna0", dpid(0), None, 1, roots(0), "0"))
                    case Snapshot() as snapshot:
                        return snapshot
    finally:
        stream.close()

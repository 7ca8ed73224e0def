"""Many agents without a switch, on the real wire: they hear, keep their rows, and acknowledge.

`python -m bench.fake_agents --run DIRECTORY --hosts 500`. Says "all N agents are in sync" whenever
the last of them has come into sync, also after vnmgr was away.
"""

import asyncio
import sys

import click
import uvloop
import zmq

from bench.many_hosts import dpid, roots
from openvnet.model import KINDS
from openvnet.wire.messages import (
    BEAT_SECONDS,
    Acknowledge,
    Beat,
    Hello,
    Revision,
    Snapshot,
    Update,
)
from openvnet.wire.stream import Stream


class Agents:
    """All of them, and how many are in sync."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.in_sync: set[int] = set()

    def synchronised(self, host: int) -> None:
        """One is; say so if it was the last."""
        if host not in self.in_sync:
            self.in_sync.add(host)
            if len(self.in_sync) == self.count:
                print(f"all {self.count} agents are in sync", file=sys.stderr, flush=True)


async def agent(endpoint: str, host: int, agents: Agents) -> None:
    """Hear for ever, as an agent does that has no switch to wait for."""
    stream = Stream(endpoint)
    rows: dict[object, object] = {}
    received: Revision | None = None
    asyncio.create_task(_beat(stream))  # noqa: RUF006 - both end with the process
    serial = 0
    while True:
        message = await stream.receive()
        match message:
            case Beat(revision) if revision is None or revision != received:
                agents.in_sync.discard(host)
                serial += 1
                hello = Hello(f"vna{host}", dpid(host), None, serial, roots(host), "0")
                stream.send(hello)
            case Snapshot():
                rows = {(type(row), row.uuid): row for row in message.rows}
            case Update():
                for gone in message.remove:
                    rows.pop((KINDS[gone.kind], gone.uuid), None)
                rows.update({(type(row), row.uuid): row for row in message.put})
        if isinstance(message, Snapshot | Update):
            received = message.revision
            stream.send(Acknowledge(received))
            agents.synchronised(host)


async def _beat(stream: Stream) -> None:
    while True:
        stream.send(Beat(state="in sync"))
        await asyncio.sleep(BEAT_SECONDS)


@click.command()
@click.option("--run", required=True)
@click.option("--hosts", type=int, required=True)
def main(run: str, hosts: int) -> None:
    """Run them all."""
    zmq.Context.instance().set(zmq.MAX_SOCKETS, 8 * hosts)
    uvloop.run(_all(f"ipc://{run}/agents.sock", hosts))


async def _all(endpoint: str, hosts: int) -> None:
    agents = Agents(hosts)
    async with asyncio.TaskGroup() as group:
        for host in range(hosts):
            group.create_task(agent(endpoint, host, agents))


if __name__ == "__main__":
    main()

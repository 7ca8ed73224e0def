"""A vna to whose inbox many ports are put as facts, as though the bridge had them.

`python -m bench.vna_with_ports --ports 10000 …`, with the options of vna that follow.
"""

from pathlib import Path
from socket import socket

import click
import uvloop

from bench.worlds import ports
from openvnet import logs
from openvnet.agent.agent import Agent
from openvnet.agent.cache import Cache
from openvnet.agent.inbox import Connected, Inbox, News, PortStatus
from openvnet.agent.main import listening, serve
from openvnet.wire.stream import Stream


class InboxWithPorts(Inbox):
    """An inbox in which a bridge that connects is followed by news of more ports."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self._count = count

    def put(self, news: News) -> None:
        """Add news, and the ports."""
        super().put(news)
        if isinstance(news, Connected):
            for port in ports(self._count):
                super().put(PortStatus(port, gone=False))


@click.command()
@click.option("--ports", "count", type=int, required=True)
@click.option("--run", type=Path, required=True)
@click.option("--state", type=Path, required=True)
@click.option("--listen", "address", required=True)
@click.option("--ovsdb", required=True)
@click.option("--config", expose_value=False)  # Nothing of it is needed here.
def main(count: int, run: Path, state: Path, address: str, ovsdb: str) -> None:
    """Run it."""
    logs.start("vna")
    with listening(address) as server:
        uvloop.run(_run(count, run, state, server, ovsdb))


async def _run(count: int, run: Path, state: Path, server: socket, ovsdb: str) -> None:
    cache = Cache.open(state / "vna.cache")
    stream = Stream(f"ipc://{run}/agents.sock")
    agent = Agent("vna", cache, stream, InboxWithPorts(count), needs_identities=True)
    await serve(agent, stream, server, ovsdb)


if __name__ == "__main__":
    main()

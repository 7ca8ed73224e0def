"""Streams that are cut at any byte, delayed or not read: an agent's rows still equal the store's.

Between vnmgr's real TCP port and a real stream, encrypted as ever, is a proxy that does it.
"""

import asyncio
import socket
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openvnet.manager.tcp import Tcp
from openvnet.wire import sockets
from openvnet.wire.keys import client_keys, server_keys
from openvnet.wire.messages import Request
from openvnet.wire.stream import Stream
from tests.system import free_port
from tests.vnmgr import DPID, OTHER_DPID, Ears, guest, house, ip


class Proxy:
    """Passes bytes on, both ways, until it is told to do worse."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.left: int | None = None
        """Bytes that still pass before all connections are cut."""
        self.delay = 0.0
        self.passing = asyncio.Event()
        """Whether what vnmgr says passes; what the agent says always does."""
        self.passing.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[object]] = set()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        with suppress(OSError, asyncio.CancelledError):
            small = socket.socket()
            small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            small.setblocking(False)
            await asyncio.get_running_loop().sock_connect(small, ("127.0.0.1", self._port))
            there, back = await asyncio.open_connection(sock=small, limit=4096)
            self._writers |= {writer, back}
            up, down = self._pass(reader, back), self._pass(there, writer, self.passing)
            await asyncio.gather(up, down)

    async def _pass(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        may: asyncio.Event | None = None,
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(1500):
                if may:
                    await may.wait()
                if self.delay:
                    await asyncio.sleep(self.delay)
                if self.left is not None:
                    data, self.left = data[: self.left], self.left - len(data)
                writer.write(data)
                await writer.drain()
                if self.left is not None and self.left <= 0:
                    self.left = None
                    self.cut()
                    return
        writer.close()

    async def close(self) -> None:
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._writers = set()


@asynccontextmanager
async def proxied(directory: Path):
    """vnmgr with a datapath and two networks, a proxy before it, and an agent behind that."""
    port, between = free_port(), free_port()
    tcp = Tcp("127.0.0.1", port, server_keys(directory), str, "", directory)
    with house(directory, tcp) as here:
        proxy = Proxy(port)
        server = await asyncio.start_server(proxy.take, "127.0.0.1", between, limit=4096)
        await here.call.create(
            "datapaths", uuid="dp-1", display_name="one", dpid=DPID, node_id="vna"
        )
        for uuid in ("nw-1", "nw-2"):
            await here.call.create("networks", uuid=uuid, ipv4_network=ip("10.102.0.0"))
        stream = Stream(f"tcp://127.0.0.1:{between}", client_keys(directory))
        ears = Ears(directory, *(f"vm{number}" for number in range(1, 4)), stream=stream)
        beating = asyncio.create_task(ears.beat(every=0.02))
        try:
            await ears.in_sync()
            yield here, proxy, ears
        finally:
            beating.cancel()
            ears.close()
            server.close()
            await proxy.close()


async def as_in_the_store(here, ears: Ears) -> None:
    """Wait until an agent has what another one, which says hello now, hears."""
    newcomer = await here.ears("vm1", "vm2", "vm3", node_id="vnb", dpid=OTHER_DPID)
    rows = {key: row for key, row in newcomer.rows.items() if key[1] != "dp-1"}
    await ears.until(
        lambda: {key: row for key, row in ears.rows.items() if key[1] != "dp-1"} == rows
    )
    newcomer.close()


CHANGE = st.tuples(st.just("change"), st.integers(1, 3), st.sampled_from(("nw-1", "nw-2")))
FAULT = st.one_of(
    st.tuples(st.just("cut"), st.integers(0, 3000), st.none()),
    st.tuples(st.just("delay"), st.sampled_from((0.0, 0.002, 0.02)), st.none()),
    st.tuples(st.just("hold"), st.none(), st.none()),
)


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.one_of(CHANGE, FAULT), min_size=3, max_size=10))
def test_whatever_happens_to_the_stream_the_rows_are_those_of_the_store(
    tmp_path_factory, happenings
):
    async def within():
        async with proxied(tmp_path_factory.mktemp("broken")) as (here, proxy, ears):
            there = set()
            for what, value, network in happenings:
                if what == "cut":
                    proxy.left = value
                elif what == "delay":
                    proxy.delay = value
                elif what == "hold":
                    proxy.passing.clear()
                elif value in there:
                    there.discard(value)
                    await here.call("delete", "interfaces", f"if-{value}")
                else:
                    there.add(value)
                    await guest(here, value, network)
            proxy.delay, proxy.left = 0.0, None
            proxy.passing.set()
            await as_in_the_store(here, ears)

    asyncio.run(within())


def test_an_agent_that_reads_nothing_loses_its_place_and_gets_all_when_it_reads_again(
    tmp_path, monkeypatch, caplog
):
    monkeypatch.setattr(sockets, "HIGH_WATER", 2)

    async def within():
        async with proxied(tmp_path) as (here, proxy, ears):
            proxy.passing.clear()
            number = 0
            while "does not take what it is sent" not in caplog.text:
                number += 1
                one = {"mode": "vif", "port_name": "vm1", "display_name": "x" * 255}
                request = Request(0, "create", "interfaces", many=(one,) * 200)
                assert (await here.call.rpc.ask(request)).problem is None
                assert number < 60, "its queue is never full"
            proxy.passing.set()
            await as_in_the_store(here, ears)

    asyncio.run(within())

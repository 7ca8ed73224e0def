"""Streams that are cut at any byte, delayed or not read: an agent's rows still equal the store's.

Between vnmgr's real TCP port and a real agent, encrypted as ever, is a proxy that does it, either
way. vnmgr keeps so little for an agent that does not read that its queue is full at once.
"""

import asyncio
import socket
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openvnet.agent.agent import Agent
from openvnet.agent.cache import Cache
from openvnet.agent.inbox import Inbox
from openvnet.agent.session import listen_to_vnmgr
from openvnet.lab.waiting import PAUSE_SECONDS
from openvnet.manager.tcp import Tcp
from openvnet.model import KINDS, Datapath
from openvnet.model.facts import Bridge, Port
from openvnet.wire.keys import client_keys, server_keys
from openvnet.wire.messages import Request
from openvnet.wire.sockets import Limits
from openvnet.wire.stream import Stream
from tests.system import free_port
from tests.vnmgr import DPID, OTHER_DPID, guest, house, ip

LITTLE = Limits(messages=2, octets=4096)
PORTS = ("vm1", "vm2", "vm3")


class Proxy:
    """Passes bytes on, both ways, until it is told to do worse."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.left: int | None = None
        """Bytes that still pass before all connections are cut."""
        self.delay = 0.0
        self.passing = {"down": asyncio.Event(), "up": asyncio.Event()}
        """Whether what vnmgr says (down) and what the agent says (up) passes."""
        self.release()
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
            up = self._pass(reader, back, self.passing["up"])
            down = self._pass(there, writer, self.passing["down"])
            await asyncio.gather(up, down)

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, may: asyncio.Event
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(1500):
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

    def release(self) -> None:
        for passing in self.passing.values():
            passing.set()

    async def close(self) -> None:
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._writers = set()


class Vna:
    """A real agent without a switch, that beats so often that it hears at once what it missed."""

    def __init__(self, directory: Path, stream: Stream) -> None:
        self._stream = stream
        self._cache = Cache.open(directory / "vna.cache")
        self._cache.rows = {(Bridge, "bridge"): Bridge(DPID)} | {
            (Port, name): Port(name, number, up=True) for number, name in enumerate(PORTS, 1)
        }
        self.agent = Agent("vna", self._cache, stream, Inbox(), needs_identities=False)
        work = (self.agent.take_turns(), listen_to_vnmgr(self.agent, stream), self._beat())
        self._tasks = [asyncio.create_task(part) for part in work]

    async def _beat(self) -> None:
        while True:
            self.agent.beat()
            await asyncio.sleep(0.02)

    def rows(self) -> dict[object, object]:
        tables = self.agent.compiler.state.rows
        return {
            (kind, uuid): row
            for kind in KINDS.values()
            for uuid, row in tables.get(kind, {}).items()
            if kind is not Datapath
        }

    async def until(self, true) -> None:
        async with asyncio.timeout(10):
            while not true():
                for task in self._tasks:
                    assert not task.done(), task.result()
                await asyncio.sleep(PAUSE_SECONDS)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._stream.close()
        self._cache.close()


@asynccontextmanager
async def proxied(directory: Path):
    """vnmgr with a datapath and two networks, a proxy before it, and an agent behind that."""
    port, between = free_port(), free_port()
    tcp = Tcp("127.0.0.1", port, server_keys(directory), str, "", directory)
    with house(directory, tcp, LITTLE) as here:
        proxy = Proxy(port)
        server = await asyncio.start_server(proxy.take, "127.0.0.1", between, limit=4096)
        await here.call.create(
            "datapaths", uuid="dp-1", display_name="one", dpid=DPID, node_id="vna"
        )
        for uuid in ("nw-1", "nw-2"):
            await here.call.create("networks", uuid=uuid, ipv4_network=ip("10.102.0.0"))
        vna = Vna(directory, Stream(f"tcp://127.0.0.1:{between}", client_keys(directory)))
        try:
            await vna.until(lambda: vna.agent.in_sync)
            yield here, proxy, vna
        finally:
            await vna.close()
            server.close()
            await proxy.close()


async def as_in_the_store(here, vna: Vna) -> None:
    """Wait until an agent has what another one, which says hello now, hears."""
    newcomer = await here.ears(*PORTS, node_id="vnb", dpid=OTHER_DPID)
    rows = {key: row for key, row in newcomer.rows.items() if key[0] is not Datapath}
    await vna.until(lambda: vna.rows() == rows)
    newcomer.close()


async def flood(here, count: int) -> None:
    """One revision that is more than vnmgr keeps for an agent."""
    one = {"mode": "vif", "port_name": "vm1", "display_name": "x" * 255}
    request = Request(0, "create", "interfaces", many=(one,) * count)
    assert (await here.call.rpc.ask(request)).problem is None


CHANGE = st.tuples(st.just("change"), st.integers(1, 3), st.sampled_from(("nw-1", "nw-2")))
FAULT = st.one_of(
    st.tuples(st.just("cut"), st.integers(0, 3000), st.none()),
    st.tuples(st.just("delay"), st.sampled_from((0.0, 0.002, 0.02)), st.none()),
    st.tuples(st.just("hold"), st.sampled_from(("down", "up")), st.none()),
    st.tuples(st.just("release"), st.none(), st.none()),
    st.tuples(st.just("flood"), st.sampled_from((1, 60)), st.none()),
)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.one_of(CHANGE, FAULT), min_size=3, max_size=12))
def test_whatever_happens_to_the_stream_the_rows_are_those_of_the_store(
    tmp_path_factory, happenings
):
    async def within():
        async with proxied(tmp_path_factory.mktemp("broken")) as (here, proxy, vna):
            there = set()
            for what, value, network in happenings:
                match what:
                    case "cut":
                        proxy.left = value
                    case "delay":
                        proxy.delay = value
                    case "hold":
                        proxy.passing[value].clear()
                    case "release":
                        proxy.release()
                    case "flood":
                        await flood(here, value)
                    case _ if value in there:
                        there.discard(value)
                        await here.call("delete", "interfaces", f"if-{value}")
                    case _:
                        there.add(value)
                        await guest(here, value, network)
            proxy.delay, proxy.left = 0.0, None
            proxy.release()
            await as_in_the_store(here, vna)

    asyncio.run(within())


def test_an_agent_that_reads_nothing_loses_its_place_and_gets_all_when_it_reads_again(
    tmp_path, caplog
):
    async def within():
        async with proxied(tmp_path) as (here, proxy, vna):
            proxy.passing["down"].clear()
            number = 0
            while "does not take what it is sent" not in caplog.text:
                number += 1
                await flood(here, 60)
                assert number < 60, "its queue is never full"
            proxy.release()
            await as_in_the_store(here, vna)

    asyncio.run(within())

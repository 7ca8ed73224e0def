"""vnmgr within the test's own process, over real sockets, and agents that are nothing but ears."""

import asyncio
import functools
from contextlib import ExitStack, asynccontextmanager, contextmanager

from openvnet.manager.main import serving
from openvnet.model import KINDS
from openvnet.wire.messages import (
    BEAT_SECONDS,
    Acknowledge,
    AskStatus,
    Beat,
    Hello,
    Scope,
    Snapshot,
    Update,
)
from openvnet.wire.rpc import Rpc
from openvnet.wire.sockets import LIMITS
from openvnet.wire.stream import Stream
from tests.databases import database_of

DPID = "0x0000aaaaaaaaaaaa"
OTHER_DPID = "0x0000bbbbbbbbbbbb"


def mac(number):
    return 0x525400000000 + number


def ip(text):
    return int.from_bytes(bytes(map(int, text.split("."))), "big")


class Client:
    """Calls that fail the test if they are refused, unless they are expected to be."""

    def __init__(self, rpc):
        self.rpc = rpc

    async def reply(self, verb, collection="", uuid=None, **more):
        return await self.rpc.call(verb=verb, collection=collection, uuid=uuid, **more)

    async def __call__(self, verb, collection="", uuid=None, **more):
        reply = await self.reply(verb, collection, uuid, **more)
        assert reply.problem is None, reply.problem
        return reply.result

    async def refused(self, verb, collection="", uuid=None, **more):
        reply = await self.reply(verb, collection, uuid, **more)
        assert reply.problem is not None, reply.result
        return reply.problem

    async def create(self, collection, parent=None, **values):
        return await self("create", collection, parent=parent, values=values)


class Ears:
    """An agent that hears, checks that nothing is missing, and acknowledges."""

    def __init__(self, directory, *ports, node_id="vna", dpid=DPID, acknowledges=True, stream=None):
        self.stream = stream or Stream(f"ipc://{directory}/agents.sock")
        self.node_id, self.dpid = node_id, dpid
        self.roots = {Scope("port", port) for port in ports}
        if dpid:
            self.roots.add(Scope("datapath", dpid))
        self.serial = 0
        self.acknowledges = acknowledges
        self.failures = ()
        self.answer = None
        self.rows = {}
        self.revision = None
        self.messages = []
        self._answered = 0
        self._news = asyncio.Condition()
        self._task = asyncio.create_task(self._listen())

    async def _listen(self):
        while True:
            message = await self.stream.receive()
            self._take(message)
            async with self._news:
                self._news.notify_all()

    def _take(self, message):
        match message:
            case Beat(None):
                self.hello()
            case Snapshot():
                self.rows = {(type(row), row.uuid): row for row in message.rows}
                assert len(self.rows) == len(message.rows)
            case Update():
                assert message.previous == self.revision
                self._change(message)
            case AskStatus() if self.answer:
                self.stream.send(self.answer(message))
        if isinstance(message, (Snapshot, Update)):
            self.revision, self._answered = message.revision, message.serial
            self.messages.append(message)
            if self.acknowledges:
                self.stream.send(Acknowledge(message.revision, self.failures))

    def _change(self, update):
        for removed in update.remove:
            del self.rows[KINDS[removed.kind], removed.uuid]
        self.rows.update({(type(row), row.uuid): row for row in update.put})

    def hello(self):
        self.serial += 1
        roots = tuple(self.roots)
        self.stream.send(Hello(self.node_id, self.dpid, None, self.serial, roots, "0"))

    async def beat(self, every=BEAT_SECONDS):
        """Live for ever, as an agent does; one that beats oftener hears sooner what it missed."""
        while True:
            self.stream.send(Beat(self.revision, "in sync"))
            await asyncio.sleep(every)

    async def until(self, true):
        async with self._news, asyncio.timeout(5):
            await self._news.wait_for(true)

    async def in_sync(self):
        await self.until(lambda: 0 < self.serial == self._answered)
        return self

    def uuids(self):
        return {uuid for _, uuid in self.rows}

    def close(self):
        self._task.cancel()
        self.stream.close()


class House:
    """A running vnmgr with its directory, a client, and the agents that it is asked for."""

    def __init__(self, directory, closing):
        self.directory, self._closing = directory, closing
        self.call = Client(Rpc(f"ipc://{directory}/rpc.sock"))
        closing.callback(self.call.rpc.close)

    async def ears(self, *ports, **more):
        ears = Ears(self.directory, *ports, **more)
        self._closing.callback(ears.close)
        return await ears.in_sync()

    async def nodes(self):
        """How each node fares, in words."""
        return {name: node["state"] for name, node in (await self.call("nodes")).items()}


@contextmanager
def house(directory, tcp=None, limits=LIMITS):
    """vnmgr in the running loop, with its database and its sockets in one directory."""
    with serving(database_of(directory), directory, tcp, limits=limits), ExitStack() as closing:
        yield House(directory, closing)


@asynccontextmanager
async def furnished(directory):
    """One that has a datapath and two networks of equal addresses."""
    with house(directory) as here:
        await here.call.create(
            "datapaths", uuid="dp-1", display_name="one", dpid=DPID, node_id="vna"
        )
        for uuid in ("nw-1", "nw-2"):
            await here.call.create("networks", uuid=uuid, ipv4_network=ip("10.102.0.0"))
        yield here


async def guest(here, number, network="nw-1", **more):
    """An interface with port vm<number>, a MAC and an IP lease."""
    values = {
        "uuid": f"if-{number}",
        "mode": "vif",
        "port_name": f"vm{number}",
        "network_uuid": network,
        "mac_address": mac(number),
        "ipv4_address": ip("10.102.0.0") + number,
    }
    return await here.call.create("interfaces", **{**values, **more})


def in_house(test):
    """Run a test within a furnished vnmgr."""

    @functools.wraps(test)
    def run(tmp_path):
        async def within():
            async with furnished(tmp_path) as here:
                await test(here)

        asyncio.run(within())

    del run.__wrapped__
    return run

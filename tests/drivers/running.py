"""vna in the test's own loop, and vnmgr's end of its stream, which says what a test says."""

import asyncio
from contextlib import asynccontextmanager, contextmanager

from openvnet.agent.agent import Agent
from openvnet.agent.cache import Cache
from openvnet.agent.inbox import Inbox
from openvnet.agent.main import listening, serve
from openvnet.wire.messages import (
    Hello,
    Revision,
    Snapshot,
    Subscribe,
    encode,
    read_from_agent,
)
from openvnet.wire.sockets import listen
from openvnet.wire.stream import Stream


class Manager:
    """What an agent says can be awaited; every word to it is the test's."""

    def __init__(self, directory):
        self._heard = asyncio.Queue()
        self._wire = listen(f"ipc://{directory}/agents.sock", self._take)
        self.close = self._wire.close

    def _take(self, messages):
        for self.peer, _, data in messages:
            self._heard.put_nowait(read_from_agent(data))

    async def hears(self, *kinds):
        """The next message of these kinds."""
        while not isinstance(message := await self._heard.get(), kinds):
            pass
        return message

    async def hears_of(self, *names):
        """All names of ports that the agent has asked for, once these are among them."""
        asked = set()
        while not asked.issuperset(names):
            said = await self.hears(Hello, Subscribe)
            scopes = said.roots if isinstance(said, Hello) else said.add
            asked |= {scope.name for scope in scopes if scope.kind == "port"}
        return asked

    def say(self, message):
        self.say_bytes(encode(message))

    def say_bytes(self, octets):
        assert self._wire.send(self.peer, octets)

    async def greets(self, *rows, number=1):
        """Answer to a hello of an agent whose bridge has connected."""
        hello = await self.hears(Hello)
        while hello.dpid is None:
            hello = await self.hears(Hello)
        self.say(Snapshot(hello.serial, revision(number), rows))
        return hello


def revision(number, epoch="epoch"):
    return Revision(epoch, number)


@contextmanager
def manager(directory):
    made = Manager(directory)
    try:
        yield made
    finally:
        made.close()


@asynccontextmanager
async def agent_in(directory, ovs, *, ovsdb="", bridges=("br0",), **more):
    """A vna with a cache in a directory, to which bridges connect."""
    with listening("127.0.0.1:0") as server:
        address = f"tcp:127.0.0.1:{server.getsockname()[1]}"
        for bridge in bridges:
            await asyncio.to_thread(ovs.connect, address, bridge)
        stream, cache = Stream(f"ipc://{directory}/agents.sock"), Cache.open(directory / "cache")
        agent = Agent("vna", cache, stream, Inbox(), needs_identities=bool(ovsdb), **more)
        serving = asyncio.create_task(serve(agent, stream, server, ovsdb))
        try:
            yield agent
        finally:
            serving.cancel()
            await asyncio.wait([serving])
            if agent.switch:
                agent.switch.close("the test is over")
            stream.close()
            cache.close()

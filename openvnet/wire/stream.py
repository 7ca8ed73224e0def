"""An agent's side of its stream with vnmgr.

    stream = Stream("ipc:///run/openvnet/agents.sock")
    message = await stream.receive()        # Beat(revision=None): say Hello
    stream.send(Hello(...))

A `Beat` without a revision means "you have no place on this stream, say Hello". vnmgr sends it to
agents that it does not know, and the stream itself gives it whenever a connection has been made:
at the start, and after vnmgr was away. What is sent while there is no connection is lost, and that
does no harm, since a Hello must follow. Nor is anything sent on a new one before its `Beat` was
received: vnmgr would answer it with one more, and the agent with one more Hello.
"""

import asyncio
from collections.abc import Sequence

import msgspec

from openvnet.wire.calling import Call, only
from openvnet.wire.finding import Finding
from openvnet.wire.front import AGENT
from openvnet.wire.keys import ClientKeys
from openvnet.wire.messages import Beat, FromAgent, ToAgent, encode, read_to_agent
from openvnet.wire.sockets import Frames


class Stream:
    """A stream to vnmgr, which is made again whenever it breaks. Use it in the loop."""

    def __init__(self, where: str | Finding, keys: ClientKeys | None = None) -> None:
        """`where` is an endpoint, or says where to call. Raise KeysError."""
        self._received: asyncio.Queue[ToAgent | msgspec.DecodeError] = asyncio.Queue()
        self._begun: Beat | None = None
        """What tells of a new connection, until it was received."""
        self._wire = Call(only(where, keys), self._take, self._changed)

    def send(self, message: FromAgent) -> bool:
        """Send a message; say no if there is no connection now, as far as its user knows."""
        return self._begun is None and self._wire.send(AGENT, encode(message))

    async def receive(self) -> ToAgent:
        """The next message; raise `msgspec.DecodeError` for one that cannot be read."""
        message = await self._received.get()
        if isinstance(message, msgspec.DecodeError):
            raise message
        if message is self._begun:
            self._begun = None
        return message

    @property
    def waiting(self) -> int:
        """Messages that have come and were not received yet."""
        return self._received.qsize()

    @property
    def refusal(self) -> str:
        """Why vnmgr is not reached, in words, if it refuses this program."""
        return self._wire.refusal

    def elsewhere(self) -> None:
        """Leave a vnmgr that says nothing, for another one if there is one."""
        self._wire.elsewhere()

    def close(self) -> None:
        """Leave at once."""
        self._wire.close()

    def _changed(self, connected: bool) -> None:
        if connected:
            self._begun = Beat()
            self._received.put_nowait(self._begun)

    def _take(self, messages: Sequence[Frames]) -> None:
        for frames in messages:
            try:
                self._received.put_nowait(read_to_agent(frames[-1]))
            except msgspec.DecodeError as error:
                self._received.put_nowait(error)

"""webapi's side of its stream with vnmgr: calls, many at once.

    rpc = Rpc("ipc:///run/openvnet/rpc.sock")     # or a TCP port, with keys
    reply = await rpc.call(verb="show", collection="networks", uuid="nw-test1")

A reply that refuses is a reply (`Reply.problem`); `NoAnswer` means that vnmgr is away, or died
before it answered: then a write may or may not have been done.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any

import msgspec

from openvnet.wire.front import REQUEST
from openvnet.wire.keys import ClientKeys
from openvnet.wire.messages import News, Reply, Request, encode, read_reply
from openvnet.wire.sockets import Frames, dial

logger = logging.getLogger(__name__)

TIMEOUT = 10.0
"""Seconds that a call waits for its reply, beyond those that vnmgr is asked to wait."""


class NoAnswer(Exception):
    """vnmgr did not answer. The text says so for people."""


class Rpc:
    """Calls to vnmgr. Use it in the loop."""

    def __init__(self, endpoint: str, keys: ClientKeys | None = None) -> None:
        self._endpoint = endpoint
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[Reply]] = {}
        self._connected = asyncio.Event()
        self.heard: Callable[[News | None], None] = _ignore
        """Takes what is told of revisions; None: the connection is lost, and with it what was asked
        for with `hear`."""
        self._wire = dial(endpoint, self._take, self._changed, keys)

    async def call(
        self,
        *,
        verb: str,
        collection: str = "",
        uuid: str | None = None,
        parent: str | None = None,
        related: str | None = None,
        values: Mapping[str, Any] | None = None,
        limit: int = 30,
        offset: int = 0,
        wait: float | None = None,
        origin: str = "",
        timeout: float = TIMEOUT,
    ) -> Reply:
        """Ask, as `ask` does."""
        request = Request(
            id=0,
            verb=verb,
            collection=collection,
            uuid=uuid,
            parent=parent,
            related=related,
            values=dict(values or {}),
            limit=limit,
            offset=offset,
            wait=wait,
            origin=origin,
        )
        return await self.ask(request, timeout)

    async def ask(self, request: Request, timeout: float = TIMEOUT) -> Reply:
        """Ask, and wait for the reply, at most `timeout` seconds longer than the request's `wait`.

        The request gets a number of its own. Raise NoAnswer.
        """
        numbered = msgspec.structs.replace(request, id=next(self._numbers))
        return await self._answer(numbered, timeout + (request.wait or 0.0))

    async def _answer(self, request: Request, seconds: float) -> Reply:
        try:
            async with asyncio.timeout(seconds):
                await self._sent(encode(request))
                reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
                self._waiting[request.id] = reply
                return await reply
        except TimeoutError:
            raise NoAnswer(f"vnmgr does not answer at {self._endpoint}.") from None
        finally:
            self._waiting.pop(request.id, None)

    async def _sent(self, data: bytes) -> None:
        # While there is no connection, a call waits for one: vnmgr may be restarting.
        while not self._wire.send(REQUEST, data):
            self._connected.clear()
            await self._connected.wait()

    def _changed(self, connected: bool) -> None:
        if connected:
            self._connected.set()
            return
        self._connected.clear()
        self.heard(None)
        for reply in self._waiting.values():
            if not reply.done():
                reply.set_exception(NoAnswer("vnmgr went away before it answered."))

    def close(self) -> None:
        """Leave at once; calls that still wait get no answer."""
        self._wire.close()

    def _take(self, messages: Sequence[Frames]) -> None:
        for frames in messages:
            try:
                reply = read_reply(frames[-1])
            except msgspec.DecodeError as error:
                logger.warning("A reply of vnmgr could not be read: %s.", error)
                continue
            if isinstance(reply, News):
                self.heard(reply)
                continue
            waiting = self._waiting.get(reply.id)
            if waiting and not waiting.done():
                waiting.set_result(reply)


def _ignore(_: News | None) -> None:
    """Nobody has asked."""

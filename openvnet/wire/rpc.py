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

from openvnet.wire.calling import Call, only
from openvnet.wire.finding import Finding
from openvnet.wire.front import REQUEST
from openvnet.wire.joined import Manager
from openvnet.wire.keys import ClientKeys, KeysError
from openvnet.wire.messages import Managers, News, Refusal, Reply, Request, encode, read_reply
from openvnet.wire.sockets import Frames

logger = logging.getLogger(__name__)

TIMEOUT = 10.0
"""Seconds that a call waits for its reply, beyond those that vnmgr is asked to wait."""

RESTART_SECONDS = 2.5
"""How long vnmgr may be away before a call is given up: it may just be restarting."""

RETRY_SECONDS = 1.0
"""How long a call waits at least: a vnmgr that has started is found within half a second."""


class NoAnswer(Exception):
    """vnmgr did not answer. The text says so for people.

    `asked` is false if nobody was there to be asked, so that nothing was done; `lost` is true if
    the connection was lost before the answer came, so that another vnmgr may be asked.
    """

    def __init__(self, words: str, *, asked: bool = True, lost: bool = False) -> None:
        super().__init__(words)
        self.asked, self.lost = asked, lost


class Rpc:
    """Calls to vnmgr. Use it in the loop."""

    def __init__(
        self, where: str | Finding, keys: ClientKeys | None = None, purpose: bytes = REQUEST
    ) -> None:
        """`where` is an endpoint, or says where to call. Raise KeysError."""
        self._purpose = purpose
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[Reply]] = {}
        self._connected = asyncio.Event()
        self._away_since = asyncio.get_running_loop().time()
        self.heard: Callable[[News | None], None] = _ignore
        """Takes what is told of revisions; None: the connection is lost, and with it what was asked
        for with `hear`."""
        self.keep: Callable[[tuple[Manager, ...]], None] = _ignore
        """Keeps where vnmgr is, for the next start; raises OSError or KeysError."""
        self._wire = Call(only(where, keys), self._take, self._changed)

    @property
    def endpoint(self) -> str:
        """Where vnmgr is called now."""
        return self._wire.place.endpoint

    @property
    def refusal(self) -> str:
        """Why vnmgr is not reached, in words, if it refuses this program."""
        return self._wire.refusal

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
        deadline = asyncio.get_running_loop().time() + seconds
        await self._sent(encode(request), seconds)
        try:
            async with asyncio.timeout_at(deadline):
                reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
                self._waiting[request.id] = reply
                return await reply
        except TimeoutError:
            raise NoAnswer(
                f"vnmgr at {self.endpoint} is there, but has not answered in {seconds:g} s; "
                "its log may say what holds it up."
            ) from None
        finally:
            self._waiting.pop(request.id, None)

    async def _sent(self, data: bytes, seconds: float) -> None:
        """Send it; while there is no connection, wait for one, but not for long."""
        if self._wire.send(self._purpose, data):
            return
        now = asyncio.get_running_loop().time()
        patience = max(RETRY_SECONDS, self._away_since + RESTART_SECONDS - now)
        try:
            async with asyncio.timeout(min(patience, seconds)):
                while not self._wire.send(self._purpose, data):
                    self._connected.clear()
                    await self._connected.wait()
        except TimeoutError:
            words = f"vnmgr does not answer at {self.endpoint}; is it running?"
            do = "Start it, or see in its log why it ended."
            raise NoAnswer(self.refusal or f"{words} {do}", asked=False) from None

    def _changed(self, connected: bool) -> None:
        if connected:
            self._connected.set()
            return
        self._connected.clear()
        self._away_since = asyncio.get_running_loop().time()
        self.heard(None)
        for reply in self._waiting.values():
            if not reply.done():
                reply.set_exception(NoAnswer("vnmgr went away before it answered.", lost=True))

    def elsewhere(self) -> None:
        """Leave this vnmgr, for another one if there is one."""
        self._wire.elsewhere()

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
            if isinstance(reply, Refusal):
                self._refuse(reply.why)
                continue
            if isinstance(reply, Managers):
                self._keep(reply.managers)
                continue
            waiting = self._waiting.get(reply.id)
            if waiting and not waiting.done():
                waiting.set_result(reply)

    def _keep(self, managers: tuple[Manager, ...]) -> None:
        try:
            self.keep(managers)
        except (OSError, KeysError) as error:
            logger.error("Where vnmgr is cannot be written down: %s", error)
            return
        values = {"managers": managers}
        self._wire.send(self._purpose, encode(Request(0, "knows", values=values)))

    def _refuse(self, why: str) -> None:
        """Vnmgr hears nothing of this program; which of its calls it refused, it did not read."""
        logger.error("vnmgr at %s refuses this program: %s", self.endpoint, why)
        for reply in self._waiting.values():
            if not reply.done():
                words = f"vnmgr at {self.endpoint} refuses this program: {why}"
                reply.set_exception(NoAnswer(words, asked=False))


def _ignore(_: object) -> None:
    """Nobody has asked."""

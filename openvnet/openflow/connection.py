"""One OpenFlow connection: messages whole, echoes answered, answers brought to those who asked.

The switch connects to us. A controller that has only said hello is not yet *admitted* by Open
vSwitch (in standalone mode it would go on flooding everything): whoever opens a connection must
send a further message at once, as `driver` does.

Whatever answers no question that is being waited for goes to `on_message`, in order, from within
the event loop: it must not block. A malformed message closes the connection; the agent starts over
with the next one, which costs nothing if nothing changed.
"""

import asyncio
import socket
import struct
import time
from collections.abc import Callable
from typing import cast

from openvnet.openflow import messages
from openvnet.openflow.errors import Disconnected, MalformedMessage, OpenFlowError
from openvnet.openflow.failures import read_error
from openvnet.openflow.replies import read_hello, read_multipart

PROBE_SECONDS = 5.0
"""A switch silent for so long is asked for an echo; silent for as long again, it is gone."""

BUFFERED_OCTETS = 1 << 20
"""How much may wait to be sent before `drain` waits."""

_HEADER = struct.Struct("!BBHI")
_ANSWERS = frozenset(
    (
        messages.FEATURES_REPLY,
        messages.BARRIER_REPLY,
        messages.MULTIPART_REPLY,
        messages.EXPERIMENTER,
        messages.ERROR,
    )
)


class Connection(asyncio.Protocol):
    """A protocol for asyncio's `create_server`, or for anything that feeds it bytes."""

    def __init__(
        self, on_open: Callable[["Connection"], None], probe_seconds: float = PROBE_SECONDS
    ) -> None:
        self._probe_seconds = probe_seconds
        self.on_open = on_open
        """Called once, when the switch has said hello and speaks OpenFlow 1.3."""
        self.on_message: Callable[[int, int, bytes], None] = lambda *_: None
        """Called with kind, xid and body of each message that nobody waits for."""
        self.on_closed: Callable[[str], None] = lambda _: None
        """Called once, with the reason in words."""
        self.closed = False
        self._buffer = b""
        self._greeted = False
        self._heard, self._probed = True, False
        self._last_xid = 0
        self._asked: dict[int, asyncio.Future[list[bytes]]] = {}
        self._asked_at = self._heard_at = time.monotonic()
        self._parts: dict[int, list[bytes]] = {}
        self._writable = asyncio.Event()
        self._writable.set()
        self._reason = "the switch closed the connection"

    @property
    def silent(self) -> float:
        """For how many seconds the switch has said nothing, though it owes an answer."""
        return time.monotonic() - max(self._asked_at, self._heard_at) if self._asked else 0.0

    def xids(self, count: int = 1) -> int:
        """Take this many transaction ids in a row; return the first."""
        if self._last_xid + count > 0xFFFFFFFE:
            self._last_xid = 0
        first = self._last_xid + 1
        self._last_xid += count
        return first

    def write(self, octets: bytes) -> None:
        """Send messages, whole ones."""
        if self.closed:
            raise Disconnected(self._reason)
        self._transport.write(octets)

    async def drain(self) -> None:
        """Wait until not too much waits to be sent; give way to whatever else is to be done."""
        await asyncio.sleep(0)
        await self._writable.wait()
        if self.closed:
            raise Disconnected(self._reason)

    def answer(self, xid: int) -> asyncio.Future[list[bytes]]:
        """What will answer `xid`: the body, or for multipart replies the bodies of the parts.

        Raises Refusal if the answer is an error, Disconnected if it cannot come any more.
        """
        future = asyncio.get_running_loop().create_future()
        if self.closed:
            _fail(future, Disconnected(self._reason))
        else:
            if not self._asked:
                self._asked_at = time.monotonic()
            self._asked[xid] = future
        return future

    async def ask(self, message: bytes) -> list[bytes]:
        """Send one message and wait for its answer."""
        answer = self.answer(int.from_bytes(message[4:8], "big"))
        self.write(message)
        return await answer

    async def barrier(self) -> None:
        """Wait until the switch has done all that it was told."""
        await self.ask(messages.message(messages.BARRIER_REQUEST, self.xids()))

    def close(self, reason: str) -> None:
        """Give up; whoever waits is told this reason."""
        if not self.closed:
            self._reason = reason
            self._transport.abort()

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet the switch."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(BUFFERED_OCTETS)
        self.write(messages.hello(self.xids()))
        self._probe = asyncio.get_running_loop().call_later(
            self._probe_seconds, self._check_silence
        )

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits."""
        self._probe.cancel()
        self.closed = True
        self._writable.set()
        if exc is not None:
            self._reason = str(exc) or type(exc).__name__
        for future in self._asked.values():
            _fail(future, Disconnected(self._reason))
        self._asked.clear()
        self.on_closed(self._reason)

    def pause_writing(self) -> None:
        """Let `drain` wait."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Let `drain` go on."""
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        """Cut what comes into messages, and hand them on."""
        self._heard, self._heard_at = True, time.monotonic()
        buffer = self._buffer + data if self._buffer else data
        at, end = 0, len(buffer)
        try:
            while end - at >= 8:
                version, kind, length, xid = _HEADER.unpack_from(buffer, at)
                if length < 8:
                    raise MalformedMessage(f"a message of {length} octets")
                if length > end - at:
                    break
                self._take(version, kind, xid, buffer[at + 8 : at + length])
                at += length
        except OpenFlowError as error:
            self.close(str(error))
            return
        self._buffer = buffer[at:]

    def _take(self, version: int, kind: int, xid: int, body: bytes) -> None:
        if not self._greeted:
            self._greet(version, kind, body)
        elif version != messages.VERSION:
            raise MalformedMessage(f"a message of OpenFlow version {version:#04x}, not 1.3")
        elif kind == messages.ECHO_REQUEST:
            self.write(messages.message(messages.ECHO_REPLY, xid, body))
        elif kind in _ANSWERS and xid in self._asked:
            self._answer(kind, xid, body)
        elif kind != messages.ECHO_REPLY:
            self.on_message(kind, xid, body)

    def _greet(self, version: int, kind: int, body: bytes) -> None:
        if kind != messages.HELLO:
            raise MalformedMessage(f"a message of type {kind} instead of hello")
        if messages.VERSION not in read_hello(version, body):
            raise MalformedMessage("the bridge does not offer OpenFlow 1.3; set its protocols")
        self._greeted = True
        self.on_open(self)

    def _answer(self, kind: int, xid: int, body: bytes) -> None:
        if kind == messages.MULTIPART_REPLY:
            part = read_multipart(body)
            self._parts.setdefault(xid, []).append(part.body)
            if part.more:
                return
        error = read_error(body) if kind == messages.ERROR else None
        future = self._asked.pop(xid)
        parts = self._parts.pop(xid, [body])
        if error is not None:
            _fail(future, error)
        elif not future.done():
            future.set_result(parts)

    def _check_silence(self) -> None:
        if not self._heard and self._probed:
            self.close(f"the switch was silent for {2 * self._probe_seconds:g} s")
            return
        self._probed = not self._heard
        if self._probed:
            self.write(messages.message(messages.ECHO_REQUEST, self.xids()))
        self._heard = False
        self._probe = asyncio.get_running_loop().call_later(
            self._probe_seconds, self._check_silence
        )


def _fail(future: asyncio.Future[list[bytes]], error: OpenFlowError) -> None:
    if not future.done():
        future.set_exception(error)
        future.exception()  # Marks it as seen: nobody may be waiting any more.


async def connect(path: str) -> Connection:
    """Call a switch at the path of a unix socket; raise OSError or OpenFlowError."""
    loop = asyncio.get_running_loop()
    opened: asyncio.Future[Connection] = loop.create_future()

    def made() -> Connection:
        connection = Connection(opened.set_result)
        connection.on_closed = fail
        return connection

    def fail(reason: str) -> None:
        if not opened.done():
            opened.set_exception(Disconnected(reason))

    await loop.create_unix_connection(made, path)
    return await opened


async def listen(
    address: tuple[str, int] | str | socket.socket, on_open: Callable[[Connection], None]
) -> asyncio.Server:
    """Wait for switches at a TCP host and port, at the path of a unix socket, or on a socket."""
    loop = asyncio.get_running_loop()
    if isinstance(address, socket.socket):
        return await loop.create_server(lambda: Connection(on_open), sock=address)
    if isinstance(address, str):
        return await loop.create_unix_server(lambda: Connection(on_open), address)
    return await loop.create_server(lambda: Connection(on_open), *address)

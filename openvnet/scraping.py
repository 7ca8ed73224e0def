"""Where a program that is no web server is asked for its metrics: GET /metrics over HTTP.

It shares the loop of its program, so nobody who asks may hold that up: a question has a few seconds
and few bytes, few are answered at a time, and whatever goes wrong ends that one connection.
"""

import asyncio
import logging
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import click

from openvnet.listening import ListenError, tcp_socket, unix_socket
from openvnet.metrics import CONTENT_TYPE, Metrics

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 5.0
"""From the connection to the last byte of the answer."""

LONGEST_QUESTION = 8192
"""Bytes."""

AT_ONCE = 16


metrics_option = click.option(
    "--metrics",
    "metrics_address",
    metavar="[HOST:]PORT",
    help="Answer GET /metrics on this TCP port too; without a host, for this host only.",
)


@contextmanager
def scraped(metrics: Metrics, path: Path, address: str | None) -> Iterator[None]:
    """Answer at a unix socket, and at an address if one is told, while in this context.

    Use it within a running loop. Raises ListenError if the address cannot be had. If it is the
    path, that is only logged: nobody has asked for it.
    """
    loop, answering = asyncio.get_running_loop(), set[asyncio.Task[None]]()

    def accept(bound: socket.socket) -> None:
        with suppress(OSError):  # Whoever called has hung up already.
            caller, _ = bound.accept()
            if len(answering) >= AT_ONCE:
                caller.close()
                return
            caller.setblocking(False)
            task = loop.create_task(_answer(caller, metrics))
            answering.add(task)
            task.add_done_callback(answering.discard)

    with ExitStack() as open:
        sockets = [open.enter_context(tcp_socket(*_place(address)))] if address else []
        with suppress(OSError):  # What is wrong, the next lines say.
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            sockets.append(open.enter_context(unix_socket(path)))
        except ListenError as error:
            log.warning("no metrics: %s", error)
        for bound in sockets:
            bound.setblocking(False)
            loop.add_reader(bound, accept, bound)
            open.callback(loop.remove_reader, bound)  # Before its number is given to another.
        try:
            yield
        finally:
            for task in answering:
                task.cancel()


def _place(address: str) -> tuple[str, int]:
    """The host and port of an address; without a host, this host alone. Raises ListenError."""
    host, _, port = address.rpartition(":")
    if not port.isdecimal() or not port.isascii() or int(port) > 0xFFFF:
        raise ListenError(f"{address!r} must be a port up to 65535, or host:port")
    return host.strip("[]") or "127.0.0.1", int(port)


async def _answer(caller: socket.socket, metrics: Metrics) -> None:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            reader, writer = await _streams(caller)
            try:
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(_response(head, metrics))
                await writer.drain()
                writer.close()
                await writer.wait_closed()
            finally:
                writer.transport.abort()
    except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError) as error:
        log.debug("a scrape came to nothing: %r", error)
    except Exception:
        log.exception("a scrape failed")


async def _streams(caller: socket.socket) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(LONGEST_QUESTION, loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    try:
        transport, _ = await loop.connect_accepted_socket(lambda: protocol, caller)
    except BaseException:
        caller.close()  # The transport would have done it.
        raise
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)


def _response(head: bytes, metrics: Metrics) -> bytes:
    """The answer to the head of a request."""
    match head.split(b"\r\n", 1)[0].split(b" "):
        case [b"GET", path, _] if path.split(b"?")[0] == b"/metrics":
            return _http("200 OK", CONTENT_TYPE, metrics.page())
        case [b"GET", _, _]:
            return _http("404 Not Found", "text/plain", b"There is /metrics only.\n")
        case [_, _, _]:
            return _http("405 Method Not Allowed", "text/plain", b"GET is possible only.\n")
    return _http("400 Bad Request", "text/plain", b"That is not HTTP.\n")


def _http(status: str, kind: str, body: bytes) -> bytes:
    lines = (
        f"HTTP/1.1 {status}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body)}",
        "Connection: close",
    )
    return "\r\n".join((*lines, "\r\n")).encode() + body

"""ZeroMQ sockets on the event loop: `listen` for many peers; `wire.calling` calls one.

Who may connect to an ipc socket is a matter of its file's rights; on TCP there are keys, always
(`wire.keys`, `wire.admission`).

Messages are handed over as soon as the loop sees them, all that wait in one call, so that their
receiver can commit or send them together. pyzmq's own asyncio sockets make a future and a task
switch of each message, which is a good part of a change's time.

ZeroMQ's descriptor is edge-triggered: it tells only once that messages wait, and *any* call may eat
that (zmq_getsockopt(3), ZMQ_FD). So the socket is asked again after each call; whoever adds a call
here must do so too.
"""

import asyncio
import struct
from collections.abc import Callable, Sequence
from typing import NamedTuple

import zmq

Frames = list[bytes]
Receive = Callable[[Sequence[Frames]], None]

TURN = 256
"""Messages that are handed over at once, at most."""

HIGH_WATER = 10_000
"""Messages that wait for one peer, at most; then `send` says no."""


class Limits(NamedTuple):
    """How much may wait for one peer."""

    messages: int = HIGH_WATER
    octets: int = -1
    """In the kernel's buffer; -1: as the system has it."""


LIMITS = Limits()

BEAT_MILLISECONDS = 1000
"""How often the two ends of TCP see that the other is there; a host that lost its power says
nothing."""
SILENCE_MILLISECONDS = 3500

DOMAIN = b"openvnet"
"""Whose keys are asked for (ZeroMQ RFC 27). That it is named refuses all if nobody answers."""


class Wire:
    """A socket of which the messages that arrive are handed to `receive`. Use it in the loop."""

    def __init__(
        self, socket: zmq.Socket[bytes], receive: Receive, *, names_senders: bool = False
    ) -> None:
        """With `names_senders`, each message ends with its sender's public key and address."""
        self.socket = self._socket = socket
        self._names_senders = names_senders
        self._receive = receive
        self._loop = asyncio.get_running_loop()
        self._turn: asyncio.Handle | None = None
        self._watcher: Wire | None = None
        self._descriptor = int(socket.getsockopt(zmq.FD))
        self._loop.add_reader(self._descriptor, self._hand_over)
        self._look_again()

    def send(self, *frames: bytes) -> bool:
        """Send a message, or say no: the peer is gone, or too many messages wait for it."""
        try:
            self._socket.send_multipart(frames, zmq.NOBLOCK)
        except zmq.ZMQError:
            return False
        finally:
            self._look_again()
        return True

    def watch(self, events: int, changed: Callable[[int, int], None]) -> None:
        """Tell each time that one of these `zmq.Event`s happens, and its value."""
        watched = self._socket.get_monitor_socket(events)

        def seen(messages: Sequence[Frames]) -> None:
            for frames in messages:
                changed(*_monitored(frames))

        self._watcher = Wire(watched, seen)

    def close(self) -> None:
        """Close it at once, if it is open; what has not been sent is lost."""
        if self._socket.closed:
            return
        if self._watcher:
            self._socket.disable_monitor()
            self._watcher.close()
        if self._turn:
            self._turn.cancel()
        self._loop.remove_reader(self._descriptor)
        self._socket.close(linger=0)

    def _look_again(self) -> None:
        if self._turn is None:
            self._turn = self._loop.call_soon(self._hand_over)

    def _hand_over(self) -> None:
        if self._turn:
            self._turn.cancel()
            self._turn = None
        messages = self._waiting()
        if len(messages) == TURN:
            self._look_again()
        if messages:
            self._receive(messages)

    def _waiting(self) -> list[Frames]:
        messages: list[Frames] = []
        while len(messages) < TURN:
            try:
                messages.append(self._message())
            except zmq.Again:
                break
        return messages

    def _message(self) -> Frames:
        if not self._names_senders:
            return self._socket.recv_multipart(zmq.NOBLOCK)
        first = self._socket.recv(zmq.NOBLOCK, copy=False)
        more = self._socket.recv_multipart(zmq.NOBLOCK) if first.more else []
        sender = (str(first.get(name)).encode() for name in ("User-Id", "Peer-Address"))
        return [first.bytes, *more, *sender]


def listen(
    endpoint: str, receive: Receive, secret: bytes | None = None, limits: Limits = LIMITS
) -> Wire:
    """Accept peers; each message begins with the peer's name, both ways. Raise zmq.ZMQError.

    With a secret key, only those are accepted whom `wire.admission` admits, and each message ends
    with its sender's public key and address.
    """
    socket = opened_socket(zmq.ROUTER, limits)
    # Without this, what is sent to a peer that is gone or full is lost in silence.
    socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
    if secret:
        socket.setsockopt(zmq.CURVE_SERVER, 1)
        socket.setsockopt(zmq.CURVE_SECRETKEY, secret)
        socket.setsockopt(zmq.ZAP_DOMAIN, DOMAIN)
        socket.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)
        over_tcp(socket, may_be_ipv6="[" in endpoint)
    try:
        socket.bind(endpoint)
    except zmq.ZMQError:
        socket.close()
        raise
    return Wire(socket, receive, names_senders=secret is not None)


def over_tcp(socket: zmq.Socket[bytes], *, may_be_ipv6: bool) -> None:
    """Have both ends see within seconds that the other is gone."""
    socket.setsockopt(zmq.IPV6, int(may_be_ipv6))
    socket.setsockopt(zmq.HEARTBEAT_IVL, BEAT_MILLISECONDS)
    socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, SILENCE_MILLISECONDS)
    # A peer that is frozen still has its connections taken by the kernel.
    socket.setsockopt(zmq.HANDSHAKE_IVL, SILENCE_MILLISECONDS)


def opened_socket(kind: int, limits: Limits = LIMITS) -> zmq.Socket[bytes]:
    """A socket as all of ours are."""
    socket: zmq.Socket[bytes] = zmq.Context.instance().socket(kind)
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.SNDHWM, limits.messages)
    socket.setsockopt(zmq.RCVHWM, limits.messages)
    socket.setsockopt(zmq.SNDBUF, limits.octets)
    return socket


def _monitored(frames: Frames) -> tuple[int, int]:
    """What a message of zmq_socket_monitor(3) is about: a number of 16 bits, and one of 32."""
    event, value = struct.unpack("=hi", frames[0])
    return event, value

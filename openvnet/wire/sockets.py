"""ZeroMQ sockets on the event loop: `listen` for many peers, `dial` one.

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
import logging
import struct
from collections.abc import Callable, Sequence

import zmq

from openvnet.wire.keys import ClientKeys, ServerKeys

logger = logging.getLogger(__name__)

Frames = list[bytes]
Receive = Callable[[Sequence[Frames]], None]

TURN = 256
"""Messages that are handed over at once, at most."""

HIGH_WATER = 10_000
"""Messages that wait for one peer, at most; then `send` says no."""

BEAT_MILLISECONDS = 1000
"""How often the two ends of TCP see that the other is there; a host that lost its power says
nothing."""
SILENCE_MILLISECONDS = 3500

DOMAIN = b"openvnet"
"""Whose keys are asked for (ZeroMQ RFC 27). That it is named refuses all if nobody answers."""

FAILED = (
    zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
)


class Wire:
    """A socket of which the messages that arrive are handed to `receive`. Use it in the loop."""

    def __init__(self, socket: zmq.Socket[bytes], receive: Receive) -> None:
        self._socket = socket
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

    def watch(self, changed: Callable[[int], None]) -> None:
        """Tell each time that a connection is made, fails or is lost: one of `zmq.Event`."""
        watched = self._socket.get_monitor_socket(
            zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED | FAILED
        )

        def seen(messages: Sequence[Frames]) -> None:
            for frames in messages:
                changed(_monitored(frames))

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
                messages.append(self._socket.recv_multipart(zmq.NOBLOCK))
            except zmq.Again:
                break
        return messages


def listen(endpoint: str, receive: Receive, keys: ServerKeys | None = None) -> Wire:
    """Accept peers; each message begins with the peer's name, both ways. Raise zmq.ZMQError.

    With keys only those who have them are accepted, as long as `wire.admission` answers.
    """
    socket = _socket(zmq.ROUTER)
    # Without this, what is sent to a peer that is gone or full is lost in silence.
    socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
    if keys:
        socket.setsockopt(zmq.CURVE_SERVER, 1)
        socket.setsockopt(zmq.CURVE_SECRETKEY, keys.secret)
        socket.setsockopt(zmq.ZAP_DOMAIN, DOMAIN)
        socket.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)
        _over_tcp(socket, may_be_ipv6="[" in endpoint)
    try:
        socket.bind(endpoint)
    except zmq.ZMQError:
        socket.close()
        raise
    return Wire(socket, receive)


def dial(
    endpoint: str,
    receive: Receive,
    changed: Callable[[bool], None],
    keys: ClientKeys | None = None,
) -> Wire:
    """Connect, again and again if need be; each message is what the other side sent.

    `changed` is told of each connection that is made (True) or lost (False).
    """
    socket = _socket(zmq.DEALER)
    # Nothing is kept for a peer that is away: it would be stale when it comes back.
    socket.setsockopt(zmq.IMMEDIATE, 1)
    socket.setsockopt(zmq.RECONNECT_IVL, 20)
    socket.setsockopt(zmq.RECONNECT_IVL_MAX, 500)
    if keys:
        socket.setsockopt(zmq.CURVE_SERVERKEY, keys.server)
        socket.setsockopt(zmq.CURVE_PUBLICKEY, keys.public)
        socket.setsockopt(zmq.CURVE_SECRETKEY, keys.secret)
        _over_tcp(socket, may_be_ipv6=True)
    said = ""

    def seen(event: int) -> None:
        nonlocal said
        if event & FAILED:
            words = _refusal(event, endpoint, keys)
            if words != said:
                logger.error("%s", words)
            said = words
        else:
            if made := event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                said = ""
            changed(made)

    wire = Wire(socket, receive)
    wire.watch(seen)
    socket.connect(endpoint)
    return wire


def _refusal(event: int, endpoint: str, keys: ClientKeys | None) -> str:
    """Why no connection came about, and what to do."""
    where = keys.directory if keys else "no directory"
    if event == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
        return (
            f"vnmgr at {endpoint} refuses this program: the keys in {where} are not those of "
            "vnmgr's machine. Copy them from there, and start this program anew."
        )
    return (
        f"who listens at {endpoint} is not the vnmgr of the keys in {where}. If it is right, copy "
        "its keys from its machine, and start this program anew."
    )


def _over_tcp(socket: zmq.Socket[bytes], *, may_be_ipv6: bool) -> None:
    socket.setsockopt(zmq.IPV6, int(may_be_ipv6))
    socket.setsockopt(zmq.HEARTBEAT_IVL, BEAT_MILLISECONDS)
    socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, SILENCE_MILLISECONDS)


def _socket(kind: int) -> zmq.Socket[bytes]:
    socket: zmq.Socket[bytes] = zmq.Context.instance().socket(kind)
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.SNDHWM, HIGH_WATER)
    socket.setsockopt(zmq.RCVHWM, HIGH_WATER)
    return socket


def _monitored(frames: Frames) -> int:
    """What a message of zmq_socket_monitor(3) is about: a number of 16 bits, then a value of 32."""
    (what, _) = struct.unpack("=hi", frames[0])
    return int(what)

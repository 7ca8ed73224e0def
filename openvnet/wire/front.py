"""Where vnmgr is reached: sockets of its machine, and a TCP port if it is told of one.

What comes in says first what it is for, since agents and webapi share the port:

    agent  ── [AGENT, message] ──►┐            ┌─► Streams
                                  ├─ Front ────┤
    webapi ── [REQUEST, message] ─►┘           └─► Requests
    a host that joins ── [JOIN, message] ──────────┘

A peer's name begins with the number of the socket that it came by, so that answers find it. What
came by TCP was encrypted with a key, and that key decides what it may be for (`refusal`).
"""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from openvnet.wire.admission import MOST_NAMED, shown_address
from openvnet.wire.messages import Refusal, encode
from openvnet.wire.sockets import LIMITS, Frames, Limits, Wire, listen

logger = logging.getLogger(__name__)

AGENT = b"agent"
REQUEST = b"request"
JOIN = b"join"


class Sent(NamedTuple):
    """A message, and who sent it."""

    peer: bytes
    """Names the connection."""
    data: bytes
    key: bytes = b""
    """The public key of who sent it; empty if it came by a socket of this machine."""
    address: str = ""


Receive = Callable[[Sequence[Sent]], None]


def nobody_refused(_: bytes, __: bytes) -> str:
    """Let everybody do everything."""
    return ""


class Front:
    """Several sockets as one. Give it its receivers in the same turn of the loop that opens it."""

    def __init__(
        self,
        refusal: Callable[[bytes, bytes], str] = nobody_refused,
        limits: Limits = LIMITS,
    ) -> None:
        """`refusal` says why a key may not send what is for a purpose; nothing if it may."""
        self._refusal, self._limits = refusal, limits
        self._wires: list[Wire] = []
        self._receivers: dict[bytes, Receive] = {}
        self.refused = 0
        """Messages that their senders may not send."""
        self._said: dict[bytes, str] = {}
        """Why each sender was refused last, by its key: the log says it once."""

    def open(self, endpoint: str, secret: bytes | None = None) -> int:
        """Listen at an endpoint too; return its number. Raise zmq.ZMQError."""
        number = len(self._wires)
        self._wires.append(listen(endpoint, partial(self._take, number), secret, self._limits))
        return number

    def no_more(self, number: int, endpoint: str) -> None:
        """Take no further connection at an endpoint; those that are there stay."""
        self._wires[number].socket.unbind(endpoint)

    def hand(self, purpose: bytes, receive: Receive) -> None:
        """Hand what comes for a purpose to this receiver."""
        self._receivers[purpose] = receive

    def send(self, peer: bytes, data: bytes) -> bool:
        """Send a message, or say no: the peer is gone, or too many messages wait for it."""
        return self._wires[peer[0]].send(peer[1:], data)

    def close(self) -> None:
        """Close all of them at once."""
        for wire in self._wires:
            wire.close()

    def refuse(self, sent: Sent, why: str) -> None:
        """Say why a message is refused to who sent it, and in the log."""
        self.refused += 1
        if self._said.get(sent.key) != why and len(self._said) < MOST_NAMED:
            self._said[sent.key] = why
            logger.warning("A message from %s is refused: %s", shown_address(sent.address), why)
        self.send(sent.peer, encode(Refusal(why)))

    def _take(self, number: int, messages: Sequence[Frames]) -> None:
        sorted_out: dict[bytes, list[Sent]] = {}
        for frames in messages:
            match frames:
                case [peer, purpose, data] if purpose in self._receivers:
                    sent = Sent(bytes((number,)) + peer, data)
                case [peer, purpose, data, key, address] if purpose in self._receivers:
                    sent = Sent(bytes((number,)) + peer, data, key, address.decode())
                    if why := self._refusal(key, purpose):
                        self.refuse(sent, why)
                        continue
                case _:
                    logger.warning("A message does not say what it is for, and is left.")
                    continue
            sorted_out.setdefault(purpose, []).append(sent)
        for purpose, those in sorted_out.items():
            self._receivers[purpose](those)

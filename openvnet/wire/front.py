"""Where vnmgr is reached: sockets of its machine, and a TCP port if it is told of one.

What comes in says first what it is for, since agents and webapi share the port:

    agent  ── [AGENT, message] ──►┐            ┌─► Streams
                                  ├─ Front ────┤
    webapi ── [REQUEST, message] ─►┘           └─► Requests

A peer's name begins with the number of the socket that it came by, so that answers find it.
"""

import logging
from collections.abc import Sequence
from functools import partial

from openvnet.wire.keys import ServerKeys
from openvnet.wire.sockets import Frames, Receive, Wire, listen

logger = logging.getLogger(__name__)

AGENT = b"agent"
REQUEST = b"request"


class Front:
    """Several sockets as one. Give it its receivers in the same turn of the loop that opens it."""

    def __init__(self) -> None:
        self._wires: list[Wire] = []
        self._receivers: dict[bytes, Receive] = {}

    def open(self, endpoint: str, keys: ServerKeys | None = None) -> None:
        """Listen at an endpoint too. Raise zmq.ZMQError."""
        number = len(self._wires)
        self._wires.append(listen(endpoint, partial(self._take, number), keys))

    def hand(self, purpose: bytes, receive: Receive) -> None:
        """Hand what comes for a purpose to this receiver, as [peer's name, message]."""
        self._receivers[purpose] = receive

    def send(self, peer: bytes, data: bytes) -> bool:
        """Send a message, or say no: the peer is gone, or too many messages wait for it."""
        return self._wires[peer[0]].send(peer[1:], data)

    def close(self) -> None:
        """Close all of them at once."""
        for wire in self._wires:
            wire.close()

    def _take(self, number: int, messages: Sequence[Frames]) -> None:
        sorted_out: dict[bytes, list[Frames]] = {}
        for frames in messages:
            match frames:
                case [peer, purpose, data] if purpose in self._receivers:
                    sorted_out.setdefault(purpose, []).append([bytes((number,)) + peer, data])
                case _:
                    logger.warning("A message does not say what it is for, and is left.")
        for purpose, those in sorted_out.items():
            self._receivers[purpose](those)

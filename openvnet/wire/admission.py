"""Who may connect on TCP: those whose key vnmgr knows, and nobody else.

libzmq asks for each connection over a socket of its own (ZAP, ZeroMQ RFC 27), and refuses all
while nobody listens here. The key with which somebody was let in is said of each of its messages
(`User-Id`), so who it is does not depend on what it says.
"""

import logging
from collections.abc import Callable, Sequence

from zmq.utils import z85

from openvnet.wire.sockets import DOMAIN, Frames, Wire, listen

logger = logging.getLogger(__name__)

ENDPOINT = "inproc://zeromq.zap.01"
MOST_NAMED = 1000
"""Addresses that the log names when they are refused, at most."""


class Admission:
    """Answers libzmq's questions. Only one can be in a process."""

    def __init__(self, admits: Callable[[bytes], bool]) -> None:
        """Ask `admits` of each public key (Z85)."""
        self._admits = admits
        self.refused = 0
        """How often somebody was not let in."""
        self._named: set[bytes] = set()
        self._wire: Wire = listen(ENDPOINT, self._take)

    def close(self) -> None:
        """Answer no more; whoever comes is then refused."""
        self._wire.close()

    def _take(self, messages: Sequence[Frames]) -> None:
        for frames in messages:
            asker, empty, version, request, domain, address, _, mechanism, *credentials = frames
            key = _key(credentials) if mechanism == b"CURVE" and domain == DOMAIN else b""
            if key and self._admits(key):
                self._named.discard(address)
                self._wire.send(asker, empty, version, request, b"200", b"OK", key, b"")
            else:
                self._wire.send(asker, empty, version, request, b"400", b"unknown key", b"", b"")
                self._refuse(address)

    def _refuse(self, address: bytes) -> None:
        self.refused += 1
        if address not in self._named and len(self._named) < MOST_NAMED:
            self._named.add(address)
            logger.warning(
                "A program at %s was refused: its key is not this machine's, and of no node that "
                "has joined.",
                shown_address(address.decode(errors="backslashreplace")),
            )


def shown_address(address: str) -> str:
    """An address as people write it."""
    return address.removeprefix("::ffff:")


def _key(credentials: Sequence[bytes]) -> bytes:
    """The public key among what is said of a connection, if it is one."""
    if len(credentials) != 1 or len(credentials[0]) != 32:
        return b""
    return bytes(z85.encode(credentials[0]))

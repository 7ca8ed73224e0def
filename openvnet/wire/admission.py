"""Who may connect on TCP: those whose key vnmgr knows, and nobody else.

libzmq asks for each connection over a socket of its own (ZAP, ZeroMQ RFC 27), and refuses all
while nobody listens here.
"""

import logging
from collections.abc import Sequence

from zmq.utils import z85

from openvnet.wire.sockets import DOMAIN, Frames, Wire, listen

logger = logging.getLogger(__name__)

ENDPOINT = "inproc://zeromq.zap.01"
MOST_NAMED = 1000
"""Addresses that the log names when they are refused, at most."""


class Admission:
    """Answers libzmq's questions. Only one can be in a process."""

    def __init__(self, admitted: frozenset[bytes]) -> None:
        """Admit those with one of these public keys (Z85)."""
        self._admitted = {z85.decode(key) for key in admitted}
        self._refused: set[bytes] = set()
        self._wire: Wire = listen(ENDPOINT, self._take)

    def close(self) -> None:
        """Answer no more; whoever comes is then refused."""
        self._wire.close()

    def _take(self, messages: Sequence[Frames]) -> None:
        for frames in messages:
            asker, empty, version, request, domain, address, _, mechanism, *credentials = frames
            known = len(credentials) == 1 and credentials[0] in self._admitted
            may = known and domain == DOMAIN and mechanism == b"CURVE"
            status, text = (b"200", b"OK") if may else (b"400", b"unknown key")
            self._wire.send(asker, empty, version, request, status, text, b"", b"")
            if not may:
                self._log(address)

    def _log(self, address: bytes) -> None:
        if address not in self._refused and len(self._refused) < MOST_NAMED:
            self._refused.add(address)
            logger.warning(
                "A program at %s was refused: it does not have this machine's keys.",
                address.decode(errors="backslashreplace").removeprefix("::ffff:"),
            )

"""A program's connection to vnmgr: called again and again, with keys read anew, at each place.

    Call ── the place that answers ──► vnmgr
      └── where else? (`wire.finding`): asked anew each second, and after each refusal

A place that refuses, falls silent or is gone is left for the next; if it is the only one, it is
called again. libzmq itself never calls again who refused a key, and forgets nothing of a key that
was wrong; so each attempt begins with what the files say now.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Sequence

import zmq

from openvnet.wire.finding import Finding, Place
from openvnet.wire.keys import KeysError
from openvnet.wire.sockets import Receive, Wire, opened_socket, over_tcp

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""How often it is looked whether keys or places have changed."""
AGAIN_SECONDS = (0.5, 1.5)
"""After how long a place that refused is called again: at random, or all would come at once."""
TRIES = 2
"""How often a place that does not answer is called before another one is."""

FAILED = (
    zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
)
EVENTS = (
    *(zmq.EVENT_CONNECTED, zmq.EVENT_HANDSHAKE_SUCCEEDED, zmq.EVENT_DISCONNECTED),
    *(zmq.EVENT_CONNECT_RETRIED, FAILED),
)


def only(endpoint: str | Finding, keys: object = None) -> Finding:
    """A finding that finds one place, always; one that is a finding already stays."""
    if callable(endpoint):
        return endpoint
    place = Place(endpoint, keys)  # type: ignore[arg-type]
    return lambda: (place,)


class Call:
    """A connection to one of several places. Use it in the loop."""

    def __init__(self, find: Finding, receive: Receive, changed: Callable[[bool], None]) -> None:
        """`changed` is told of each connection that is made (True) or lost (False)."""
        self._find, self._changed = find, changed
        self._places: Sequence[Place] = find()
        self.place = self._first()
        self.connected = False
        self._descriptor = -1
        """Of the newest connection, as libzmq names it in what it tells."""
        self.refusal = ""
        """Why no connection comes about, in words, if somebody refuses it."""
        self._trouble = ""
        """What the keys' files are wrong in; said once."""
        self._tries = self._failures = 0
        """How often in a row the place did not answer, and places refused."""
        self._loop = asyncio.get_running_loop()
        self._again: asyncio.TimerHandle | None = None
        socket = opened_socket(zmq.DEALER)
        # Nothing is kept for a peer that is away: it would be stale when it comes back.
        socket.setsockopt(zmq.IMMEDIATE, 1)
        socket.setsockopt(zmq.RECONNECT_IVL, 20)
        socket.setsockopt(zmq.RECONNECT_IVL_MAX, 500)
        socket.setsockopt(zmq.CONNECT_TIMEOUT, 2000)
        self._wire = Wire(socket, receive)
        self._wire.watch(sum(EVENTS), self._seen)
        self._connect()
        self._look = self._loop.call_later(LOOK_SECONDS, self._look_again)

    def send(self, *frames: bytes) -> bool:
        """Send a message, or say no: there is no connection now.

        What is sent into a connection that is being left would be lost without a word.
        """
        return self.connected and self._wire.send(*frames)

    def elsewhere(self) -> None:
        """Leave this place, for another one if there is one."""
        if len(self._places) > 1:
            self._go(self._next())

    def close(self) -> None:
        """Leave at once."""
        self._look.cancel()
        if self._again:
            self._again.cancel()
        self._wire.close()

    def _first(self) -> Place:
        """The first place, of several vnmgr any: all agents would call the same one."""
        first = self._places[0]
        alike = [place for place in self._places if place.keys and _secret(place) == _secret(first)]
        return random.choice(alike) if alike else first  # noqa: S311 - it need not be a secret

    def _next(self) -> Place:
        if self.place not in self._places:
            return self._first()
        return self._places[(self._places.index(self.place) + 1) % len(self._places)]

    def _connect(self) -> None:
        socket, keys = self._wire.socket, self.place.keys
        if keys:
            socket.setsockopt(zmq.CURVE_SERVERKEY, keys.server)
            socket.setsockopt(zmq.CURVE_PUBLICKEY, keys.public)
            socket.setsockopt(zmq.CURVE_SECRETKEY, keys.secret)
            over_tcp(socket, may_be_ipv6=True)
        self._tries = 0
        socket.connect(self.place.endpoint)

    def _go(self, place: Place) -> None:
        if self._again:
            self._again.cancel()
            self._again = None
        self._wire.socket.disconnect(self.place.endpoint)
        if self.connected:
            self.connected = False
            self._changed(False)
        self.place = place
        self._connect()

    def _seen(self, event: int, value: int) -> None:
        if event == zmq.EVENT_CONNECTED:
            self._descriptor = value
        elif event == zmq.EVENT_DISCONNECTED and value != self._descriptor:
            pass  # It is said of a connection that was left.
        elif event & FAILED:
            self._fail(_refusal(event, self.place))
        elif event == zmq.EVENT_CONNECT_RETRIED:
            self._tries += 1
            if self._tries >= TRIES and len(self._places) > 1 and not self.connected:
                self._later()
        else:
            self.connected = event == zmq.EVENT_HANDSHAKE_SUCCEEDED
            if self.connected:
                self.refusal, self._tries, self._failures = "", 0, 0
            self._changed(self.connected)

    def _fail(self, words: str) -> None:
        self._failures += 1
        if self._failures >= len(self._places):
            if words != self.refusal:
                logger.error("%s", words)
            self.refusal = words
        self._later()

    def _later(self) -> None:
        if self._again is None:
            seconds = random.uniform(*AGAIN_SECONDS)  # noqa: S311 - it need not be a secret
            if len(self._places) > 1:
                seconds /= 5
            self._again = self._loop.call_later(seconds, self._try_again)

    def _try_again(self) -> None:
        self._again = None
        if not self.connected:
            self._read()
            self._go(self._next())

    def _look_again(self) -> None:
        self._look = self._loop.call_later(LOOK_SECONDS, self._look_again)
        if self._read() and self.place not in self._places:
            logger.info("The keys have changed, or where vnmgr is: it is called anew.")
            self._go(self._first())

    def _read(self) -> bool:
        """Look where vnmgr is now; say no if that cannot be read."""
        try:
            self._places = self._find()
        except KeysError as error:
            if str(error) != self._trouble:
                logger.error("%s", error)
            self._trouble = str(error)
            return False
        self._trouble = ""
        return True


def _secret(place: Place) -> bytes:
    return place.keys.secret if place.keys else b""


def _refusal(event: int, place: Place) -> str:
    """Why no connection came about, and what to do."""
    where = place.keys.directory if place.keys else "no directory"
    if event == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
        return (
            f"vnmgr at {place.endpoint} refuses this program: it does not know the key in {where}, "
            "or has revoked it. Join it with a token (`vnctl nodes token`, then `openvnet join` "
            "here); a key that is put right is taken up by itself."
        )
    return (
        f"who listens at {place.endpoint} is not the vnmgr of the keys in {where}. If it is right, "
        "join it anew (`vnctl nodes token`, then `openvnet join` here)."
    )

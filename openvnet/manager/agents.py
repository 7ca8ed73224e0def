"""What is known of the agents that live, of webapis beside them, and of who was refused.

All of it is soft: it is made anew from what they say.
"""

import time
from typing import NamedTuple

from openvnet.manager.audience import Listener
from openvnet.wire.admission import shown_address
from openvnet.wire.front import Sent
from openvnet.wire.joined import Manager
from openvnet.wire.messages import Failure, Hello, Revision


class Conflict(NamedTuple):
    """A hello that was refused."""

    at: float
    """Of the loop's time."""
    address: str
    why: str


class Other(NamedTuple):
    """A webapi with a key of its own."""

    peer: bytes
    address: str
    heard_at: float
    knows: tuple[Manager, ...]


class Agent:
    """What is known of a live agent."""

    def __init__(self, by: Sent, hello: Hello, sent: Revision, now: float) -> None:
        self.peer: bytes | None = by.peer
        """Its stream; None once that broke."""
        self.key, self.address = by.key, shown_address(by.address)
        self.since = time.time()
        """When it said hello, in seconds since 1970."""
        self.clock_ahead = 0.0
        """By how many seconds its clock was ahead of this one when it was last heard."""
        self.knows: tuple[Manager, ...] = ()
        """The vnmgr that it would call after a restart."""
        self.node_id = hello.node_id
        self.version = hello.version
        self.listener = Listener(hello.dpid)
        self.serial = hello.serial
        self.sent = sent
        """The newest revision sent on its stream."""
        self.realised: Revision | None = None
        self.failures: tuple[Failure, ...] = ()
        self.state = ""
        self.drift = 0
        self.heard_at = now
        self.behind_since: float | None = now
        """Since when (of the loop) something that was sent is not realised; None: all is."""

    def seconds_behind(self, now: float) -> float:
        """How long it has been owing an acknowledgement."""
        return 0.0 if self.behind_since is None else now - self.behind_since


def taken_sentence(hello: Hello, address: str) -> str:
    """Why an agent is no longer heard, if another one has taken its place."""
    where = f" at {shown_address(address)}" if address else ""
    return (
        f"another vna, {hello.node_id}{where}, with dpid {hello.dpid or 'none'}, has taken its "
        "place; two must not have one node id or one datapath."
    )


def failure_sentence(node_id: str, failure: Failure) -> str:
    """What a host reported as refused."""
    return f"{node_id}: {failure.kind} {failure.uuid}: {failure.reason}"

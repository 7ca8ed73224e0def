"""Who is at the other end of a connection: known by its key, and never by what it says.

    by a socket of this machine, or with its key   MACHINE: everything, as whoever has the database
    a node's key, or for an hour its last one      that node: what its role may do
    a token's                                      that node to be: join, and nothing else

Which keys there are is read from the replica each time, so a key that is revoked counts no more
from the next message on, at every vnmgr that hears of the revision.
"""

import time
from collections.abc import Callable

import msgspec

from openvnet.manager.replica import Replica
from openvnet.model import Datapath, Node
from openvnet.wire.front import AGENT, JOIN, REQUEST

OVERLAP_SECONDS = 3600
"""How long a key counts after it was renewed: until all programs of its host have the new one."""

PURPOSES = {
    "machine": (AGENT, REQUEST),
    "vna": (AGENT, JOIN),
    "webapi": (REQUEST, JOIN),
    "token": (JOIN,),
}


class Identity(msgspec.Struct, frozen=True):
    """Who has a key."""

    role: str
    """One of PURPOSES."""
    node: Node | None = None
    """None: a program of vnmgr's own machine."""


MACHINE = Identity("machine")


class Identities:
    """All who are known."""

    def __init__(
        self, replica: Replica, machine: bytes = b"", clock: Callable[[], float] = time.time
    ) -> None:
        self._replica, self._machine, self._clock = replica, machine, clock

    def of(self, key: bytes) -> Identity | None:
        """Who has a key (Z85); empty: who came by a socket of this machine."""
        if key in (b"", self._machine):
            return MACHINE
        text = key.decode("ascii", "replace")
        for node in self._replica.where(Node, public_key=text):
            return Identity(node.role, node)
        for node in self._replica.where(Node, previous_key=text):
            if node.joined is not None and self._clock() < node.joined + OVERLAP_SECONDS:
                return Identity(node.role, node)
        for node in self._replica.where(Node, token_key=text):
            return Identity("token", node)
        return None

    def admits(self, key: bytes) -> bool:
        """Whether somebody may connect. A token that was used may, to hear that it was."""
        return self.of(key) is not None

    def refusal(self, key: bytes, purpose: bytes) -> str:
        """Why a key may not send what is for a purpose; nothing if it may."""
        identity = self.of(key)
        if identity is None:
            return "its key was revoked; the node must join anew."
        if purpose in PURPOSES[identity.role]:
            return ""
        name = f"node {identity.node.node_id}" if identity.node else "a program of this machine"
        return f"{name} may not do that: the role of its key is {identity.role}."


def hello_refusal(
    identity: Identity | None, node_id: str, dpid: str | None, replica: Replica
) -> str:
    """Why somebody may not be the agent that it says it is; nothing if it may."""
    if identity is None:
        return "its key was revoked; the node must join anew."
    node = identity.node
    if node is None:
        return ""
    if node.node_id != node_id:
        return f"its key is of node {node.node_id}, and it says that it is {node_id}."
    if dpid is None:
        return ""
    if node.datapath_uuid is not None:
        datapath = replica.get(Datapath, node.datapath_uuid)
        if datapath is not None and datapath.dpid == dpid:
            return ""
        wanted = f"{datapath.uuid} with {datapath.dpid}" if datapath else node.datapath_uuid
        return f"node {node_id} joined for datapath {wanted}, and its switch has dpid {dpid}."
    others = [row for row in replica.where(Datapath, dpid=dpid) if row.node_id != node_id]
    if not others or len(others) < len(replica.where(Datapath, dpid=dpid)):
        return ""
    return (
        f"its switch has dpid {dpid}, which is datapath {others[0].uuid} of node "
        f"{others[0].node_id}; two hosts must not have the same."
    )

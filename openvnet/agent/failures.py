"""What could not be realised, by the row that users know, in words."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from openvnet.compiler import Compiler, Key, Owner
from openvnet.model import Segment
from openvnet.model.host import (
    Allowed,
    Attachment,
    Away,
    Bridged,
    BridgedAway,
    Carrier,
    Chunk,
    Claim,
    Hearer,
    HostVlan,
    Lan,
    Member,
    OpenPort,
    Peer,
    PeerChunk,
    PromiscuousPort,
    Station,
    TunnelEnd,
    Uplink,
)
from openvnet.model.wanted import Shortfall
from openvnet.state import State
from openvnet.wire.messages import Failure

_OF_DOMAINS = (Bridged, BridgedAway, Chunk, Carrier, Lan, Peer, Hearer, PeerChunk)
"""Derived of an L2 domain, which is a network or a segment."""

_DERIVED_FROM: dict[type, str] = {
    **dict.fromkeys((Attachment, OpenPort, PromiscuousPort), "interface"),
    **dict.fromkeys((Member, Away), "ip_lease"),
    Station: "mac_lease",
    Allowed: "allowed_address_pair",
    **dict.fromkeys((Claim, Uplink, TunnelEnd), "port"),
    HostVlan: "bridge",
}


def failures(
    compiler: Compiler, refused: Mapping[Key, str], shortfalls: Iterable[Shortfall] = ()
) -> Iterator[Failure]:
    """All failures there are: features that raised, conflicts, flows that the switch refused,
    and what features say themselves.
    """
    for shortfall in shortfalls:
        yield Failure(shortfall.word, shortfall.uuid, shortfall.reason)
    for owner, error in compiler.failures.items():
        yield _failure(compiler, owner, f"{type(error).__name__}: {error}")
    for owners in compiler.conflicts.values():
        first = _failure(compiler, owners[0], "")
        for owner in owners[1:]:
            yield _failure(compiler, owner, f"conflicts with {first.kind} {first.uuid}")
    for key, reason in refused.items():
        for owner in compiler.owners(key):
            yield _failure(compiler, owner, f"the switch refused a flow: {reason}")


def _failure(compiler: Compiler, owner: Owner, reason: str) -> Failure:
    """A failure of the row that an owner ran on; of what a derived row derives from."""
    uuid = str(owner.id[0] if isinstance(owner.id, tuple) else owner.id)
    return Failure(word_of(compiler.kind_of(owner), uuid, compiler.state), uuid, reason)


def word_of(kind: type[Any], uuid: str, state: State) -> str:
    """What users call a row of a kind, or what a derived row derives from."""
    if kind in _OF_DOMAINS:
        return "segment" if uuid in state.rows.get(Segment, {}) else "network"
    return _DERIVED_FROM.get(kind) or str(kind.__struct_config__.tag)

"""What could not be realised, by the row that users know, in words."""

from collections.abc import Iterable, Iterator, Mapping

from openvnet.compiler import Compiler, Key, Owner
from openvnet.model.host import (
    Attachment,
    Away,
    Bridged,
    BridgedAway,
    Carrier,
    Chunk,
    Hearer,
    Holding,
    HostVlan,
    Lan,
    Member,
    Peer,
    PeerChunk,
    PromiscuousPort,
    TunnelEnd,
    Uplink,
)
from openvnet.model.wanted import Shortfall
from openvnet.wire.messages import Failure

_DERIVED_FROM: dict[type, str] = {
    Attachment: "interface",
    Holding: "ip_lease",
    Member: "ip_lease",
    **dict.fromkeys((Bridged, BridgedAway, Chunk), "network"),
    PromiscuousPort: "interface",
    Uplink: "port",
    TunnelEnd: "port",
    Away: "ip_lease",
    **dict.fromkeys((Carrier, Lan, Peer, Hearer, PeerChunk), "network"),
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
    kind = compiler.kind_of(owner)
    word = _DERIVED_FROM.get(kind, "") or str(kind.__struct_config__.tag)
    uuid = owner.id[0] if isinstance(owner.id, tuple) else owner.id
    return Failure(word, str(uuid), reason)

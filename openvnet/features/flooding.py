"""Flooding: broadcast and multicast go to every member of the L2 domain, and to nobody else.

The list of members is cut into chunks by port number, so that a member that comes or goes rewrites
one flow of at most 256 outputs, however large the domain is. The domain's own flow only names
the chunks; each is a flow of the table FLOOD, from which the packet returns to the next.

    L2_LOOKUP: network, multicast --> chunk 0, FLOOD --> chunk 3, FLOOD --> done

If members are on other hosts, the hosts follow in chunks of their own (`features.peers`). Of a
physical network, the host and the LAN behind its uplink follow.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter

from openvnet.model import Network, Segment
from openvnet.model.domains import Domain, domain_of, domain_of_segment, in_segment
from openvnet.model.host import Bridged, Chunk, Lan, Member, PeerChunk, Station
from openvnet.pipeline.fields import Registers, eth_dst
from openvnet.pipeline.flow import (
    LOCAL,
    Action,
    Drop,
    Flow,
    Output,
    Resubmit,
    match,
    out_of,
    tag,
    untag,
    write,
)
from openvnet.pipeline.tables import Table
from openvnet.state import View

MULTICAST = 1 << 40
"""The bit of a MAC address that marks a group, broadcast among them (IEEE 802)."""


def network_flows(network: Network, view: View) -> Iterator[Flow]:
    """The flood list of a network, unless it is part of that of its segment."""
    domain = None if in_segment(network) else domain_of(network, view)
    if domain is not None:
        yield from _flood_flows(domain, view)


def segment_flows(segment: Segment, view: View) -> Iterator[Flow]:
    """The flood list of a segment, and of all networks in it."""
    domain = domain_of_segment(segment)
    if domain is not None:
        yield from _flood_flows(domain, view)


def _flood_flows(domain: Domain, view: View) -> Iterator[Flow]:
    """The flood list of a domain that has members: its chunks, one after the other.

    Those of other hosts, and the LAN, come after those of this one, and not for what came from
    there. A member that is awaited is in no chunk, but may send.
    """
    chunks = view.ids(Chunk, domain_uuid=domain.uuid)
    far = view.ids(PeerChunk, domain_uuid=domain.uuid)
    if not (chunks or far or view.any(Member, domain_uuid=domain.uuid)):
        return
    many = eth_dst(MULTICAST, MULTICAST), Registers.network(domain.vni)
    steps = tuple(_steps(chunks, Table.FLOOD))
    near = steps or (Drop("no members"),)
    if far:
        yield Flow(Table.L2_LOOKUP, 60, match(*many, Registers.from_peer(1)), near)
        steps = (*steps, write(Registers.flooded, 1), *_steps(far, Table.FLOOD_PEERS))
    elif lan := view.get(Lan, domain.uuid):
        yield Flow(Table.L2_LOOKUP, 60, match(*many, Registers.from_peer(1)), near)
        steps = (*steps, *tag(lan.vlan_id), Output(LOCAL), out_of(lan.uplinks))
    yield Flow(Table.L2_LOOKUP, 50, match(*many), steps or near)


def _steps(chunks: Iterable[tuple[str, int]], table: Table) -> Iterator[Action]:
    for _, number in chunks:
        yield write(Registers.chunk, number)
        yield Resubmit(table)


def chunk_flows(chunk: Chunk, view: View) -> Iterator[Flow]:
    """The members of one chunk; VLANs of trunks last, each port with their tag.

    The host itself is told by its MAC address on the network, or its other ones would hear it.
    """
    listed = chunk.domain_uuid, chunk.number
    places = sorted(set(_places(listed, view)))
    steps = tuple(
        step
        for vlan_id, ports in groupby(places, key=itemgetter(0))
        for step in (*tag(vlan_id), *(Output(port) for _, port in ports), *untag(vlan_id))
    )
    members = view.where(Member, chunk=listed)
    for mac_address in sorted({each.mac_address for each in members if each.port == LOCAL}):
        steps = (*steps, write(eth_dst, mac_address), Output(LOCAL))
    if steps:
        here = match(Registers.network(chunk.vni), Registers.chunk(chunk.number))
        yield Flow(Table.FLOOD, 100, here, steps)


def _places(chunk: tuple[str, int], view: View) -> Iterator[tuple[int, int]]:
    """A VLAN id, or 0, and a port, for each member."""
    members: list[Member | Station] = [*view.where(Member, chunk=chunk)]
    members += view.where(Station, chunk=chunk)
    for member in members:
        if not member.awaited and member.port != LOCAL:
            yield member.vlan_id, member.port
    for bridged in view.where(Bridged, chunk=chunk):
        yield 0, bridged.port


FEATURES = ((Network, network_flows), (Segment, segment_flows), (Chunk, chunk_flows))

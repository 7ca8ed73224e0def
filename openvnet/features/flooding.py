"""Flooding: broadcast and multicast go to every member of the network, and to nobody else.

The list of members is cut into chunks by port number, so that a member that comes or goes rewrites
one flow of at most 256 outputs, however large the network is. The network's own flow only names
the chunks; each is a flow of the table FLOOD, from which the packet returns to the next.

    L2_LOOKUP: network, multicast --> chunk 0, FLOOD --> chunk 3, FLOOD --> done

If members are on other hosts, the hosts follow in chunks of their own (`features.peers`). Of a
physical network, the host and the LAN behind its uplink follow.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter

from openvnet.model import Network
from openvnet.model.host import Bridged, Chunk, Lan, Member, PeerChunk
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
    """The flood list of a network that has members: its chunks, one after the other.

    Those of other hosts, and the LAN, come after those of this one, and not for what came from
    there.
    """
    chunks = view.ids(Chunk, network_uuid=network.uuid)
    far = view.ids(PeerChunk, network_uuid=network.uuid)
    if not (chunks or far) or not network.vni:
        return
    many = eth_dst(MULTICAST, MULTICAST), Registers.network(network.vni)
    steps = tuple(_steps(chunks, Table.FLOOD))
    if far:
        near = steps or (Drop("no members"),)
        yield Flow(Table.L2_LOOKUP, 60, match(*many, Registers.from_peer(1)), near)
        steps = (*steps, write(Registers.flooded, 1), *_steps(far, Table.FLOOD_PEERS))
    elif lan := view.get(Lan, network.uuid):
        yield Flow(Table.L2_LOOKUP, 60, match(*many, Registers.from_peer(1)), steps)
        steps = (*steps, *tag(lan.vlan_id), Output(LOCAL), out_of(lan.uplinks))
    yield Flow(Table.L2_LOOKUP, 50, match(*many), steps)


def _steps(chunks: Iterable[tuple[str, int]], table: Table) -> Iterator[Action]:
    for _, number in chunks:
        yield write(Registers.chunk, number)
        yield Resubmit(table)


def chunk_flows(chunk: Chunk, view: View) -> Iterator[Flow]:
    """The members of one chunk; VLANs of trunks last, each port with their tag.

    The host itself is told by its MAC address on the network, or its other ones would hear it.
    """
    here = match(Registers.network(chunk.vni), Registers.chunk(chunk.number))
    members = view.where(Member, chunk=(chunk.network_uuid, chunk.number))
    bridged = view.where(Bridged, chunk=(chunk.network_uuid, chunk.number))
    untagged = {(0, each.port) for each in bridged}
    here_now = [member for member in members if not member.awaited]
    guests = {(each.vlan_id, each.port) for each in here_now if each.port != LOCAL}
    places = sorted(untagged | guests)
    steps = tuple(
        step
        for vlan_id, ports in groupby(places, key=itemgetter(0))
        for step in (*tag(vlan_id), *(Output(port) for _, port in ports), *untag(vlan_id))
    )
    for mac_address in sorted({each.mac_address for each in here_now if each.port == LOCAL}):
        steps = (*steps, write(eth_dst, mac_address), Output(LOCAL))
    if steps:
        yield Flow(Table.FLOOD, 100, here, steps)


FEATURES = ((Network, network_flows), (Chunk, chunk_flows))

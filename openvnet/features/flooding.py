"""Flooding: broadcast and multicast go to every member of the network, and to nobody else.

The list of members is cut into chunks by port number, so that a member that comes or goes rewrites
one flow of at most 256 outputs, however large the network is. The network's own flow only names
the chunks; each is a flow of the table FLOOD, from which the packet returns to the next.

    L2_LOOKUP: network, multicast --> chunk 0, FLOOD --> chunk 3, FLOOD --> done

If members are on other hosts, the hosts follow in chunks of their own (`features.peers`).
"""

from collections.abc import Iterable, Iterator

from openvnet.model import Network
from openvnet.model.host import Chunk, Member, PeerChunk
from openvnet.pipeline.fields import Registers, eth_dst
from openvnet.pipeline.flow import Action, Drop, Flow, Output, Resubmit, match, write
from openvnet.pipeline.tables import Table
from openvnet.state import View

MULTICAST = 1 << 40
"""The bit of a MAC address that marks a group, broadcast among them (IEEE 802)."""


def network_flows(network: Network, view: View) -> Iterator[Flow]:
    """The flood list of a network that has members: its chunks, one after the other.

    Those of other hosts come after those of this one, and not for what came from another host.
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
    yield Flow(Table.L2_LOOKUP, 50, match(*many), steps)


def _steps(chunks: Iterable[tuple[str, int]], table: Table) -> Iterator[Action]:
    for _, number in chunks:
        yield write(Registers.chunk, number)
        yield Resubmit(table)


def chunk_flows(chunk: Chunk, view: View) -> Iterator[Flow]:
    """The members of one chunk."""
    here = match(Registers.network(chunk.vni), Registers.chunk(chunk.number))
    members = view.where(Member, chunk=(chunk.network_uuid, chunk.number))
    ports = sorted({member.port for member in members if not member.awaited})
    yield Flow(Table.FLOOD, 100, here, tuple(Output(port) for port in ports))


FEATURES = ((Network, network_flows), (Chunk, chunk_flows))

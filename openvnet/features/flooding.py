"""Flooding: broadcast and multicast go to every member of the network, and to nobody else.

The list of members is cut into chunks by port number, so that a member that comes or goes rewrites
one flow of at most 256 outputs, however large the network is. The network's own flow only names
the chunks; each is a flow of the table FLOOD, from which the packet returns to the next.

    L2_LOOKUP: network, multicast --> chunk 0, FLOOD --> chunk 3, FLOOD --> done
"""

from collections.abc import Iterator

from openvnet.model import Network
from openvnet.model.host import Chunk, Member
from openvnet.pipeline.fields import Registers, eth_dst
from openvnet.pipeline.flow import Flow, Output, Resubmit, match, write
from openvnet.pipeline.tables import Table
from openvnet.state import View

MULTICAST = 1 << 40
"""The bit of a MAC address that marks a group, broadcast among them (IEEE 802)."""


def network_flows(network: Network, view: View) -> Iterator[Flow]:
    """The flood list of a network that has members here: its chunks, one after the other."""
    chunks = [number for _, number in view.ids(Chunk, network_uuid=network.uuid)]
    if not chunks or not network.vni:
        return
    many = match(eth_dst(MULTICAST, MULTICAST), Registers.network(network.vni))
    steps = (
        step
        for number in chunks
        for step in (write(Registers.chunk, number), Resubmit(Table.FLOOD))
    )
    yield Flow(Table.L2_LOOKUP, 50, many, tuple(steps))


def chunk_flows(chunk: Chunk, view: View) -> Iterator[Flow]:
    """The members of one chunk."""
    here = match(Registers.network(chunk.vni), Registers.chunk(chunk.number))
    members = view.where(Member, chunk=(chunk.network_uuid, chunk.number))
    ports = sorted({member.port for member in members})
    yield Flow(Table.FLOOD, 100, here, tuple(Output(port) for port in ports))


FEATURES = ((Network, network_flows), (Chunk, chunk_flows))

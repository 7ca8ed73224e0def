"""Promiscuous interfaces: a port that bridges a LAN into a network, with whatever is out there.

    InterfaceNetwork ──port here──► Bridged ── any sender, any MAC that nobody has
                     └─elsewhere──► BridgedAway ── what nobody has goes to that host, in a tunnel

Frames with any MAC and IP address come in by the port; what is for all, or for a MAC address that
no member has, goes out of it. A network has one such port in the world, and a switch sends nothing
back by the port that it came by, so there is no way round in a circle.
"""

from collections.abc import Iterator

from openvnet.model.host import Bridged, BridgedAway, Peer
from openvnet.pipeline.fields import UNTAGGED, Registers, in_port
from openvnet.pipeline.fields import peer as to_peer
from openvnet.pipeline.flow import Drop, Flow, Goto, Output, match, write
from openvnet.pipeline.tables import Table
from openvnet.state import View

_TAGGED = (Drop("tagged"),)


def port_flows(bridged: Bridged, _: View) -> Iterator[Flow]:
    """What comes in by the port is of the network, and what nobody has goes out of it."""
    came, into = in_port(bridged.port), write(Registers.network, bridged.vni)
    yield Flow(Table.PORT_SECURITY, 100, match(came, UNTAGGED), (into, Goto(Table.ARP)))
    yield Flow(Table.PORT_SECURITY, 1, match(came), _TAGGED)
    unknown = match(Registers.network(bridged.vni))
    yield Flow(Table.L2_LOOKUP, 20, unknown, (Output(bridged.port),))


def away_flows(bridged: BridgedAway, view: View) -> Iterator[Flow]:
    """What nobody has goes to the host whose port bridges the network."""
    peer = view.get(Peer, bridged.place)
    if peer is not None:
        unknown = match(Registers.network(bridged.vni), Registers.from_peer(0))
        there = write(to_peer, peer.number), Goto(Table.TO_PEER)
        yield Flow(Table.L2_LOOKUP, 19, unknown, there)


FEATURES = ((Bridged, port_flows), (BridgedAway, away_flows))

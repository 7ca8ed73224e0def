"""Promiscuous interfaces: a port that bridges a LAN into an L2 domain, with whatever is out there.

    InterfaceNetwork ──port here──► Bridged ── any sender, any MAC that nobody has
                     └─elsewhere──► BridgedAway ── what nobody has goes to that host, in a tunnel

Frames with any MAC and IP address come in by the port; what is for all, or for a MAC address that
no member has, goes out of it. A domain has one such port in the world, and a switch sends nothing
back by the port that it came by, so there is no way round in a circle. In a segment the machines
out there are learnt, since others than they may be unknown (`features.learning`).
"""

from collections.abc import Iterator

from openvnet.model.domains import host_learns
from openvnet.model.host import Bridged, BridgedAway, Peer
from openvnet.pipeline.fields import UNTAGGED, Registers, in_port
from openvnet.pipeline.fields import peer as to_peer
from openvnet.pipeline.flow import Drop, Flow, Goto, Output, match, write
from openvnet.pipeline.learning import learn_port
from openvnet.pipeline.tables import Table
from openvnet.state import View

_TAGGED = (Drop("tagged"),)


def port_flows(bridged: Bridged, view: View) -> Iterator[Flow]:
    """What comes in by the port is of the domain, and what nobody has goes out of it."""
    came, into = in_port(bridged.port), write(Registers.network, bridged.vni)
    learns = bridged.segment and host_learns(view)
    learning = (learn_port(bridged.vni, bridged.port),) if learns else ()
    entering = (into, *learning, Goto(Table.ARP))
    yield Flow(Table.PORT_SECURITY, 100, match(came, UNTAGGED), entering)
    yield Flow(Table.PORT_SECURITY, 1, match(came), _TAGGED)
    if bridged.segment:
        return
    unknown = match(Registers.network(bridged.vni))
    yield Flow(Table.L2_LOOKUP, 20, unknown, (Output(bridged.port),))


def away_flows(bridged: BridgedAway, view: View) -> Iterator[Flow]:
    """What nobody has goes to the host whose port bridges the network."""
    peer = None if bridged.segment else view.get(Peer, bridged.place)
    if peer is not None:
        unknown = match(Registers.network(bridged.vni), Registers.from_peer(0))
        there = write(to_peer, peer.number), Goto(Table.TO_PEER)
        yield Flow(Table.L2_LOOKUP, 19, unknown, there)


FEATURES = ((Bridged, port_flows), (BridgedAway, away_flows))

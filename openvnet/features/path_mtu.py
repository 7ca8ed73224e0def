"""Packets that are too big for the way to another host: their sender is told, and how big may be.

    L2_LOOKUP --> PATH_MTU: larger than passes? --> TO_PEER --yes--> the agent: fragmentation needed
                                                       └----no---> the other host

Nobody on that way could tell the sender: a tunnel's packets are the host's own, and Open vSwitch
drops what its underlay does not take. What stays on this host is not looked at. What goes to all is
not answered (RFC 1122, 3.2.2).

A packet is answered whether or not it says that it must not be fragmented. Nobody fragments it on
the way, and Linux's guests learn from the answer in both cases. IPv6, which passes in segments, is
answered in its own words (packet too big, RFC 8201).
"""

from collections.abc import Iterator

from openvnet.model import Network
from openvnet.model.facts import Bridge
from openvnet.model.host import Attachment, NetworkMtu, Peer, PromiscuousPort
from openvnet.model.mtu import network_mtu
from openvnet.packet import ipv6
from openvnet.packet.errors import MalformedPacketError
from openvnet.packet.ethernet import HEADER, IPV6, Frame, read_frame, write_frame
from openvnet.packet.icmp import fragmentation_needed
from openvnet.packet.ipv4 import read_packet, write_packet
from openvnet.pipeline import fields
from openvnet.pipeline.fields import Registers
from openvnet.pipeline.fields import peer as to_peer
from openvnet.pipeline.flow import Drop, Flow, Goto, ToAgent, check_larger, match, write
from openvnet.pipeline.handlers import Arrival, Handler
from openvnet.pipeline.tables import Table
from openvnet.state import View


def mtus(network: Network, view: View) -> Iterator[NetworkMtu]:
    """The MTU of a network, for who hands it out."""
    yield NetworkMtu(network.uuid, network_mtu(network, view).octets)


def limit_flows(peer: Peer, _: View) -> Iterator[Flow]:
    """What passes to a peer."""
    here = match(to_peer(peer.number), Registers.network(peer.vni))
    larger = check_larger(peer.mtu + HEADER, Registers.too_big)
    actions = write(Registers.mtu, peer.mtu), larger, Goto(Table.TO_PEER)
    yield Flow(Table.PATH_MTU, 100, here, actions)


def too_big_flows(_: Bridge, __: View) -> Iterator[Flow]:
    """What becomes of packets that do not."""
    too_big = Registers.too_big(1)
    for protocol in (fields.IPV4, fields.IPV6):
        yield Flow(Table.TO_PEER, 190, match(too_big, protocol), (ToAgent(Handler.TOO_BIG),))
    yield Flow(Table.TO_PEER, 180, match(too_big), (Drop("too big for the other host's MTU"),))


def answer(arrival: Arrival, _: Attachment | PromiscuousPort, __: View) -> bytes | None:
    """Tell the sender of a packet how large one may be; as who it was for, since none else is."""
    try:
        frame = read_frame(arrival.packet)
        told = _answered(frame, arrival.value(Registers.mtu))
    except MalformedPacketError:
        return None
    if told is None:
        return None
    return write_frame(Frame(frame.source, frame.destination, frame.kind, told))


def _answered(frame: Frame, mtu: int) -> bytes | None:
    if frame.kind == IPV6:
        too_big = ipv6.packet_too_big(ipv6.read_packet(frame.payload), mtu)
        return ipv6.write_packet(too_big) if too_big else None
    needed = fragmentation_needed(read_packet(frame.payload), mtu)
    return write_packet(needed) if needed else None


FEATURES = ((Network, mtus), (Peer, limit_flows), (Bridge, too_big_flows))

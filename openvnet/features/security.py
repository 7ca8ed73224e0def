"""Port security: a guest sends only with the MAC and IP addresses that its interface leases.

The sender is found by its port, never by what it claims; its network follows from the address that
it sends with. ARP counts as the sender's in all its fields, and a probe (sender 0.0.0.0, RFC 5227)
passes for the networks that the interface is in. In a segment the guest chooses its IP addresses,
and only its MAC address is held against its leases. All else is dropped, and counted by reason.
"""

from collections.abc import Iterator
from functools import lru_cache

from openvnet.model import MacLease
from openvnet.model.host import Attachment, Member, Station
from openvnet.pipeline.fields import (
    ARP,
    IPV4,
    IPV6,
    Registers,
    arp_op,
    arp_sha,
    arp_spa,
    arp_tpa,
    eth_src,
    in_port,
    ipv4_src,
    of_prefix,
    vlan,
)
from openvnet.pipeline.flow import (
    LOCAL,
    Action,
    Drop,
    Flow,
    Goto,
    ToAgent,
    match,
    off_trunk,
    write,
)
from openvnet.pipeline.handlers import Handler
from openvnet.pipeline.tables import Table
from openvnet.state import View

REQUEST = 1

OF_HOST = 200
"""How much earlier it is if the host itself is the sender: before its own path."""


def sender_flows(member: Member, _: View) -> Iterator[Flow]:
    """What a member may send with one address, and the network that it is then on.

    A probe has no address of its own: of the sender's networks, the one with the longest prefix
    that holds the address asked for is meant.
    """
    to_switching, to_arp = _entering(member.vlan_id, member.vni, member.awaited)
    sender = (in_port(member.port), eth_src(member.mac_address), vlan(member.vlan_id))
    first = OF_HOST if member.port == LOCAL else 0
    ipv4 = match(*sender, IPV4, ipv4_src(member.ipv4_address))
    yield Flow(Table.PORT_SECURITY, first + 100, ipv4, to_switching)
    arp, own_mac = (*sender, ARP), arp_sha(member.mac_address)
    own = match(*arp, arp_spa(member.ipv4_address), own_mac)
    yield Flow(Table.PORT_SECURITY, first + 100, own, to_arp)
    asked = of_prefix(arp_tpa, member.subnet, member.prefix)
    probe = match(*arp, arp_op(REQUEST), arp_spa(0), *asked, own_mac)
    yield Flow(Table.PORT_SECURITY, first + 50 + member.prefix, probe, to_arp)


@lru_cache(maxsize=1 << 10)
def _entering(
    vlan_id: int, vni: int, awaited: bool
) -> tuple[tuple[Action, ...], tuple[Action, ...]]:
    """Into a network, and on to switching or to ARP: the same for all its members."""
    told = (ToAgent(Handler.SPEAKS),) if awaited else ()
    to_network = (*told, *off_trunk(vlan_id), write(Registers.network, vni))
    return (*to_network, Goto(Table.L2_LOOKUP)), (*to_network, Goto(Table.ARP))


def station_flows(station: Station, _: View) -> Iterator[Flow]:
    """What may be sent in a segment with one MAC address, after all that is leased or allowed."""
    to_switching, to_arp = _entering(station.vlan_id, station.vni, station.awaited)
    sender = (in_port(station.port), eth_src(station.mac_address), vlan(station.vlan_id))
    for protocol in (IPV4, IPV6):
        yield Flow(Table.PORT_SECURITY, 8, match(*sender, protocol), to_switching)
    arp = match(*sender, ARP, arp_sha(station.mac_address))
    yield Flow(Table.PORT_SECURITY, 8, arp, to_arp)


def dropped_flows(attachment: Attachment, view: View) -> Iterator[Flow]:
    """What an attached interface sends, but may not: with its own MAC, and with another."""
    port, tagged = in_port(attachment.number), vlan(attachment.vlan_id)
    in_vlan = (tagged,) if attachment.vlan_id else ()
    first = OF_HOST if attachment.number == LOCAL else 0
    for lease in view.where(MacLease, interface_uuid=attachment.interface_uuid):
        own_mac = eth_src(lease.mac_address)
        in_segment = lease.segment_uuid is not None
        for protocol, reason in _REFUSALS[1:] if in_segment else _REFUSALS:
            sender = match(port, own_mac, protocol, tagged)
            yield Flow(Table.PORT_SECURITY, first + 4, sender, reason)
        other = _OTHER_IN_SEGMENT if in_segment else _OTHER
        yield Flow(Table.PORT_SECURITY, first + 3, match(port, own_mac, *in_vlan), other)
    if not first:  # With other addresses, the host sends to the world.
        yield Flow(Table.PORT_SECURITY, 2 if in_vlan else 1, match(port, *in_vlan), _STRANGER)


_STRANGER = (Drop("source MAC address not leased"),)
_OTHER = (Drop("neither IPv4 nor ARP, or tagged"),)
_OTHER_IN_SEGMENT = (Drop("neither IP nor ARP, or tagged"),)
_REFUSALS = (
    (IPV4, (Drop("IPv4 source address not leased"),)),
    (ARP, (Drop("ARP sender not leased"),)),
)

FEATURES = ((Member, sender_flows), (Station, station_flows), (Attachment, dropped_flows))

"""Port security: a guest sends only with the MAC and IP addresses that its interface leases.

The sender is found by its port, never by what it claims; its network follows from the address that
it sends with. ARP counts as the sender's in all its fields, and a probe (sender 0.0.0.0, RFC 5227)
passes for the networks that the interface is in. All else is dropped, and counted by reason.
"""

from collections.abc import Iterator

from openvnet.model import MacLease
from openvnet.model.host import Attachment, Holding
from openvnet.pipeline.fields import (
    ARP,
    IPV4,
    UNTAGGED,
    Registers,
    Term,
    arp_op,
    arp_sha,
    arp_spa,
    arp_tpa,
    eth_src,
    in_port,
    ipv4_src,
)
from openvnet.pipeline.flow import Drop, Flow, Goto, match, write
from openvnet.pipeline.tables import Table
from openvnet.state import View

REQUEST = 1
ALL_BITS = 0xFFFFFFFF


def sender_flows(held: Holding, _: View) -> Iterator[Flow]:
    """What an attached holder may send with one address, and the network that it is then on."""
    if held.port is None:
        return
    to_network = write(Registers.network, held.vni)
    sender = (in_port(held.port), eth_src(held.mac_address), UNTAGGED)
    ipv4 = match(*sender, IPV4, ipv4_src(held.ipv4_address))
    yield Flow(Table.PORT_SECURITY, 100, ipv4, (to_network, Goto(Table.L2_LOOKUP)))
    arp = (*sender, ARP, arp_sha(held.mac_address))
    to_arp = (to_network, Goto(Table.ARP))
    yield Flow(Table.PORT_SECURITY, 100, match(*arp, arp_spa(held.ipv4_address)), to_arp)
    probe = match(*arp, arp_op(REQUEST), arp_spa(0), _within(held))
    yield Flow(Table.PORT_SECURITY, 100, probe, to_arp)


def _within(held: Holding) -> Term:
    """ARP for an address of the network."""
    mask = ALL_BITS << (32 - held.prefix) & ALL_BITS
    return arp_tpa(held.subnet & mask, None if mask == ALL_BITS else mask)


def dropped_flows(lease: MacLease, view: View) -> Iterator[Flow]:
    """What an attached interface sends with its MAC, but may not."""
    attachment = view.get(Attachment, lease.interface_uuid)
    if attachment is None:
        return
    sender = (in_port(attachment.number), eth_src(lease.mac_address))
    for priority, protocol, reason in (
        (4, (UNTAGGED, IPV4), "IPv4 source address not leased"),
        (4, (UNTAGGED, ARP), "ARP sender not leased"),
        (3, (), "neither IPv4 nor ARP, or tagged"),
    ):
        yield Flow(Table.PORT_SECURITY, priority, match(*sender, *protocol), (Drop(reason),))


def stranger_flows(attachment: Attachment, _: View) -> Iterator[Flow]:
    """What comes from an attached interface with another MAC than its own."""
    other = match(in_port(attachment.number))
    yield Flow(Table.PORT_SECURITY, 2, other, (Drop("source MAC address not leased"),))


FEATURES = ((Holding, sender_flows), (MacLease, dropped_flows), (Attachment, stranger_flows))

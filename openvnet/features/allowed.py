"""What an interface may send beside its leases: allowed address pairs, and anything at all.

    AllowedAddressPair --its port, each of its MAC addresses--> Allowed --> flows of PORT_SECURITY

Of a gateway, or of guests within a guest. Leases go before pairs, and a longer prefix before a
shorter one. With port security off, everything that is untagged passes, on the interface's one
network; if it is on several, nobody could say which is meant, and port security stays on.
"""

from collections.abc import Iterator

from openvnet.model import AllowedAddressPair, Interface, IpLease, MacLease, Network
from openvnet.model.host import Allowed, Attachment, Carrier, Shortfall
from openvnet.pipeline.fields import (
    ARP,
    IPV4,
    Registers,
    arp_sha,
    arp_spa,
    eth_src,
    in_port,
    ipv4_src,
    of_prefix,
    vlan,
)
from openvnet.pipeline.flow import LOCAL, Flow, Goto, match, off_trunk, write
from openvnet.pipeline.tables import Table
from openvnet.state import View

_TO_ARP, _TO_SWITCHING = Goto(Table.ARP), Goto(Table.L2_LOOKUP)
SHORTEST = 10
"""The priority of a pair of any address: after probes and leases, before refusals."""


def allowances(pair: AllowedAddressPair, view: View) -> Iterator[Allowed]:
    """What a pair amounts to: for each MAC address, if the interface is on the network and here."""
    attachment = view.get(Attachment, pair.interface_uuid)
    network = view.get(Network, pair.network_uuid)
    leases = view.where(IpLease, interface_uuid=pair.interface_uuid)
    if attachment is None or network is None or not network.vni or attachment.number == LOCAL:
        return
    if network.uuid not in {lease.network_uuid for lease in leases}:
        return
    carrier = view.get(Carrier, network.uuid)
    own = view.where(MacLease, interface_uuid=pair.interface_uuid)
    macs = {lease.mac_address for lease in own} if pair.mac_address is None else {pair.mac_address}
    for mac_address in sorted(macs):
        yield Allowed(
            pair_uuid=pair.uuid,
            vni=network.vni,
            port=attachment.number,
            mac_address=mac_address,
            ipv4_address=pair.ipv4_address,
            prefix=pair.ipv4_prefix,
            bare=carrier.uplinks if carrier and carrier.encapsulation == "mac2mac" else (),
            vlan_id=attachment.vlan_id,
        )


def sender_flows(allowed: Allowed, _: View) -> Iterator[Flow]:
    """What may be sent with the addresses of a pair."""
    sender = in_port(allowed.port), eth_src(allowed.mac_address), vlan(allowed.vlan_id)
    addresses = allowed.ipv4_address, allowed.prefix
    entering = (*off_trunk(allowed.vlan_id), write(Registers.network, allowed.vni))
    priority = SHORTEST + allowed.prefix
    ipv4 = match(*sender, IPV4, *of_prefix(ipv4_src, *addresses))
    yield Flow(Table.PORT_SECURITY, priority, ipv4, (*entering, _TO_SWITCHING))
    arp = match(*sender, ARP, arp_sha(allowed.mac_address), *of_prefix(arp_spa, *addresses))
    yield Flow(Table.PORT_SECURITY, priority, arp, (*entering, _TO_ARP))


def open_flows(attachment: Attachment, view: View) -> Iterator[Flow | Shortfall]:
    """What passes without port security: all that is not tagged."""
    interface = view.get(Interface, attachment.interface_uuid)
    if interface is None or interface.enable_port_security:
        return
    if attachment.number == LOCAL:
        why = "port security stays on: all that the host sends comes by the same port"
        yield Shortfall("interface", interface.uuid, why)
        return
    leases = view.where(IpLease, interface_uuid=interface.uuid)
    found = (view.get(Network, lease.network_uuid) for lease in leases)
    vnis = {network.vni for network in found if network and network.vni}
    if len(vnis) != 1:
        why = f"port security stays on: it is on {'several networks' if vnis else 'no network'}"
        yield Shortfall("interface", interface.uuid, why)
        return
    sender = in_port(attachment.number), vlan(attachment.vlan_id)
    entering = (*off_trunk(attachment.vlan_id), write(Registers.network, vnis.pop()))
    yield Flow(Table.PORT_SECURITY, 6, match(*sender, ARP), (*entering, _TO_ARP))
    yield Flow(Table.PORT_SECURITY, 5, match(*sender), (*entering, _TO_SWITCHING))


ALLOWANCES = ((AllowedAddressPair, allowances),)
"""Of the stratum of leases."""

FEATURES = ((Allowed, sender_flows), (Attachment, open_flows))

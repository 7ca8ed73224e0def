"""What an interface may send beside its leases: allowed address pairs, and anything at all.

    AllowedAddressPair --its port, each of its MAC addresses--> Allowed --> flows of PORT_SECURITY

Of a gateway, or of guests within a guest. Leases go before pairs, and a longer prefix before a
shorter one. With port security off (`OpenPort`), everything that is untagged passes, on the
interface's one network or segment; in a segment, who sends so is learnt, and so found.
"""

from collections.abc import Iterator

from openvnet.model import AllowedAddressPair, IpLease, MacLease, Network
from openvnet.model.domains import domain_of, host_learns
from openvnet.model.host import Allowed, Attachment, Carrier, OpenPort
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
from openvnet.pipeline.flow import LOCAL, Flow, Goto, ToAgent, match, off_trunk, write
from openvnet.pipeline.handlers import Handler
from openvnet.pipeline.learning import learn_port
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
    domain = domain_of(network, view) if network else None
    if attachment is None or network is None or domain is None or attachment.number == LOCAL:
        return
    if network.uuid not in {lease.network_uuid for lease in leases}:
        return
    carrier = view.get(Carrier, domain.uuid)
    own = view.where(MacLease, interface_uuid=pair.interface_uuid)
    macs = {lease.mac_address for lease in own} if pair.mac_address is None else {pair.mac_address}
    for mac_address in sorted(macs):
        yield Allowed(
            pair_uuid=pair.uuid,
            vni=domain.vni,
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


def open_flows(port: OpenPort, view: View) -> Iterator[Flow]:
    """What passes without port security: all that is not tagged."""
    sender = in_port(port.port), vlan(port.vlan_id)
    told = (ToAgent(Handler.SPEAKS),) if port.awaited else ()
    learning = (learn_port(port.vni, port.port),) if port.segment and host_learns(view) else ()
    entering = (*told, *off_trunk(port.vlan_id), write(Registers.network, port.vni), *learning)
    yield Flow(Table.PORT_SECURITY, 6, match(*sender, ARP), (*entering, _TO_ARP))
    yield Flow(Table.PORT_SECURITY, 5, match(*sender), (*entering, _TO_SWITCHING))


ALLOWANCES = ((AllowedAddressPair, allowances),)
"""Of the stratum of leases."""

FEATURES = ((Allowed, sender_flows), (OpenPort, open_flows))

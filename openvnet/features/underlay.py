"""mac2mac, on the receiving side: guests' packets come by an uplink as they are, without a tunnel.

What is for one guest is known by its MAC and IP address; what is for all comes to the MAC address
that the network has on this host, and gets back the destination that it was sent with: broadcast,
or of IPv4 multicast the group's. All else that comes by an uplink is the host's own, as ever.
Whoever sent it must be a member of the network that is on another host.
"""

from collections.abc import Iterator

from openvnet.model.host import Allowed, Away, Carrier, Member, Peer
from openvnet.pipeline.fields import (
    ARP,
    IPV4,
    UNTAGGED,
    Registers,
    arp_tpa,
    eth_dst,
    eth_src,
    in_port,
    ipv4_dst,
    of_prefix,
)
from openvnet.pipeline.flow import Action, Flow, Goto, Match, copy, match, write
from openvnet.pipeline.tables import Table
from openvnet.state import View

BARE = "mac2mac"
ALLOWED = 210
"""Before what is the host's own (`features.host`); the longer the prefix of a pair, the earlier."""
FIRST = ALLOWED + 40
"""Before pairs."""

BROADCAST = 0xFFFFFFFFFFFF
GROUPS = ipv4_dst(0xE0000000, 0xF0000000)
GROUP_MAC, GROUP_BITS = 0x01005E000000, 23
"""The MAC address of an IPv4 group ends in so many bits of the group's address (RFC 1112)."""


def member_flows(member: Member, _: View) -> Iterator[Flow]:
    """What comes for a guest of this host."""
    for uplink in () if member.awaited else member.bare:
        to_member = in_port(uplink), eth_dst(member.mac_address), UNTAGGED
        for own in ((IPV4, ipv4_dst(member.ipv4_address)), (ARP, arp_tpa(member.ipv4_address))):
            yield _flow(FIRST, match(*to_member, *own), member.vni)


def allowed_flows(allowed: Allowed, _: View) -> Iterator[Flow]:
    """What comes for addresses that a guest of this host may use beside its leases."""
    addresses = allowed.ipv4_address, allowed.prefix
    first = ALLOWED + allowed.prefix
    for uplink in allowed.bare:
        to_guest = in_port(uplink), eth_dst(allowed.mac_address), UNTAGGED
        yield _flow(first, match(*to_guest, IPV4, *of_prefix(ipv4_dst, *addresses)), allowed.vni)
        yield _flow(first, match(*to_guest, ARP, *of_prefix(arp_tpa, *addresses)), allowed.vni)


def flooded_flows(carrier: Carrier, _: View) -> Iterator[Flow]:
    """What comes for all of a network's guests on this host."""
    if carrier.encapsulation != BARE or carrier.mac_address is None:
        return
    for uplink in carrier.uplinks:
        to_all = in_port(uplink), eth_dst(carrier.mac_address), UNTAGGED
        restored = (write(eth_dst, GROUP_MAC), copy(ipv4_dst, eth_dst, GROUP_BITS))
        yield _flow(FIRST + 1, match(*to_all, IPV4, GROUPS), carrier.vni, *restored)
        yield _flow(FIRST, match(*to_all), carrier.vni, write(eth_dst, BROADCAST))


def _flow(priority: int, to_here: Match, vni: int, *restored: Action) -> Flow:
    entering = write(Registers.network, vni), write(Registers.from_peer, 1)
    actions = *entering, *restored, Goto(Table.FROM_UNDERLAY)
    return Flow(Table.PORT_SECURITY, priority, to_here, actions)


def sender_flows(away: Away, view: View) -> Iterator[Flow]:
    """Who may send so: a member that is on another host."""
    peer = view.get(Peer, away.place)
    if peer is not None and peer.received == BARE:
        sender = match(eth_src(away.mac_address), Registers.network(away.vni))
        yield Flow(Table.FROM_UNDERLAY, 100, sender, (Goto(Table.L2_LOOKUP),))


FEATURES = (
    (Member, member_flows),
    (Allowed, allowed_flows),
    (Carrier, flooded_flows),
    (Away, sender_flows),
)

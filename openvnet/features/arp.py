"""ARP: requests for known addresses are answered by flows, on behalf of whoever holds them.

The holder itself gets no answer for its own address, so that duplicate address detection (RFC 5227)
works; its request goes on to the other members, as do requests for addresses that nobody leases.
"""

from collections.abc import Iterator

from openvnet.model import IpLease
from openvnet.model.domains import holding_of
from openvnet.model.facts import Bridge
from openvnet.model.host import Member, Station
from openvnet.pipeline.fields import (
    ARP,
    Registers,
    Term,
    arp_op,
    arp_sha,
    arp_spa,
    arp_tha,
    arp_tpa,
    eth_dst,
    eth_src,
    in_port,
)
from openvnet.pipeline.flow import IN_PORT, Flow, Goto, Output, copy, match, tag, write
from openvnet.pipeline.tables import Table
from openvnet.state import View

REQUEST, REPLY = 1, 2

_TURNED = (
    write(arp_op, REPLY),
    copy(arp_sha, arp_tha),
    copy(eth_dst, arp_sha),
    copy(eth_src, eth_dst),
    copy(arp_sha, eth_src),
    copy(arp_spa, Registers.sender),
    copy(arp_tpa, arp_spa),
    copy(Registers.sender, arp_tpa),
)
_TO_REPLY, _PAST_ARP = Goto(Table.ARP_REPLY), (Goto(Table.L2_LOOKUP),)


def answer_flows(lease: IpLease, view: View) -> Iterator[Flow]:
    """Who answers to an address, where its domain has members on this host.

    In a physical network, everybody answers for himself.
    """
    held = holding_of(lease, view)
    if held is None or held.network.mode == "physical":
        return
    uuid, vni, _ = held.domain
    if view.any(Member, domain_uuid=uuid) or view.any(Station, domain_uuid=uuid):
        to_holder = (write(eth_dst, held.mac_address), _TO_REPLY)
        yield Flow(Table.ARP, 100, match(*_request(lease.ipv4_address, vni)), to_holder)


def reply_flows(_: Bridge, __: View) -> Iterator[Flow]:
    """How every request is turned into a reply, once it is addressed to the holder's MAC."""
    yield Flow(Table.ARP_REPLY, 100, match(ARP), (*_TURNED, Output(IN_PORT)))


def trunk_flows(member: Member | Station, _: View) -> Iterator[Flow]:
    """The reply to a VLAN of a trunk has its tag again."""
    if member.vlan_id:
        asked = match(ARP, in_port(member.port), Registers.trunk(member.vlan_id))
        back = (*_TURNED, *tag(member.vlan_id), Output(IN_PORT))
        yield Flow(Table.ARP_REPLY, 110, asked, back)


def own_flows(member: Member, _: View) -> Iterator[Flow]:
    """No answer to a holder's requests for its own address."""
    own = match(in_port(member.port), *_request(member.ipv4_address, member.vni))
    yield Flow(Table.ARP, 110, own, _PAST_ARP)


def _request(address: int, vni: int) -> tuple[Term, ...]:
    return ARP, arp_op(REQUEST), arp_tpa(address), Registers.network(vni)


FEATURES = (
    (IpLease, answer_flows),
    (Bridge, reply_flows),
    (Member, own_flows),
    (Member, trunk_flows),
    (Station, trunk_flows),
)

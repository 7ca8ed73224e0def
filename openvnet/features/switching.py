"""Switching: a packet for a known MAC goes to the port behind which it is, any other to nobody."""

from collections.abc import Iterator

from openvnet.model.host import Attachment, Member, Station
from openvnet.pipeline.fields import Registers, eth_dst, in_port
from openvnet.pipeline.flow import Drop, Flow, Output, match, tag
from openvnet.pipeline.tables import Table
from openvnet.state import View


def unicast_flows(member: Member | Station, _: View) -> Iterator[Flow]:
    """The way to a leased MAC in its network or segment."""
    if member.awaited:
        return
    to_member = match(eth_dst(member.mac_address), Registers.network(member.vni))
    out = (*tag(member.vlan_id), Output(member.port))
    yield Flow(Table.L2_LOOKUP, 100, to_member, out)


def unknown_flows(attachment: Attachment, _: View) -> Iterator[Flow]:
    """What an interface sends to nobody that its network knows."""
    unknown = match(in_port(attachment.number))
    yield Flow(Table.L2_LOOKUP, 1, unknown, _UNKNOWN)


_UNKNOWN = (Drop("unknown destination"),)

FEATURES = ((Member, unicast_flows), (Station, unicast_flows), (Attachment, unknown_flows))

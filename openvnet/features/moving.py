"""Guests that move here while they run: vna is told of their first frame at once.

    Member, awaited ──► what it sends goes its way (`features.security`), and to vna as well
                    └─► RARP, which hypervisors send for a guest that goes on: to vna only

What is not among that, such as frames of an allowed address pair, vna sees by the port's counters,
a little later (`agent.moving`).
"""

from collections.abc import Iterator

from openvnet.model.host import Member, Station
from openvnet.pipeline.fields import RARP, eth_src, in_port, vlan
from openvnet.pipeline.flow import Flow, ToAgent, match
from openvnet.pipeline.handlers import Handler
from openvnet.pipeline.tables import Table
from openvnet.state import View


def first_flows(member: Member | Station, _: View) -> Iterator[Flow]:
    """What a hypervisor sends for a guest that goes on here."""
    if member.awaited:
        sender = in_port(member.port), eth_src(member.mac_address), vlan(member.vlan_id)
        yield Flow(Table.PORT_SECURITY, 7, match(*sender, RARP), _TO_AGENT)


_TO_AGENT = (ToAgent(Handler.SPEAKS),)

FEATURES = ((Member, first_flows), (Station, first_flows))

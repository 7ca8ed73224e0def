"""The host's own path: what the bridge's LOCAL port and the uplinks send goes to each other.

    uplink ──► LOCAL ──► every uplink that is alone, and of each bond its first member that is live

It needs no row, and all of it is done in the first table, before anything looks at the packet:
all protocols pass, with any tag. Guests have no part in it: their packets leave by the ports of
members, which an uplink never is; what comes by an uplink goes to LOCAL only, not to another uplink
either. Where a bridge has several uplinks that are no bond, they lead to different networks (else
the bridge was a loop before we came), and the host's peers may be on any: each gets a copy.
"""

from collections.abc import Iterator

from openvnet.model.host import BondMember, Bridge, Uplink
from openvnet.pipeline.fields import in_port
from openvnet.pipeline.flow import LOCAL, Action, Flow, Output, OutputToFirst, match
from openvnet.pipeline.tables import Table
from openvnet.state import View

FIRST = 200
"""Before all that is decided about guests."""


def inward_flows(uplink: Uplink, _: View) -> Iterator[Flow]:
    """From an uplink to the host."""
    yield Flow(Table.PORT_SECURITY, FIRST, match(in_port(uplink.number)), (Output(LOCAL),))


def outward_flows(_: Bridge, view: View) -> Iterator[Flow]:
    """From the host to its uplinks."""
    bonds: dict[str, list[int]] = {}
    uplinks = view.where(Uplink, bridge="bridge")
    for uplink in sorted(uplinks, key=lambda uplink: uplink.number):
        member = view.get(BondMember, uplink.port_name)
        name = f"bond {member.bond}" if member else f"port {uplink.port_name}"
        bonds.setdefault(name, []).append(uplink.number)
    if bonds:
        ways = tuple(map(_way, bonds.values()))
        yield Flow(Table.PORT_SECURITY, FIRST, match(in_port(LOCAL)), ways)


def _way(ports: list[int]) -> Action:
    return Output(ports[0]) if len(ports) == 1 else OutputToFirst(tuple(ports))


FEATURES = ((Uplink, inward_flows), (Bridge, outward_flows))

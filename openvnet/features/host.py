"""The host's own path: what the bridge's LOCAL port and the uplinks send goes to each other.

    uplink ──► LOCAL ──► every uplink that is alone, and of each bond its first member that is live

It needs no row, and all of it is done in the first table, before anything looks at the packet:
all protocols pass, with any tag. Where a bridge has several uplinks that are no bond, they lead to
different networks (else the bridge was a loop before we came), and the host's peers may be on any:
each gets a copy. What comes by an uplink never goes to another uplink.

Only then, and beside it, do guests of a physical network get their copy (`features.physical`). What
is for the host's MAC address goes to the host before any row is looked at, and nobody else sends
with that address. What LOCAL sends from another one may be for an internal network
(`features.internal`).
"""

from collections.abc import Iterator

from openvnet.model.facts import BondMember, Bridge, Port
from openvnet.model.host import Uplink
from openvnet.pipeline.fields import eth_dst, eth_src, in_port
from openvnet.pipeline.flow import LOCAL, Drop, Flow, Goto, Output, match, out_of
from openvnet.pipeline.tables import Table
from openvnet.state import View

FIRST = 200
"""Before all that is decided about guests."""

OWN, STOLEN = 220, 150
"""Before what physical networks and mac2mac take for guests; and before what guests may send."""

_THEN_GUESTS = Goto(Table.FROM_LAN)


def inward_flows(uplink: Uplink, view: View) -> Iterator[Flow]:
    """From an uplink to the host."""
    came = in_port(uplink.number)
    yield Flow(Table.PORT_SECURITY, FIRST, match(came), (Output(LOCAL), _THEN_GUESTS))
    for mac_address in _own_macs(view):
        own = match(came, eth_dst(mac_address))
        yield Flow(Table.PORT_SECURITY, OWN, own, (Output(LOCAL),))


def outward_flows(_: Bridge, view: View) -> Iterator[Flow]:
    """From the host to its uplinks; and that nobody else is the host."""
    bonds: dict[str, list[int]] = {}
    uplinks = view.where(Uplink, bridge="bridge")
    for uplink in sorted(uplinks, key=lambda uplink: uplink.number):
        member = view.get(BondMember, uplink.port_name)
        name = f"bond {member.bond}" if member else f"port {uplink.port_name}"
        bonds.setdefault(name, []).append(uplink.number)
    if not bonds:
        return
    ways = tuple(map(out_of, bonds.values()))
    yield Flow(Table.PORT_SECURITY, FIRST, match(in_port(LOCAL)), (*ways, _THEN_GUESTS))
    for mac_address in _own_macs(view):
        stolen = match(eth_src(mac_address))
        yield Flow(Table.PORT_SECURITY, STOLEN, stolen, (Drop("MAC address of the host"),))


def _own_macs(view: View) -> Iterator[int]:
    """The MAC address of the host at its bridge, if it is known."""
    for port in view.where(Port, number=LOCAL):
        if port.mac_address:
            yield port.mac_address


FEATURES = ((Uplink, inward_flows), (Bridge, outward_flows))

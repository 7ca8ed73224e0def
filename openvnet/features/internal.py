"""The host itself on internal networks: by the bridge's LOCAL port, with a MAC address for that.

    LOCAL ──from a MAC address that an internal interface leases──► its network, as from a guest
          └─from any other──► the host's own path, as ever (`features.host`)
    network ──to that MAC address, and to all──► LOCAL          uplink ──to it──► nobody

On a bridge with uplinks, the bridge's own MAC address is the host's way to the world, and no row
takes it away: an interface that leases it is not there, and it is said. So it is another one there,
such as that of a macvlan. What goes to all comes to the host with that MAC address as destination,
so nothing else of the host's hears it.
"""

from collections.abc import Iterator

from openvnet.features.attachment import may_be_here
from openvnet.model import Interface, MacLease
from openvnet.model.host import Attachment, Member, Port, Shortfall, Uplink
from openvnet.pipeline.fields import eth_dst, in_port
from openvnet.pipeline.flow import LOCAL, Drop, Flow, match
from openvnet.pipeline.tables import Table
from openvnet.state import View

NOT_FROM_OUTSIDE = 206
"""Before the host's own path (`features.host`)."""


def attachments(interface: Interface, view: View) -> Iterator[Attachment | Shortfall]:
    """The host's own port, behind which an interface of mode internal is."""
    if interface.mode != "internal" or not may_be_here(interface.uuid, view):
        return
    leased = {row.mac_address for row in view.where(MacLease, interface_uuid=interface.uuid)}
    for port in view.where(Port, number=LOCAL):
        if port.mac_address in leased and view.any(Uplink, bridge="bridge"):
            why = f"it leases the MAC address of {port.name} itself, by which the host is reached"
            yield Shortfall("interface", interface.uuid, f"{why}; it needs one of its own")
        else:
            yield Attachment(interface.uuid, port.name, LOCAL)


def outside_flows(member: Member, view: View) -> Iterator[Flow]:
    """Nobody outside sends to the host's address on an internal network."""
    for uplink in view.where(Uplink, bridge="bridge") if member.port == LOCAL else ():
        came = match(in_port(uplink.number), eth_dst(member.mac_address))
        yield Flow(Table.PORT_SECURITY, NOT_FROM_OUTSIDE, came, _NOT_FROM_OUTSIDE)


_NOT_FROM_OUTSIDE = (Drop("for an internal network"),)

ATTACHMENTS = ((Interface, attachments),)
"""Of a stratum after that of uplinks, and before that of leases."""

FEATURES = ((Member, outside_flows),)

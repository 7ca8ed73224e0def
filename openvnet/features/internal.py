"""The host itself on internal networks: by the bridge's LOCAL port, with a MAC address for that.

    LOCAL ──from a MAC address that an internal interface leases──► its network, as from a guest
          └─from any other──► the host's own path, as ever (`features.host`)
    network ──to that MAC address, and to all──► LOCAL          uplink ──to it──► nobody

On a bridge with uplinks, the bridge's own MAC address is the host's way to the world, and no row
takes it away: an interface that leases it is not there, and it is said (`features.attachment`). So
it is another one there, such as that of a macvlan. What goes to all comes to the host with that MAC
address as destination (`features.flooding`), so nothing else of the host's hears it.
"""

from collections.abc import Iterator

from openvnet.model.host import Member, Uplink
from openvnet.pipeline.fields import eth_dst, in_port
from openvnet.pipeline.flow import LOCAL, Drop, Flow, match
from openvnet.pipeline.tables import Table
from openvnet.state import View

NOT_FROM_OUTSIDE = 206
"""Before the host's own path (`features.host`)."""


def outside_flows(member: Member, view: View) -> Iterator[Flow]:
    """Nobody outside sends to the host's address on an internal network."""
    for uplink in view.where(Uplink, bridge="bridge") if member.port == LOCAL else ():
        came = match(in_port(uplink.number), eth_dst(member.mac_address))
        yield Flow(Table.PORT_SECURITY, NOT_FROM_OUTSIDE, came, _NOT_FROM_OUTSIDE)


_NOT_FROM_OUTSIDE = (Drop("for an internal network"),)

FEATURES = ((Member, outside_flows),)

"""What happens to packets that no other flow names: they are dropped, and counted.

These flows need no row, so a bridge that its datapath row is missing for passes nothing.
"""

from collections.abc import Iterator

from openvnet.model.facts import Bridge
from openvnet.pipeline.fields import Registers, tun_id
from openvnet.pipeline.flow import Drop, Flow, Goto, match
from openvnet.pipeline.tables import Table
from openvnet.state import View


def miss_flows(_: Bridge, __: View) -> Iterator[Flow]:
    """The last flow of each table."""
    yield Flow(Table.PORT_SECURITY, 0, (), (Drop("no interface is attached to the port"),))
    yield Flow(Table.ARP, 0, (), (Goto(Table.L2_LOOKUP),))
    yield Flow(Table.ARP_REPLY, 0, (), (Drop("not ARP"),))
    yield Flow(Table.FROM_TUNNEL, 100, match(tun_id(0)), (Drop("sent to keep a tunnel warm"),))
    yield Flow(Table.FROM_TUNNEL, 0, (), (Drop("tunnel of no known host or network"),))
    yield Flow(Table.FROM_UNDERLAY, 0, (), (Drop("sender on the underlay not known"),))
    yield Flow(Table.L2_LOOKUP, 0, (), (Drop("unknown destination"),))
    yield Flow(Table.FLOOD, 0, (), (Drop("no members"),))
    yield Flow(Table.FLOOD_PEERS, 0, (), (Drop("no hosts"),))
    yield Flow(Table.PATH_MTU, 0, (), (Goto(Table.TO_PEER),))
    from_peer = match(Registers.from_peer(1))
    yield Flow(Table.TO_PEER, 200, from_peer, (Drop("from a host to a host"),))
    yield Flow(Table.TO_PEER, 0, (), (Drop("no way to the other host"),))


FEATURES = ((Bridge, miss_flows),)

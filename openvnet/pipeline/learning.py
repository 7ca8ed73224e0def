"""What the switch learns in segments: where a MAC address is that nobody leases.

    the flow by which its frames enter --Learn--> MAC_LEARNT: the same number, to that MAC address
                                                   ├── of a port here: out of it
                                                   └── of a peer: `peer` names the host

An address that speaks elsewhere is learnt anew in the same place, so it moves at once. What was
learnt of a port or of a peer goes with the last flow that learns of it.
"""

from openvnet.pipeline.fields import Registers, eth_dst, eth_src
from openvnet.pipeline.fields import peer as to_peer
from openvnet.pipeline.flow import LEARNED, Learn, Load, SetField, learnt, write
from openvnet.pipeline.tables import Table

AGE = 300
"""Seconds for which an address is known that nothing is heard of any more (IEEE 802.1D, 7.9.2)."""

OF_PORT, OF_PEER = 1024, 4096
"""Addresses that are known at most of one port, and of one peer, in one segment.

To learn one more costs the switch a look at all of them."""

HERE, AWAY = 1, 2
"""What `Registers.learnt` says of the destination; 0: nothing."""

_PEERS = 1 << 62
"""The bit of cookies of what is learnt of peers."""


def learn_port(vni: int, port: int) -> Learn:
    """Learn that the sender of a frame is behind the port that it came by."""
    return _learn(vni << 32 | port, OF_PORT, write(Registers.learnt, HERE), back=True)


def learn_peer(vni: int, number: int) -> Learn:
    """Learn that the sender of a frame is on a host, which is named by its datapath id.

    Two hosts whose numbers fold into one cookie share their limit, and what is learnt of them.
    """
    folded = (number ^ number >> 32) & 0xFFFFFFFF
    there = write(Registers.learnt, AWAY), write(to_peer, number)
    return _learn(_PEERS | vni << 32 | folded, OF_PEER, *there)


def _learn(what: int, limit: int, *actions: SetField | Load, back: bool = False) -> Learn:
    return Learn(
        table=Table.MAC_LEARNT,
        priority=100,
        cookie=LEARNED | what,
        idle_timeout=0,
        hard_timeout=AGE,
        match=(learnt(Registers.network), learnt(eth_dst, eth_src)),
        actions=actions,
        back=back,
        limit=limit,
    )

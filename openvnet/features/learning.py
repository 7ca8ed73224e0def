"""Unknown unicast in segments: frames for a MAC address that nobody leases.

    L2_LOOKUP, after leases --> MAC_LEARNT --> UNKNOWN_UNICAST ── learnt here: it is sent already
                                                 ├── learnt of a peer --> PATH_MTU
                                                 └── not learnt: to whoever may have it

Whoever may have it are the ports without port security, the LAN of a promiscuous interface, and the
hosts with such; the others' addresses are all leased. A segment in which there is none of these
learns nothing, and drops as a network does. A lease goes before what is learnt, always, so
nobody gets a leased address by sending with it. A host that does not learn floods each time.
"""

from collections.abc import Iterator

from openvnet.model import Segment
from openvnet.model.domains import host_learns
from openvnet.model.host import Bridged, BridgedAway, OpenAway, OpenPort, Peer
from openvnet.pipeline.fields import Registers
from openvnet.pipeline.fields import peer as to_peer
from openvnet.pipeline.flow import (
    Action,
    Drop,
    Flow,
    Goto,
    Output,
    Resubmit,
    match,
    write,
)
from openvnet.pipeline.learning import AWAY
from openvnet.pipeline.tables import Table
from openvnet.state import View

_LOOK_UP = Resubmit(Table.MAC_LEARNT), Goto(Table.UNKNOWN_UNICAST)


def unknown_flows(segment: Segment, view: View) -> Iterator[Flow]:
    """What becomes of frames for a MAC address that nobody leases; of which hosts, they decide."""
    ports, peers = sorted(_ports(segment, view)), sorted(_peers(segment, view))
    if not segment.vni or not (ports or peers):
        return
    network = Registers.network(segment.vni)
    look_up = _LOOK_UP if host_learns(view) else _LOOK_UP[1:]
    yield Flow(Table.L2_LOOKUP, 20, match(network), look_up)
    unknown = network, Registers.learnt(0)
    here = tuple(Output(port) for port in ports)
    there = tuple(step for number in peers for step in _sent_to(number))
    yield Flow(Table.UNKNOWN_UNICAST, 50, match(*unknown), (*here, *there))
    if peers:
        came = match(*unknown, Registers.from_peer(1))
        yield Flow(Table.UNKNOWN_UNICAST, 60, came, here or (Drop("unknown destination"),))
        away = match(Registers.learnt(AWAY))
        yield Flow(Table.UNKNOWN_UNICAST, 100, away, (Goto(Table.PATH_MTU),))


def _ports(segment: Segment, view: View) -> Iterator[int]:
    """The ports of this host behind which any MAC address may be."""
    for port in view.where(OpenPort, domain_uuid=segment.uuid):
        if port.segment and not port.awaited:
            yield port.port
    for bridged in view.where(Bridged, domain_uuid=segment.uuid):
        yield bridged.port


def _peers(segment: Segment, view: View) -> set[int]:
    """The hosts with such ports, by their datapath ids."""
    places = {open_.place for open_ in view.where(OpenAway, domain_uuid=segment.uuid)}
    bridged = view.get(BridgedAway, segment.uuid)
    found = (view.get(Peer, place) for place in (*places, *([bridged.place] if bridged else ())))
    return {peer.number for peer in found if peer}


def _sent_to(number: int) -> tuple[Action, ...]:
    return write(to_peer, number), Resubmit(Table.PATH_MTU)


FEATURES = ((Segment, unknown_flows),)

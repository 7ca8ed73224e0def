"""Other hosts: which ones carry the networks and segments of this one, and how packets get there.

    DatapathNetwork, of this host --> Carrier ──┐
    DatapathNetwork, of another ────────────────┴─> Peer ──with members (Away)──> Hearer, PeerChunk

Of a segment, and so of all networks in it, that is said by DatapathSegment. Each host says how it
wants to receive, and whoever sends does so: nothing has to be agreed on. To where a MAC address is
leads one flow of L2_LOOKUP, which names the host; how to get to that host with a packet of that
domain is one flow of TO_PEER. What comes from a host goes to no other.
"""

from collections.abc import Iterable, Iterator
from zlib import crc32

from openvnet.model import (
    Datapath,
    DatapathNetwork,
    DatapathSegment,
    Interface,
    InterfaceNetwork,
    InterfacePort,
    Network,
    Segment,
)
from openvnet.model.domains import (
    Domain,
    domain_of,
    domain_of_segment,
    host_learns,
    in_segment,
)
from openvnet.model.facts import TUNNEL_PORTS, Bridge, TunnelInterface
from openvnet.model.host import (
    Away,
    BridgedAway,
    Carrier,
    Hearer,
    Member,
    OpenAway,
    Peer,
    PeerChunk,
    Station,
    TunnelEnd,
    Uplink,
)
from openvnet.model.mtu import FALLBACK, end_of, path_mtu, underlay_mtu
from openvnet.model.wanted import Shortfall, Tunnel, TunnelPort
from openvnet.pipeline.fields import (
    Registers,
    eth_dst,
    in_port,
    tun_dst,
    tun_id,
    tun_src,
)
from openvnet.pipeline.fields import (
    peer as to_peer,
)
from openvnet.pipeline.flow import (
    Action,
    Flow,
    Goto,
    Output,
    Resubmit,
    match,
    out_of,
    tag,
    untag,
    write,
)
from openvnet.pipeline.learning import learn_peer
from openvnet.pipeline.tables import Table
from openvnet.state import View

Carrying = DatapathNetwork | DatapathSegment

BARE = "mac2mac"

CHUNKS = 16
"""Of the hosts to which a network is flooded: so many that a flow for 4,000 hosts is not too long,
and so few that all of them fit where the chunk's number is kept, twice."""


def carriers(row: Carrying, view: View) -> Iterator[Carrier | Shortfall]:
    """How this host carries a domain, if the row is its own."""
    bridge, datapath = view.get(Bridge, "bridge"), view.get(Datapath, row.datapath_uuid)
    if bridge is None or datapath is None or datapath.dpid != bridge.dpid:
        return
    domain = _carried(row, view)
    if domain is None:
        yield from _uncovered(row, view)
        return
    end = end_of(row, view)
    if end is None:
        yield _shortfall(row, f"interface {row.interface_uuid} has no IP lease to end tunnels at")
        return
    uplinks = tuple(sorted(_uplinks(row.interface_uuid, view)))
    if row.encapsulation == BARE and not uplinks and not domain.segment:
        why = f"interface {row.interface_uuid} has no port on this bridge"
        yield _shortfall(row, f"nothing comes by mac2mac: {why}")
    yield Carrier(
        domain_uuid=domain.uuid,
        vni=domain.vni,
        encapsulation=_in_tunnel(row.encapsulation) if domain.segment else row.encapsulation,
        address=end.ipv4_address,
        underlay=end.network_uuid,
        underlay_mtu=underlay_mtu(end.network_uuid, view),
        mac_address=row.mac_address,
        uplinks=uplinks,
    )


def _carried(row: Carrying, view: View) -> Domain | None:
    """The domain that a row says is carried. A network in a segment is carried with that."""
    if isinstance(row, DatapathSegment):
        segment = view.get(Segment, row.segment_uuid)
        return domain_of_segment(segment) if segment else None
    network = view.get(Network, row.network_uuid)
    if network is None or network.mode != "virtual" or in_segment(network):
        return None
    return domain_of(network, view)


def _uncovered(row: Carrying, view: View) -> Iterator[Shortfall]:
    """Say it if a network is in a segment that this host does not carry."""
    network = view.get(Network, row.network_uuid) if isinstance(row, DatapathNetwork) else None
    if network is None or not in_segment(network):
        return
    covering = view.where(DatapathSegment, segment_uuid=network.segment_uuid)
    if row.datapath_uuid not in {other.datapath_uuid for other in covering}:
        where = f"network {network.uuid} is in segment {network.segment_uuid}"
        how = f"vnctl datapaths segments add {row.datapath_uuid} {network.segment_uuid}"
        yield _shortfall(row, f"nothing is carried: {where}, which this datapath lacks: {how}")


def _in_tunnel(encapsulation: str) -> str:
    return FALLBACK if encapsulation == BARE else encapsulation


def peers(row: Carrying, view: View) -> Iterator[Peer | Shortfall]:
    """Another host that carries a domain of this one."""
    domain = _carried(row, view)
    carrier = view.get(Carrier, domain.uuid) if domain else None
    bridge, datapath = view.get(Bridge, "bridge"), view.get(Datapath, row.datapath_uuid)
    if carrier is None or bridge is None or datapath is None or datapath.dpid == bridge.dpid:
        return
    end = end_of(row, view)
    if end is None:
        return
    encapsulation = row.encapsulation
    if encapsulation == BARE and end.network_uuid != carrier.underlay:
        encapsulation = FALLBACK  # As is to be expected of hosts on different underlays.
    elif encapsulation == BARE and _is_of_strangers(row, view):
        encapsulation = FALLBACK
    elif encapsulation == BARE and (why := _why_not_bare(row, carrier)):
        yield _shortfall(row, f"it is reached by {FALLBACK} and not by {BARE}: {why}")
        encapsulation = FALLBACK
    there = underlay_mtu(end.network_uuid, view)
    network = view.get(Network, row.network_uuid) if isinstance(row, DatapathNetwork) else None
    given = network.mtu if network else None
    yield Peer(
        domain_uuid=carrier.domain_uuid,
        datapath_uuid=row.datapath_uuid,
        vni=carrier.vni,
        number=int(datapath.dpid, 16),
        encapsulation=encapsulation,
        received=carrier.encapsulation,
        source=carrier.address,
        address=end.ipv4_address,
        mac_address=row.mac_address,
        uplinks=carrier.uplinks,
        mtu=path_mtu(given, encapsulation, (carrier.underlay_mtu, there)),
        segment=isinstance(row, DatapathSegment),
    )


def _is_of_strangers(row: Carrying, view: View) -> bool:
    """Whether there are senders of whom no host knows that they are members.

    In a segment that is anybody; in a network, the machines of a LAN that is bridged into it.
    """
    if isinstance(row, DatapathSegment):
        return True
    joined = view.where(InterfaceNetwork, network_uuid=row.network_uuid)
    interfaces = (view.get(Interface, row.interface_uuid) for row in joined)
    return any(each is not None and each.mode == "promiscuous" for each in interfaces)


def _uplinks(interface_uuid: str, view: View) -> Iterator[int]:
    """The ports by which an interface of mode host reaches the underlay."""
    for row in view.where(InterfacePort, interface_uuid=interface_uuid):
        uplink = view.get(Uplink, row.port_name) if row.port_name else None
        if uplink is not None:
            yield uplink.number


def _why_not_bare(row: Carrying, carrier: Carrier) -> str:
    if row.mac_address is None:
        return "it has no mac_address"
    return "" if carrier.uplinks else "this host has no uplink to send by"


def _shortfall(row: Carrying, reason: str) -> Shortfall:
    word = "datapath_network" if isinstance(row, DatapathNetwork) else "datapath_segment"
    return Shortfall(word, row.uuid, reason)


def hearers(peer: Peer, view: View) -> Iterator[Hearer | PeerChunk]:
    """Whether a peer must hear what its domain floods, and with which others it is told.

    Those that are told without a tunnel come last: the destination is written over for them.
    """
    place = peer.domain_uuid, peer.datapath_uuid
    if view.any(Away, place=place) or view.any(BridgedAway, place=place):
        number = crc32(peer.datapath_uuid.encode()) % CHUNKS
        number += CHUNKS * (peer.encapsulation == BARE)
        chunk = PeerChunk(peer.domain_uuid, peer.vni, number)
        yield chunk
        yield Hearer(place, peer.number, (chunk.domain_uuid, chunk.number))


def tunnel_ports(_: Bridge, view: View) -> Iterator[TunnelPort]:
    """The ports that tunnels need: for what is sent, and for what others send."""
    used = {
        _in_tunnel(each)
        for each in (*TUNNEL_PORTS, BARE)
        if view.any(Peer, encapsulation=each) or view.any(Peer, received=each)
    }
    for encapsulation in sorted(used):
        yield TunnelPort(TUNNEL_PORTS[encapsulation], encapsulation)


def broken_tunnels(found: TunnelInterface, view: View) -> Iterator[Shortfall]:
    """A tunnel port that Open vSwitch could not make."""
    bridge = view.get(Bridge, "bridge")
    for uuid in view.ids(Datapath, dpid=bridge.dpid) if bridge and found.error else ():
        yield Shortfall("datapath", uuid, f"tunnel port {found.name}: {found.error}")


def end_flows(end: TunnelEnd, _: View) -> Iterator[Flow]:
    """What comes in a tunnel is no guest's."""
    yield Flow(Table.PORT_SECURITY, 100, match(in_port(end.number)), (Goto(Table.FROM_TUNNEL),))


def peer_flows(peer: Peer, view: View) -> Iterator[Flow | Tunnel]:
    """The way to a peer with packets of a network, and the network of those that come from it."""
    network = Registers.network(peer.vni)
    came = match(tun_id(peer.vni), tun_src(peer.address))
    entering = write(Registers.network, peer.vni), write(Registers.from_peer, 1)
    learning = (learn_peer(peer.vni, peer.number),) if _is_learnt_from(peer, view) else ()
    yield Flow(Table.FROM_TUNNEL, 100, came, (*entering, *learning, Goto(Table.L2_LOOKUP)))
    there = to_peer(peer.number)
    if peer.encapsulation == BARE and peer.mac_address is not None:
        out = out_of(peer.uplinks)
        yield Flow(Table.TO_PEER, 100, match(there, network), (out,))
        flooded = match(there, network, Registers.flooded(1))
        yield Flow(Table.TO_PEER, 110, flooded, (write(eth_dst, peer.mac_address), out))
        return
    end = view.get(TunnelEnd, peer.encapsulation)
    if end is not None:
        tunnel = write(tun_src, peer.source), write(tun_dst, peer.address), write(tun_id, peer.vni)
        yield Flow(Table.TO_PEER, 100, match(there, network), (*tunnel, Output(end.number)))
        yield Tunnel(end.number, peer.source, peer.address)


def _is_learnt_from(peer: Peer, view: View) -> bool:
    """Whether MAC addresses that nobody leases may be on that host, and are to be learnt."""
    if not peer.segment:
        return False
    place = peer.domain_uuid, peer.datapath_uuid
    strangers = view.get(OpenAway, place) or view.any(BridgedAway, place=place)
    return bool(strangers) and host_learns(view)


def away_flows(away: Away, view: View) -> Iterator[Flow]:
    """The way to the MAC of a member that is on another host."""
    peer = view.get(Peer, away.place)
    if peer is not None:
        to_member = match(eth_dst(away.mac_address), Registers.network(away.vni))
        there = write(to_peer, peer.number), Goto(Table.PATH_MTU)
        copies = _copies(away.place[0], away.also, view)
        yield Flow(Table.L2_LOOKUP, 100, to_member, (*copies, *there))


def moving_flows(member: Member | Station, view: View) -> Iterator[Flow]:
    """The way to the MAC of a member of this host that moves: the host where it may go on, too.

    What came from a host goes to no other (TO_PEER), so nothing goes to and fro.
    """
    copies = tuple(_copies(member.domain_uuid, member.also, view))
    if copies and not member.awaited:
        to_member = match(eth_dst(member.mac_address), Registers.network(member.vni))
        here = *tag(member.vlan_id), Output(member.port), *untag(member.vlan_id)
        yield Flow(Table.L2_LOOKUP, 101, to_member, (*here, *copies))


def _copies(domain_uuid: str, datapaths: Iterable[str], view: View) -> Iterator[Action]:
    """Copies for hosts; in tunnels only: a switch would bring a bare frame to where it was."""
    for datapath_uuid in datapaths:
        peer = view.get(Peer, (domain_uuid, datapath_uuid))
        if peer is not None and peer.encapsulation != BARE:
            yield write(to_peer, peer.number)
            yield Resubmit(Table.TO_PEER)


def chunk_flows(chunk: PeerChunk, view: View) -> Iterator[Flow]:
    """The hosts of one chunk, each told by itself."""
    here = match(Registers.network(chunk.vni), Registers.chunk(chunk.number))
    hosts = view.where(Hearer, chunk=(chunk.domain_uuid, chunk.number))
    steps = (
        step
        for number in sorted({host.number for host in hosts})
        for step in (write(to_peer, number), Resubmit(Table.TO_PEER))
    )
    yield Flow(Table.FLOOD_PEERS, 100, here, tuple(steps))


CARRIERS = ((DatapathNetwork, carriers), (DatapathSegment, carriers))
PEERS = ((DatapathNetwork, peers), (DatapathSegment, peers))
HEARERS = ((Peer, hearers),)
"""Each is of a stratum of its own."""

FEATURES = (
    (Bridge, tunnel_ports),
    (TunnelInterface, broken_tunnels),
    (TunnelEnd, end_flows),
    (Peer, peer_flows),
    (Away, away_flows),
    (Member, moving_flows),
    (Station, moving_flows),
    (PeerChunk, chunk_flows),
)

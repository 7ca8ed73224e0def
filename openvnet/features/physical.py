"""Physical networks: LANs that guests are on together with the host and all that is out there.

    DatapathNetwork, of this host ──► Lan: the uplinks of its host interface, and a VLAN id

    guest ──► known MAC: its port │ the host's MAC: LOCAL │ any other: out of the uplink
          ──► broadcast: members, LOCAL and the uplink
    uplink, LOCAL ──► each other, as ever (`features.host`); then a guest's MAC: its port
                  ──► broadcast: members too

The host's path does not pass here: its packets are on their way already, and these flows make
copies for guests. Only what comes in for the MAC of a guest goes to the guest alone, unless it is
the host's own MAC. What came from outside does not go out again. Neighbours are found by real ARP:
nobody has rows of all that is on a LAN, and rows of guests elsewhere are not even heard.
"""

from collections.abc import Iterator

from openvnet.model import Datapath, DatapathNetwork, InterfacePort, Network
from openvnet.model.facts import BondMember, Bridge, Port
from openvnet.model.host import Chunk, HostVlan, Lan, Member, Uplink
from openvnet.model.wanted import Shortfall
from openvnet.pipeline.fields import Registers, eth_dst, in_port, vlan
from openvnet.pipeline.flow import (
    LOCAL,
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
from openvnet.pipeline.tables import Table
from openvnet.state import View

FOR_GUEST = 205
"""Before the host's own path, and after what is the host's by its MAC (`features.host`)."""

MANY = eth_dst(1 << 40, 1 << 40)
"""Broadcast and multicast (IEEE 802)."""


def lans(row: DatapathNetwork, view: View) -> Iterator[Lan | HostVlan | Shortfall]:
    """The way to a physical network from this host, if the row is its own.

    An uplink leads to one LAN, and to one of each VLAN: of several networks, the first has it.
    """
    network = view.get(Network, row.network_uuid)
    if network is None or network.mode != "physical" or not network.vni or not _is_own(row, view):
        return
    uplinks = tuple(sorted(set(_uplinks(row.interface_uuid, view))))
    if not uplinks:
        why = f"interface {row.interface_uuid} has no port on this bridge"
        yield Shortfall("datapath_network", row.uuid, f"nobody is reached: {why}")
        return
    vlan_id = network.vlan_id or 0
    if first := _first(row, network, view):
        said = f"network {first} has the same uplink, and vlan_id {vlan_id or 'none'} too"
        yield Shortfall("datapath_network", row.uuid, f"nobody is reached: {said}")
        return
    yield Lan(network.uuid, network.vni, vlan_id, uplinks)
    yield HostVlan(vlan_id)


def _is_own(row: DatapathNetwork, view: View) -> bool:
    bridge, datapath = view.get(Bridge, "bridge"), view.get(Datapath, row.datapath_uuid)
    return bridge is not None and datapath is not None and datapath.dpid == bridge.dpid


def _uplinks(interface_uuid: str, view: View) -> Iterator[int]:
    """The ports of an interface of mode host; of a bond, all members."""
    for row in view.where(InterfacePort, interface_uuid=interface_uuid):
        named = view.get(BondMember, row.port_name) if row.port_name else None
        bond = named.bond if named else row.port_name
        members = view.where(BondMember, bond=bond) if bond else ()
        for name in (row.port_name, *(member.name for member in members)):
            uplink = view.get(Uplink, name) if name else None
            if uplink is not None:
                yield uplink.number


def _first(row: DatapathNetwork, network: Network, view: View) -> str:
    """The network that has the same place on the same interface, and comes before this one."""
    for other in view.where(DatapathNetwork, interface_uuid=row.interface_uuid):
        rival = view.get(Network, other.network_uuid)
        if rival is None or rival.mode != "physical" or not rival.vni:
            continue
        here = other.datapath_uuid, rival.vlan_id
        same_place = here == (row.datapath_uuid, network.vlan_id)
        if same_place and (rival.uuid, other.uuid) < (network.uuid, row.uuid):
            return rival.uuid
    return ""


def lan_flows(lan: Lan, view: View) -> Iterator[Flow]:
    """What comes by the uplinks for all, and the way of guests out of them and to the host."""
    if not view.any(Member, domain_uuid=lan.network_uuid):
        return
    for uplink in lan.uplinks:
        came = match(in_port(uplink), MANY, vlan(lan.vlan_id))
        yield Flow(Table.FROM_LAN, 100, came, _entering(lan))
    home = Registers.network(lan.vni), Registers.from_peer(0)
    unknown = (*tag(lan.vlan_id), out_of(lan.uplinks))
    yield Flow(Table.L2_LOOKUP, 20, match(*home), unknown)
    for port in view.where(Port, number=LOCAL):
        if port.mac_address:
            to_host = match(*home, eth_dst(port.mac_address))
            yield Flow(Table.L2_LOOKUP, 105, to_host, (*tag(lan.vlan_id), Output(LOCAL)))


def member_flows(member: Member, _: View) -> Iterator[Flow]:
    """What comes for a guest of this host: by the uplinks, and from the host itself."""
    lan = member.lan
    if lan is None or member.awaited:
        return
    to_member = eth_dst(member.mac_address), vlan(lan.vlan_id)
    for uplink in lan.uplinks:
        came = match(in_port(uplink), *to_member)
        yield Flow(Table.PORT_SECURITY, FOR_GUEST, came, _entering(lan))
    yield Flow(Table.FROM_LAN, 100, match(in_port(LOCAL), *to_member), _entering(lan))


def _entering(lan: Lan) -> tuple[Action, ...]:
    into = write(Registers.network, lan.vni), write(Registers.from_peer, 1)
    return (*untag(lan.vlan_id), *into, Goto(Table.L2_LOOKUP))


def host_flows(shared: HostVlan, view: View) -> Iterator[Flow]:
    """What the host sends to all: it is for the guests of each LAN that the host is on."""
    steps = tuple(_flooded(shared.vlan_id, view))
    if steps:
        sent = match(in_port(LOCAL), MANY, vlan(shared.vlan_id))
        yield Flow(Table.FROM_LAN, 100, sent, (*untag(shared.vlan_id), *steps))


def _flooded(vlan_id: int, view: View) -> Iterator[Action]:
    for lan in sorted(view.where(Lan, vlan_id=vlan_id), key=lambda lan: lan.vni):
        chunks = view.ids(Chunk, domain_uuid=lan.network_uuid)
        if chunks:
            yield write(Registers.network, lan.vni)
        for _, number in chunks:
            yield write(Registers.chunk, number)
            yield Resubmit(Table.FLOOD)


LANS = ((DatapathNetwork, lans),)
"""Of the stratum in which is known what this host carries."""

FEATURES = ((Lan, lan_flows), (Member, member_flows), (HostVlan, host_flows))

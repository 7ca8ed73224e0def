"""Small worlds for tests: rows and facts of a few networks and interfaces, and their histories.

Ids are few, so that random histories hit the same rows, ports and addresses again and again.
"""

from hypothesis import strategies as st

from openvnet.model import (
    ActiveInterface,
    AllowedAddressPair,
    Datapath,
    DatapathNetwork,
    DatapathSegment,
    Interface,
    InterfaceNetwork,
    InterfacePort,
    InterfaceSegment,
    IpLease,
    MacLease,
    Network,
    Segment,
)
from openvnet.model.facts import (
    TUNNEL_PORTS,
    BondMember,
    Bridge,
    Heard,
    Port,
    PortIdentity,
    TunnelInterface,
)
from openvnet.model.relations import ENCAPSULATIONS
from openvnet.pipeline.flow import LOCAL

DPID = "0x0000aaaaaaaaaaaa"
OTHER_DPID = "0x0000bbbbbbbbbbbb"

_digits = st.integers(1, 4)


def _named(prefix):
    return _digits.map(lambda digit: f"{prefix}-{digit}")


_maybe_interface = st.none() | _named("if")
_port_names = st.sampled_from(["vm1", "vm2", "vm3", "vm4", "eth0"])

datapaths = st.builds(
    Datapath,
    uuid=_named("dp"),
    display_name=st.just(""),
    dpid=st.sampled_from([DPID, DPID, OTHER_DPID]),
    node_id=st.just("vna"),
    enable_ovs_learn_action=st.sampled_from([True, True, True, False]),
)
_segment_uuids = st.sampled_from([None, None, "seg-1", "seg-2"])
segments = st.builds(
    Segment,
    uuid=st.sampled_from(["seg-1", "seg-2"]),
    mode=st.just("virtual"),
    vni=st.integers(3, 5),
)
networks = st.builds(
    Network,
    uuid=_named("nw"),
    ipv4_network=st.just(0x0A660000),
    ipv4_prefix=st.sampled_from([16, 24, 32]),
    mode=st.sampled_from(["virtual", "virtual", "virtual", "physical", "internal"]),
    vlan_id=st.none() | st.just(10),
    segment_uuid=_segment_uuids,
    vni=st.integers(0, 3),
    mtu=st.sampled_from([None, None, 1300, 9000]),
)
interfaces = st.builds(
    Interface,
    uuid=_named("if"),
    mode=st.sampled_from([*4 * ["vif"], "host", "simulated", "promiscuous", "internal"]),
    parent_interface_uuid=st.sampled_from([None, None, None, "if-1", "if-2"]),
    vlan_id=st.sampled_from([None, 10, 20]),
    enable_port_security=st.sampled_from([True, True, True, False]),
)
interface_ports = st.builds(
    InterfacePort,
    uuid=_named("ifp"),
    interface_uuid=_named("if"),
    datapath_uuid=st.none() | _named("dp"),
    port_name=st.none() | _port_names,
)
mac_leases = st.builds(
    MacLease,
    uuid=_named("ml"),
    interface_uuid=_maybe_interface,
    segment_uuid=_segment_uuids,
    mac_address=st.integers(0x525400000001, 0x525400000005),
)
ip_leases = st.builds(
    IpLease,
    uuid=_named("il"),
    network_uuid=_named("nw"),
    ipv4_address=st.integers(0x0A660009, 0x0A66000C),
    interface_uuid=_maybe_interface,
    mac_lease_uuid=st.none() | _named("ml"),
)
bridges = st.builds(Bridge, dpid=st.sampled_from([DPID, DPID, OTHER_DPID]))
ports = st.builds(
    Port,
    name=_port_names,
    number=st.sampled_from([1, 2, 3, 4, 300]),
    up=st.booleans(),
    uplink=st.sampled_from([False, False, False, True]),
    mac_address=st.just(0),
)
host_ports = st.builds(
    Port,
    name=st.just("br0"),
    number=st.just(LOCAL),
    up=st.just(True),
    mac_address=st.sampled_from([0x020000000001, 0x525400000001]),
)
identities = st.builds(
    PortIdentity, name=_port_names, iface_id=st.sampled_from(["vm1", "vm2", "if-1", "if-2", "x"])
)
bond_members = st.builds(BondMember, name=_port_names, bond=st.sampled_from(["bond0", "bond1"]))


datapath_networks = st.builds(
    DatapathNetwork,
    uuid=_named("dpnw"),
    datapath_uuid=_named("dp"),
    network_uuid=_named("nw"),
    interface_uuid=_named("if"),
    ip_lease_uuid=st.none() | _named("il"),
    mac_address=st.none() | st.integers(0x525400000011, 0x525400000014),
    encapsulation=st.sampled_from(ENCAPSULATIONS),
)
datapath_segments = st.builds(
    DatapathSegment,
    uuid=_named("dpseg"),
    datapath_uuid=_named("dp"),
    segment_uuid=st.sampled_from(["seg-1", "seg-2"]),
    interface_uuid=_named("if"),
    encapsulation=st.sampled_from(ENCAPSULATIONS),
)
allowed_address_pairs = st.builds(
    AllowedAddressPair,
    uuid=_named("aap"),
    interface_uuid=_named("if"),
    network_uuid=_named("nw"),
    ipv4_address=st.just(0x0A660000),
    ipv4_prefix=st.sampled_from([0, 16, 24, 32]),
    mac_address=st.none() | st.integers(0x525400000001, 0x525400000005),
)
active_interfaces = st.builds(
    ActiveInterface,
    uuid=_named("acif"),
    interface_uuid=_named("if"),
    datapath_uuid=_named("dp"),
)
tunnel_interfaces = st.builds(
    TunnelInterface,
    name=st.sampled_from(sorted(TUNNEL_PORTS.values())),
    error=st.sampled_from(["", "", "it is not ours"]),
)
tunnel_ports = st.builds(
    Port,
    name=st.sampled_from(sorted(TUNNEL_PORTS.values())),
    number=st.sampled_from([21, 22, 23]),
    up=st.just(True),
)

interface_networks = st.builds(
    InterfaceNetwork, uuid=_named("ifnw"), interface_uuid=_named("if"), network_uuid=_named("nw")
)
interface_segments = st.builds(
    InterfaceSegment,
    uuid=_named("ifseg"),
    interface_uuid=_named("if"),
    segment_uuid=st.sampled_from(["seg-1", "seg-2"]),
)

heard = st.builds(Heard, interface_uuid=_named("if"))

_KINDS = (
    heard,
    interface_networks,
    interface_segments,
    segments,
    datapath_segments,
    host_ports,
    datapath_networks,
    allowed_address_pairs,
    active_interfaces,
    tunnel_interfaces,
    tunnel_ports,
    datapaths,
    networks,
    interfaces,
    interface_ports,
    mac_leases,
    ip_leases,
    bridges,
    ports,
    identities,
    bond_members,
)
_rows = st.one_of(*_KINDS)
_puts = _rows.map(lambda row: (key_of(row), row))
_removals = _rows.map(lambda row: (key_of(row), None))
batches = st.lists(st.one_of(_puts, _puts, _puts, _removals), max_size=8).map(dict)


def seed_world():
    """The seed: vm1 and vm3 on one network, vm2 and vm4 on another, with equal addresses."""
    rows = [
        Bridge(DPID),
        Datapath(uuid="dp-1", display_name="one", dpid=DPID, node_id="vna"),
        Network(uuid="nw-1", ipv4_network=0x0A660000, vni=1),
        Network(uuid="nw-2", ipv4_network=0x0A660000, vni=2),
    ]
    for number in (1, 2, 3, 4):
        rows += guest(number, f"nw-{2 - number % 2}", 0x0A66000A + (number > 2))
    return {key_of(row): row for row in rows}


def key_of(row):
    """A row's key in State."""
    if isinstance(row, Bridge):
        return Bridge, "bridge"
    if isinstance(row, Heard):
        return Heard, row.interface_uuid
    return type(row), getattr(row, "uuid", None) or row.name


def guest(
    number,
    network_uuid,
    ipv4_address,
    *,
    port=True,
    datapath_uuid="dp-1",
    segment_uuid=None,
    secured=True,
):
    """The rows of one guest, and its port unless told not to."""
    yield Interface(uuid=f"if-{number}", mode="vif", enable_port_security=secured)
    yield InterfacePort(
        uuid=f"ifp-{number}",
        interface_uuid=f"if-{number}",
        datapath_uuid=datapath_uuid,
        port_name=f"vm{number}",
        singular=True,
    )
    mac_address = 0x525400000000 + number
    yield MacLease(
        uuid=f"ml-{number}",
        interface_uuid=f"if-{number}",
        mac_address=mac_address,
        segment_uuid=segment_uuid,
    )
    if network_uuid is None:
        if port:
            yield Port(f"vm{number}", number, up=True)
        return
    yield IpLease(
        uuid=f"il-{number}",
        interface_uuid=f"if-{number}",
        mac_lease_uuid=f"ml-{number}",
        network_uuid=network_uuid,
        ipv4_address=ipv4_address,
    )
    if port:
        yield Port(f"vm{number}", number, up=True)


def hosts_world(here=1, encapsulations=("geneve", "mac2mac", "vxlan")):
    """Two networks over three hosts, of which one is `here`; each guest's equal is on another host.

    Guests 1, 3 and 5 are on one network, 2, 4 and 6 on the other; 1 and 2 are on the first host,
    and so on. Each host wants to receive in its own way.
    """
    dpids = [DPID, OTHER_DPID, "0x0000cccccccccccc"]
    rows = [
        Bridge(dpids[here - 1]),
        Network(uuid="nw-1", ipv4_network=0x0A660000, vni=1),
        Network(uuid="nw-2", ipv4_network=0x0A660000, vni=2),
        Network(uuid="nw-9", mode="physical", ipv4_network=0xAC100000, vni=9),
        Port("eth0", 11, up=True),
    ]
    for number, name in enumerate(sorted(TUNNEL_PORTS.values()), start=21):
        rows += [Port(name, number, up=True), TunnelInterface(name)]
    for host, dpid in enumerate(dpids, start=1):
        rows.append(Datapath(uuid=f"dp-{host}", display_name="", dpid=dpid, node_id=f"vna{host}"))
        rows += host_interface(host, dpid == dpids[here - 1])
        for network in (1, 2):
            row = DatapathNetwork(
                uuid=f"dpnw-{host}{network}",
                datapath_uuid=f"dp-{host}",
                network_uuid=f"nw-{network}",
                interface_uuid=f"if-eth{host}",
                mac_address=0x525400000000 + 0x10 * host + network,
                encapsulation=encapsulations[host - 1],
            )
            rows.append(row)
            number = 2 * host - 2 + network
            address = 0x0A660009 + host
            at_home = {"port": host == here, "datapath_uuid": f"dp-{host}"}
            rows += guest(number, f"nw-{network}", address, **at_home)
    return {key_of(row): row for row in rows}


def segments_world(here=1, encapsulations=("geneve", "mac2mac", "vxlan")):
    """The world of three hosts, with a segment in the place of the first network.

    Guests 1, 3 and 5 are in it with MAC addresses only, and 5 is without port security; so is a
    network, of which guest 1 has an address.
    """
    world = hosts_world(here, encapsulations)
    rows = [
        Segment(uuid="seg-1", mode="virtual", vni=11),
        Network(uuid="nw-1", ipv4_network=0x0A660000, vni=1, segment_uuid="seg-1"),
    ]
    for number in (1, 3, 5):
        host = (number + 1) // 2
        row = world.pop((DatapathNetwork, f"dpnw-{host}1"))
        carried = DatapathSegment(
            uuid=f"dpseg-{host}",
            datapath_uuid=row.datapath_uuid,
            segment_uuid="seg-1",
            interface_uuid=row.interface_uuid,
            mac_address=row.mac_address,
            encapsulation=row.encapsulation,
        )
        at_home = {"port": host == here, "datapath_uuid": row.datapath_uuid}
        own = {"segment_uuid": "seg-1", "secured": number != 5}
        if number > 1:
            del world[IpLease, f"il-{number}"]
        address = (None, None) if number > 1 else ("nw-1", 0x0A66000A)
        rows += [carried, *guest(number, *address, **at_home, **own)]
    return world | {key_of(row): row for row in rows}


def host_interface(number, is_here):
    """How a host reaches the underlay: an interface with an address, and its port."""
    uuid = f"if-eth{number}"
    if is_here:
        yield Interface(uuid=uuid, mode="host")
        yield InterfacePort(
            uuid=f"ifp-eth{number}",
            interface_uuid=uuid,
            datapath_uuid=f"dp-{number}",
            port_name="eth0",
        )
    mac_address = 0x525400000090 + number
    yield MacLease(uuid=f"ml-eth{number}", interface_uuid=uuid, mac_address=mac_address)
    yield IpLease(
        uuid=f"il-eth{number}",
        interface_uuid=uuid,
        mac_lease_uuid=f"ml-eth{number}",
        network_uuid="nw-9",
        ipv4_address=0xAC100000 + number,
    )


_segments = segments_world()
_worlds = st.sampled_from(
    [{}, seed_world(), seed_world(), hosts_world(), hosts_world(2), _segments, _segments]
)
histories = st.tuples(_worlds, st.lists(batches, min_size=1, max_size=12)).map(
    lambda drawn: [drawn[0], *drawn[1]]
)
"""Batches of changes, one after the other; most begin with a world in which packets flow."""

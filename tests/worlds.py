"""Small worlds for tests: rows and facts of a few networks and interfaces, and their histories.

Ids are few, so that random histories hit the same rows, ports and addresses again and again.
"""

from hypothesis import strategies as st

from openvnet.model import Datapath, Interface, InterfacePort, IpLease, MacLease, Network
from openvnet.model.host import BondMember, Bridge, Port, PortIdentity

DPID = "0x0000aaaaaaaaaaaa"
OTHER_DPID = "0x0000bbbbbbbbbbbb"

_digits = st.integers(1, 4)


def _named(prefix):
    return _digits.map(lambda digit: f"{prefix}-{digit}")


_maybe_interface = st.none() | _named("if")
_port_names = st.sampled_from(["vm1", "vm2", "vm3", "vm4"])

datapaths = st.builds(
    Datapath,
    uuid=_named("dp"),
    display_name=st.just(""),
    dpid=st.sampled_from([DPID, DPID, OTHER_DPID]),
    node_id=st.just("vna"),
)
networks = st.builds(
    Network,
    uuid=_named("nw"),
    ipv4_network=st.just(0x0A660000),
    ipv4_prefix=st.sampled_from([16, 24, 32]),
    vni=st.integers(0, 3),
)
interfaces = st.builds(
    Interface,
    uuid=_named("if"),
    mode=st.sampled_from(["vif", "vif", "vif", "vif", "host", "simulated"]),
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
)
identities = st.builds(
    PortIdentity, name=_port_names, iface_id=st.sampled_from(["vm1", "vm2", "if-1", "if-2", "x"])
)
bond_members = st.builds(BondMember, name=_port_names, bond=st.sampled_from(["bond0", "bond1"]))


_KINDS = (
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
    return type(row), getattr(row, "uuid", None) or row.name


def guest(number, network_uuid, ipv4_address, *, port=True, datapath_uuid="dp-1"):
    """The rows of one guest, and its port unless told not to."""
    yield Interface(uuid=f"if-{number}", mode="vif")
    yield InterfacePort(
        uuid=f"ifp-{number}",
        interface_uuid=f"if-{number}",
        datapath_uuid=datapath_uuid,
        port_name=f"vm{number}",
        singular=True,
    )
    mac_address = 0x525400000000 + number
    yield MacLease(uuid=f"ml-{number}", interface_uuid=f"if-{number}", mac_address=mac_address)
    yield IpLease(
        uuid=f"il-{number}",
        interface_uuid=f"if-{number}",
        mac_lease_uuid=f"ml-{number}",
        network_uuid=network_uuid,
        ipv4_address=ipv4_address,
    )
    if port:
        yield Port(f"vm{number}", number, up=True)


histories = st.tuples(
    st.sampled_from([{}, seed_world(), seed_world()]), st.lists(batches, min_size=1, max_size=12)
).map(lambda drawn: [drawn[0], *drawn[1]])
"""Batches of changes, one after the other; most begin with a world in which packets flow."""

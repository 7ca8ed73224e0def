"""What a lab is built of: hosts, networks, and the guests that join them, as plain values.

`SEED` is the test environment of OpenVNet's guide ("Check Virtual Network Operation"): two networks
with equal addresses on one host. `declarations` says it in vnctl's words.
"""

from collections.abc import Iterator
from ipaddress import IPv4Network

import msgspec

from openvnet.lab.errors import LabError

ROUTER, MANAGER = "router", "manager"
UNDERLAY, OVERLAY, MAC_ADDRESSES = "topo-underlay", "topo-overlay", "mrg-hosts"
"""The topologies of a lab of many hosts, and the MAC addresses that they give hosts."""
MANAGER_ADDRESS, MANAGER_ROUTER, MANAGER_PREFIX = "192.168.0.2", "192.168.0.1", 24
"""The manager is behind the router, in a network that has nobody else."""
ENCAPSULATIONS = ("geneve", "vxlan", "gre", "mac2mac")
"""How networks are carried between hosts; the first one if nothing is said."""
DATABASES = ("sqlite", "mariadb")
UPLINK = "eth0"
"""The network card of a host with an underlay; a port of its bridge."""


class Host(msgspec.Struct, frozen=True):
    """A machine with a bridge br0 and a vna."""

    name: str
    datapath_uuid: str
    dpid: str
    """The bridge's datapath id, 16 hexadecimal digits."""
    node_id: str
    """Of its vna."""
    mac_address: str
    """Of its bridge."""
    underlay: str = ""
    """The name of the underlay that its uplink leads to; a host alone has none."""
    ipv4_address: str = ""
    """Its own, on that underlay; it is on the bridge."""

    @property
    def interface_uuid(self) -> str:
        """Of the interface of mode host that stands for its uplink."""
        return f"if-{self.name}"


class Underlay(msgspec.Struct, frozen=True):
    """A physical network that hosts are plugged into."""

    name: str
    uuid: str
    ipv4_network: str
    ipv4_prefix: int
    router: str
    """The address of the router in it."""


class Network(msgspec.Struct, frozen=True):
    """A virtual network."""

    name: str
    uuid: str
    ipv4_network: str
    ipv4_prefix: int

    @property
    def subnet(self) -> IPv4Network:
        """Its addresses."""
        return IPv4Network((self.ipv4_network, self.ipv4_prefix))


class Guest(msgspec.Struct, frozen=True):
    """A network card of a machine, plugged into a port of its host's bridge."""

    name: str
    host: str
    network: str
    """The name of its network."""
    interface_uuid: str
    port_name: str
    mac_address: str
    ipv4_address: str
    may_move: bool = False
    """Whether its port may be on any host; otherwise it is on its own only."""
    card: str = "eth0"
    machine: str = ""
    """The name of the guest that has this card beside its own; its own if not given."""

    @property
    def place(self) -> str:
        """Where the card is."""
        return self.machine or self.name


class Environment(msgspec.Struct, frozen=True):
    """All of it. Names are unique among hosts and guests together.

    With underlays there are two places more: the router that joins them, and the machine that
    vnmgr and webapi run on, which is behind the router. Without, they run in the lab itself.
    """

    hosts: tuple[Host, ...]
    networks: tuple[Network, ...]
    guests: tuple[Guest, ...]
    underlays: tuple[Underlay, ...] = ()
    guest_mtu: int = 1500
    """Bytes of the longest packet that a guest sends."""
    encapsulation: str = ENCAPSULATIONS[0]
    """Of the networks, between hosts."""
    explicit: bool = False
    """Whether each host is told of each network that it carries it; if not, by a topology."""
    database: str = "sqlite"
    """Where vnmgr keeps its rows: one of `DATABASES`."""

    @property
    def places(self) -> tuple[str, ...]:
        """The names of all hosts and guests, and of what joins hosts."""
        joining = (ROUTER, MANAGER) if self.underlays else ()
        hosts = (host.name for host in self.hosts)
        guests = dict.fromkeys(guest.place for guest in self.guests)
        return (*joining, *hosts, *guests)

    @property
    def manager(self) -> str:
        """The place of vnmgr and webapi; "" is the lab itself."""
        return MANAGER if self.underlays else ""

    def host(self, name: str) -> Host:
        """The host of this name; LabError if there is none."""
        for host in self.hosts:
            if host.name == name:
                return host
        known = ", ".join(host.name for host in self.hosts)
        raise LabError(f"there is no host {name!r} in this lab, but {known}")

    def guest(self, name: str) -> Guest:
        """The guest of this name; LabError if there is none."""
        for guest in self.guests:
            if guest.name == name:
                return guest
        known = ", ".join(guest.name for guest in self.guests)
        raise LabError(f"there is no guest {name!r} in this lab, but {known}")

    def guests_of(self, host: str) -> tuple[Guest, ...]:
        """The guests that a host of this name has at first."""
        return tuple(guest for guest in self.guests if guest.host == host)

    def network(self, guest: Guest) -> Network:
        """The network that a guest is on."""
        return {network.name: network for network in self.networks}[guest.network]

    def underlay(self, host: Host) -> Underlay | None:
        """The underlay of a host; None if it is alone."""
        return {underlay.name: underlay for underlay in self.underlays}.get(host.underlay)


def waiting_declarations(environment: Environment) -> Iterator[tuple[str, ...]]:
    """The same; those of interfaces wait until the switches have them."""
    for arguments in declarations(environment):
        yield (*arguments, "--wait") if arguments[0] == "interfaces" else arguments


def declarations(environment: Environment) -> Iterator[tuple[str, ...]]:
    """What one says to vnctl to declare an environment, a row a command."""
    for host in environment.hosts:
        yield (
            *("datapaths", "add", "--uuid", host.datapath_uuid, "--display-name", host.name),
            *("--dpid", f"0x{host.dpid}", "--node-id", host.node_id),
        )
    for underlay in environment.underlays:
        yield _network(underlay, "physical")
    for host in environment.hosts:
        yield from _joining(environment, host)
    if environment.underlays and not environment.explicit:
        yield from _topologies(environment)
    for network in environment.networks:
        yield _network(network, "virtual")
    if environment.explicit:
        yield from _carrying(environment)
    for guest in environment.guests:
        owner = environment.host(guest.host).datapath_uuid
        yield (
            *("interfaces", "add", "--uuid", guest.interface_uuid, "--mode", "vif"),
            *(() if guest.may_move else ("--owner-datapath-uuid", owner)),
            *("--network-uuid", environment.network(guest).uuid),
            *("--mac-address", guest.mac_address, "--ipv4-address", guest.ipv4_address),
            *("--port-name", guest.port_name),
        )


def _network(network: Network | Underlay, mode: str) -> tuple[str, ...]:
    return (
        *("networks", "add", "--uuid", network.uuid, "--display-name", network.name),
        *("--ipv4-network", network.ipv4_network, "--ipv4-prefix", str(network.ipv4_prefix)),
        *("--mode", mode),
    )


def _joining(environment: Environment, host: Host) -> Iterator[tuple[str, ...]]:
    """A host's own address on its underlay."""
    underlay = environment.underlay(host)
    if underlay is not None:
        yield (
            *("interfaces", "add", "--uuid", host.interface_uuid, "--mode", "host"),
            *("--owner-datapath-uuid", host.datapath_uuid, "--network-uuid", underlay.uuid),
            *("--mac-address", host.mac_address, "--ipv4-address", host.ipv4_address),
            *("--port-name", UPLINK),
        )


def _topologies(environment: Environment) -> Iterator[tuple[str, ...]]:
    """Each host carries each network, those that are added later too."""
    encapsulation = _unless_default(environment.encapsulation)
    yield ("topologies", "add", "--uuid", UNDERLAY, "--mode", "simple_underlay", *encapsulation)
    yield ("mac-range-groups", "add", "--uuid", MAC_ADDRESSES, "--allocation-type", "incremental")
    yield (
        *("mac-range-groups", "mac-ranges", "add", MAC_ADDRESSES),
        *("--begin-mac-address", "02:01:00:00:00:01", "--end-mac-address", "02:01:00:ff:ff:ff"),
    )
    yield ("topologies", "mac-range-groups", "add", UNDERLAY, MAC_ADDRESSES)
    for host in environment.hosts:
        yield (
            *("topologies", "datapaths", "add", UNDERLAY, host.datapath_uuid),
            *("--interface-uuid", host.interface_uuid),
        )
    yield ("topologies", "add", "--uuid", OVERLAY, "--mode", "simple_overlay", "--default")
    yield ("topologies", "underlays", "add", OVERLAY, UNDERLAY)


def _carrying(environment: Environment) -> Iterator[tuple[str, ...]]:
    """The same, a row for each host and network."""
    for host in environment.hosts:
        for number, network in enumerate(environment.networks, 1):
            # Hosts on one underlay send each other frames of a network by this address.
            mac_address = f"02:{number:02x}{host.mac_address[5:]}"
            yield (
                *("datapaths", "networks", "add", host.datapath_uuid, network.uuid),
                *("--interface-uuid", host.interface_uuid, "--mac-address", mac_address),
                *_unless_default(environment.encapsulation),
            )


def _unless_default(encapsulation: str) -> tuple[str, ...]:
    return () if encapsulation == ENCAPSULATIONS[0] else ("--encapsulation", encapsulation)


def _seed_guest(name: str, network: str, port_name: str, mac_address: str, last: int) -> Guest:
    return Guest(name, "host1", network, port_name, port_name, mac_address, f"10.102.0.{last}")


SEED = Environment(
    hosts=(Host("host1", "dp-test1", "0000aaaaaaaaaaaa", "vna", "02:01:00:00:00:01"),),
    networks=(
        Network("vnet1", "nw-vnet1", "10.102.0.0", 24),
        Network("vnet2", "nw-vnet2", "10.102.0.0", 24),
    ),
    guests=(
        _seed_guest("vm1", "vnet1", "if-x5vjmksl", "52:54:00:0d:84:8c", 10),
        _seed_guest("vm2", "vnet2", "if-sve1s6xp", "52:54:00:9a:cc:00", 10),
        _seed_guest("vm3", "vnet1", "if-bvixz40n", "52:54:00:0a:fb:78", 11),
        _seed_guest("vm4", "vnet2", "if-7st2alal", "52:54:00:e5:f9:fb", 11),
    ),
)

"""What a lab is built of: hosts, networks, and the guests that join them, as plain values.

`SEED` is the test environment of OpenVNet's guide ("Check Virtual Network Operation"): two networks
with equal addresses on one host. `declarations` says it in vnctl's words.
"""

from collections.abc import Iterator

import msgspec


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


class Network(msgspec.Struct, frozen=True):
    """A virtual network."""

    name: str
    uuid: str
    ipv4_network: str
    ipv4_prefix: int


class Guest(msgspec.Struct, frozen=True):
    """A machine with one network card, `eth0`, plugged into a port of its host's bridge."""

    name: str
    host: str
    network: str
    """The name of its network."""
    interface_uuid: str
    port_name: str
    mac_address: str
    ipv4_address: str


class Environment(msgspec.Struct, frozen=True):
    """All of it. Names are unique among hosts and guests together."""

    hosts: tuple[Host, ...]
    networks: tuple[Network, ...]
    guests: tuple[Guest, ...]

    def host(self, name: str) -> Host:
        """The host of this name; KeyError if there is none."""
        return {host.name: host for host in self.hosts}[name]

    def guest(self, name: str) -> Guest:
        """The guest of this name; KeyError if there is none."""
        return {guest.name: guest for guest in self.guests}[name]

    def network(self, guest: Guest) -> Network:
        """The network that a guest is on."""
        return {network.name: network for network in self.networks}[guest.network]


def declarations(environment: Environment) -> Iterator[tuple[str, ...]]:
    """What one says to vnctl to declare an environment, a row a command."""
    for host in environment.hosts:
        yield (
            *("datapaths", "add", "--uuid", host.datapath_uuid, "--display-name", host.name),
            *("--dpid", f"0x{host.dpid}", "--node-id", host.node_id),
        )
    for network in environment.networks:
        yield (
            *("networks", "add", "--uuid", network.uuid, "--display-name", network.name),
            *("--ipv4-network", network.ipv4_network, "--ipv4-prefix", str(network.ipv4_prefix)),
            *("--mode", "virtual"),
        )
    for guest in environment.guests:
        yield (
            *("interfaces", "add", "--uuid", guest.interface_uuid, "--mode", "vif"),
            *("--owner-datapath-uuid", environment.host(guest.host).datapath_uuid),
            *("--network-uuid", environment.network(guest).uuid),
            *("--mac-address", guest.mac_address, "--ipv4-address", guest.ipv4_address),
            *("--port-name", guest.port_name),
        )


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

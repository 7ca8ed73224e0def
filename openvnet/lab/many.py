"""Environments of many hosts: two underlays, and guests whose networks span them.

    manager ── router ─┬─ underlay1 ── host1, host3, ...
                       └─ underlay2 ── host2, host4, ...

Two virtual networks have the same addresses, and each has guests on each host if a host has two. A
guest's interface belongs to no host, so that the guest may move.
"""

from collections.abc import Iterator

from openvnet.lab.environment import Environment, Guest, Host, Network, Underlay
from openvnet.lab.errors import LabError

GUESTS = 2
"""Of each host, if nobody says otherwise: one on each network."""

MOST_HOSTS = 200
"""Addresses of an underlay end with the number of the host plus ten."""

MOST_GUESTS = 400
"""Of all hosts: addresses of a network of guests."""

UNDERLAYS = tuple(
    Underlay(
        name=f"underlay{number}",
        uuid=f"nw-underlay{number}",
        ipv4_network=f"192.168.{number}.0",
        ipv4_prefix=24,
        router=f"192.168.{number}.1",
    )
    for number in (1, 2)
)
NETWORKS = tuple(
    Network(f"vnet{number}", f"nw-vnet{number}", "10.102.0.0", 23) for number in (1, 2)
)


def many_hosts(hosts: int, guests: int = GUESTS, database: str = "sqlite") -> Environment:
    """So many hosts, and so many guests on each; LabError if it is more than addresses allow."""
    if not 1 <= hosts <= MOST_HOSTS:
        raise LabError(f"{hosts} hosts: a lab has 1 to {MOST_HOSTS}.")
    if not 0 <= guests * hosts <= MOST_GUESTS:
        most = MOST_GUESTS // hosts
        raise LabError(f"{guests} guests a host: {hosts} hosts may have 0 to {most} each.")
    made = tuple(_host(number, hosts) for number in range(1, hosts + 1))
    return Environment(
        hosts=made,
        networks=NETWORKS,
        guests=tuple(_guests(made, guests)),
        underlays=UNDERLAYS,
        guest_mtu=1400,  # Room for the headers of any tunnel in 1500 bytes.
        database=database,
    )


def _host(number: int, hosts: int) -> Host:
    """On the underlays by turns; of two hosts, both are on the first."""
    underlay = 1 if hosts == 2 else (number - 1) % 2 + 1
    return Host(
        name=f"host{number}",
        datapath_uuid=f"dp-{number}",
        dpid=f"{0xAAAAAAAA0000 + number:016x}",
        node_id=f"vna{number}",
        mac_address=f"02:00:00:00:00:{number:02x}",
        underlay=f"underlay{underlay}",
        ipv4_address=f"192.168.{underlay}.{number + 10}",
    )


def _guests(hosts: tuple[Host, ...], each: int) -> Iterator[Guest]:
    """By turns on the networks, on each host anew."""
    members = dict.fromkeys((network.name for network in NETWORKS), 0)
    for number, host in enumerate((host for host in hosts for _ in range(each)), 1):
        network = NETWORKS[(number - 1) % each % len(NETWORKS)]
        members[network.name] += 1
        last = members[network.name] + 9
        yield Guest(
            name=f"vm{number}",
            host=host.name,
            network=network.name,
            interface_uuid=f"if-vm{number}",
            port_name=f"if-vm{number}",
            mac_address=f"52:54:00:00:{number >> 8:02x}:{number & 255:02x}",
            ipv4_address=f"10.102.{last >> 8}.{last & 255}",
            may_move=True,
        )

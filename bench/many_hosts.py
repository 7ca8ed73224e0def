"""A world of many hosts, as rows: 50 guests on each, in networks that span four hosts.

Four hosts that are next to each other share two networks, so a change concerns four agents however
many there are. Each host has an address in the underlay, and carries its networks to the others.
"""

from collections.abc import Iterator

from bench.worlds import interface_rows, port_name
from openvnet.model import (
    Datapath,
    DatapathNetwork,
    Interface,
    InterfacePort,
    IpLease,
    MacLease,
    Network,
    Row,
)
from openvnet.wire.messages import Scope

GUESTS = 50
TOGETHER = 4
"""Hosts that share their networks."""
NETWORKS = 2
"""Networks of such a group."""

UNDERLAY = 0xAC100000


def dpid(host: int) -> str:
    """A host's datapath id."""
    return f"0x{host + 1:x}"


def networks_of(host: int) -> list[str]:
    """The networks that a host's guests are in."""
    return [f"nw-{NETWORKS * (host // TOGETHER) + number}" for number in range(NETWORKS)]


def rows(hosts: int) -> Iterator[Row]:
    """All of it."""
    yield Network(
        uuid="nw-underlay",
        display_name="underlay",
        mode="physical",
        ipv4_network=UNDERLAY,
        ipv4_prefix=12,
        domain_name="underlay",
    )
    for number in range(NETWORKS * -(-hosts // TOGETHER)):
        yield Network(
            uuid=f"nw-{number}",
            display_name=f"network {number}",
            ipv4_network=0x0A000000,
            ipv4_prefix=8,
            domain_name=f"{number}",
            vni=number + 1,
        )
    for host in range(hosts):
        yield from _host_rows(host)


def _host_rows(host: int) -> Iterator[Row]:
    datapath = f"dp-{host}"
    yield Datapath(uuid=datapath, display_name=datapath, dpid=dpid(host), node_id=f"vna{host}")
    nic = f"if-nic{host}"
    yield Interface(uuid=nic, mode="host")
    yield InterfacePort(
        uuid=f"ifp-nic{host}",
        interface_uuid=nic,
        datapath_uuid=datapath,
        port_name="eth0",
        singular=True,
    )
    yield MacLease(uuid=f"ml-nic{host}", interface_uuid=nic, mac_address=0x020000000000 + host)
    yield IpLease(
        uuid=f"il-nic{host}",
        interface_uuid=nic,
        mac_lease_uuid=f"ml-nic{host}",
        network_uuid="nw-underlay",
        ipv4_address=UNDERLAY + 1 + host,
    )
    for number, network in enumerate(networks_of(host)):
        yield DatapathNetwork(
            uuid=f"dpnw-{NETWORKS * host + number}",
            datapath_uuid=datapath,
            network_uuid=network,
            interface_uuid=nic,
            ip_lease_uuid=f"il-nic{host}",
        )
    for guest in range(GUESTS):
        yield from _in(networks_of(host)[guest % NETWORKS], host * GUESTS + guest, datapath)


def _in(network: str, number: int, datapath: str) -> Iterator[Row]:
    """The rows of one guest, in a network of its host's."""
    for row in interface_rows(number, datapath):
        if isinstance(row, IpLease):
            row = IpLease(
                uuid=row.uuid,
                interface_uuid=row.interface_uuid,
                mac_lease_uuid=row.mac_lease_uuid,
                network_uuid=network,
                ipv4_address=row.ipv4_address,
            )
        yield row


def roots(host: int) -> tuple[Scope, ...]:
    """What the agent of a host names: its datapath, and its ports."""
    guests = range(host * GUESTS, (host + 1) * GUESTS)
    ports = ("eth0", *map(port_name, guests))
    return (Scope("datapath", dpid(host)), *(Scope("port", port) for port in ports))

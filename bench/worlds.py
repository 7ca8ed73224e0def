"""The worlds that figures are measured in: interfaces in 100 networks, as rows and facts."""

from collections.abc import Iterator
from typing import Any

from openvnet.model import Datapath, Interface, InterfacePort, IpLease, MacLease, Network, Row
from openvnet.model.facts import Bridge, Port
from openvnet.state import RowKey

DPID = "0x0000aaaaaaaaaaaa"
NETWORKS = 100


def base_rows() -> Iterator[Row]:
    """The datapath of this host, another one, and the networks."""
    yield Datapath(uuid="dp-here", display_name="here", dpid=DPID, node_id="vna")
    yield Datapath(uuid="dp-there", display_name="there", dpid="0x2", node_id="elsewhere")
    for number in range(NETWORKS):
        yield Network(
            uuid=f"nw-{number}",
            display_name=f"network {number}",
            ipv4_network=0x0A000000,
            ipv4_prefix=8,
            domain_name=f"{number}",
            vni=number + 1,
        )


def interface_rows(number: int, datapath_uuid: str = "dp-here") -> Iterator[Row]:
    """The rows of one interface with one MAC and one address."""
    uuid, mac = f"if-{number}", f"ml-{number}"
    yield Interface(uuid=uuid, mode="vif")
    yield InterfacePort(
        uuid=f"ifp-{number}",
        interface_uuid=uuid,
        datapath_uuid=datapath_uuid,
        port_name=port_name(number),
        singular=True,
    )
    yield MacLease(uuid=mac, interface_uuid=uuid, mac_address=0x520000000000 + number)
    yield IpLease(
        uuid=f"il-{number}",
        interface_uuid=uuid,
        mac_lease_uuid=mac,
        network_uuid=f"nw-{number % NETWORKS}",
        ipv4_address=0x0A000001 + number,
    )


def port_name(number: int) -> str:
    """The name of the port that an interface is behind."""
    return f"p{number}"


def ports(count: int) -> Iterator[Port]:
    """The ports of that many interfaces, as facts."""
    return (Port(port_name(number), number + 1, up=True) for number in range(count))


def local_world(count: int) -> dict[RowKey, Any]:
    """All rows and facts of that many interfaces, all of this host."""
    world: dict[RowKey, Any] = {(Bridge, "bridge"): Bridge(DPID)}
    world |= {(type(row), row.uuid): row for row in base_rows()}
    for number in range(count):
        world |= {(type(row), row.uuid): row for row in interface_rows(number)}
    return world | {(Port, port.name): port for port in ports(count)}

"""Networks and segments: which ones may be, and the number that packets carry for each."""

import ipaddress
from collections.abc import Iterator, Mapping
from heapq import merge
from itertools import pairwise
from typing import Any

from openvnet.manager.errors import InvalidArgument
from openvnet.manager.names import found
from openvnet.manager.topologies import joined_rows
from openvnet.model import (
    DatapathNetwork,
    Network,
    Route,
    RouteLink,
    Row,
    Segment,
    TopologyNetwork,
    TopologySegment,
)
from openvnet.model.domains import in_segment
from openvnet.model.scalars import show_ipv4
from openvnet.store.transaction import Transaction

LAST_VNI = 2**24 - 1


NUMBERED = (Network, Segment, RouteLink)
"""What packets carry the number of: numbers are of one space, so that one field has them all."""


def segment_rows(transaction: Transaction, values: Mapping[str, Any]) -> Iterator[Row]:
    """A new segment, in a topology if that is said."""
    given = dict(values)
    topology_uuid = given.pop("topology_uuid", None)
    segment = Segment(**given, vni=allotted_vni(transaction))
    yield segment
    yield from joined_rows(
        transaction,
        topology_uuid,
        TopologySegment,
        by_default=segment.mode == "virtual",
        segment_uuid=segment.uuid,
    )


def network_rows(transaction: Transaction, values: Mapping[str, Any]) -> Iterator[Row]:
    """A new network, in a topology if that is said."""
    given = dict(values)
    topology_uuid = given.pop("topology_uuid", None)
    mode = given.pop("mode", "virtual")
    mode = given.pop("network_mode", None) or mode
    name = given["uuid"].partition("-")[2]
    defaults = {"display_name": name, "domain_name": name, "vni": allotted_vni(transaction)}
    network = Network(**{**defaults, **given, "mode": mode})
    check_subnet(network)
    _check_vlan(network)
    yield network
    yield from joined_rows(
        transaction,
        topology_uuid,
        TopologyNetwork,
        by_default=network.mode == "virtual",
        network_uuid=network.uuid,
    )


def networks_on_the_wire(transaction: Transaction, network: Network) -> list[Network]:
    """The networks in which an address is leased once: all of a segment, or one by itself."""
    if not in_segment(network):
        return [network]
    of_segment = transaction.where(Network, segment_uuid=network.segment_uuid)
    return [each for each in of_segment if in_segment(each)]


def check_wire(transaction: Transaction, changed: Network) -> None:
    """Refuse a network of another VLAN, if it cannot be that of the uplinks that it has."""
    _check_vlan(changed)
    for row in transaction.where(DatapathNetwork, network_uuid=changed.uuid):
        check_uplink(transaction, row, changed)


def _check_vlan(network: Network) -> None:
    if network.vlan_id is not None and network.mode != "physical":
        raise InvalidArgument(
            f"vlan_id {network.vlan_id} is of physical networks only; "
            f"network {network.uuid} is of mode {network.mode}."
        )


def check_uplink(transaction: Transaction, row: DatapathNetwork, network: Network) -> None:
    """Refuse two physical networks that would be one LAN: of one host's uplink, with one VLAN."""
    if network.mode != "physical":
        return
    for other in transaction.where(DatapathNetwork, interface_uuid=row.interface_uuid):
        if other.datapath_uuid != row.datapath_uuid or other.network_uuid == network.uuid:
            continue
        rival = found(transaction, Network, other.network_uuid, "network_uuid")
        if rival.mode == "physical" and rival.vlan_id == network.vlan_id:
            tag = f"vlan_id {network.vlan_id}" if network.vlan_id else "no vlan_id"
            raise InvalidArgument(
                f"interface_uuid {row.interface_uuid} leads to network {rival.uuid} with {tag} "
                f"already; network {network.uuid} needs another vlan_id, or another interface."
            )


def check_subnet(network: Network | Route) -> None:
    """Refuse a network address with bits beyond its prefix."""
    inside = show_ipv4(network.ipv4_network & ~host_mask(network))
    if inside != show_ipv4(network.ipv4_network):
        raise InvalidArgument(
            f"ipv4_network {show_ipv4(network.ipv4_network)} has bits beyond ipv4_prefix "
            f"{network.ipv4_prefix}; {inside} would be right."
        )


def check_address(network: Network, address: int, name: str = "ipv4_address") -> None:
    """Refuse an address that is not in a network. `name` is the parameter that gave it."""
    if (address ^ network.ipv4_network) & ~host_mask(network):
        raise InvalidArgument(
            f"{name} {show_ipv4(address)} is not in network {network.uuid}, {subnet(network)}."
        )


def subnet(network: Network) -> ipaddress.IPv4Network:
    """The addresses of a network."""
    return ipaddress.IPv4Network((network.ipv4_network, network.ipv4_prefix))


def host_mask(network: Network | Route) -> int:
    """The bits of an address that a prefix leaves free."""
    return (1 << (32 - network.ipv4_prefix)) - 1


def allotted_vni(transaction: Transaction) -> int:
    """The number after the greatest that is in use; when all those are gone, the greatest gap.

    Two writes are never within one transaction's reach at once, so the number is free when it is
    committed; the tables' unique constraints hold this true within each.
    """
    used = merge(*(transaction.numbers(kind, "vni") for kind in NUMBERED), reverse=True)
    greatest = next(used, 0)
    if greatest < LAST_VNI:
        return greatest + 1
    for above, below in pairwise((greatest, *used, 0)):
        if above - below > 1:
            return above - 1
    raise InvalidArgument(f"All {LAST_VNI} network numbers are in use; delete a network first.")

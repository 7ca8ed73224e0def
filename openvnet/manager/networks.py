"""Networks: which ones may be, and the number that packets carry for each."""

import ipaddress
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from openvnet.manager.errors import InvalidArgument
from openvnet.model import Network
from openvnet.model.scalars import show_ipv4
from openvnet.store.transaction import Transaction

LAST_VNI = 2**24 - 1


def network_rows(transaction: Transaction, values: Mapping[str, Any]) -> Iterator[Network]:
    """The row of a new network."""
    given = dict(values)
    mode = given.pop("network_mode", None) or given.pop("mode", "virtual")
    if mode != "virtual":
        raise InvalidArgument(f"mode {mode} is not yet done; a network must be virtual.")
    name = given["uuid"].partition("-")[2]
    defaults = {"display_name": name, "domain_name": name, "vni": allotted_vni(transaction)}
    network = Network(**{**defaults, **given, "mode": mode})
    check_subnet(network)
    yield network


def check_subnet(network: Network) -> None:
    """Refuse a network address with bits beyond its prefix."""
    inside = show_ipv4(network.ipv4_network & ~host_mask(network))
    if inside != show_ipv4(network.ipv4_network):
        raise InvalidArgument(
            f"ipv4_network {show_ipv4(network.ipv4_network)} has bits beyond ipv4_prefix "
            f"{network.ipv4_prefix}; {inside} would be right."
        )


def check_address(network: Network, address: int) -> None:
    """Refuse an address that is not in a network."""
    if (address ^ network.ipv4_network) & ~host_mask(network):
        raise InvalidArgument(
            f"ipv4_address {show_ipv4(address)} is not in network {network.uuid}, "
            f"{subnet(network)}."
        )


def subnet(network: Network) -> ipaddress.IPv4Network:
    """The addresses of a network."""
    return ipaddress.IPv4Network((network.ipv4_network, network.ipv4_prefix))


def host_mask(network: Network) -> int:
    """The bits of an address that its network leaves free."""
    return (1 << (32 - network.ipv4_prefix)) - 1


def allotted_vni(transaction: Transaction) -> int:
    """The number after the greatest that is in use; when all those are gone, the greatest gap.

    Two writes are never within one transaction's reach at once, so the number is free when it is
    committed; the table's unique constraint holds this true.
    """
    used = transaction.numbers(Network, "vni")
    greatest = next(used, 0)
    if greatest < LAST_VNI:
        return greatest + 1
    for above, below in pairwise((greatest, *used, 0)):
        if above - below > 1:
            return above - 1
    raise InvalidArgument(f"All {LAST_VNI} network numbers are in use; delete a network first.")

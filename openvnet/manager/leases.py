"""MAC leases and IP leases: who holds which address, and how an address changes hands.

An IP lease that is attached names an interface and one of that interface's MAC leases, always both;
one that is not attached names neither.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from openvnet.manager.errors import InvalidArgument, MissingArgument
from openvnet.manager.names import found
from openvnet.manager.networks import check_address, networks_on_the_wire
from openvnet.model import (
    DatapathNetwork,
    DatapathRouteLink,
    DatapathSegment,
    Interface,
    IpLease,
    IpRetention,
    MacLease,
    Network,
    RouteLink,
)
from openvnet.store.errors import Taken
from openvnet.store.transaction import Transaction

MACS: tuple[type[Any], ...] = (
    MacLease,
    RouteLink,
    DatapathNetwork,
    DatapathSegment,
    DatapathRouteLink,
)
"""What has a MAC address of its own: each is of one thing only, all over the world."""

MacHolder = MacLease | RouteLink | DatapathNetwork | DatapathSegment | DatapathRouteLink


def refuse_mac_in_use(transaction: Transaction, row: MacHolder) -> None:
    """Refuse a MAC address that something else has."""
    if row.mac_address is None:
        return
    for holder in transaction.holders(MACS, "mac_address", row.mac_address):
        if holder.uuid != row.uuid:
            raise Taken(row, {"mac_address": row.mac_address}, holder)


def is_mac_free(transaction: Transaction, address: int) -> bool:
    """Whether nothing has a MAC address."""
    return not transaction.holders(MACS, "mac_address", address)


def mac_lease_rows(transaction: Transaction, values: Mapping[str, Any]) -> Iterator[MacLease]:
    """The row of a new MAC lease."""
    lease = MacLease(**values)
    refuse_mac_in_use(transaction, lease)
    yield lease


def ip_lease_rows(transaction: Transaction, values: Mapping[str, Any]) -> Iterator[IpLease]:
    """The row of a new IP lease."""
    network = found(transaction, Network, values["network_uuid"], "network_uuid")
    check_address(network, values["ipv4_address"])
    given = dict(values)
    given["interface_uuid"], given["mac_lease_uuid"] = holder(transaction, values)
    lease = IpLease(**given)
    refuse_address_on_the_wire(transaction, lease, network)
    yield lease


def refuse_address_on_the_wire(transaction: Transaction, lease: IpLease, network: Network) -> None:
    """Refuse an address that is leased in another network of the same segment: it is one wire."""
    address = {"ipv4_address": lease.ipv4_address}
    for other in networks_on_the_wire(transaction, network):
        there = {"network_uuid": other.uuid, **address}
        if other.uuid == network.uuid:
            continue
        if transaction.count(IpLease, 1, **there):  # By its index; memory would look at all.
            raise Taken(lease, address, transaction.where(IpLease, **there)[0])


def changed_ip_lease(
    transaction: Transaction, lease: IpLease, values: Mapping[str, Any]
) -> Iterator[IpLease]:
    """An IP lease of another address; what refers to it (a host's tunnels) goes with it."""
    network = transaction.get(Network, lease.network_uuid)
    if network is not None and "ipv4_address" in values:
        check_address(network, values["ipv4_address"])
        refuse_address_on_the_wire(transaction, replace(lease, **values), network)
    yield replace(lease, **values)


def holder(transaction: Transaction, values: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The interface and the MAC lease that an IP lease goes with, from either, both or neither."""
    interface_uuid = values.get("interface_uuid")
    if mac_lease_uuid := values.get("mac_lease_uuid"):
        mac_lease = found(transaction, MacLease, mac_lease_uuid, "mac_lease_uuid")
        if interface_uuid not in (None, mac_lease.interface_uuid):
            raise InvalidArgument(
                f"mac_lease_uuid {mac_lease_uuid} is of interface {mac_lease.interface_uuid}, "
                f"not of {interface_uuid}."
            )
        return mac_lease.interface_uuid, mac_lease_uuid
    if interface_uuid:
        return interface_uuid, _first_mac_lease(transaction, interface_uuid).uuid
    return None, None


def _first_mac_lease(transaction: Transaction, interface_uuid: str) -> MacLease:
    found(transaction, Interface, interface_uuid, "interface_uuid")
    mac_leases = transaction.where(MacLease, interface_uuid=interface_uuid)
    if not mac_leases:
        raise InvalidArgument(
            f"interface_uuid {interface_uuid}: the interface has no MAC lease; add one first."
        )
    return mac_leases[0]


def attached(
    transaction: Transaction, lease: IpLease, values: Mapping[str, Any]
) -> Iterator[IpLease | IpRetention]:
    """An IP lease that is given to an interface; if it was released, its time begins anew."""
    if lease.interface_uuid is not None:
        raise InvalidArgument(
            f"IP lease {lease.uuid} is attached to interface {lease.interface_uuid}; "
            "release it first."
        )
    interface_uuid, mac_lease_uuid = holder(transaction, values)
    if interface_uuid is None:
        raise MissingArgument("interface_uuid or mac_lease_uuid is required.")
    yield replace(lease, interface_uuid=interface_uuid, mac_lease_uuid=mac_lease_uuid)
    for retention in transaction.where(IpRetention, ip_lease_uuid=lease.uuid):
        if retention.released_at is not None:
            yield replace(retention, leased_at=transaction.time, released_at=None)


def released(
    transaction: Transaction, lease: IpLease, _: Mapping[str, Any]
) -> Iterator[IpLease | IpRetention]:
    """An IP lease that no interface has any more."""
    if lease.interface_uuid is None:
        raise InvalidArgument(f"IP lease {lease.uuid} is not attached to an interface.")
    yield from detached(transaction, lease)


def detached(transaction: Transaction, lease: IpLease) -> Iterator[IpLease | IpRetention]:
    """An IP lease that is released, if it was attached, and is so from now on to its containers."""
    yield replace(lease, interface_uuid=None, mac_lease_uuid=None)
    for retention in transaction.where(IpRetention, ip_lease_uuid=lease.uuid):
        if retention.released_at is None:
            yield replace(retention, released_at=transaction.time)


def changed_mac_lease(
    transaction: Transaction, lease: MacLease, values: Mapping[str, Any]
) -> Iterator[MacLease | IpLease]:
    """A MAC lease of another address or interface, and with it its IP leases."""
    interface_uuid = values.get("interface_uuid", lease.interface_uuid)
    if interface_uuid is None:
        raise InvalidArgument("interface_uuid must name an interface.")
    changed = replace(lease, **values)
    refuse_mac_in_use(transaction, changed)
    yield changed
    for ip_lease in transaction.where(IpLease, mac_lease_uuid=lease.uuid):
        yield replace(ip_lease, interface_uuid=interface_uuid)

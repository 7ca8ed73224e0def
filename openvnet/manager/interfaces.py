"""Interfaces: what comes into being with one, and what changes with it."""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from openvnet.manager.errors import MissingArgument, WrongSegment
from openvnet.manager.leases import ip_lease_rows, mac_lease_rows
from openvnet.manager.names import allotted_uuid, found
from openvnet.manager.ports import first_port, moved_port
from openvnet.manager.ranges import allotted_mac_address
from openvnet.model import INTERFACES, Interface, IpLease, MacLease, Network, Row
from openvnet.store.transaction import Transaction, referrers

MODES = ("vif", "host")
"""Guests, and the host's own uplinks; the other modes are not yet done."""

PARAMETERS = INTERFACES.parameters or {}


def interface_rows(transaction: Transaction, values: Mapping[str, Any]) -> Iterator[Row]:
    """A new interface: its row, a port, and the leases that its parameters ask for."""
    own = {name: value for name, value in values.items() if name not in PARAMETERS}
    yield Interface(**own)
    yield from first_port(transaction, values)
    yield from _leases(transaction, values)


def _leases(transaction: Transaction, values: Mapping[str, Any]) -> Iterator[Row]:
    mac_address, segment_uuid = _mac_address(transaction, values), _segment(transaction, values)
    network_uuid, address = values.get("network_uuid"), values.get("ipv4_address")
    if mac_address is not None:
        lease = {"interface_uuid": values["uuid"], "mac_address": mac_address}
        uuid = allotted_uuid(transaction, MacLease)
        yield from mac_lease_rows(
            transaction, {"uuid": uuid, **lease, "segment_uuid": segment_uuid}
        )
    elif segment_uuid is not None and network_uuid is None:
        raise MissingArgument("mac_address is required to make the interface part of a segment.")
    if network_uuid is None and address is None:
        return
    needed = {"network_uuid": network_uuid, "ipv4_address": address, "mac_address": mac_address}
    for name, value in needed.items():
        if value is None:
            raise MissingArgument(f"{name} is required to give the interface an IPv4 address.")
    yield from ip_lease_rows(
        transaction,
        {
            "uuid": allotted_uuid(transaction, IpLease),
            "interface_uuid": values["uuid"],
            "network_uuid": network_uuid,
            "ipv4_address": address,
        },
    )


def _mac_address(transaction: Transaction, values: Mapping[str, Any]) -> int | None:
    """The one that is given, or one from the group that is."""
    given, group_uuid = values.get("mac_address"), values.get("mac_range_group_uuid")
    if given is not None or group_uuid is None:
        return given
    return allotted_mac_address(transaction, group_uuid)


def _segment(transaction: Transaction, values: Mapping[str, Any]) -> str | None:
    """The segment that is given, or that of the network; they must not differ."""
    given: str | None = values.get("segment_uuid")
    if values.get("network_uuid") is None:
        return given
    network = found(transaction, Network, values["network_uuid"], "network_uuid")
    if given not in (None, network.segment_uuid):
        raise WrongSegment(
            f"segment_uuid {given} is not the segment of network {network.uuid}, "
            f"which is {network.segment_uuid or 'none'}."
        )
    return network.segment_uuid


def renamed_interface(
    transaction: Transaction, interface: Interface, values: Mapping[str, Any]
) -> Iterator[Row]:
    """An interface of another name, and all that refers to it."""
    if values.get("new_uuid") is None:
        raise MissingArgument("new_uuid is required to rename an interface.")
    uuid = allotted_uuid(transaction, Interface, values["new_uuid"])
    yield replace(interface, uuid=uuid)
    for kind, name in referrers(Interface):
        for row in transaction.where(kind, **{name: interface.uuid}):
            yield replace(row, **{name: uuid})
    transaction.delete(interface)


def changed_interface(
    transaction: Transaction, interface: Interface, values: Mapping[str, Any]
) -> Iterator[Row]:
    """An interface with other values, and its port on another datapath."""
    own = {name: value for name, value in values.items() if name not in PARAMETERS}
    yield replace(interface, **own)
    if "owner_datapath_uuid" in values:
        yield from moved_port(transaction, interface.uuid, values["owner_datapath_uuid"])

"""Interfaces: what comes into being with one, and what changes with it."""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from openvnet.manager.errors import InvalidArgument, MissingArgument, WrongSegment
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
    interface = Interface(**own)
    yield interface
    if _is_vlan(transaction, interface):
        _refuse_port(interface, values)
    else:
        yield from first_port(transaction, values)
    yield from _leases(transaction, values)


def _is_vlan(transaction: Transaction, interface: Interface) -> bool:
    """Whether an interface is a VLAN of another one's port; refuse what can be none."""
    parent_uuid, vlan_id = interface.parent_interface_uuid, interface.vlan_id
    if parent_uuid is None and vlan_id is None:
        return False
    if parent_uuid is None or vlan_id is None:
        missing = "vlan_id" if vlan_id is None else "parent_interface_uuid"
        raise MissingArgument(f"{missing} is required: a VLAN of a trunk needs both.")
    parent = found(transaction, Interface, parent_uuid, "parent_interface_uuid")
    for each, name in ((interface, "mode"), (parent, "parent_interface_uuid")):
        if each.mode != "vif":
            raise InvalidArgument(
                f"{name}: interface {each.uuid} is of mode {each.mode}; a trunk and its VLANs must "
                "be of mode vif."
            )
    if parent.parent_interface_uuid is not None:
        raise InvalidArgument(
            f"parent_interface_uuid {parent_uuid} is itself a VLAN of "
            f"{parent.parent_interface_uuid}; it must have a port of its own."
        )
    for other in transaction.where(Interface, parent_interface_uuid=parent_uuid):
        if other.vlan_id == vlan_id and other.uuid != interface.uuid:
            raise InvalidArgument(
                f"vlan_id {vlan_id} of interface {parent_uuid} is interface {other.uuid} already."
            )
    return True


def _refuse_port(interface: Interface, values: Mapping[str, Any]) -> None:
    for name in ("port_name", "owner_datapath_uuid"):
        if values.get(name) is not None:
            raise InvalidArgument(
                f"{name}: interface {interface.uuid} is a VLAN of interface "
                f"{interface.parent_interface_uuid}, and behind the port of that."
            )


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
    if interface.parent_interface_uuid is not None:
        _refuse_port(interface, values)
    elif "owner_datapath_uuid" in values:
        yield from moved_port(transaction, interface.uuid, values["owner_datapath_uuid"])

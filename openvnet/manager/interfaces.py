"""Interfaces: what comes into being with one, and what changes with it."""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from openvnet.manager.errors import InvalidArgument, MissingArgument
from openvnet.manager.leases import ip_lease_rows
from openvnet.manager.names import allotted_uuid
from openvnet.manager.ports import first_port, moved_port
from openvnet.model import INTERFACES, Interface, IpLease, MacLease, Row
from openvnet.store.transaction import Transaction

MODES = ("vif", "host")
"""Guests, and the host's own uplinks; the other modes are not yet done."""

PARAMETERS = INTERFACES.parameters or {}


def interface_rows(transaction: Transaction, values: Mapping[str, Any]) -> Iterator[Row]:
    """A new interface: its row, a port, and the leases that its parameters ask for."""
    if values["mode"] not in MODES:
        words = f"mode {values['mode']} is not yet done; an interface must be vif or host."
        raise InvalidArgument(words)
    own = {name: value for name, value in values.items() if name not in PARAMETERS}
    yield Interface(**own)
    yield from first_port(transaction, values)
    yield from _leases(transaction, values)


def _leases(transaction: Transaction, values: Mapping[str, Any]) -> Iterator[Row]:
    mac_address = values.get("mac_address")
    if mac_address is not None:
        uuid = allotted_uuid(transaction, MacLease)
        yield MacLease(uuid=uuid, interface_uuid=values["uuid"], mac_address=mac_address)
    network_uuid, address = values.get("network_uuid"), values.get("ipv4_address")
    if network_uuid is None and address is None:
        return
    for name in ("network_uuid", "ipv4_address", "mac_address"):
        if values.get(name) is None:
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


def changed_interface(
    transaction: Transaction, interface: Interface, values: Mapping[str, Any]
) -> Iterator[Row]:
    """An interface with other values, and its port on another datapath."""
    own = {name: value for name, value in values.items() if name not in PARAMETERS}
    yield replace(interface, **own)
    if "owner_datapath_uuid" in values:
        yield from moved_port(transaction, interface.uuid, values["owner_datapath_uuid"])

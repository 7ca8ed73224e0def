"""What JSON shows of a row: its attributes as people write them, and what belongs to it."""

from collections.abc import Callable, Mapping
from typing import Any

from openvnet.manager.replica import Replica
from openvnet.model import Interface, InterfacePort, IpLease, MacLease, Row, attributes

Answer = dict[str, Any]


def answer(row: Row, replica: Replica) -> Answer:
    """A row with what belongs to it."""
    more = _MORE.get(type(row))
    return {**plain(row), **more(row, replica)} if more else plain(row)


def plain(row: Row) -> Answer:
    """A row's own attributes."""
    return {
        name: None if value is None else attribute.type.show(value)
        for name, attribute in attributes(type(row)).items()
        for value in (getattr(row, name),)
    }


def envelope(items: list[Answer], total: int, offset: int, limit: int) -> Answer:
    """A page of a list."""
    return {"total_count": total, "offset": offset, "limit": limit, "items": items}


def _of_interface(interface: Interface, replica: Replica) -> Answer:
    ports = replica.where(InterfacePort, interface_uuid=interface.uuid)
    mac_leases = [
        answer(lease, replica) for lease in replica.where(MacLease, interface_uuid=interface.uuid)
    ]
    ip_leases = [lease for mac_lease in mac_leases for lease in mac_lease["ip_leases"]]
    first = ip_leases[0] if ip_leases else {}
    return {
        "ports": [plain(port) for port in ports],
        "mac_leases": mac_leases,
        "mac_address": mac_leases[0]["mac_address"] if mac_leases else None,
        "network_uuid": first.get("network_uuid"),
        "ipv4_address": first.get("ipv4_address"),
        "ip_leases": ip_leases,
    }


def _of_mac_lease(mac_lease: MacLease, replica: Replica) -> Answer:
    leases = replica.where(IpLease, mac_lease_uuid=mac_lease.uuid)
    return {"ip_leases": [plain(lease) for lease in leases]}


_MORE: Mapping[type[Row], Callable[[Any, Replica], Answer]] = {
    Interface: _of_interface,
    MacLease: _of_mac_lease,
}

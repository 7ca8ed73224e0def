"""What JSON shows of a row: its attributes as people write them, and what belongs to it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from openvnet.manager.replica import Replica
from openvnet.model import RESOURCES, Interface, IpLease, MacLease, Resource, Row, attributes
from openvnet.model.operations import named_by, parts

Answer = dict[str, Any]


def answer(row: Row, replica: Replica) -> Answer:
    """A row with what belongs to it."""
    more = _MORE.get(type(row))
    shown = {**plain(row), **dict(_parts(row, replica))}
    return {**shown, **more(row, replica)} if more else shown


def _parts(row: Row, replica: Replica) -> Iterator[tuple[str, list[Answer]]]:
    """What its sub-resources are."""
    for part in _PARTS[type(row)]:
        rows = replica.where(part.kind, **{str(part.parent): row.uuid})
        yield part.in_paths, [plain(each) for each in rows]


def plain(row: Row) -> Answer:
    """A row's own attributes."""
    return {
        name: None if value is None else attribute.type.show(value)
        for name, attribute in attributes(type(row)).items()
        for value in (getattr(row, name),)
    }


def item(resource: Resource, row: Row, replica: Replica) -> Answer:
    """A row of a list; of a relation what it leads to, and with it the row that leads there."""
    if resource.related is None:
        return answer(row, replica)
    kind = named_by(resource, resource.related).kind
    related = replica.get(kind, getattr(row, resource.related))
    association = {name: value for name, value in plain(row).items() if value != ""}
    return {**(plain(related) if related else {}), "association": association}


def envelope(items: list[Answer], total: int, offset: int, limit: int) -> Answer:
    """A page of a list."""
    return {"total_count": total, "offset": offset, "limit": limit, "items": items}


def _of_interface(interface: Interface, replica: Replica) -> Answer:
    mac_leases = [
        answer(lease, replica) for lease in replica.where(MacLease, interface_uuid=interface.uuid)
    ]
    ip_leases = [lease for mac_lease in mac_leases for lease in mac_lease["ip_leases"]]
    first = ip_leases[0] if ip_leases else {}
    return {
        "mac_leases": mac_leases,
        "mac_address": mac_leases[0]["mac_address"] if mac_leases else None,
        "network_uuid": first.get("network_uuid"),
        "ipv4_address": first.get("ipv4_address"),
        "ip_leases": ip_leases,
    }


def _of_mac_lease(mac_lease: MacLease, replica: Replica) -> Answer:
    leases = replica.where(IpLease, mac_lease_uuid=mac_lease.uuid)
    return {"ip_leases": [plain(lease) for lease in leases]}


_PARTS: Mapping[type[Row], Sequence[Resource]] = {
    resource.kind: parts(resource) for resource in RESOURCES
}
_MORE: Mapping[type[Row], Callable[[Any, Replica], Answer]] = {
    Interface: _of_interface,
    MacLease: _of_mac_lease,
}

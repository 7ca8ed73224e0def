"""What JSON shows of a row: its attributes as people write them, and what belongs to it."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import cache
from typing import Any, Protocol, TypeVar

from msgspec.structs import asdict

from openvnet.manager.replica import Replica
from openvnet.model import RESOURCES, Interface, IpLease, MacLease, Resource, Row, attributes
from openvnet.model.operations import named_by, parts
from openvnet.model.scalars import as_it_is

R = TypeVar("R")
Answer = dict[str, Any]
Names = Sequence[str]


class Rows(Protocol):
    """Where rows are found: the replica, or the transaction of a write."""

    def where(self, kind: type[R], **by: Hashable) -> list[R]:
        """The rows with this value in an indexed field, in the order of creation."""


def answer(row: Row, rows: Rows, fields: Names = ()) -> Answer:
    """A row with what belongs to it; only the fields that are named, if any are."""
    more = _MORE.get(type(row))
    if fields and attributes(type(row)).keys() >= set(fields):
        return selected(plain(row), fields)
    shown = plain(row)
    for name, kind, parent in _PARTS[type(row)]:
        shown[name] = [plain(part) for part in rows.where(kind, **{parent: row.uuid})]
    if more:
        shown |= more(row, rows)
    return selected(shown, fields)


def selected(shown: Answer, fields: Names) -> Answer:
    """The fields that are named, in that order; all if none is."""
    return {name: shown[name] for name in fields if name in shown} if fields else shown


def plain(row: Row) -> Answer:
    """A row's own attributes."""
    shown = asdict(row)
    for name in _private(type(row)):
        del shown[name]
    for name, show in _spelled(type(row)):
        value = shown[name]
        if value is not None:
            shown[name] = show(value)
    return shown


@cache
def _private(kind: type[Row]) -> tuple[str, ...]:
    """The fields that no answer shows."""
    return next(each.private for each in RESOURCES if each.kind is kind)


@cache
def _spelled(kind: type[Row]) -> tuple[tuple[str, Callable[[Any], Any]], ...]:
    """The attributes that are not shown as rows hold them: addresses."""
    return tuple(
        (name, attribute.type.show)
        for name, attribute in attributes(kind).items()
        if attribute.type.show is not as_it_is
    )


def item(resource: Resource, row: Row, replica: Replica, fields: Names = ()) -> Answer:
    """A row of a list; of a relation what it leads to, and with it the row that leads there."""
    if resource.related is None:
        return answer(row, replica, fields)
    related = related_row(resource, row, replica)
    association = {name: value for name, value in plain(row).items() if value != ""}
    return selected({**(plain(related) if related else {}), "association": association}, fields)


def related_row(resource: Resource, row: Row, replica: Replica) -> Row | None:
    """What a row of a relation leads to."""
    related: Row | None = replica.get(
        named_by(resource, str(resource.related)).kind, getattr(row, str(resource.related))
    )
    return related


def envelope(items: list[Answer], total: int, offset: int, limit: int) -> Answer:
    """A page of a list."""
    return {"total_count": total, "offset": offset, "limit": limit, "items": items}


def _of_interface(interface: Interface, rows: Rows) -> Answer:
    mac_leases = [
        answer(lease, rows) for lease in rows.where(MacLease, interface_uuid=interface.uuid)
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


def _of_mac_lease(mac_lease: MacLease, rows: Rows) -> Answer:
    leases = rows.where(IpLease, mac_lease_uuid=mac_lease.uuid)
    return {"ip_leases": [plain(lease) for lease in leases]}


_PARTS: Mapping[type[Row], Sequence[tuple[str, type[Any], str]]] = {
    resource.kind: [(part.in_paths, part.kind, str(part.parent)) for part in parts(resource)]
    for resource in RESOURCES
}
"""What each resource consists of: the name in answers, the class, and the reference to it."""
_MORE: Mapping[type[Row], Callable[[Any, Rows], Answer]] = {
    Interface: _of_interface,
    MacLease: _of_mac_lease,
}

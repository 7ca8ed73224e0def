"""Which networks, segments and route links an interface is part of.

It is part of what its leases and routes lead to, and of what it was told to be (static). Only the
latter are rows: the former follow from the leases and routes, and so can never be wrong.
"""

from collections.abc import Mapping
from typing import Any

from openvnet.manager.replica import Replica
from openvnet.model import (
    InterfaceNetwork,
    InterfaceRouteLink,
    InterfaceSegment,
    IpLease,
    MacLease,
    Resource,
    Route,
    Row,
)

FOLLOWING: Mapping[type[Any], type[Any]] = {
    InterfaceNetwork: IpLease,
    InterfaceSegment: MacLease,
    InterfaceRouteLink: Route,
}
"""What leads an interface to what it is part of."""


def below(resource: Resource, parent_uuid: str, rows: Replica) -> list[Row]:
    """The rows of a sub-resource or a relation that are below a parent, in order."""
    if resource.kind in FOLLOWING:
        return _associations(resource, parent_uuid, rows)
    found: list[Row] = rows.where(resource.kind, **{str(resource.parent): parent_uuid})
    return found


def _associations(resource: Resource, interface_uuid: str, rows: Replica) -> list[Row]:
    """What an interface is part of: the static first, each once."""
    related = str(resource.related)
    static: list[Row] = rows.where(resource.kind, interface_uuid=interface_uuid)
    leading = rows.where(FOLLOWING[resource.kind], interface_uuid=interface_uuid)
    known = {getattr(row, related) for row in static}
    others = dict.fromkeys(getattr(row, related) for row in leading)
    return [
        *static,
        *(
            resource.kind(
                uuid="", interface_uuid=interface_uuid, static=False, **{related: related_uuid}
            )
            for related_uuid in others
            if related_uuid is not None and related_uuid not in known
        ),
    ]

"""By what a list can be filtered: a resource's own attributes, and those of what belongs to it.

An interface has its ports and addresses in rows of their own, and yet people look for the
interfaces of a network. Such a name is *related*: it finds a resource if any row that refers to it
has the value.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from openvnet.model.network import Interface, InterfacePort, IpLease, MacLease
from openvnet.model.resource import Attribute, Resource, attributes


class Related(msgspec.Struct, frozen=True):
    """An attribute of the rows that refer to a resource."""

    kind: type[Any]
    """Their class."""
    reference: str
    """Their attribute that refers to the resource."""
    name: str
    """Their attribute whose value is asked for."""


RELATED: Mapping[type[Any], Mapping[str, Related]] = {
    Interface: {
        "network_uuid": Related(IpLease, "interface_uuid", "network_uuid"),
        "ipv4_address": Related(IpLease, "interface_uuid", "ipv4_address"),
        "mac_address": Related(MacLease, "interface_uuid", "mac_address"),
        "port_name": Related(InterfacePort, "interface_uuid", "port_name"),
        "owner_datapath_uuid": Related(InterfacePort, "interface_uuid", "datapath_uuid"),
    },
}
"""By the class of the resource, and the name of the filter."""


def filters(resource: Resource) -> dict[str, Attribute]:
    """By what a list of a resource can be filtered, by name."""
    own = dict(attributes(resource.kind))
    for name, related in RELATED.get(resource.kind, {}).items():
        own.setdefault(name, attributes(related.kind)[related.name])
    return {name: replace(given, required=False) for name, given in own.items()}

"""The vocabulary: every resource declared once, as frozen rows."""

from openvnet.model.network import (
    DATAPATHS,
    INTERFACE_PORTS,
    INTERFACES,
    IP_LEASES,
    MAC_LEASES,
    NETWORKS,
    Datapath,
    Interface,
    InterfacePort,
    IpLease,
    MacLease,
    Network,
)
from openvnet.model.resource import Attribute, Resource, attributes, indexes

RESOURCES = (DATAPATHS, NETWORKS, INTERFACES, INTERFACE_PORTS, MAC_LEASES, IP_LEASES)
"""All resources; a resource comes after those that it refers to."""

Row = Datapath | Network | Interface | InterfacePort | MacLease | IpLease
"""A row of any resource; `msgspec` tells them apart by `kind`."""

KINDS: dict[str, type[Row]] = {
    resource.kind.__struct_config__.tag: resource.kind for resource in RESOURCES
}
"""Row classes by the word that tags them on the wire and in the revision log."""

__all__ = [
    "DATAPATHS",
    "INTERFACES",
    "INTERFACE_PORTS",
    "IP_LEASES",
    "KINDS",
    "MAC_LEASES",
    "NETWORKS",
    "RESOURCES",
    "Attribute",
    "Datapath",
    "Interface",
    "InterfacePort",
    "IpLease",
    "MacLease",
    "Network",
    "Resource",
    "Row",
    "attributes",
    "indexes",
]

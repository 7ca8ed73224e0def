"""The form of declarative documents: what stands where in one that says what there is to be.

networks:                          a collection
  nw-1: {ipv4_network: 10.0.0.0}   a resource, by its uuid
interfaces:
  if-1:
    mode: vif
    mac_leases:                    what belongs to it is below it: by its uuid, as a list, or
      - mac_address: 02:00:00:00:00:01      (of a relation) by what it leads to
        ip_leases:
          - {network_uuid: nw-1, ipv4_address: 10.0.0.10}
"""

from collections.abc import Mapping
from typing import Any

from openvnet.model import (
    INTERFACES,
    IP_LEASES,
    MAC_LEASES,
    RESOURCES,
    ActiveInterface,
    IpLease,
    MacLease,
    Node,
    Resource,
    attributes,
)
from openvnet.model.operations import below, change, creation
from openvnet.model.resource import Attribute

OF_HOSTS = (ActiveInterface, Node)
"""What hosts say of themselves: where interfaces are, and by which keys they are known."""

COLLECTIONS: Mapping[str, Resource] = {
    resource.collection: resource
    for resource in RESOURCES
    if resource.parent is None and not resource.private and resource.kind not in OF_HOSTS
}
"""What documents have at the top, by name. What holds secrets is in none."""

LINKS: Mapping[type[Any], str] = {
    **{resource.kind: resource.parent for resource in RESOURCES if resource.parent},
    MacLease: "interface_uuid",
    IpLease: "mac_lease_uuid",
}
"""What is nested in documents: the field that names what it is below."""

_LEASES = {INTERFACES.collection: MAC_LEASES, MAC_LEASES.collection: IP_LEASES}
_UNSAID = ("network_mode", "topology_uuid")
"""Parameters that say otherwise what documents say elsewhere."""


def _parts(resource: Resource) -> dict[str, Resource]:
    lease = _LEASES.get(resource.collection)
    leases = {lease.collection: lease} if lease else {}
    return {**leases, **{each.in_paths: each for each in below(resource)}}


def _said(resource: Resource) -> dict[str, Attribute]:
    declared = {**creation(resource), **change(resource)}
    if resource.related:
        declared[resource.related] = attributes(resource.kind)[resource.related]
    unsaid = (*_UNSAID, "uuid", resource.parent)
    return {name: attribute for name, attribute in declared.items() if name not in unsaid}


PARTS: Mapping[str, Mapping[str, Resource]] = {each.collection: _parts(each) for each in RESOURCES}
"""What is nested below the resources of a collection, by the words of paths."""

SAID: Mapping[str, Mapping[str, Attribute]] = {each.collection: _said(each) for each in RESOURCES}
"""What a document may say of the resources of a collection, by name; uuid and parent aside."""

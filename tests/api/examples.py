"""A good value for every attribute and parameter of each resource, and wrong ones by scalar.

The contract tests are made from the declarations; this is all that a new resource must add.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from openvnet.client import Client
from openvnet.model import RESOURCES
from openvnet.model.operations import Operation, parent_of
from openvnet.model.resource import Resource

WRONG: dict[str, list[Any]] = {
    "text": ["two\nlines", "x" * 256, 7, ["a"], {"a": 1}],
    "boolean": ["maybe", "", 2, [True]],
    "IPv4 address": ["10.0.0", "10.0.0.256", "::1", "", 7, True],
    "MAC address": ["52:54:00", "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00", "no", 7],
    "datapath id": ["0x", "12345678901234567", "no", 7],
    "integer": ["many", "-1", "", 1.5, True, 2**70],
    "word": ["nonsense", "", 7, ["vif"]],
    "uuid": ["xx-1", "nothing", "", 7, "if-UPPER", "nw-12345678901234567"],
}


@dataclass
class Examples:
    """Makes resources of each kind, all different."""

    client: Client
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def made(self, resource: Resource, **other: Any) -> dict[str, Any]:
        """A new resource."""
        values = self.values(resource)
        path = collection_path(resource, values)
        body: dict[str, Any] = self.client.write("POST", path, {**values, **other}).body
        return body

    def values(self, resource: Resource) -> dict[str, Any]:
        """What a new resource may be created with: all that is declared, and its parent."""
        return GOOD[resource.collection](self, next(self.numbers))


def collection_path(resource: Resource, values: dict[str, Any]) -> str:
    """Where resources of this kind are; takes the parent out of the values."""
    parent = parent_of(resource)
    above = f"/{parent.collection}/{values.pop(str(resource.parent))}" if parent else ""
    return f"{above}/{resource.collection}"


def filled(operation: Operation, made: dict[str, Any]) -> str:
    """The path of an operation on a resource."""
    return operation.path.format(**made)


def by_collection(collection: str) -> Resource:
    """The resource of this name."""
    return next(each for each in RESOURCES if each.collection == collection)


def _uuid(prefix: str, number: int) -> str:
    return f"{prefix}-t{number}"


def _address(number: int) -> str:
    return f"10.{number >> 8 & 255}.{number & 255}.1"


def _mac(number: int) -> str:
    return f"02:00:00:00:{number >> 8 & 255:02x}:{number & 255:02x}"


def _datapath(_: Examples, number: int) -> dict[str, Any]:
    return {
        "uuid": _uuid("dp", number),
        "display_name": f"host {number}",
        "dpid": f"0x{number:016x}",
        "node_id": f"vna{number}",
        "enable_ovs_learn_action": False,
    }


def _network(_: Examples, number: int) -> dict[str, Any]:
    return {
        "uuid": _uuid("nw", number),
        "display_name": f"network {number}",
        "mode": "virtual",
        "network_mode": "virtual",
        "ipv4_network": "10.0.0.0",
        "ipv4_prefix": 8,
        "domain_name": "example",
    }


def _interface(examples: Examples, number: int) -> dict[str, Any]:
    return {
        "uuid": _uuid("if", number),
        "mode": "vif",
        "display_name": f"interface {number}",
        "enable_routing": True,
        "enable_route_translation": False,
        "enable_filtering": True,
        "owner_datapath_uuid": examples.made(by_collection("datapaths"))["uuid"],
        "port_name": f"inst{number}",
        "network_uuid": examples.made(by_collection("networks"))["uuid"],
        "mac_address": _mac(number),
        "ipv4_address": _address(number),
    }


def _port(examples: Examples, number: int) -> dict[str, Any]:
    return {
        "interface_uuid": examples.made(by_collection("interfaces"))["uuid"],
        "datapath_uuid": examples.made(by_collection("datapaths"))["uuid"],
        "port_name": f"eth{number}",
        "singular": True,
    }


def _mac_lease(examples: Examples, number: int) -> dict[str, Any]:
    return {
        "uuid": _uuid("ml", number),
        "interface_uuid": examples.made(by_collection("interfaces"))["uuid"],
        "mac_address": _mac(number),
    }


def _ip_lease(examples: Examples, number: int) -> dict[str, Any]:
    mac_lease = examples.made(by_collection("mac_leases"))
    return {
        "uuid": _uuid("il", number),
        "network_uuid": examples.made(by_collection("networks"))["uuid"],
        "ipv4_address": _address(number),
        "interface_uuid": mac_lease["interface_uuid"],
        "mac_lease_uuid": mac_lease["uuid"],
        "enable_routing": True,
    }


GOOD: dict[str, Callable[[Examples, int], dict[str, Any]]] = {
    "datapaths": _datapath,
    "networks": _network,
    "interfaces": _interface,
    "ports": _port,
    "mac_leases": _mac_lease,
    "ip_leases": _ip_lease,
}

"""A good value for every attribute and parameter of each resource, and wrong ones by scalar.

The contract tests are made from the declarations; this is all that a new resource must add.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from openvnet.client import Client
from openvnet.model import RESOURCES
from openvnet.model.operations import Operation, creation, parent_of
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
    "IPv4 prefix": ["10.0.0", "10.0.0.0/33", "10.0.0.1/8", "::/0", "10.0.0.0/x", "/8", 7],
    "IPv4 addresses": ["10.0.0", "8.8.8.8,", "8.8.8.8 8.8.4.4", ",".join(["8.8.8.8"] * 17), 7],
    "public key": ["short", "x" * 39, "x" * 41, f"{'x' * 39}~", "", 7],
    "node id": ["two words", "", "x" * 101, "ü", 7],
    "duration": ["soon", "", "0", "-1", "1 day", "12.5h", 1.5, True, "9999999999w"],
    "domain name": ["two words", "", ".", "a..b", "x" * 64, "-a", ".".join(["x" * 50] * 6), 7],
}


@dataclass
class Examples:
    """Makes resources of each kind, all different."""

    client: Client
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    project_uuid: str = "pj-default"

    def made(self, resource: Resource, **other: Any) -> dict[str, Any]:
        """A new resource."""
        values = self.values(resource)
        static = "create" not in resource.verbs
        if static:
            values |= {"static": True}
        path = creation_path(resource, values)
        method = "PUT" if static else "POST"
        body: dict[str, Any] = self.client.write(method, path, {**values, **other}).body
        body.pop("secret", None)
        return body

    def uuid(self, collection: str, **other: Any) -> str:
        """The uuid of a new resource."""
        return str(self.made(by_collection(collection), **other)["uuid"])

    def values(self, resource: Resource) -> dict[str, Any]:
        """What a new resource may be created with: all that is declared, and its parent."""
        values = GOOD[resource.collection](self, next(self.numbers))
        if "project_uuid" in creation(resource):
            values.setdefault("project_uuid", self.project_uuid)
        return values


def creation_path(resource: Resource, values: dict[str, Any]) -> str:
    """Where a resource of this kind is made; takes what the path names out of the values."""
    parent = parent_of(resource)
    above = f"/{parent.collection}/{values.pop(str(resource.parent))}" if parent else ""
    own = f"/{values.pop(resource.related)}" if resource.related else ""
    return f"{above}/{resource.in_paths}{own}"


def filled(operation: Operation, made: dict[str, Any]) -> str:
    """The path of an operation on a resource."""
    return operation.path.format(**made)


def by_collection(collection: str) -> Resource:
    """The resource of this name."""
    return next(each for each in RESOURCES if each.collection == collection)


def _node(examples: Examples, number: int) -> dict[str, Any]:
    return {
        "uuid": _uuid("node", number),
        "node_id": f"host-{number}",
        "role": "vna",
        "datapath_uuid": examples.uuid("datapaths", node_id=f"host-{number}"),
        "token_key": f"{number:0>40}",
        "token_seconds": 60,
    }


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


def _segment(examples: Examples, number: int) -> dict[str, Any]:
    return {
        "uuid": _uuid("seg", number),
        "mode": "physical",
        "topology_uuid": examples.uuid("topologies"),
    }


def _network(examples: Examples, number: int) -> dict[str, Any]:
    return {
        "uuid": _uuid("nw", number),
        "display_name": f"network {number}",
        "mode": "physical",
        "network_mode": "physical",
        "vlan_id": 1 + number % 4094,
        "ipv4_network": "10.0.0.0",
        "ipv4_prefix": 8,
        "domain_name": "example",
        "segment_uuid": examples.uuid("segments"),
        "mtu": 1400,
        "shared": False,
        "topology_uuid": examples.uuid("topologies"),
    }


def _interface(examples: Examples, number: int) -> dict[str, Any]:
    network = examples.made(by_collection("networks"))
    return {
        "uuid": _uuid("if", number),
        "mode": "vif",
        "display_name": f"interface {number}",
        "enable_routing": True,
        "enable_route_translation": False,
        "enable_filtering": True,
        "enabled": False,
        "enable_port_security": False,
        "parent_interface_uuid": None,
        "vlan_id": None,
        "owner_datapath_uuid": examples.uuid("datapaths"),
        "port_name": f"inst{number}",
        "network_uuid": network["uuid"],
        "segment_uuid": network["segment_uuid"],
        "mac_address": _mac(number),
        "mac_range_group_uuid": examples.uuid("mac_range_groups"),
        "ipv4_address": _address(number),
    }


def _port(examples: Examples, number: int) -> dict[str, Any]:
    return {
        "interface_uuid": examples.uuid("interfaces"),
        "datapath_uuid": examples.uuid("datapaths"),
        "port_name": f"eth{number}",
        "singular": True,
    }


def _mac_lease(examples: Examples, number: int) -> dict[str, Any]:
    return {
        "uuid": _uuid("ml", number),
        "interface_uuid": examples.uuid("interfaces"),
        "mac_address": _mac(number),
        "segment_uuid": examples.uuid("segments"),
    }


def _ip_lease(examples: Examples, number: int) -> dict[str, Any]:
    mac_lease = examples.made(by_collection("mac_leases"))
    return {
        "uuid": _uuid("il", number),
        "network_uuid": examples.uuid("networks"),
        "ipv4_address": _address(number),
        "interface_uuid": mac_lease["interface_uuid"],
        "mac_lease_uuid": mac_lease["uuid"],
        "enable_routing": True,
    }


def _pair(examples: Examples, number: int) -> dict[str, Any]:
    return {
        "interface_uuid": examples.uuid("interfaces"),
        "network_uuid": examples.uuid("networks"),
        "ipv4_address": _address(number),
        "mac_address": _mac(number),
    }


def _ip_range(examples: Examples, number: int) -> dict[str, Any]:
    return {
        "ip_range_group_uuid": examples.uuid("ip_range_groups"),
        "uuid": _uuid("ipr", number),
        "begin_ipv4_address": "10.0.0.1",
        "end_ipv4_address": "10.255.255.254",
    }


def _mac_range(examples: Examples, number: int) -> dict[str, Any]:
    return {
        "mac_range_group_uuid": examples.uuid("mac_range_groups"),
        "uuid": _uuid("mr", number),
        "begin_mac_address": _mac(number),
        "end_mac_address": _mac(number + 1),
    }


def _free_ip_lease(examples: Examples) -> str:
    network_uuid = examples.uuid("networks")
    values = {"network_uuid": network_uuid, "ipv4_address": "10.0.0.1"}
    values["project_uuid"] = examples.project_uuid
    return str(examples.client.write("POST", "/ip_leases", values).body["uuid"])


def _retention(examples: Examples, _: int) -> dict[str, Any]:
    return {
        "ip_retention_container_uuid": examples.uuid("ip_retention_containers"),
        "ip_lease_uuid": _free_ip_lease(examples),
    }


def _route_link(examples: Examples, number: int) -> dict[str, Any]:
    return {
        "uuid": _uuid("rl", number),
        "mac_address": _mac(number),
        "topology_uuid": examples.uuid("topologies"),
    }


def _route(examples: Examples, number: int) -> dict[str, Any]:
    return {
        "uuid": _uuid("r", number),
        "interface_uuid": examples.uuid("interfaces"),
        "route_link_uuid": examples.uuid("route_links"),
        "network_uuid": examples.uuid("networks"),
        "ipv4_network": f"10.{number & 255}.0.0",
        "ipv4_prefix": 16,
        "ingress": False,
        "egress": False,
    }


def _static_address(examples: Examples, number: int) -> dict[str, Any]:
    return {
        "translation_uuid": examples.uuid("translations"),
        "route_link_uuid": examples.uuid("route_links"),
        "ingress_ipv4_address": _address(number),
        "egress_ipv4_address": _address(number + 1),
        "ingress_port_number": 80,
        "egress_port_number": 8080,
        "ingress_network_uuid": examples.uuid("networks"),
        "egress_network_uuid": examples.uuid("networks"),
    }


def _network_service(examples: Examples, number: int) -> dict[str, Any]:
    return {
        "uuid": _uuid("ns", number),
        "mode": "dns",
        "display_name": f"service {number}",
        "interface_uuid": examples.uuid("interfaces"),
        "incoming_port": 53,
        "outgoing_port": 53,
    }


def _dns_record(examples: Examples, number: int) -> dict[str, Any]:
    return {
        "dns_service_uuid": examples.uuid("dns_services"),
        "uuid": _uuid("dnsr", number),
        "name": f"www{number}.example.com",
        "ipv4_address": _address(number),
        "ttl": 60,
    }


def _static_rule(examples: Examples, number: int) -> dict[str, Any]:
    return {
        "filter_uuid": examples.uuid("filters"),
        "protocol": "tcp",
        "action": "pass",
        "src_address": _address(number),
        "dst_address": _address(number + 1),
        "src_port": 0,
        "dst_port": 22,
    }


def _policy_interface(examples: Examples, _: int) -> dict[str, Any]:
    base = examples.made(by_collection("lease_policy_networks"))
    path = f"/ip_range_groups/{base['ip_range_group_uuid']}/ip_ranges"
    span = {"begin_ipv4_address": "10.0.0.1", "end_ipv4_address": "10.0.0.9"}
    examples.client.write("POST", path, span)
    return {
        "lease_policy_uuid": base["lease_policy_uuid"],
        "interface_uuid": examples.uuid("interfaces"),
        "label": "label",
    }


def _host(examples: Examples) -> dict[str, Any]:
    """An interface of mode host, and its IP lease."""
    made = examples.made(by_collection("interfaces"), mode="host", owner_datapath_uuid=None)
    return {"interface_uuid": made["uuid"], "ip_lease_uuid": made["ip_leases"][0]["uuid"]}


def _carried(name: str) -> Callable[[Examples, int], dict[str, Any]]:
    def values(examples: Examples, number: int) -> dict[str, Any]:
        return {
            "datapath_uuid": examples.uuid("datapaths"),
            f"{name}_uuid": examples.uuid(f"{name}s"),
            "mac_address": _mac(number),
            "encapsulation": "vxlan",
            **_host(examples),
        }

    return values


def _topology_datapath(examples: Examples, _: int) -> dict[str, Any]:
    return {
        "topology_uuid": examples.uuid("topologies", mode="simple_underlay"),
        "datapath_uuid": examples.uuid("datapaths"),
        **_host(examples),
    }


def _layer(examples: Examples, _: int) -> dict[str, Any]:
    return {
        "overlay_uuid": examples.uuid("topologies"),
        "underlay_uuid": examples.uuid("topologies", mode="simple_underlay"),
    }


def _topology_mac_range_group(examples: Examples, _: int) -> dict[str, Any]:
    return {
        "topology_uuid": examples.uuid("topologies", mode="simple_underlay"),
        "mac_range_group_uuid": examples.uuid("mac_range_groups"),
    }


def _named(prefix: str, **more: Any) -> Callable[[Examples, int], dict[str, Any]]:
    """What has a uuid, and values that are the same each time."""
    return lambda _, number: {"uuid": _uuid(prefix, number), **more}


def _below(prefix: str, collection: str, name: str, **more: Any) -> Any:
    """What has a uuid, values that are the same each time, and a new one that it refers to."""

    def values(examples: Examples, number: int) -> dict[str, Any]:
        return {"uuid": _uuid(prefix, number), name: examples.uuid(collection), **more}

    return values


def _below_only(collection: str, name: str, **more: Any) -> Any:
    """As `_below`, of what gets its uuid from vnmgr."""
    return lambda examples, _: {name: examples.uuid(collection), **more}


def _joining(*collections: str, **more: Any) -> Callable[[Examples, int], dict[str, Any]]:
    """What joins two new resources, with values that are the same each time."""

    def values(examples: Examples, _: int) -> dict[str, Any]:
        names = {
            f"{by_collection(each).kind.__struct_config__.tag}_uuid": each for each in collections
        }
        return {name: examples.uuid(collection) for name, collection in names.items()} | more

    return values


GOOD: dict[str, Callable[[Examples, int], dict[str, Any]]] = {
    "projects": lambda _, number: {
        "uuid": _uuid("pj", number),
        "display_name": f"project {number}",
        "description": "for tests",
    },
    "quotas": _below_only("projects", "project_uuid", resource="networks", maximum=7),
    "tokens": _below(
        "tok", "projects", "project_uuid", display_name="somebody", role="viewer", lifetime="30d"
    ),
    "network_projects": _joining("networks", "projects"),
    "segments": _segment,
    "allowed_address_pairs": _pair,
    "ip_range_groups": _named("iprg", allocation_type="random"),
    "ip_ranges": _ip_range,
    "mac_range_groups": _named("mrg", allocation_type="decremental"),
    "mac_ranges": _mac_range,
    "ip_lease_containers": _named("ilc"),
    "ip_lease_container_ip_leases": lambda examples, _: {
        "ip_lease_container_uuid": examples.uuid("ip_lease_containers"),
        "ip_lease_uuid": _free_ip_lease(examples),
    },
    "ip_retention_containers": _named("irc", lease_time=60, grace_time=30),
    "ip_retentions": _retention,
    "route_links": _route_link,
    "routes": _route,
    "translations": _below(
        "tr", "interfaces", "interface_uuid", mode="static_address", passthrough=True
    ),
    "translation_static_addresses": _static_address,
    "network_services": _network_service,
    "dns_services": _below(
        "dnss", "network_services", "network_service_uuid", public_dns="8.8.8.8,8.8.4.4"
    ),
    "dns_records": _dns_record,
    "filters": _below(
        *("fil", "interfaces", "interface_uuid"),
        mode="static",
        ingress_passthrough=True,
        egress_passthrough=True,
    ),
    "filter_statics": _static_rule,
    "lease_policies": _named("lp", mode="simple", timing="immediate"),
    "lease_policy_networks": lambda examples, _: {
        "lease_policy_uuid": examples.uuid("lease_policies"),
        "network_uuid": examples.uuid("networks"),
        "ip_range_group_uuid": examples.uuid("ip_range_groups", allocation_type="incremental"),
    },
    "lease_policy_interfaces": _policy_interface,
    "lease_policy_ip_lease_containers": _joining(
        "lease_policies", "ip_lease_containers", label="label"
    ),
    "lease_policy_ip_retention_containers": _joining("lease_policies", "ip_retention_containers"),
    "topologies": _named("topo", mode="simple_overlay", default=False, encapsulation="gre"),
    "topology_datapaths": _topology_datapath,
    "topology_networks": _joining("topologies", "networks"),
    "topology_segments": _joining("topologies", "segments"),
    "topology_route_links": _joining("topologies", "route_links"),
    "topology_mac_range_groups": _topology_mac_range_group,
    "topology_layers": _layer,
    "datapath_networks": _carried("network"),
    "datapath_segments": _carried("segment"),
    "datapath_route_links": _carried("route_link"),
    "nodes": _node,
    "interface_networks": _joining("interfaces", "networks"),
    "interface_segments": _joining("interfaces", "segments"),
    "interface_route_links": _joining("interfaces", "route_links"),
    "datapaths": _datapath,
    "networks": _network,
    "interfaces": _interface,
    "ports": _port,
    "mac_leases": _mac_lease,
    "ip_leases": _ip_lease,
}

MAKEABLE = [each for each in RESOURCES if each.collection in GOOD]
"""What somebody can make; where an interface is, only agents say."""

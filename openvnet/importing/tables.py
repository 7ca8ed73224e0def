"""What becomes of each table of the original.

Most columns are called as attributes are here; what follows says the others: references, which are
uuids here, and what was a row of its own there, such as an address.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol

from openvnet import model
from openvnet.importing.original import OldRow, Original
from openvnet.model.scalars import IPV4_ADDRESSES, show_ipv4

Values = dict[str, Any]


class Unfit(Exception):
    """A row cannot be carried over. The text says why."""


class Around(Protocol):
    """What a row is translated in."""

    original: Original
    known: Any

    def uuid(self, table: str, id: int | None, name: str) -> str | None:
        """The uuid of a row that another refers to; None for none. Raise Unfit."""

    def note(self, words: str) -> None:
        """Say what is changed of the row."""

    def allotted_vni(self) -> int:
        """The next number that packets carry."""

    def first_ip_lease(self, interface_uuid: str | None) -> str | None:
        """The first IP lease of an interface, if it has any."""


class Carried(NamedTuple):
    """A table, and what its rows become."""

    table: str
    kind: type[Any]
    more: Callable[[Around, OldRow], Values]
    """The values that are not in a column of the same name."""
    follows: Callable[[OldRow], bool] | None = None
    """Whether a row need not be carried over, since it follows from others here."""


def references(**tables: str) -> Callable[[Around, OldRow], Values]:
    """Columns `x_id` that become attributes `x_uuid`, each with the table that it refers to."""

    def more(world: Around, old: OldRow) -> Values:
        return {
            f"{name}_uuid": world.uuid(table, old[f"{name}_id"], f"{name}_id")
            for name, table in tables.items()
        }

    return more


def _nothing(_: Around, __: OldRow) -> Values:
    return {}


def _datapath(_: Around, old: OldRow) -> Values:
    return {"dpid": f"0x{old['dpid'] % 2**64:016x}"}


def _numbered(world: Around, _: OldRow) -> Values:
    return {"vni": world.allotted_vni()}


def _network(world: Around, old: OldRow) -> Values:
    if not old["mode"]:
        raise Unfit("mode is none, so the original never let it pass anything")
    segment = references(segment="segments")(world, old)
    return {**_subnet(world, old), **segment, "vni": world.allotted_vni()}


def _subnet(world: Around, old: OldRow) -> Values:
    address = _whole(world, "ipv4_network", old["ipv4_network"], old["ipv4_prefix"])
    return {"ipv4_network": address}


def _whole(world: Around, name: str, address: int, prefix: int) -> int:
    """An address without bits beyond its prefix."""
    if not 0 <= address < 2**32 or not 0 <= prefix <= 32:
        raise Unfit(f"{name} {address}/{prefix} is no prefix of IPv4")
    right = address >> (32 - prefix) << (32 - prefix)
    if right != address:
        world.note(f"{name} {show_ipv4(address)} has bits beyond {prefix}: {show_ipv4(right)}")
    return right


def _port(world: Around, old: OldRow) -> Values:
    found = references(interface="interfaces", datapath="datapaths")(world, old)
    name = old["port_name"] or None
    singular = True if old["singular"] or found["datapath_uuid"] else None
    return {**found, "port_name": name, "singular": singular}


def _mac_address(world: Around, old: OldRow) -> tuple[int | None, OldRow]:
    """The MAC address that a row refers to, and the row of it."""
    if (number := old["mac_address_id"]) is None:
        return None, {}
    row = world.original.rows["mac_addresses"].get(number)
    if row is None:
        raise Unfit(f"mac_address_id {number}: that row of mac_addresses does not exist")
    return row["mac_address"], row


def _mac_lease(world: Around, old: OldRow) -> Values:
    if old["interface_id"] is None:
        raise Unfit("interface_id is none: a MAC lease is of an interface")
    address, row = _mac_address(world, old)
    segment = world.uuid("segments", row.get("segment_id"), "segment_id of its MAC address")
    found = references(interface="interfaces")(world, old)
    return {**found, "mac_address": address, "segment_uuid": segment}


def _ip_lease(world: Around, old: OldRow) -> Values:
    row = world.original.rows["ip_addresses"].get(old["ip_address_id"])
    if row is None:
        raise Unfit(
            f"ip_address_id {old['ip_address_id']}: that row of ip_addresses does not exist"
        )
    network = world.uuid("networks", row["network_id"], "network_id of its IP address")
    holder = _holder(world, old)
    return {"network_uuid": network, "ipv4_address": row["ipv4_address"], **holder}


def _holder(world: Around, old: OldRow) -> Values:
    """The interface and the MAC lease of an IP lease: both, or neither."""
    found = references(interface="interfaces", mac_lease="mac_leases")(world, old)
    leases = world.known.rows[model.MacLease].values()
    if (mac_lease_uuid := found["mac_lease_uuid"]) is not None:
        owner = world.known.rows[model.MacLease][mac_lease_uuid].interface_uuid
        if owner != found["interface_uuid"]:
            world.note(f"interface {found['interface_uuid']} becomes {owner}, as of its MAC lease")
        return {**found, "interface_uuid": owner}
    if found["interface_uuid"] is None:
        return found
    own = next((one for one in leases if one.interface_uuid == found["interface_uuid"]), None)
    if own is None:
        raise Unfit(f"interface {found['interface_uuid']} has no MAC lease that it could go with")
    world.note(f"mac_lease is none; it becomes the interface's first, {own.uuid}")
    return {**found, "mac_lease_uuid": own.uuid}


def _mac_range_group(world: Around, old: OldRow) -> Values:
    if old["allocation_type"] in ("incremental", "decremental", "random"):
        return {}
    world.note(f"allocation_type {old['allocation_type']} becomes random, as it always was")
    return {"allocation_type": "random"}


def _retention(world: Around, old: OldRow) -> Values:
    found = references(ip_retention_container="ip_retention_containers", ip_lease="ip_leases")(
        world, old
    )
    times = {name: _seconds(old[name]) for name in ("leased_at", "released_at")}
    return {**found, **times}


def _seconds(time: datetime | None) -> int | None:
    return None if time is None else int(time.replace(tzinfo=UTC).timestamp())


def _route_link(world: Around, old: OldRow) -> Values:
    return {"mac_address": _mac_address(world, old)[0], "vni": world.allotted_vni()}


def _route(world: Around, old: OldRow) -> Values:
    found = references(interface="interfaces", route_link="route_links", network="networks")
    return {**_subnet(world, old), **found(world, old)}


def _static_rule(world: Around, old: OldRow) -> Values:
    found = references(filter="filters")(world, old)
    for side in ("src", "dst"):
        name = f"{side}_address"
        found[name] = _whole(world, name, old[name], old[f"{side}_prefix"])
        found[f"{side}_port"] = old[f"port_{side}"]
    return found


def _dns_service(world: Around, old: OldRow) -> Values:
    try:
        servers = IPV4_ADDRESSES.read("".join((old["public_dns"] or "").split()))
    except ValueError as error:
        raise Unfit(f"public_dns {old['public_dns']!r:.80} {error}") from None
    return {**references(network_service="network_services")(world, old), "public_dns": servers}


def _carried(name: str, table: str) -> Callable[[Around, OldRow], Values]:
    refer = references(
        **{name: table},
        datapath="datapaths",
        interface="interfaces",
        ip_lease="ip_leases",
        topology="topologies",
    )

    def more(world: Around, old: OldRow) -> Values:
        found = {**refer(world, old), "mac_address": _mac_address(world, old)[0]}
        if found["ip_lease_uuid"] is None:
            found["ip_lease_uuid"] = world.first_ip_lease(found["interface_uuid"])
        return found

    return more


def _is_automatic(old: OldRow) -> bool:
    return not old["static"]


CARRIED = (
    Carried("datapaths", model.Datapath, _datapath),
    Carried("segments", model.Segment, _numbered),
    Carried("networks", model.Network, _network),
    Carried("interfaces", model.Interface, _nothing),
    Carried("interface_ports", model.InterfacePort, _port),
    Carried("mac_leases", model.MacLease, _mac_lease),
    Carried("ip_leases", model.IpLease, _ip_lease),
    Carried("ip_range_groups", model.IpRangeGroup, _nothing),
    Carried("ip_ranges", model.IpRange, references(ip_range_group="ip_range_groups")),
    Carried("mac_range_groups", model.MacRangeGroup, _mac_range_group),
    Carried("mac_ranges", model.MacRange, references(mac_range_group="mac_range_groups")),
    Carried("ip_lease_containers", model.IpLeaseContainer, _nothing),
    Carried(
        "ip_lease_container_ip_leases",
        model.IpLeaseContainerIpLease,
        references(ip_lease_container="ip_lease_containers", ip_lease="ip_leases"),
    ),
    Carried("ip_retention_containers", model.IpRetentionContainer, _nothing),
    Carried("ip_retentions", model.IpRetention, _retention),
    Carried("route_links", model.RouteLink, _route_link),
    Carried("routes", model.Route, _route),
    Carried("translations", model.Translation, references(interface="interfaces")),
    Carried(
        "translation_static_addresses",
        model.TranslationStaticAddress,
        references(translation="translations", route_link="route_links"),
    ),
    Carried("network_services", model.NetworkService, references(interface="interfaces")),
    Carried("dns_services", model.DnsService, _dns_service),
    Carried("dns_records", model.DnsRecord, references(dns_service="dns_services")),
    Carried("filters", model.Filter, references(interface="interfaces")),
    Carried("filter_statics", model.FilterStatic, _static_rule),
    Carried("lease_policies", model.LeasePolicy, _nothing),
    Carried(
        "lease_policy_base_networks",
        model.LeasePolicyNetwork,
        references(
            lease_policy="lease_policies", network="networks", ip_range_group="ip_range_groups"
        ),
    ),
    Carried(
        "lease_policy_base_interfaces",
        model.LeasePolicyInterface,
        references(lease_policy="lease_policies", interface="interfaces"),
    ),
    Carried(
        "lease_policy_ip_lease_containers",
        model.LeasePolicyIpLeaseContainer,
        references(lease_policy="lease_policies", ip_lease_container="ip_lease_containers"),
    ),
    Carried(
        "lease_policy_ip_retention_containers",
        model.LeasePolicyIpRetentionContainer,
        references(lease_policy="lease_policies", ip_retention_container="ip_retention_containers"),
    ),
    Carried("topologies", model.Topology, _nothing),
    Carried(
        "topology_datapaths",
        model.TopologyDatapath,
        references(
            topology="topologies",
            datapath="datapaths",
            interface="interfaces",
            ip_lease="ip_leases",
        ),
    ),
    *(
        Carried(f"topology_{name}s", kind, references(topology="topologies", **{name: f"{name}s"}))
        for name, kind in (
            ("network", model.TopologyNetwork),
            ("segment", model.TopologySegment),
            ("route_link", model.TopologyRouteLink),
            ("mac_range_group", model.TopologyMacRangeGroup),
        )
    ),
    Carried(
        "topology_layers",
        model.TopologyLayer,
        references(overlay="topologies", underlay="topologies"),
    ),
    Carried("datapath_networks", model.DatapathNetwork, _carried("network", "networks")),
    Carried("datapath_segments", model.DatapathSegment, _carried("segment", "segments")),
    Carried("datapath_route_links", model.DatapathRouteLink, _carried("route_link", "route_links")),
    *(
        Carried(
            f"interface_{name}s",
            kind,
            references(interface="interfaces", **{name: f"{name}s"}),
            _is_automatic,
        )
        for name, kind in (
            ("network", model.InterfaceNetwork),
            ("segment", model.InterfaceSegment),
            ("route_link", model.InterfaceRouteLink),
        )
    ),
)
"""All tables that are carried over, each after those that it refers to."""

"""All other resources of OpenVNet; what interfaces, networks and MAC leases have of them."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

UUID = sa.String(length=24)
TEXT = sa.String(length=255)
NUMBER = sa.BigInteger()
BOOLEAN = sa.Boolean()

Names = tuple[str, ...]


def upgrade() -> None:
    """Take the step."""
    _change_tables()
    _table(
        "segments",
        _column("mode", TEXT),
        _column("vni", NUMBER),
        unique=(("vni",),),
    )
    _table(
        "allowed_address_pairs",
        _column("interface_uuid", UUID),
        _column("network_uuid", UUID),
        _column("ipv4_address", NUMBER),
        _column("ipv4_prefix", NUMBER),
        _column("mac_address", NUMBER, nullable=True),
        indexes=("interface_uuid", "network_uuid"),
    )
    _table(
        "ip_range_groups",
        _column("allocation_type", TEXT),
    )
    _table(
        "ip_ranges",
        _column("ip_range_group_uuid", UUID),
        _column("begin_ipv4_address", NUMBER),
        _column("end_ipv4_address", NUMBER),
        indexes=("ip_range_group_uuid",),
    )
    _table(
        "mac_range_groups",
        _column("allocation_type", TEXT),
    )
    _table(
        "mac_ranges",
        _column("mac_range_group_uuid", UUID),
        _column("begin_mac_address", NUMBER),
        _column("end_mac_address", NUMBER),
        indexes=("mac_range_group_uuid",),
    )
    _table(
        "ip_lease_containers",
    )
    _table(
        "ip_lease_container_ip_leases",
        _column("ip_lease_container_uuid", UUID),
        _column("ip_lease_uuid", UUID),
        unique=(("ip_lease_container_uuid", "ip_lease_uuid"),),
        indexes=("ip_lease_uuid",),
    )
    _table(
        "ip_retention_containers",
        _column("lease_time", NUMBER, nullable=True),
        _column("grace_time", NUMBER, nullable=True),
    )
    _table(
        "ip_retentions",
        _column("ip_retention_container_uuid", UUID),
        _column("ip_lease_uuid", UUID),
        _column("leased_at", NUMBER, nullable=True),
        _column("released_at", NUMBER, nullable=True),
        unique=(("ip_retention_container_uuid", "ip_lease_uuid"),),
        indexes=("ip_lease_uuid",),
    )
    _table(
        "route_links",
        _column("mac_address", NUMBER, nullable=True),
        _column("vni", NUMBER),
        unique=(("mac_address",), ("vni",)),
    )
    _table(
        "routes",
        _column("interface_uuid", UUID),
        _column("route_link_uuid", UUID),
        _column("network_uuid", UUID),
        _column("ipv4_network", NUMBER),
        _column("ipv4_prefix", NUMBER),
        _column("ingress", BOOLEAN),
        _column("egress", BOOLEAN),
        indexes=("interface_uuid", "network_uuid", "route_link_uuid"),
    )
    _table(
        "translations",
        _column("mode", TEXT),
        _column("interface_uuid", UUID),
        _column("passthrough", BOOLEAN),
        indexes=("interface_uuid",),
    )
    _table(
        "translation_static_addresss",
        _column("translation_uuid", UUID),
        _column("route_link_uuid", UUID, nullable=True),
        _column("ingress_ipv4_address", NUMBER),
        _column("egress_ipv4_address", NUMBER),
        _column("ingress_port_number", NUMBER, nullable=True),
        _column("egress_port_number", NUMBER, nullable=True),
        indexes=("route_link_uuid", "translation_uuid"),
    )
    _table(
        "network_services",
        _column("mode", TEXT),
        _column("display_name", TEXT),
        _column("interface_uuid", UUID, nullable=True),
        _column("incoming_port", NUMBER, nullable=True),
        _column("outgoing_port", NUMBER, nullable=True),
        indexes=("interface_uuid",),
    )
    _table(
        "dns_services",
        _column("network_service_uuid", UUID),
        _column("public_dns", TEXT),
        unique=(("network_service_uuid",),),
    )
    _table(
        "dns_records",
        _column("dns_service_uuid", UUID),
        _column("name", TEXT),
        _column("ipv4_address", NUMBER),
        _column("ttl", NUMBER, nullable=True),
        indexes=("dns_service_uuid",),
    )
    _table(
        "filters",
        _column("mode", TEXT),
        _column("interface_uuid", UUID),
        _column("ingress_passthrough", BOOLEAN),
        _column("egress_passthrough", BOOLEAN),
        indexes=("interface_uuid",),
    )
    _table(
        "filter_statics",
        _column("filter_uuid", UUID),
        _column("protocol", TEXT),
        _column("action", TEXT),
        _column("src_address", NUMBER),
        _column("src_prefix", NUMBER),
        _column("dst_address", NUMBER),
        _column("dst_prefix", NUMBER),
        _column("src_port", NUMBER, nullable=True),
        _column("dst_port", NUMBER, nullable=True),
        indexes=("filter_uuid",),
    )
    _table(
        "lease_policys",
        _column("mode", TEXT),
        _column("timing", TEXT),
    )
    _table(
        "lease_policy_networks",
        _column("lease_policy_uuid", UUID),
        _column("network_uuid", UUID),
        _column("ip_range_group_uuid", UUID),
        unique=(("lease_policy_uuid", "network_uuid"),),
        indexes=("ip_range_group_uuid", "network_uuid"),
    )
    _table(
        "lease_policy_interfaces",
        _column("lease_policy_uuid", UUID),
        _column("interface_uuid", UUID),
        _column("label", TEXT, nullable=True),
        unique=(("lease_policy_uuid", "interface_uuid"),),
        indexes=("interface_uuid",),
    )
    _table(
        "lease_policy_ip_lease_containers",
        _column("lease_policy_uuid", UUID),
        _column("ip_lease_container_uuid", UUID),
        _column("label", TEXT, nullable=True),
        unique=(("lease_policy_uuid", "ip_lease_container_uuid"),),
        indexes=("ip_lease_container_uuid",),
    )
    _table(
        "lease_policy_ip_retention_containers",
        _column("lease_policy_uuid", UUID),
        _column("ip_retention_container_uuid", UUID),
        unique=(("lease_policy_uuid", "ip_retention_container_uuid"),),
        indexes=("ip_retention_container_uuid",),
    )
    _table(
        "topologys",
        _column("mode", TEXT),
    )
    _table(
        "topology_datapaths",
        _column("topology_uuid", UUID),
        _column("datapath_uuid", UUID),
        _column("interface_uuid", UUID),
        _column("ip_lease_uuid", UUID, nullable=True),
        unique=(("topology_uuid", "datapath_uuid"),),
        indexes=("datapath_uuid", "interface_uuid", "ip_lease_uuid"),
    )
    _table(
        "topology_networks",
        _column("topology_uuid", UUID),
        _column("network_uuid", UUID),
        unique=(("topology_uuid", "network_uuid"),),
        indexes=("network_uuid",),
    )
    _table(
        "topology_segments",
        _column("topology_uuid", UUID),
        _column("segment_uuid", UUID),
        unique=(("topology_uuid", "segment_uuid"),),
        indexes=("segment_uuid",),
    )
    _table(
        "topology_route_links",
        _column("topology_uuid", UUID),
        _column("route_link_uuid", UUID),
        unique=(("topology_uuid", "route_link_uuid"),),
        indexes=("route_link_uuid",),
    )
    _table(
        "topology_mac_range_groups",
        _column("topology_uuid", UUID),
        _column("mac_range_group_uuid", UUID),
        unique=(("topology_uuid", "mac_range_group_uuid"),),
        indexes=("mac_range_group_uuid",),
    )
    _table(
        "topology_layers",
        _column("overlay_uuid", UUID),
        _column("underlay_uuid", UUID),
        unique=(("overlay_uuid", "underlay_uuid"),),
        indexes=("underlay_uuid",),
    )
    _table(
        "datapath_networks",
        _column("datapath_uuid", UUID),
        _column("network_uuid", UUID),
        _column("interface_uuid", UUID),
        _column("mac_address", NUMBER, nullable=True),
        _column("ip_lease_uuid", UUID, nullable=True),
        _column("topology_uuid", UUID, nullable=True),
        unique=(("datapath_uuid", "network_uuid"), ("mac_address",)),
        indexes=("interface_uuid", "ip_lease_uuid", "network_uuid", "topology_uuid"),
    )
    _table(
        "datapath_segments",
        _column("datapath_uuid", UUID),
        _column("segment_uuid", UUID),
        _column("interface_uuid", UUID),
        _column("mac_address", NUMBER, nullable=True),
        _column("ip_lease_uuid", UUID, nullable=True),
        _column("topology_uuid", UUID, nullable=True),
        unique=(("datapath_uuid", "segment_uuid"), ("mac_address",)),
        indexes=("interface_uuid", "ip_lease_uuid", "segment_uuid", "topology_uuid"),
    )
    _table(
        "datapath_route_links",
        _column("datapath_uuid", UUID),
        _column("route_link_uuid", UUID),
        _column("interface_uuid", UUID),
        _column("mac_address", NUMBER, nullable=True),
        _column("ip_lease_uuid", UUID, nullable=True),
        _column("topology_uuid", UUID, nullable=True),
        unique=(("datapath_uuid", "route_link_uuid"), ("mac_address",)),
        indexes=("interface_uuid", "ip_lease_uuid", "route_link_uuid", "topology_uuid"),
    )
    _table(
        "interface_networks",
        _column("interface_uuid", UUID),
        _column("network_uuid", UUID),
        _column("static", BOOLEAN),
        unique=(("interface_uuid", "network_uuid"),),
        indexes=("network_uuid",),
    )
    _table(
        "interface_segments",
        _column("interface_uuid", UUID),
        _column("segment_uuid", UUID),
        _column("static", BOOLEAN),
        unique=(("interface_uuid", "segment_uuid"),),
        indexes=("segment_uuid",),
    )
    _table(
        "interface_route_links",
        _column("interface_uuid", UUID),
        _column("route_link_uuid", UUID),
        _column("static", BOOLEAN),
        unique=(("interface_uuid", "route_link_uuid"),),
        indexes=("route_link_uuid",),
    )


def _change_tables() -> None:
    for name in ("enabled", "enable_port_security"):
        column: sa.Column[Any] = sa.Column(name, BOOLEAN, nullable=False, server_default=sa.true())
        op.add_column("interfaces", column)
    for name in ("mac_leases", "networks"):
        op.add_column(name, _column("segment_uuid", UUID, nullable=True))
        _index(name, "segment_uuid")


def _column(name: str, kind: sa.types.TypeEngine[Any], nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=nullable)


def _table(
    name: str, *columns: sa.Column[Any], unique: tuple[Names, ...] = (), indexes: Names = ()
) -> None:
    op.create_table(
        name,
        _column("uuid", UUID),
        *columns,
        _column("created", NUMBER),
        sa.PrimaryKeyConstraint("uuid", name=op.f(f"pk_{name}")),
        *(
            sa.UniqueConstraint(*names, name=op.f(f"uq_{name}_{'_'.join(names)}"))
            for names in unique
        ),
    )
    _index(name, "created", "uuid")
    for column in indexes:
        _index(name, column)


def _index(table: str, *columns: str) -> None:
    op.create_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table, columns, unique=False)

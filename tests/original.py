"""A MySQL database of the original OpenVNet, as its migrations 0001 to 0018 leave it.

Columns are as the original's; `given` inserts rows, and says what need not be said in each.
"""

from datetime import datetime

from sqlalchemy import create_engine

NOW = "2019-03-01 12:00:00"

UUID = "uuid VARCHAR(255) NOT NULL UNIQUE"
COMMON = (
    "id INT NOT NULL AUTO_INCREMENT PRIMARY KEY",
    "created_at DATETIME NOT NULL",
    "updated_at DATETIME NOT NULL",
    "deleted_at DATETIME NULL",
    "is_deleted INT NOT NULL DEFAULT 0",
)
DP = (
    *("datapath_id INT NOT NULL", "interface_id INT NULL", "mac_address_id INT NOT NULL"),
    *("ip_lease_id INT NULL", "topology_id INT NULL", "topology_layer_id INT NULL"),
    "topology_mac_range_group_id INT NULL",
)
ACTIVE = ("datapath_id INT NOT NULL",)
STATIC = ("interface_id INT NOT NULL", "static BOOL NOT NULL")
TOPOLOGY = ("topology_id INT NOT NULL",)

TABLES = {
    "datapaths": (
        *(UUID, "display_name VARCHAR(255) NOT NULL", "dpid BIGINT NOT NULL"),
        *("node_id VARCHAR(255) NOT NULL", "enable_ovs_learn_action BOOL NOT NULL DEFAULT 1"),
        "UNIQUE (dpid, node_id, is_deleted)",
    ),
    "datapath_networks": (*DP, "network_id INT NOT NULL"),
    "datapath_segments": (*DP, "segment_id INT NOT NULL"),
    "datapath_route_links": (*DP, "route_link_id INT NOT NULL"),
    "interfaces": (
        *(UUID, "mode VARCHAR(255) NOT NULL DEFAULT ''", "display_name VARCHAR(255) NULL"),
        *("enable_routing BOOL NOT NULL DEFAULT 0", "enable_filtering BOOL NOT NULL DEFAULT 0"),
        "enable_route_translation BOOL NOT NULL DEFAULT 0",
        "enable_legacy_filtering BOOL NOT NULL DEFAULT 0",
    ),
    "interface_ports": (
        *("interface_id INT NOT NULL", "datapath_id INT NULL", "port_name VARCHAR(255) NULL"),
        *("singular BOOL NULL", "interface_mode VARCHAR(255) NOT NULL DEFAULT 'vif'"),
    ),
    "interface_networks": (*STATIC, "network_id INT NOT NULL"),
    "interface_segments": (*STATIC, "segment_id INT NOT NULL"),
    "interface_route_links": (*STATIC, "route_link_id INT NOT NULL"),
    "networks": (
        *(UUID, "display_name VARCHAR(255) NOT NULL", "ipv4_network BIGINT NOT NULL"),
        *("ipv4_prefix INT NOT NULL DEFAULT 24", "mode VARCHAR(255) NULL"),
        *("domain_name VARCHAR(255) NOT NULL", "segment_id INT NULL"),
    ),
    "segments": (UUID, "mode VARCHAR(255) NOT NULL"),
    "mac_addresses": (
        *(UUID, "mac_address BIGINT NOT NULL", "segment_id INT NULL"),
        "UNIQUE (mac_address, is_deleted)",
    ),
    "mac_leases": (UUID, "interface_id INT NULL", "mac_address_id INT NOT NULL"),
    "ip_addresses": (
        *("network_id INT NOT NULL", "ipv4_address BIGINT NOT NULL"),
        "UNIQUE (network_id, ipv4_address, is_deleted)",
    ),
    "ip_leases": (
        *(UUID, "interface_id INT NULL", "mac_lease_id INT NULL", "ip_address_id INT NOT NULL"),
        "enable_routing BOOL NOT NULL DEFAULT 0",
    ),
    "ip_lease_containers": (UUID,),
    "ip_lease_container_ip_leases": (
        "ip_lease_container_id INT NOT NULL",
        "ip_lease_id INT NOT NULL",
    ),
    "ip_range_groups": (UUID, "allocation_type VARCHAR(255) NOT NULL DEFAULT 'incremental'"),
    "ip_ranges": (
        *(UUID, "ip_range_group_id INT NOT NULL", "begin_ipv4_address BIGINT NOT NULL"),
        "end_ipv4_address BIGINT NOT NULL",
    ),
    "mac_range_groups": (UUID, "allocation_type VARCHAR(255) NOT NULL DEFAULT 'random'"),
    "mac_ranges": (
        *(UUID, "mac_range_group_id INT NOT NULL", "begin_mac_address BIGINT NOT NULL"),
        "end_mac_address BIGINT NOT NULL",
    ),
    "network_services": (
        *(UUID, "display_name VARCHAR(255) NULL", "mode VARCHAR(255) NOT NULL"),
        *("interface_id INT NULL", "incoming_port INT NULL", "outgoing_port INT NULL"),
    ),
    "dns_services": (UUID, "network_service_id INT NOT NULL", "public_dns VARCHAR(255) NULL"),
    "dns_records": (
        *(UUID, "dns_service_id INT NOT NULL", "name VARCHAR(255) NOT NULL"),
        *("ipv4_address BIGINT NOT NULL", "ttl INT NULL"),
    ),
    "routes": (
        *(UUID, "mode VARCHAR(255) NOT NULL DEFAULT 'gateway'", "interface_id INT NULL"),
        *("route_link_id INT NOT NULL", "network_id INT NOT NULL", "ipv4_network BIGINT NOT NULL"),
        *("ipv4_prefix INT NOT NULL DEFAULT 24", "ingress BOOL NOT NULL DEFAULT 1"),
        "egress BOOL NOT NULL DEFAULT 1",
    ),
    "route_links": (UUID, "mac_address_id INT NULL"),
    "translations": (
        *(UUID, "mode VARCHAR(255) NOT NULL", "interface_id INT NULL"),
        "passthrough BOOL NOT NULL DEFAULT 0",
    ),
    "translation_static_addresses": (
        *("translation_id INT NOT NULL", "route_link_id INT NULL"),
        *("ingress_ipv4_address BIGINT NOT NULL", "egress_ipv4_address BIGINT NOT NULL"),
        *("ingress_port_number INT NULL", "egress_port_number INT NULL"),
    ),
    "filters": (
        *(UUID, "mode VARCHAR(255) NOT NULL", "interface_id INT NULL"),
        *("ingress_passthrough BOOL NOT NULL", "egress_passthrough BOOL NOT NULL"),
    ),
    "filter_statics": (
        *("filter_id INT NOT NULL", "protocol VARCHAR(255) NOT NULL"),
        *("action VARCHAR(255) NOT NULL", "src_address BIGINT NOT NULL"),
        *("dst_address BIGINT NOT NULL", "src_prefix INT NOT NULL", "dst_prefix INT NOT NULL"),
        *("port_src INT NULL", "port_dst INT NULL"),
    ),
    "topologies": (UUID, "mode VARCHAR(255) NOT NULL"),
    "topology_datapaths": (
        *(*TOPOLOGY, "datapath_id INT NOT NULL", "interface_id INT NOT NULL"),
        "ip_lease_id INT NOT NULL",
    ),
    "topology_networks": (*TOPOLOGY, "network_id INT NOT NULL"),
    "topology_segments": (*TOPOLOGY, "segment_id INT NOT NULL"),
    "topology_route_links": (*TOPOLOGY, "route_link_id INT NOT NULL"),
    "topology_mac_range_groups": (*TOPOLOGY, "mac_range_group_id INT NOT NULL"),
    "topology_layers": ("overlay_id INT NOT NULL", "underlay_id INT NOT NULL"),
    "tunnels": (
        *(UUID, "mode VARCHAR(255) NOT NULL", "src_datapath_id INT NOT NULL"),
        *("dst_datapath_id INT NOT NULL", "src_interface_id INT NOT NULL"),
        "dst_interface_id INT NOT NULL",
    ),
    "lease_policies": (
        *(UUID, "mode VARCHAR(255) NOT NULL DEFAULT 'simple'"),
        "timing VARCHAR(255) NOT NULL DEFAULT 'immediate'",
    ),
    "lease_policy_base_networks": (
        *("lease_policy_id INT NOT NULL", "network_id INT NOT NULL"),
        "ip_range_group_id INT NOT NULL",
    ),
    "lease_policy_base_interfaces": (
        *("lease_policy_id INT NOT NULL", "interface_id INT NOT NULL", "label VARCHAR(255) NULL"),
    ),
    "lease_policy_ip_lease_containers": (
        *("lease_policy_id INT NOT NULL", "ip_lease_container_id INT NOT NULL"),
        "label VARCHAR(255) NULL",
    ),
    "lease_policy_ip_retention_containers": (
        "lease_policy_id INT NOT NULL",
        "ip_retention_container_id INT NOT NULL",
    ),
    "ip_retention_containers": (UUID, "lease_time INT NULL", "grace_time INT NULL"),
    "ip_retentions": (
        *("ip_lease_id INT NOT NULL", "ip_retention_container_id INT NOT NULL"),
        *("leased_at DATETIME NULL", "released_at DATETIME NULL"),
    ),
    "active_interfaces": (
        *("interface_id INT NOT NULL", *ACTIVE, "label VARCHAR(255) NULL", "singular BOOL NULL"),
        *("port_name VARCHAR(255) NULL", "port_number VARCHAR(255) NULL"),
        "enable_routing BOOL NOT NULL DEFAULT 0",
    ),
    "active_networks": ("network_id INT NOT NULL", *ACTIVE),
    "active_segments": ("segment_id INT NOT NULL", *ACTIVE),
    "active_route_links": ("route_link_id INT NOT NULL", *ACTIVE),
    "active_ports": (
        *(*ACTIVE, "port_name VARCHAR(255) NOT NULL", "port_number INT UNSIGNED NOT NULL"),
        "mode VARCHAR(255) NOT NULL",
    ),
    "schema_migrations": ("filename VARCHAR(255) NOT NULL",),
}


def made(server, rows):
    """The address of a database of the original with these rows, by table."""
    where = server.nothing()
    engine = create_engine(where)
    with engine.begin() as connection:
        for table, columns in TABLES.items():
            words = ", ".join((*COMMON, *columns))
            connection.exec_driver_sql(f"CREATE TABLE {table} ({words}) ENGINE=InnoDB CHARSET=utf8")
        for table, those in rows.items():
            for number, row in enumerate(those, start=1):
                values = {"id": number, "created_at": NOW, "updated_at": NOW, **row}
                names = ", ".join(values)
                places = ", ".join(["%s"] * len(values))
                statement = f"INSERT INTO {table} ({names}) VALUES ({places})"
                connection.exec_driver_sql(statement, tuple(values.values()))
    engine.dispose()
    return where.replace("mysql+pymysql://", "mysql://")


def deleted(number, **row):
    """A row that the original only marked as deleted."""
    return {**row, "id": number, "deleted_at": datetime(2019, 2, 1), "is_deleted": number}

"""Datapaths, networks, interfaces, ports and leases, and the revision log."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Take the step."""
    op.create_table(
        "datapaths",
        sa.Column("uuid", sa.String(length=24), nullable=False),
        sa.Column("display_name", sa.String(length=255), nullable=False),
        sa.Column("dpid", sa.String(length=255), nullable=False),
        sa.Column("node_id", sa.String(length=255), nullable=False),
        sa.Column("enable_ovs_learn_action", sa.Boolean(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("uuid", name="pk_datapaths"),
        sa.UniqueConstraint("dpid", "node_id", name="uq_datapaths_dpid_node_id"),
    )
    op.create_index("ix_datapaths_created_uuid", "datapaths", ["created", "uuid"], unique=False)
    op.create_index("ix_datapaths_node_id", "datapaths", ["node_id"], unique=False)
    op.create_table(
        "interface_ports",
        sa.Column("uuid", sa.String(length=24), nullable=False),
        sa.Column("interface_uuid", sa.String(length=24), nullable=False),
        sa.Column("datapath_uuid", sa.String(length=24), nullable=True),
        sa.Column("port_name", sa.String(length=255), nullable=True),
        sa.Column("singular", sa.Boolean(), nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("uuid", name="pk_interface_ports"),
        sa.UniqueConstraint(
            "interface_uuid",
            "datapath_uuid",
            name="uq_interface_ports_interface_uuid_datapath_uuid",
        ),
        sa.UniqueConstraint(
            "port_name", "datapath_uuid", name="uq_interface_ports_port_name_datapath_uuid"
        ),
    )
    op.create_index(
        "ix_interface_ports_created_uuid", "interface_ports", ["created", "uuid"], unique=False
    )
    op.create_index(
        "ix_interface_ports_datapath_uuid", "interface_ports", ["datapath_uuid"], unique=False
    )
    op.create_table(
        "interfaces",
        sa.Column("uuid", sa.String(length=24), nullable=False),
        sa.Column("mode", sa.String(length=255), nullable=False),
        sa.Column("display_name", sa.String(length=255), nullable=False),
        sa.Column("enable_routing", sa.Boolean(), nullable=False),
        sa.Column("enable_route_translation", sa.Boolean(), nullable=False),
        sa.Column("enable_filtering", sa.Boolean(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("uuid", name="pk_interfaces"),
    )
    op.create_index("ix_interfaces_created_uuid", "interfaces", ["created", "uuid"], unique=False)
    op.create_table(
        "ip_leases",
        sa.Column("uuid", sa.String(length=24), nullable=False),
        sa.Column("network_uuid", sa.String(length=24), nullable=False),
        sa.Column("ipv4_address", sa.BigInteger(), nullable=False),
        sa.Column("interface_uuid", sa.String(length=24), nullable=True),
        sa.Column("mac_lease_uuid", sa.String(length=24), nullable=True),
        sa.Column("enable_routing", sa.Boolean(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("uuid", name="pk_ip_leases"),
        sa.UniqueConstraint(
            "network_uuid", "ipv4_address", name="uq_ip_leases_network_uuid_ipv4_address"
        ),
    )
    op.create_index("ix_ip_leases_created_uuid", "ip_leases", ["created", "uuid"], unique=False)
    op.create_index("ix_ip_leases_interface_uuid", "ip_leases", ["interface_uuid"], unique=False)
    op.create_index("ix_ip_leases_mac_lease_uuid", "ip_leases", ["mac_lease_uuid"], unique=False)
    op.create_table(
        "mac_leases",
        sa.Column("uuid", sa.String(length=24), nullable=False),
        sa.Column("interface_uuid", sa.String(length=24), nullable=True),
        sa.Column("mac_address", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("uuid", name="pk_mac_leases"),
        sa.UniqueConstraint("mac_address", name="uq_mac_leases_mac_address"),
    )
    op.create_index("ix_mac_leases_created_uuid", "mac_leases", ["created", "uuid"], unique=False)
    op.create_index("ix_mac_leases_interface_uuid", "mac_leases", ["interface_uuid"], unique=False)
    op.create_table(
        "networks",
        sa.Column("uuid", sa.String(length=24), nullable=False),
        sa.Column("display_name", sa.String(length=255), nullable=False),
        sa.Column("mode", sa.String(length=255), nullable=False),
        sa.Column("ipv4_network", sa.BigInteger(), nullable=False),
        sa.Column("ipv4_prefix", sa.BigInteger(), nullable=False),
        sa.Column("domain_name", sa.String(length=255), nullable=False),
        sa.Column("vni", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("uuid", name="pk_networks"),
        sa.UniqueConstraint("vni", name="uq_networks_vni"),
    )
    op.create_index("ix_networks_created_uuid", "networks", ["created", "uuid"], unique=False)
    op.create_table(
        "revisions",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("uuid", sa.String(length=24), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("origin", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("number", "position", name="pk_revisions"),
    )
    op.create_table(
        "store",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.String(length=32), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_store"),
    )

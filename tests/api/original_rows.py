"""Rows of an original OpenVNet: each kind of them with its quirks, and what becomes of those."""

from datetime import datetime

from tests.original import deleted
from tests.vnmgr import ip, mac


def addressed(number, **more):
    """An IP lease and its address."""
    return {"uuid": f"l{number}", "ip_address_id": number, **more}


MACS = [*range(1, 9)]
ROWS = {
    "datapaths": [
        {"uuid": "one", "display_name": "one", "dpid": 0xAAAAAAAAAAAA, "node_id": "vna1"},
        {
            "uuid": "two",
            "display_name": "",
            "dpid": -1,
            "node_id": "vna2",
            "enable_ovs_learn_action": 0,
        },
        deleted(3, uuid="gone", display_name="", dpid=1, node_id="vna3"),
    ],
    "segments": [{"uuid": "s1", "mode": "virtual"}],
    "networks": [
        {
            "uuid": "front",
            "display_name": "front",
            "ipv4_network": ip("10.1.0.0"),
            "mode": "virtual",
            "domain_name": "front",
            "segment_id": 1,
        },
        {
            "uuid": "hosts",
            "display_name": "hosts",
            "ipv4_network": ip("172.16.0.9"),
            "mode": "physical",
            "domain_name": "hosts",
        },
        {"uuid": "dead", "display_name": "", "ipv4_network": 0, "mode": None, "domain_name": ""},
        deleted(4, uuid="old", display_name="", ipv4_network=0, mode="virtual", domain_name=""),
    ],
    "interfaces": [
        {"uuid": "vm1", "mode": "vif", "enable_filtering": 1, "enable_legacy_filtering": 1},
        {"uuid": "host1", "mode": "host", "display_name": "eth0"},
        {"uuid": "router", "mode": "simulated", "enable_routing": 1},
        {"uuid": "edge", "mode": "edge"},
        {"uuid": "lan", "mode": "promiscuous"},
        deleted(6, uuid="vm0", mode="vif"),
    ],
    "interface_ports": [
        {"interface_id": 1, "datapath_id": 1, "port_name": "tap1", "singular": 1},
        {"interface_id": 2, "datapath_id": 1, "port_name": "eth0", "singular": 1},
        {"interface_id": 3, "port_name": ""},
        {"interface_id": 4, "datapath_id": 1, "port_name": "edge0"},
        {"interface_id": 6, "port_name": "tap0"},
    ],
    "mac_addresses": [
        *(
            {"uuid": f"m{n}", "mac_address": mac(n), "segment_id": 1 if n == 1 else None}
            for n in MACS
        ),
        deleted(9, uuid="m9", mac_address=mac(9)),
        {"uuid": "m10", "mac_address": 0x010000000000},
    ],
    "mac_leases": [
        {"uuid": "l1", "interface_id": 1, "mac_address_id": 1},
        {"uuid": "l2", "interface_id": 2, "mac_address_id": 2},
        {"uuid": "l3", "interface_id": 3, "mac_address_id": 3},
        {"uuid": "l4", "interface_id": None, "mac_address_id": 4},
        {"uuid": "l5", "interface_id": 1, "mac_address_id": 9},
        {"uuid": "l6", "interface_id": 1, "mac_address_id": 10},
    ],
    "ip_addresses": [
        {"network_id": 1, "ipv4_address": ip("10.1.0.10")},
        {"network_id": 2, "ipv4_address": ip("172.16.0.1")},
        {"network_id": 1, "ipv4_address": ip("10.1.0.1")},
        {"network_id": 1, "ipv4_address": ip("10.2.0.1")},
        {"network_id": 1, "ipv4_address": ip("10.1.0.20")},
        {"network_id": 3, "ipv4_address": 1},
        {"network_id": 1, "ipv4_address": ip("10.1.0.21")},
    ],
    "ip_leases": [
        addressed(1, interface_id=1, mac_lease_id=1),
        addressed(2, interface_id=2, mac_lease_id=2),
        addressed(3, interface_id=3, enable_routing=1),
        addressed(4, interface_id=1, mac_lease_id=1),
        addressed(5),
        addressed(6, interface_id=1, mac_lease_id=1),
        addressed(7, interface_id=3, mac_lease_id=1),
    ],
    "ip_range_groups": [{"uuid": "pool", "allocation_type": "decremental"}],
    "ip_ranges": [
        {
            "uuid": "r1",
            "ip_range_group_id": 1,
            "begin_ipv4_address": ip("10.1.0.50"),
            "end_ipv4_address": ip("10.1.0.60"),
        },
        {"uuid": "r2", "ip_range_group_id": 7, "begin_ipv4_address": 1, "end_ipv4_address": 2},
        {"uuid": "r3", "ip_range_group_id": 1, "begin_ipv4_address": 2, "end_ipv4_address": 1},
    ],
    "mac_range_groups": [{"uuid": "dpg", "allocation_type": "whatever"}],
    "mac_ranges": [
        {
            "uuid": "r1",
            "mac_range_group_id": 1,
            "begin_mac_address": mac(0x100),
            "end_mac_address": mac(0x1FF),
        },
    ],
    "ip_lease_containers": [{"uuid": "c1"}],
    "ip_lease_container_ip_leases": [
        {"ip_lease_container_id": 1, "ip_lease_id": 1},
        {"ip_lease_container_id": 1, "ip_lease_id": 1},
    ],
    "ip_retention_containers": [{"uuid": "c1", "lease_time": 90, "grace_time": None}],
    "ip_retentions": [
        {
            "ip_retention_container_id": 1,
            "ip_lease_id": 5,
            "leased_at": datetime(2019, 1, 1),
            "released_at": datetime(2019, 1, 2),
        },
    ],
    "route_links": [{"uuid": "rl1", "mac_address_id": 5}, {"uuid": "rl2"}],
    "routes": [
        {
            "uuid": "r1",
            "interface_id": 3,
            "route_link_id": 1,
            "network_id": 1,
            "ipv4_network": ip("10.1.0.0"),
            "egress": 0,
        },
        {
            "uuid": "r2",
            "interface_id": None,
            "route_link_id": 1,
            "network_id": 1,
            "ipv4_network": 0,
        },
    ],
    "translations": [{"uuid": "t1", "mode": "static_address", "interface_id": 3}],
    "translation_static_addresses": [
        {
            "translation_id": 1,
            "route_link_id": 1,
            "ingress_ipv4_address": 1,
            "egress_ipv4_address": 2,
        },
        {"translation_id": 1, "ingress_ipv4_address": 1, "egress_ipv4_address": 2},
        {
            "translation_id": 1,
            "ingress_ipv4_address": 3,
            "egress_ipv4_address": 4,
            "ingress_port_number": 80,
        },
    ],
    "network_services": [
        {"uuid": "dhcp", "mode": "dhcp", "interface_id": 3},
        {"uuid": "dns", "mode": "dns", "interface_id": 3, "display_name": "names"},
    ],
    "dns_services": [
        {"uuid": "d1", "network_service_id": 2, "public_dns": "8.8.8.8, 8.8.4.4"},
        {"uuid": "d2", "network_service_id": 2, "public_dns": None},
        {"uuid": "d3", "network_service_id": 1},
    ],
    "dns_records": [
        {"uuid": "a1", "dns_service_id": 1, "name": "www", "ipv4_address": ip("10.1.0.10")},
        {"uuid": "a2", "dns_service_id": 2, "name": "www", "ipv4_address": 1},
        {"uuid": "a3", "dns_service_id": 1, "name": "no name", "ipv4_address": 1},
    ],
    "filters": [
        {
            "uuid": "f1",
            "mode": "static",
            "interface_id": 1,
            "ingress_passthrough": 0,
            "egress_passthrough": 1,
        },
    ],
    "filter_statics": [
        {
            "filter_id": 1,
            "protocol": "tcp",
            "action": "pass",
            "src_address": ip("10.0.0.1"),
            "src_prefix": 8,
            "dst_address": 0,
            "dst_prefix": 0,
            "port_src": 0,
            "port_dst": 22,
        },
        {
            "filter_id": 1,
            "protocol": "tcp",
            "action": "drop",
            "src_address": ip("10.0.0.0"),
            "src_prefix": 8,
            "dst_address": 0,
            "dst_prefix": 0,
            "port_src": 0,
            "port_dst": 22,
        },
        {
            "filter_id": 1,
            "protocol": "icmp",
            "action": "log",
            "src_address": 0,
            "src_prefix": 0,
            "dst_address": 0,
            "dst_prefix": 0,
        },
    ],
    "lease_policies": [{"uuid": "p1"}],
    "lease_policy_base_networks": [
        {"lease_policy_id": 1, "network_id": 1, "ip_range_group_id": 1},
        {"lease_policy_id": 1, "network_id": 1, "ip_range_group_id": 1},
    ],
    "lease_policy_base_interfaces": [{"lease_policy_id": 1, "interface_id": 1, "label": "web"}],
    "lease_policy_ip_lease_containers": [
        {"lease_policy_id": 1, "ip_lease_container_id": 1, "label": "web"},
    ],
    "lease_policy_ip_retention_containers": [
        {"lease_policy_id": 1, "ip_retention_container_id": 1},
    ],
    "topologies": [
        {"uuid": "under", "mode": "simple_underlay"},
        {"uuid": "over", "mode": "simple_overlay"},
    ],
    "topology_datapaths": [
        {"topology_id": 1, "datapath_id": 1, "interface_id": 2, "ip_lease_id": 2},
        {"topology_id": 1, "datapath_id": 2, "interface_id": 1, "ip_lease_id": 1},
    ],
    "topology_networks": [
        {"topology_id": 1, "network_id": 2},
        {"topology_id": 2, "network_id": 1},
    ],
    "topology_segments": [{"topology_id": 2, "segment_id": 1}],
    "topology_route_links": [
        {"topology_id": 2, "route_link_id": 1},
        {"topology_id": 1, "route_link_id": 1},
    ],
    "topology_mac_range_groups": [{"topology_id": 1, "mac_range_group_id": 1}],
    "topology_layers": [{"overlay_id": 2, "underlay_id": 1}],
    "datapath_networks": [
        {
            "datapath_id": 1,
            "network_id": 1,
            "interface_id": 2,
            "mac_address_id": 6,
            "topology_id": 2,
            "topology_layer_id": 1,
        },
        {"datapath_id": 2, "network_id": 1, "interface_id": 2, "mac_address_id": 8},
        {"datapath_id": 1, "network_id": 2, "interface_id": None, "mac_address_id": 8},
    ],
    "datapath_segments": [
        {
            "datapath_id": 1,
            "segment_id": 1,
            "interface_id": 2,
            "mac_address_id": 7,
            "ip_lease_id": 2,
        },
    ],
    "datapath_route_links": [
        {"datapath_id": 1, "route_link_id": 1, "interface_id": 2, "mac_address_id": 99},
    ],
    "interface_networks": [
        {"interface_id": 1, "network_id": 1, "static": 0},
        {"interface_id": 5, "network_id": 1, "static": 1},
    ],
    "interface_segments": [{"interface_id": 1, "segment_id": 1, "static": 0}],
    "interface_route_links": [{"interface_id": 3, "route_link_id": 1, "static": 0}],
    "tunnels": [
        {
            "uuid": "t1",
            "mode": "gre",
            "src_datapath_id": 1,
            "dst_datapath_id": 2,
            "src_interface_id": 2,
            "dst_interface_id": 2,
        },
    ],
    "active_ports": [{"datapath_id": 1, "port_name": "tap1", "port_number": 4, "mode": "vif"}],
}
REFUSED = {
    "networks 3 (nw-dead)": "mode is none",
    "interfaces 4 (if-edge)": "mode edge must be one of vif",
    "interface_ports 4": "interface_id 4: that row of interfaces was not carried over",
    "interface_ports 5": "interface_id 6: that row of interfaces does not exist",
    "mac_leases 4 (ml-l4)": "interface_id is none",
    "mac_leases 5 (ml-l5)": "mac_address_id 9: that row of mac_addresses does not exist",
    "mac_leases 6 (ml-l6)": "mac_address 01:00:00:00:00:00 must be the address of one interface",
    "ip_leases 4 (il-l4)": "ipv4_address 10.2.0.1 is not in network nw-front, 10.1.0.0/24",
    "ip_leases 6 (il-l6)": "network_id of its IP address 3: that row of networks was not",
    "ip_ranges 2 (ipr-r2)": "ip_range_group_id 7: that row of ip_range_groups does not exist",
    "ip_ranges 3 (ipr-r3)": "it begins at 0.0.0.2, after its end 0.0.0.1",
    "ip_lease_container_ip_leases 2": "belongs to IP lease of a container ilcil-1 already",
    "routes 2 (r-r2)": "interface_id is none",
    "translation_static_addresses 2": "it says the same as trs-1",
    "translation_static_addresses 3": "one of its two ports is missing",
    "dns_services 2 (dnss-d2)": "network_service_uuid ns-dns belongs to DNS service dnss-d1",
    "dns_services 3 (dnss-d3)": "network service ns-dhcp is of mode dhcp, not dns",
    "dns_records 2 (dnsr-a2)": "dns_service_id 2: that row of dns_services was not carried over",
    "dns_records 3 (dnsr-a3)": "name no name must be a domain name",
    "filter_statics 2": "it says the same as fils-1",
    "filter_statics 3": "action log must be one of pass, drop, conn",
    "lease_policy_base_networks 2": "belongs to network of a lease policy lpnw-1 already",
    "topology_datapaths 2": "interface if-vm1 is of mode vif, not host",
    "topology_route_links 2": "topology topo-under is of mode simple_underlay",
    "datapath_networks 2": "interface if-host1 has no port on datapath dp-two",
    "datapath_networks 3": "interface_id is none",
    "datapath_route_links 1": "mac_address_id 99: that row of mac_addresses does not exist",
}
CHANGED = {
    "networks 2 (nw-hosts)": "ipv4_network 172.16.0.9 has bits beyond 24: 172.16.0.0",
    "ip_leases 3 (il-l3)": "mac_lease is none; it becomes the interface's first, ml-l3",
    "ip_leases 7 (il-l7)": "interface if-router becomes if-vm1, as of its MAC lease",
    "mac_range_groups 1 (mrg-dpg)": "allocation_type whatever becomes random",
    "filter_statics 1": "src_address 10.0.0.1 has bits beyond 8: 10.0.0.0",
}

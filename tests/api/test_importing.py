"""The database of an original OpenVNet, with each kind of row and its quirks, carried over."""

import json
import re
from datetime import datetime

import pytest

from openvnet.client import Client
from openvnet.importing.original import ImportFailed, read
from openvnet.importing.original import address as parsed
from tests import original
from tests.api.processes import vnctl
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


@pytest.fixture(scope="module")
def address(mariadb):
    """Of the original's database."""
    return original.made(mariadb, ROWS)


def told(text, head):
    """What a section of the report says, by row."""
    lines = text.partition(f"\n{head}:\n")[2].partition("\n\n")[0].splitlines()
    return dict(re.fullmatch(r"  (\S+ \d+(?: \(\S+\))?): (.*)", line).groups() for line in lines)


def test_what_is_carried_over_and_what_is_not_is_said_row_by_row_and_then_done(run, address):
    words = ("db", "import", "--from", address)
    rehearsed = vnctl(run, *words)
    assert rehearsed.returncode == 0, rehearsed.stderr
    for head, expected in (("Not carried", REFUSED), ("Carried with a change", CHANGED)):
        found = told(rehearsed.stdout, head)
        assert found.keys() == expected.keys()
        for row, why in expected.items():
            assert why in found[row]
    assert re.search(r"^networks +3 +2 +1 +1 +1$", rehearsed.stdout, re.MULTILINE)
    anew = "interface_networks 1, interface_segments 1, interface_route_links 1, tunnels 1"
    assert f"made anew: {anew}, active_ports 1." in rehearsed.stdout
    assert "Nothing was written. --commit would carry over" in rehearsed.stderr
    with Client(f"unix:{run}/webapi.sock") as client:
        assert client.get("/datapaths").body["items"] == []
        done = vnctl(run, *words, "--commit")
        assert (done.returncode, done.stdout) == (0, rehearsed.stdout)
        is_carried_over(client)
        changes = client.get("/changes").body["items"]
        assert ": imported the database of an original OpenVNet" in changes[-1]["asked_by"]
        again = vnctl(run, *words, "--commit")
        assert again.returncode == 1
        assert "The database is not empty" in again.stderr
        # What was imported is ours: rules and counters go on from it.
        network = {"uuid": "nw-new", "ipv4_network": "10.9.0.0"}
        assert client.write("POST", "/networks", network).body["vni"] > 3
        backup = vnctl(run, "db", "backup", str(run / "kept"))
        assert backup.returncode == 0


def is_carried_over(client):
    def of(path, *names):
        items = client.get(path).body["items"]
        return [tuple(item[name] for name in names) for item in items]

    def joined(path, *names):
        items = client.get(path).body["items"]
        return [tuple(item["association"].get(name) for name in names) for item in items]

    assert of("/datapaths", "uuid", "dpid", "node_id", "enable_ovs_learn_action") == [
        ("dp-one", "0x0000aaaaaaaaaaaa", "vna1", True),
        ("dp-two", "0xffffffffffffffff", "vna2", False),
    ]
    assert of("/networks", "uuid", "mode", "ipv4_network", "segment_uuid") == [
        ("nw-front", "virtual", "10.1.0.0", "seg-s1"),
        ("nw-hosts", "physical", "172.16.0.0", None),
    ]
    numbers = [*of("/segments", "vni"), *of("/networks", "vni"), *of("/route_links", "vni")]
    assert len(set(numbers)) == 5
    assert of("/interfaces", "uuid", "mode", "mac_address", "ipv4_address", "enable_filtering") == [
        ("if-vm1", "vif", "52:54:00:00:00:01", "10.1.0.10", True),
        ("if-host1", "host", "52:54:00:00:00:02", "172.16.0.1", False),
        ("if-router", "simulated", "52:54:00:00:00:03", "10.1.0.1", False),
        ("if-lan", "promiscuous", None, None, False),
    ]
    assert of("/interfaces/if-vm1/ports", "datapath_uuid", "port_name", "singular") == [
        ("dp-one", "tap1", True),
    ]
    assert of("/interfaces/if-router/ports", "datapath_uuid", "port_name") == [(None, None)]
    assert of("/mac_leases", "uuid", "segment_uuid")[0] == ("ml-l1", "seg-s1")
    assert of("/ip_leases", "uuid", "interface_uuid", "mac_lease_uuid", "enable_routing") == [
        ("il-l1", "if-vm1", "ml-l1", False),
        ("il-l2", "if-host1", "ml-l2", False),
        ("il-l3", "if-router", "ml-l3", True),
        ("il-l5", None, None, False),
        ("il-l7", "if-vm1", "ml-l1", False),
    ]
    assert of("/ip_range_groups/iprg-pool/ip_ranges", "uuid", "begin_ipv4_address") == [
        ("ipr-r1", "10.1.0.50"),
    ]
    assert of("/mac_range_groups/mrg-dpg/mac_ranges", "end_mac_address") == [
        ("52:54:00:00:01:ff",),
    ]
    assert of("/ip_lease_containers/ilc-c1/ip_leases", "uuid") == [("il-l1",)]
    (retention,) = client.get("/ip_retention_containers/irc-c1/ip_retentions").body["items"]
    assert retention["ip_lease_uuid"] == "il-l5"
    assert retention["released_at"] - retention["leased_at"] == 24 * 60 * 60
    assert of("/route_links", "uuid", "mac_address") == [
        ("rl-rl1", "52:54:00:00:00:05"),
        ("rl-rl2", None),
    ]
    assert of("/routes", "uuid", "ipv4_network", "ingress", "egress") == [
        ("r-r1", "10.1.0.0", True, False),
    ]
    assert of("/translations/tr-t1/static_address", "route_link_uuid", "egress_ipv4_address") == [
        ("rl-rl1", "0.0.0.2"),
    ]
    assert of("/dns_services", "uuid", "public_dns") == [("dnss-d1", "8.8.8.8,8.8.4.4")]
    assert of("/dns_services/dnss-d1/dns_records", "name", "ttl") == [("www", None)]
    assert of("/network_services", "uuid", "mode", "interface_uuid") == [
        ("ns-dhcp", "dhcp", "if-router"),
        ("ns-dns", "dns", "if-router"),
    ]
    assert of("/filters", "uuid", "ingress_passthrough", "egress_passthrough") == [
        ("fil-f1", False, True),
    ]
    assert of("/filters/fil-f1/static", "src_address", "src_prefix", "src_port", "dst_port") == [
        ("10.0.0.0", 8, 0, 22),
    ]
    assert joined("/lease_policies/lp-p1/networks", "ip_range_group_uuid") == [("iprg-pool",)]
    assert joined("/lease_policies/lp-p1/interfaces", "label") == [("web",)]
    assert joined("/lease_policies/lp-p1/ip_lease_containers", "label") == [("web",)]
    assert of("/lease_policies/lp-p1/ip_retention_containers", "uuid") == [("irc-c1",)]
    assert joined("/topologies/topo-under/datapaths", "interface_uuid", "ip_lease_uuid") == [
        ("if-host1", "il-l2"),
    ]
    assert of("/topologies/topo-over/underlays", "uuid") == [("topo-under",)]
    for relation, uuid in (
        ("networks", "nw-front"),
        ("segments", "seg-s1"),
        ("route_links", "rl-rl1"),
    ):
        assert of(f"/topologies/topo-over/{relation}", "uuid") == [(uuid,)]
    assert of("/topologies/topo-under/mac_range_groups", "uuid") == [("mrg-dpg",)]
    # What a topology had made is kept, and what it should have made is made.
    carried = ("mac_address", "ip_lease_uuid", "topology_uuid")
    first, made = joined("/datapaths/dp-one/networks", *carried)
    assert first == ("52:54:00:00:00:06", "il-l2", "topo-over")
    assert made[0].startswith("52:54:00:00:01:")
    assert made[1:] == ("il-l2", "topo-under")
    ((address, *_),) = joined("/datapaths/dp-one/route_links", *carried)
    assert address.startswith("52:54:00:00:01:")
    assert joined("/datapaths/dp-one/segments", "mac_address") == [("52:54:00:00:00:07",)]
    assert [
        (item["uuid"], item["association"]["static"])
        for item in client.get("/interfaces/if-lan/networks").body["items"]
    ] == [("nw-front", True)]


def test_the_password_is_never_on_the_command_line(run, mariadb, address, tmp_path):
    mariadb.say("CREATE USER IF NOT EXISTS reader IDENTIFIED BY 'se cret'")
    mariadb.say("GRANT SELECT ON *.* TO reader")
    where = re.sub("mysql://root@", "mysql://reader@", address)
    words = ("db", "import", "-o", "json", "--from")
    refused = vnctl(run, *words, where.replace("reader@", "reader:secret@"))
    assert "seen by all users" in refused.stderr
    assert "secret" not in refused.stderr
    file = tmp_path / "password"
    file.write_text("se cret\n")
    done = vnctl(run, *words, where, "--password-file", str(file))
    assert (done.returncode, json.loads(done.stdout)["unknown"]) == (0, {})
    assert vnctl(run, *words, where, VNET_IMPORT_PASSWORD="se cret").returncode == 0
    refused = vnctl(run, *words, where, VNET_IMPORT_PASSWORD="wrong")
    assert refused.returncode == 1
    assert "Access denied for user 'reader'" in refused.stderr
    assert "wrong" not in refused.stderr


def test_what_cannot_be_read_is_said_in_words():
    refused = vnctl("/nowhere", "db", "import", "--from", "mysql://root@127.0.0.1:1/vnet")
    assert refused.returncode == 1
    assert "Can't connect to MySQL server" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("postgresql://root@localhost/vnet", "must be mysql://user@host:3306/name"),
        ("nonsense", "must be mysql://user@host:3306/name"),
        ("mysql://root@localhost", "must name the database"),
    ],
)
def test_what_is_no_address_is_refused(where, said):
    with pytest.raises(ImportFailed, match=said):
        parsed(where)


def test_a_database_of_something_else_is_none_of_the_original(mariadb):
    where = parsed(mariadb.nothing().replace("mysql+pymysql://", "mysql://"))
    with pytest.raises(ImportFailed, match="no table datapaths, segments, networks and others"):
        read(where, "")

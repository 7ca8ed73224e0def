"""The database of an original OpenVNet, with each kind of row and its quirks, carried over."""

import json
import re

import pytest

from openvnet.client import Client
from openvnet.importing.original import ImportFailed, read
from openvnet.importing.original import address as parsed
from tests import original
from tests.api.original_rows import CHANGED, REFUSED, ROWS
from tests.api.processes import vnctl


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

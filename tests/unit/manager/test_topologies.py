"""What topologies make datapaths carry, and when."""

from contextlib import closing

import pytest

from openvnet.model import DatapathNetwork, DatapathRouteLink, DatapathSegment, RouteLink
from openvnet.store.database import opened
from tests.databases import sqlite
from tests.unit.manager.desk import Desk
from tests.vnmgr import ip, mac


def carried(desk):
    """Which datapath carries which network, and who says so."""
    return {
        (row.datapath_uuid, row.network_uuid): row.topology_uuid
        for row in desk.rows(DatapathNetwork)
    }


def in_underlay(desk, number, topology="topo-u"):
    values = {"interface_uuid": f"if-h{number}"}
    return desk.create("topology_datapaths", topology, f"dp-{number}", **values)


@pytest.fixture
def desk(tmp_path):
    """Two hosts in an underlay with MAC ranges, and an overlay above it."""
    with closing(opened(sqlite(tmp_path / "vnet.sqlite"))) as store:
        desk = Desk(store)
        desk.create("networks", uuid="nw-public", mode="physical", ipv4_network=ip("172.16.0.0"))
        desk.create("topologies", uuid="topo-u", mode="simple_underlay")
        desk.create("topologies", uuid="topo-o", mode="simple_overlay")
        desk.create("topology_layers", "topo-o", "topo-u")
        desk.create("mac_range_groups", uuid="mrg-1")
        desk.create("mac_ranges", "mrg-1", begin_mac_address=mac(1000), end_mac_address=mac(1999))
        desk.create("topology_mac_range_groups", "topo-u", "mrg-1")
        for number in (1, 2):
            desk.host(number)
            in_underlay(desk, number)
        yield desk


def network(desk, uuid="nw-1", **more):
    return desk.create("networks", uuid=uuid, ipv4_network=ip("10.0.0.0"), **more)


def test_each_datapath_of_an_underlay_carries_its_networks_and_segments(desk):
    network(desk, topology_uuid="topo-u")
    desk.create("segments", uuid="seg-1", mode="virtual", topology_uuid="topo-u")
    rows = desk.rows(DatapathNetwork)
    assert carried(desk) == {("dp-1", "nw-1"): "topo-u", ("dp-2", "nw-1"): "topo-u"}
    assert {row.datapath_uuid for row in desk.rows(DatapathSegment)} == {"dp-1", "dp-2"}
    assert {row.interface_uuid for row in rows} == {"if-h1", "if-h2"}
    assert all(row.ip_lease_uuid for row in rows)
    assert all(mac(1000) <= row.mac_address <= mac(1999) for row in rows)


def test_an_underlay_says_how_packets_come_to_its_datapaths_unless_one_is_told_otherwise(desk):
    desk.create("topologies", uuid="topo-g", mode="simple_underlay", encapsulation="gre")
    desk.create("topology_layers", "topo-o", "topo-g")
    desk.host(3)
    in_underlay(desk, 3, "topo-g")
    network(desk, topology_uuid="topo-o")

    def encapsulations():
        return {row.datapath_uuid: row.encapsulation for row in desk.rows(DatapathNetwork)}

    assert encapsulations() == {"dp-1": "geneve", "dp-2": "geneve", "dp-3": "gre"}
    path = {"parent": "dp-1", "related": "nw-1"}
    desk("update", "datapath_networks", values={"encapsulation": "vxlan"}, **path)
    desk.host(4)
    in_underlay(desk, 4)
    assert encapsulations() == {"dp-1": "vxlan", "dp-2": "geneve", "dp-3": "gre", "dp-4": "geneve"}


def test_an_overlay_has_the_datapaths_of_its_underlays_for_route_links_too(desk):
    network(desk, topology_uuid="topo-o")
    desk.create("route_links", uuid="rl-1", topology_uuid="topo-o")
    assert carried(desk) == {("dp-1", "nw-1"): "topo-o", ("dp-2", "nw-1"): "topo-o"}
    assert [row.topology_uuid for row in desk.rows(DatapathRouteLink)] == ["topo-o", "topo-o"]
    desk.host(3)
    in_underlay(desk, 3)
    assert carried(desk)["dp-3", "nw-1"] == "topo-o"
    desk("delete", "topology_layers", parent="topo-o", related="topo-u")
    assert carried(desk) == {}
    assert desk.rows(DatapathRouteLink) == []
    desk.create("topology_layers", "topo-o", "topo-u")
    assert len(carried(desk)) == 3


@pytest.mark.parametrize(
    "request_",
    [
        ("topologies", "topo-u", {}),
        ("datapaths", "dp-1", {}),
        ("networks", "nw-1", {}),
        ("interfaces", "if-h1", {}),
        ("topology_datapaths", None, {"parent": "topo-u", "related": "dp-1"}),
        ("topology_networks", None, {"parent": "topo-u", "related": "nw-1"}),
    ],
    ids=lambda request_: request_[0],
)
def test_nothing_is_left_behind_and_all_is_back_when_it_is_undone(desk, request_):
    collection, uuid, more = request_
    network(desk, topology_uuid="topo-u")
    before = desk.rows(DatapathNetwork)
    desk("delete", collection, uuid, **more)
    all_gone = collection in ("topologies", "networks", "topology_networks")
    assert list(carried(desk)) == ([] if all_gone else [("dp-2", "nw-1")])
    desk("undo", values={"revision": desk.store.number})
    assert {row.uuid: row for row in desk.rows(DatapathNetwork)} == {r.uuid: r for r in before}


def test_what_a_user_adds_wins_and_what_the_topology_made_comes_back_after_it(desk):
    network(desk, topology_uuid="topo-u")
    values = {"interface_uuid": "if-h1", "mac_address": mac(7)}
    desk.create("datapath_networks", "dp-1", "nw-1", **values)
    assert carried(desk) == {("dp-1", "nw-1"): None, ("dp-2", "nw-1"): "topo-u"}
    desk("delete", "topology_networks", parent="topo-u", related="nw-1")
    assert carried(desk) == {("dp-1", "nw-1"): None}
    desk.create("topology_networks", "topo-u", "nw-1")
    assert carried(desk)["dp-1", "nw-1"] is None
    desk("delete", "datapath_networks", parent="dp-1", related="nw-1")
    assert carried(desk) == {("dp-1", "nw-1"): "topo-u", ("dp-2", "nw-1"): "topo-u"}
    (there,) = [row for row in desk.rows(DatapathNetwork) if row.datapath_uuid == "dp-1"]
    assert mac(1000) <= there.mac_address <= mac(1999)
    refusal = desk.outcome("delete", "datapath_networks", parent="dp-1", related="nw-1")
    assert "vnctl topologies networks del topo-u nw-1" in str(refusal)


def test_a_user_row_cannot_be_added_twice(desk):
    network(desk)
    desk.create("datapath_networks", "dp-1", "nw-1", interface_uuid="if-h1")
    values = {"interface_uuid": "if-h1"}
    again = desk.outcome(
        "create", "datapath_networks", parent="dp-1", related="nw-1", values=values
    )
    assert "already" in str(again)


def test_the_address_of_a_host_may_change_and_nothing_else_does(desk):
    network(desk, topology_uuid="topo-u")

    def row():
        return next(row for row in desk.rows(DatapathNetwork) if row.datapath_uuid == "dp-1")

    before = row()
    values = {"network_uuid": "nw-public", "interface_uuid": "if-h1"}
    new = desk.create("ip_leases", ipv4_address=ip("172.16.0.99"), **values)
    assert row() == before
    desk("delete", "ip_leases", before.ip_lease_uuid)
    assert (row().uuid, row().mac_address) == (before.uuid, before.mac_address)
    assert row().ip_lease_uuid == new.uuid
    desk("release", "ip_leases", new.uuid)
    assert row().ip_lease_uuid is None
    desk("attach", "ip_leases", new.uuid, values={"interface_uuid": "if-h1"})
    assert row().ip_lease_uuid == new.uuid


def test_a_host_interface_that_leaves_its_datapath_carries_nothing_there(desk):
    network(desk, topology_uuid="topo-o")
    desk("update", "interfaces", "if-h1", values={"owner_datapath_uuid": "dp-2"})
    assert list(carried(desk)) == [("dp-2", "nw-1")]
    desk("update", "interfaces", "if-h1", values={"owner_datapath_uuid": "dp-1"})
    assert set(carried(desk)) == {("dp-1", "nw-1"), ("dp-2", "nw-1")}
    desk("delete", "ports", parent="if-h1", values={})
    assert list(carried(desk)) == [("dp-2", "nw-1")]


def test_a_renamed_host_interface_carries_on(desk):
    network(desk, topology_uuid="topo-u")
    (before,) = [row for row in desk.rows(DatapathNetwork) if row.datapath_uuid == "dp-1"]
    desk("rename", "interfaces", "if-h1", values={"new_uuid": "if-new"})
    (after,) = [row for row in desk.rows(DatapathNetwork) if row.datapath_uuid == "dp-1"]
    assert (after.interface_uuid, after.mac_address) == ("if-new", before.mac_address)
    desk("delete", "interfaces", "if-new")
    assert list(carried(desk)) == [("dp-2", "nw-1")]


def test_addresses_come_from_all_groups_and_later_ranges_and_stay(desk):
    desk("delete", "mac_range_groups", "mrg-1")
    network(desk, topology_uuid="topo-u")

    def macs():
        return {row.datapath_uuid: row.mac_address for row in desk.rows(DatapathNetwork)}

    assert macs() == {"dp-1": None, "dp-2": None}
    for number in (1, 2):
        desk.create("mac_range_groups", uuid=f"mrg-{number}")
        desk.create("topology_mac_range_groups", "topo-u", f"mrg-{number}")
        address = mac(100 + number)
        span = {"begin_mac_address": address, "end_mac_address": address}
        desk.create("mac_ranges", f"mrg-{number}", **span)
    assert macs() == {"dp-1": mac(101), "dp-2": mac(102)}
    desk("delete", "mac_range_groups", "mrg-1")
    assert macs() == {"dp-1": mac(101), "dp-2": mac(102)}


def test_of_two_topologies_the_first_by_name_has_the_say_and_the_other_follows(desk):
    network(desk, topology_uuid="topo-u")
    before = desk.rows(DatapathNetwork)
    desk.create("topology_networks", "topo-o", "nw-1")
    assert set(carried(desk).values()) == {"topo-o"}
    desk("delete", "topologies", "topo-o")
    assert desk.rows(DatapathNetwork) == before


def test_a_new_virtual_network_is_put_into_the_default_topology(desk):
    desk("update", "topologies", "topo-o", values={"default": True})
    network(desk, "nw-v")
    network(desk, "nw-p", mode="physical")
    network(desk, "nw-i", mode="internal")
    network(desk, "nw-u", topology_uuid="topo-u")
    desk.create("segments", uuid="seg-1", mode="virtual")
    desk.create("route_links", uuid="rl-1")
    assert {uuid for _, uuid in carried(desk)} == {"nw-v", "nw-u"}
    assert carried(desk)["dp-1", "nw-u"] == "topo-u"
    assert len(desk.rows(DatapathSegment)) == len(desk.rows(DatapathRouteLink)) == 2
    refusal = desk.outcome("update", "topologies", "topo-u", values={"default": True})
    assert "topo-o already" in str(refusal)
    desk("update", "topologies", "topo-o", values={"default": False})
    desk("update", "topologies", "topo-u", values={"default": True})
    desk.create("route_links", uuid="rl-2")
    assert len(desk.rows(DatapathRouteLink)) == 2


def test_the_group_of_the_configuration_is_for_what_has_no_other(desk):
    desk.mac_group = "mrg-dpg"
    assert desk.create("route_links", uuid="rl-1").mac_address is None
    desk.create("mac_range_groups", uuid="mrg-dpg")
    desk.create("mac_ranges", "mrg-dpg", begin_mac_address=mac(50), end_mac_address=mac(52))
    assert mac(50) <= desk.create("route_links", uuid="rl-2").mac_address <= mac(52)
    assert desk.create("route_links", uuid="rl-3", mac_address=mac(9)).mac_address == mac(9)
    network(desk)
    made = desk.create("datapath_networks", "dp-1", "nw-1", interface_uuid="if-h1")
    assert mac(50) <= made.mac_address <= mac(52)
    network(desk, "nw-2", topology_uuid="topo-u")
    assert all(
        row.mac_address >= mac(1000) for row in desk.rows(DatapathNetwork) if row.topology_uuid
    )
    desk("delete", "topology_mac_range_groups", parent="topo-u", related="mrg-1")
    network(desk, "nw-3", topology_uuid="topo-u")
    taken = [row.mac_address for row in desk.rows(DatapathNetwork) if row.network_uuid == "nw-3"]
    assert sorted(taken, key=str)[1] is None
    assert mac(50) <= sorted(taken, key=str)[0] <= mac(52)
    desk.create("mac_ranges", "mrg-dpg", begin_mac_address=mac(53), end_mac_address=mac(60))
    assert all(row.mac_address for row in desk.rows(DatapathNetwork))
    assert {row.uuid: row.mac_address for row in desk.rows(RouteLink)}["rl-1"] is None


def test_a_guest_costs_what_it_writes(desk):
    values = {"mac_address": mac(500), "network_uuid": "nw-public"}
    desk.create("interfaces", mode="vif", ipv4_address=ip("172.16.0.77"), **values)
    assert len(desk.changes) == 4

"""The rules of the resources, over RPC as webapi asks."""

import asyncio

from openvnet.manager.networks import LAST_VNI, allotted_vni
from openvnet.model import Network
from openvnet.store.database import Write, opened
from tests.databases import sqlite
from tests.vnmgr import DPID, guest, house, in_house, ip, mac


@in_house
async def test_an_interface_comes_with_a_port_and_the_leases_that_it_asks_for(here):
    made = await guest(here, 1, owner_datapath_uuid="dp-1")
    (port,) = made["ports"]
    (mac_lease,) = made["mac_leases"]
    (ip_lease,) = mac_lease["ip_leases"]
    assert port["datapath_uuid"] == "dp-1"
    assert port["port_name"] == "vm1"
    assert port["singular"] is True
    assert mac_lease["mac_address"] == made["mac_address"] == "52:54:00:00:00:01"
    assert ip_lease["ipv4_address"] == made["ipv4_address"] == "10.102.0.1"
    assert ip_lease["interface_uuid"] == "if-1"
    assert ip_lease["mac_lease_uuid"] == mac_lease["uuid"]
    assert made["network_uuid"] == "nw-1"
    assert made["ip_leases"] == [ip_lease]


@in_house
async def test_an_interface_that_asks_for_nothing_has_a_port_without_a_name(here):
    made = await here.call.create("interfaces", mode="vif")
    (port,) = made["ports"]
    assert (port["datapath_uuid"], port["port_name"], port["singular"]) == (None, None, None)
    assert made["mac_leases"] == made["ip_leases"] == []
    assert made["mac_address"] is made["ipv4_address"] is made["network_uuid"] is None


@in_house
async def test_an_address_of_an_interface_needs_its_network_and_a_mac_address(here):
    for missing in ("network_uuid", "ipv4_address", "mac_address"):
        values = {"network_uuid": "nw-1", "ipv4_address": ip("10.102.0.9"), "mac_address": mac(9)}
        del values[missing]
        problem = await here.call.refused(
            "create", "interfaces", values={"uuid": "if-9", "mode": "vif", **values}
        )
        assert problem.error == "MissingArgument"
        assert problem.message.startswith(missing)
    assert (await here.call("list", "interfaces"))["total_count"] == 0


@in_house
async def test_interfaces_and_networks_are_of_all_modes(here):
    for mode in ("vif", "simulated", "host", "internal", "patch", "promiscuous", "remote"):
        assert (await here.call.create("interfaces", mode=mode))["mode"] == mode
    for mode in ("virtual", "physical", "internal"):
        made = await here.call.create("networks", network_mode=mode, ipv4_network=ip("10.0.0.0"))
        assert made["mode"] == mode


@in_house
async def test_a_network_is_named_and_numbered_if_it_is_not_given_names(here):
    made = await here.call("show", "networks", "nw-1")
    assert made["domain_name"] == "1"
    assert made["display_name"] == "1"
    assert made["ipv4_prefix"] == 24
    assert made["mode"] == "virtual"
    other = await here.call("show", "networks", "nw-2")
    assert 0 < made["vni"] < other["vni"] < 2**24


@in_house
async def test_network_mode_overrides_mode(here):
    values = {"mode": "physical", "network_mode": "virtual", "ipv4_network": ip("10.0.0.0")}
    assert (await here.call.create("networks", **values))["mode"] == "virtual"


@in_house
async def test_a_network_address_beyond_its_prefix_is_refused_with_the_right_one(here):
    values = {"ipv4_network": ip("10.1.2.3"), "ipv4_prefix": 20}
    problem = await here.call.refused("create", "networks", values=values)
    assert problem.message == (
        "ipv4_network 10.1.2.3 has bits beyond ipv4_prefix 20; 10.1.0.0 would be right."
    )


@in_house
async def test_an_address_outside_of_its_network_is_refused(here):
    values = {"network_uuid": "nw-1", "ipv4_address": ip("10.102.1.0")}
    problem = await here.call.refused("create", "ip_leases", values=values)
    assert problem.error == "ArgumentError"
    assert problem.message == "ipv4_address 10.102.1.0 is not in network nw-1, 10.102.0.0/24."


@in_house
async def test_equal_addresses_live_in_two_networks_and_not_in_one(here):
    await guest(here, 1, "nw-1")
    await guest(here, 2, "nw-2", ipv4_address=ip("10.102.0.1"))
    values = {"network_uuid": "nw-1", "ipv4_address": ip("10.102.0.1")}
    problem = await here.call.refused("create", "ip_leases", values=values)
    assert problem.error == "ArgumentError"
    assert "network_uuid nw-1 with ipv4_address 10.102.0.1 belongs to IP lease" in problem.message
    assert "of interface if-1" in problem.message


@in_house
async def test_a_mac_address_is_leased_once_in_the_whole_world(here):
    await guest(here, 1)
    problem = await here.call.refused(
        "create", "interfaces", values={"uuid": "if-2", "mode": "vif", "mac_address": mac(1)}
    )
    assert problem.error == "ArgumentError"
    assert "mac_address 52:54:00:00:00:01 belongs to MAC lease" in problem.message
    assert "of interface if-1" in problem.message
    assert (await here.call.refused("show", "interfaces", "if-2")).status == 404


@in_house
async def test_an_empty_port_name_is_none(here):
    for uuid in ("if-1", "if-2"):
        values = {"uuid": uuid, "mode": "vif", "owner_datapath_uuid": "dp-1", "port_name": ""}
        made = await here.call.create("interfaces", **values)
        assert [port["port_name"] for port in made["ports"]] == [None]
        added = await here.call.create("ports", parent=uuid, port_name="")
        assert added["port_name"] is None


@in_house
async def test_ports_are_not_deleted_by_what_ports_do_not_have(here):
    await guest(here, 1)
    problem = await here.call.refused("delete", "ports", parent="if-1", values={"name": "vm1"})
    assert problem.message == "name is nothing that can be given here for an interface port."
    problem = await here.call.refused("delete", "ports", parent="if-1", values={"port_name": 1})
    assert problem.message == "port_name must be a text, not 1."
    assert len((await here.call("show", "interfaces", "if-1"))["ports"]) == 1


@in_house
async def test_a_port_name_belongs_to_one_interface_of_a_datapath(here):
    await guest(here, 1, owner_datapath_uuid="dp-1")
    problem = await here.call.refused(
        "create",
        "interfaces",
        values={"mode": "vif", "port_name": "vm1", "owner_datapath_uuid": "dp-1"},
    )
    assert "port_name vm1 with datapath_uuid dp-1 belongs to interface port" in problem.message
    assert "of interface if-1" in problem.message


@in_house
async def test_a_datapath_is_known_by_its_dpid_and_node_once(here):
    values = {"display_name": "again", "dpid": DPID, "node_id": "vna"}
    problem = await here.call.refused("create", "datapaths", values=values)
    assert f"dpid {DPID} with node_id vna belongs to datapath dp-1 already" in problem.message


@in_house
async def test_an_ip_lease_takes_the_first_mac_lease_of_its_interface(here):
    await here.call.create("interfaces", uuid="if-1", mode="vif")
    await here.call.create("mac_leases", uuid="ml-z", interface_uuid="if-1", mac_address=mac(1))
    await here.call.create("mac_leases", uuid="ml-a", interface_uuid="if-1", mac_address=mac(2))
    lease = await here.call.create(
        "ip_leases", network_uuid="nw-1", ipv4_address=ip("10.102.0.1"), interface_uuid="if-1"
    )
    assert lease["mac_lease_uuid"] == "ml-z"
    shown = await here.call("show", "interfaces", "if-1")
    assert shown["mac_address"] == "52:54:00:00:00:01"


@in_house
async def test_an_ip_lease_takes_the_interface_of_its_mac_lease(here):
    await here.call.create("interfaces", uuid="if-1", mode="vif")
    await here.call.create("mac_leases", uuid="ml-1", interface_uuid="if-1", mac_address=mac(1))
    values = {"network_uuid": "nw-1", "ipv4_address": ip("10.102.0.1"), "mac_lease_uuid": "ml-1"}
    assert (await here.call.create("ip_leases", **values))["interface_uuid"] == "if-1"
    await here.call.create("interfaces", uuid="if-2", mode="vif")
    values |= {"ipv4_address": ip("10.102.0.2"), "interface_uuid": "if-2"}
    problem = await here.call.refused("create", "ip_leases", values=values)
    assert problem.message == "mac_lease_uuid ml-1 is of interface if-1, not of if-2."


@in_house
async def test_an_interface_without_a_mac_lease_gets_no_ip_lease(here):
    await here.call.create("interfaces", uuid="if-1", mode="vif")
    values = {"network_uuid": "nw-1", "ipv4_address": ip("10.102.0.1"), "interface_uuid": "if-1"}
    problem = await here.call.refused("create", "ip_leases", values=values)
    assert "if-1: the interface has no MAC lease; add one first" in problem.message


@in_house
async def test_an_ip_lease_is_attached_and_released(here):
    await guest(here, 1)
    lease = await here.call.create(
        "ip_leases", uuid="il-1", network_uuid="nw-2", ipv4_address=ip("10.102.0.1")
    )
    assert lease["interface_uuid"] is None
    problem = await here.call.refused("release", "ip_leases", "il-1")
    assert problem.message == "IP lease il-1 is not attached to an interface."
    problem = await here.call.refused("attach", "ip_leases", "il-1")
    assert problem.error == "MissingArgument"
    attached = await here.call("attach", "ip_leases", "il-1", values={"interface_uuid": "if-1"})
    assert attached["interface_uuid"] == "if-1"
    assert attached["mac_lease_uuid"].startswith("ml-")
    problem = await here.call.refused(
        "attach", "ip_leases", "il-1", values={"interface_uuid": "if-1"}
    )
    assert "il-1 is attached to interface if-1; release it first" in problem.message
    released = await here.call("release", "ip_leases", "il-1")
    assert released["interface_uuid"] is released["mac_lease_uuid"] is None


@in_house
async def test_a_mac_lease_moves_with_its_ip_leases(here):
    made = await guest(here, 1)
    await here.call.create("interfaces", uuid="if-2", mode="vif")
    uuid = made["mac_leases"][0]["uuid"]
    moved = await here.call("update", "mac_leases", uuid, values={"interface_uuid": "if-2"})
    assert moved["interface_uuid"] == "if-2"
    shown = await here.call("show", "interfaces", "if-2")
    assert shown["ipv4_address"] == "10.102.0.1"
    assert (await here.call("show", "interfaces", "if-1"))["mac_leases"] == []


@in_house
async def test_deleting_takes_along_what_refers_to_it(here):
    made = await guest(here, 1, owner_datapath_uuid="dp-1")
    (mac_lease,) = made["mac_leases"]
    assert await here.call("delete", "mac_leases", mac_lease["uuid"]) == [mac_lease["uuid"]]
    assert (await here.call("list", "ip_leases"))["total_count"] == 0
    await guest(here, 2)
    assert await here.call("delete", "interfaces", "if-2") == ["if-2"]
    assert (await here.call("list", "mac_leases"))["total_count"] == 0
    assert await here.call("delete", "datapaths", "dp-1") == ["dp-1"]
    assert (await here.call("show", "interfaces", "if-1"))["ports"] == []
    await guest(here, 3)
    assert await here.call("delete", "networks", "nw-1") == ["nw-1"]
    assert (await here.call("show", "interfaces", "if-3"))["ip_leases"] == []


@in_house
async def test_the_owner_datapath_of_an_interface_is_that_of_its_port(here):
    await guest(here, 1)
    values = {"owner_datapath_uuid": "dp-1", "enable_filtering": True}
    changed = await here.call("update", "interfaces", "if-1", values=values)
    assert changed["ports"][0]["datapath_uuid"] == "dp-1"
    assert changed["enable_filtering"] is True
    await here.call.create("ports", parent="if-1", port_name="other")
    problem = await here.call.refused("update", "interfaces", "if-1", values=values)
    assert "interface if-1 has 2 ports" in problem.message
    await here.call("delete", "ports", parent="if-1", values={})
    changed = await here.call("update", "interfaces", "if-1", values=values)
    assert [port["datapath_uuid"] for port in changed["ports"]] == ["dp-1"]


@in_house
async def test_ports_are_added_listed_and_deleted_by_what_they_are(here):
    await here.call.create("interfaces", uuid="if-1", mode="vif")
    added = await here.call.create("ports", parent="if-1", datapath_uuid="dp-1", port_name="a")
    assert added["interface_uuid"] == "if-1"
    assert added["singular"] is True
    listed = await here.call("list", "ports", parent="if-1")
    assert listed["total_count"] == 2
    assert listed["items"][1] == added
    assert await here.call("delete", "ports", parent="if-1", values={"port_name": "b"}) == []
    assert await here.call("delete", "ports", parent="if-1", values={"port_name": "a"}) == [added]
    values = {"datapath_uuid": "dp-1", "singular": False}
    problem = await here.call.refused("create", "ports", parent="if-1", values=values)
    assert "singular must be true" in problem.message
    problem = await here.call.refused("create", "ports", parent="if-9", values={})
    assert problem.error == "UnknownUUIDResource"


@in_house
async def test_a_port_is_deleted_only_below_its_own_interface(here):
    made = await here.call.create("interfaces", uuid="if-1", mode="vif")
    await here.call.create("interfaces", uuid="if-2", mode="vif")
    uuid = made["ports"][0]["uuid"]
    problem = await here.call.refused("delete", "ports", uuid, parent="if-2")
    assert problem.message == f"interface port {uuid} is not of if-2."
    assert await here.call("delete", "ports", uuid, parent="if-1") == [uuid]


def test_numbers_of_networks_are_not_used_again_before_all_were(tmp_path):
    async def within():
        with house(tmp_path) as here:
            for uuid in ("nw-1", "nw-2", "nw-3"):
                await here.call.create("networks", uuid=uuid, ipv4_network=0)
            await here.call("delete", "networks", "nw-2")
            made = await here.call.create("networks", ipv4_network=0)
            assert made["vni"] == 4

    asyncio.run(within())


def test_when_the_last_number_of_networks_is_used_gaps_are(tmp_path):
    def putting(uuid, vni):
        return Write(lambda t: t.put(Network(uuid=uuid, ipv4_network=0, vni=vni)))

    store = opened(sqlite(tmp_path / "vnet.sqlite"))
    for uuid, vni in (("nw-1", LAST_VNI), ("nw-2", LAST_VNI - 1), ("nw-3", 1)):
        store.commit([putting(uuid, vni)])
    assert store.read(allotted_vni) == LAST_VNI - 2
    store.commit([Write(lambda t: t.delete(t.get(Network, "nw-2")))])
    assert store.read(allotted_vni) == LAST_VNI - 1
    store.close()


@in_house
async def test_a_vlan_is_of_physical_networks_only(here):
    subnet = {"ipv4_network": ip("192.0.2.0"), "vlan_id": 20}
    for mode in ("virtual", "internal"):
        problem = await here.call.refused("create", "networks", values={"mode": mode, **subnet})
        assert "vlan_id 20 is of physical networks only" in problem.message
    problem = await here.call.refused("update", "networks", "nw-1", values={"vlan_id": 20})
    assert "vlan_id 20 is of physical networks only" in problem.message
    made = await here.call.create("networks", mode="physical", **subnet)
    assert made["vlan_id"] == 20


@in_house
async def test_one_uplink_is_one_lan_for_each_vlan(here):
    host = {"mode": "host", "owner_datapath_uuid": "dp-1", "port_name": "eth0"}
    await here.call.create("interfaces", uuid="if-eth0", **host)
    for number, vlan_id in ((6, None), (7, 20), (8, 30)):
        values = {"mode": "physical", "ipv4_network": ip("192.0.2.0"), "vlan_id": vlan_id}
        await here.call.create("networks", uuid=f"nw-{number}", **values)
        joined = {"network_uuid": f"nw-{number}", "interface_uuid": "if-eth0"}
        await here.call.create("datapath_networks", datapath_uuid="dp-1", **joined)
    for vlan_id, words, other in ((30, "vlan_id 30", "nw-8"), (None, "no vlan_id", "nw-6")):
        values = {"vlan_id": vlan_id}
        problem = await here.call.refused("update", "networks", "nw-7", values=values)
        assert f"leads to network {other} with {words} already" in problem.message
    await here.call("update", "networks", "nw-7", values={"vlan_id": 40})
    twin = {"mode": "physical", "ipv4_network": ip("192.0.2.0"), "vlan_id": 40}
    await here.call.create("networks", uuid="nw-9", **twin)
    joined = {"datapath_uuid": "dp-1", "network_uuid": "nw-9", "interface_uuid": "if-eth0"}
    problem = await here.call.refused("create", "datapath_networks", values=joined)
    assert "leads to network nw-7 with vlan_id 40 already" in problem.message


@in_house
async def test_a_vlan_of_a_trunk_is_an_interface_behind_the_port_of_its_parent(here):
    await guest(here, 1)
    trunk = {"mode": "vif", "parent_interface_uuid": "if-1", "vlan_id": 10}
    address = {"network_uuid": "nw-2", "mac_address": mac(2), "ipv4_address": ip("10.102.0.2")}
    made = await here.call.create("interfaces", uuid="if-2", **trunk, **address)
    assert (made["parent_interface_uuid"], made["vlan_id"], made["ports"]) == ("if-1", 10, [])
    await here.call.create("interfaces", uuid="if-5", mode="host")
    refused = {
        "vlan_id is required": {"vlan_id": None},
        "parent_interface_uuid is required": {"parent_interface_uuid": None},
        "vlan_id 10 of interface if-1 is interface if-2 already": {},
        "interface if-9 is of mode host": {"mode": "host", "vlan_id": 11},
        "interface if-5 is of mode host": {"parent_interface_uuid": "if-5"},
        "if-2 is itself a VLAN of if-1": {"parent_interface_uuid": "if-2"},
        "port_name: interface if-9 is a VLAN of interface if-1": {"vlan_id": 11, "port_name": "x"},
        "owner_datapath_uuid: interface if-9": {"vlan_id": 11, "owner_datapath_uuid": "dp-1"},
    }
    for words, different in refused.items():
        values = {"uuid": "if-9", **trunk, **different}
        problem = await here.call.refused("create", "interfaces", values=values)
        assert words in problem.message
    values = {"port_name": "x"}
    problem = await here.call.refused("create", "ports", parent="if-2", values=values)
    assert "interface_uuid if-2 is a VLAN of interface if-1" in problem.message
    values = {"owner_datapath_uuid": "dp-1"}
    problem = await here.call.refused("update", "interfaces", "if-2", values=values)
    assert "owner_datapath_uuid: interface if-2 is a VLAN" in problem.message
    await here.call("delete", "interfaces", "if-1")
    assert {row["uuid"] for row in (await here.call("list", "interfaces"))["items"]} == {"if-5"}


@in_house
async def test_one_network_is_bridged_by_one_promiscuous_interface(here):
    for name in ("if-1", "if-2"):
        await here.call.create("interfaces", uuid=name, mode="promiscuous", port_name=f"port{name}")
    await here.call.create("segments", uuid="seg-1", mode="virtual")
    await here.call.create(
        "networks", uuid="nw-9", mode="physical", ipv4_network=ip("192.0.2.0"), ipv4_prefix=24
    )

    def joined(interface, collection, related):
        path = {"parent": interface, "related": related}
        return {"verb": "update", "collection": collection, **path, "values": {"static": True}}

    problem = await here.call.refused(**joined("if-1", "interface_networks", "nw-9"))
    assert "nw-9 is of mode physical" in problem.message
    await here.call(**joined("if-1", "interface_networks", "nw-1"))
    await here.call(**joined("if-1", "interface_networks", "nw-1"))
    for refused, why in (
        (("if-1", "interface_networks", "nw-2"), "bridges network nw-1 already"),
        (("if-1", "interface_segments", "seg-1"), "bridges network nw-1 already"),
        (("if-2", "interface_networks", "nw-1"), "is bridged by interface if-1 already"),
    ):
        problem = await here.call.refused(**joined(*refused))
        assert why in problem.message
    await guest(here, 3)
    await here.call(**joined("if-3", "interface_networks", "nw-1"))


@in_house
async def test_an_address_is_leased_once_in_all_networks_of_a_segment(here):
    await here.call.create("segments", uuid="seg-1", mode="virtual")
    address = {"ipv4_network": ip("198.51.100.0"), "ipv4_prefix": 24}
    for name, segment in (("nw-3", "seg-1"), ("nw-4", "seg-1"), ("nw-5", None)):
        named = {"segment_uuid": segment} if segment else {}
        await here.call.create("networks", uuid=name, mode="virtual", **named, **address)
    taken, free = ip("198.51.100.10"), ip("198.51.100.11")
    for lease, network in (("il-3", "nw-3"), ("il-5", "nw-5")):
        await here.call.create("ip_leases", uuid=lease, network_uuid=network, ipv4_address=taken)
    values = {"uuid": "il-4", "network_uuid": "nw-4", "ipv4_address": taken}
    problem = await here.call.refused("create", "ip_leases", values=values)
    assert "198.51.100.10" in problem.message
    assert "il-3" in problem.message
    await here.call.create("ip_leases", **{**values, "ipv4_address": free})
    change = {"values": {"ipv4_address": taken}}
    assert "il-3" in (await here.call.refused("update", "ip_leases", "il-4", **change)).message
    away = {"values": {"ipv4_address": ip("198.51.100.12")}}
    for verb, given in (("update", away), ("delete", {})):
        gone = (await here.call.reply(verb, "ip_leases", "il-3", **given)).revision.number
        await here.call("update", "ip_leases", "il-4", **change)
        problem = await here.call.refused("undo", values={"revision": gone})
        assert "il-4" in problem.message
        await here.call("update", "ip_leases", "il-4", values={"ipv4_address": free})
        await here.call("undo", values={"revision": gone})


@in_house
async def test_undoing_brings_no_mac_address_back_that_something_else_has(here):
    await guest(here, 1)
    (lease,) = (await here.call("show", "interfaces", "if-1"))["mac_leases"]
    gone = (await here.call.reply("delete", "mac_leases", lease["uuid"])).revision.number
    await here.call.create("route_links", uuid="rl-1", mac_address=mac(1))
    problem = await here.call.refused("undo", values={"revision": gone})
    assert "rl-1" in problem.message
    await here.call("delete", "route_links", "rl-1")
    await here.call("undo", values={"revision": gone})
    assert (await here.call("show", "interfaces", "if-1"))["mac_leases"] == [lease]


@in_house
async def test_a_segment_and_the_networks_in_it_are_bridged_by_one_promiscuous_interface(here):
    await here.call.create("segments", uuid="seg-1", mode="virtual")
    address = {"ipv4_network": ip("198.51.100.0"), "ipv4_prefix": 24}
    await here.call.create("networks", uuid="nw-3", segment_uuid="seg-1", **address)
    for name in ("if-1", "if-2"):
        await here.call.create("interfaces", uuid=name, mode="promiscuous", port_name=f"port{name}")

    def joined(interface, word, related, static):
        path = {"collection": f"interface_{word}s", "parent": interface, "related": related}
        return {"verb": "update", **path, "values": {"static": static}}

    both = ("segment", "seg-1"), ("network", "nw-3")
    for first, other in (both, both, both[::-1]):
        await here.call(**joined("if-1", *first, True))
        for refused, why in (
            (("if-1", "network", "nw-2"), f"bridges {' '.join(first)} already"),
            (("if-2", *first), "is bridged by interface if-1 already; a second one could make"),
            (("if-2", *other), "is bridged by interface if-1 already; a second one could make"),
        ):
            problem = await here.call.refused(**joined(*refused, True))
            assert why in problem.message
        gone = (await here.call.reply(**joined("if-1", *first, False))).revision.number
        await here.call(**joined("if-2", *other, True))
        problem = await here.call.refused("undo", values={"revision": gone})
        assert "is bridged by interface if-2 already" in problem.message
        await here.call(**joined("if-2", *other, False))
        await here.call("undo", values={"revision": gone})
        await here.call(**joined("if-1", *first, False))

"""What is special about each resource beside datapaths, networks and interfaces."""

import time

from tests.vnmgr import guest, in_house, ip, mac


async def refused(here, words, verb, collection, error="ArgumentError", **more):
    problem = await here.call.refused(verb, collection, **more)
    assert problem.error == error
    assert words in problem.message


async def host(here, uuid="if-host", **more):
    values = {"mode": "host", "owner_datapath_uuid": "dp-1", "mac_address": mac(99), **more}
    return await here.call.create("interfaces", uuid=uuid, **values)


async def a_group(here, kind, *spans, **more):
    """A group of ranges of "ip" or "mac" addresses."""
    group = await here.call.create(f"{kind}_range_groups", **more)
    name = "ipv4_address" if kind == "ip" else "mac_address"
    for first, last in spans:
        values = {f"begin_{name}": first, f"end_{name}": last}
        await here.call.create(f"{kind}_ranges", parent=group["uuid"], **values)
    return group["uuid"]


@in_house
async def test_networks_segments_and_route_links_are_numbered_from_one_space(here):
    made = [
        await here.call.create("segments", mode="virtual"),
        await here.call.create("networks", ipv4_network=0),
        await here.call.create("route_links"),
        await here.call.create("segments", mode="physical"),
    ]
    assert [each["vni"] for each in made] == [3, 4, 5, 6]


@in_house
async def test_deleting_a_segment_takes_its_networks_and_leases(here):
    await here.call.create("segments", uuid="seg-1", mode="virtual")
    await here.call.create("networks", uuid="nw-3", ipv4_network=0, segment_uuid="seg-1")
    made = await guest(here, 1, "nw-3", ipv4_address=1)
    assert made["mac_leases"][0]["segment_uuid"] == "seg-1"
    await here.call("delete", "segments", "seg-1")
    assert (await here.call("show", "interfaces", "if-1"))["mac_leases"] == []
    assert (await here.call.refused("show", "networks", "nw-3")).status == 404


@in_house
async def test_the_segment_of_an_interface_is_that_of_its_network(here):
    for uuid in ("seg-1", "seg-2"):
        await here.call.create("segments", uuid=uuid, mode="virtual")
    await here.call.create("networks", uuid="nw-3", ipv4_network=0, segment_uuid="seg-1")
    values = {
        "mode": "vif",
        "network_uuid": "nw-3",
        "ipv4_address": 1,
        "mac_address": mac(1),
        "segment_uuid": "seg-2",
    }
    words = "segment_uuid seg-2 is not the segment of network nw-3, which is seg-1."
    await refused(here, words, "create", "interfaces", error="InvalidID", values=values)
    values = {"mode": "vif", "segment_uuid": "seg-1"}
    await refused(
        here, "mac_address", "create", "interfaces", error="MissingArgument", values=values
    )


@in_house
async def test_an_interface_is_part_of_what_its_leases_and_routes_lead_to(here):
    await guest(here, 1)
    await here.call.create("route_links", uuid="rl-1")
    route = await here.call.create(
        "routes",
        interface_uuid="if-1",
        network_uuid="nw-1",
        route_link_uuid="rl-1",
        ipv4_network=0,
        ipv4_prefix=0,
    )
    (item,) = (await here.call("list", "interface_route_links", parent="if-1"))["items"]
    assert item["uuid"] == "rl-1"
    assert item["association"] == {
        "interface_uuid": "if-1",
        "route_link_uuid": "rl-1",
        "static": False,
    }
    await here.call("delete", "routes", route["uuid"])
    assert (await here.call("list", "interface_route_links", parent="if-1"))["items"] == []
    (item,) = (await here.call("list", "interface_networks", parent="if-1"))["items"]
    assert (item["uuid"], item["association"]["static"]) == ("nw-1", False)


@in_house
async def test_a_static_association_stays_until_it_is_none(here):
    made = await guest(here, 1)

    async def static(value):
        values = {"static": value}
        names = {"parent": "if-1", "related": "nw-1"}
        return await here.call("update", "interface_networks", **names, values=values)

    async def found():
        return [
            item["association"]["static"]
            for item in (await here.call("list", "interface_networks", parent="if-1"))["items"]
        ]

    assert (await static(True))["static"] is True
    await static(True)
    assert await found() == [True]
    await here.call("delete", "mac_leases", made["mac_leases"][0]["uuid"])
    assert await found() == [True]
    assert (await static(False))["static"] is False
    assert await found() == []
    await static(False)


@in_house
async def test_a_mac_address_is_of_one_thing_only(here):
    await guest(here, 1)
    words = "mac_address 52:54:00:00:00:01 belongs to MAC lease"
    await refused(here, words, "create", "route_links", values={"mac_address": mac(1)})
    await here.call.create("route_links", uuid="rl-1", mac_address=mac(2))
    words = "belongs to route link rl-1 already"
    values = {"interface_uuid": "if-1", "mac_address": mac(2)}
    await refused(here, words, "create", "mac_leases", values=values)
    await host(here)
    values = {"interface_uuid": "if-host", "mac_address": mac(2)}
    named = {"parent": "dp-1", "related": "nw-1"}
    await refused(here, words, "create", "datapath_networks", **named, values=values)


@in_house
async def test_a_datapath_carries_a_network_by_a_host_interface_of_its_own(here):
    await guest(here, 1)
    named = {"parent": "dp-1", "related": "nw-1"}
    words = "if-1 is of mode vif; it must be of mode host"
    values = {"interface_uuid": "if-1"}
    await refused(here, words, "create", "datapath_networks", **named, values=values)
    values = {"display_name": "", "dpid": "0x0000bbbbbbbbbbbb", "node_id": "vnb"}
    await here.call.create("datapaths", uuid="dp-2", **values)
    await host(here, "if-2", owner_datapath_uuid="dp-2")
    words = "interface_uuid if-2 has no port on datapath dp-1"
    values = {"interface_uuid": "if-2"}
    await refused(here, words, "create", "datapath_networks", **named, values=values)
    made = await host(here, mac_address=mac(98), network_uuid="nw-2", ipv4_address=ip("10.102.0.7"))
    values = {"interface_uuid": "if-host"}
    link = await here.call("create", "datapath_networks", **named, values=values)
    assert link["ip_lease_uuid"] == made["ip_leases"][0]["uuid"]
    assert link["mac_address"] is None
    (item,) = (await here.call("list", "datapath_networks", parent="dp-1"))["items"]
    assert item["uuid"] == "nw-1"
    assert item["association"] == link


@in_house
async def test_a_renamed_interface_keeps_all_that_it_has(here):
    await guest(here, 1)
    before = await here.call("show", "interfaces", "if-1")
    renamed = await here.call("rename", "interfaces", "if-1", values={"new_uuid": "if-new"})
    assert renamed["mac_address"] == before["mac_address"]
    assert renamed["ipv4_address"] == before["ipv4_address"]
    assert renamed["ports"][0]["port_name"] == "vm1"
    assert (await here.call.refused("show", "interfaces", "if-1")).status == 404
    (newest,) = (await here.call("changes", limit=1, values={}))["items"]
    await here.call("undo", values={"revision": newest["revision"]})
    assert await here.call("show", "interfaces", "if-1") == before
    await here.call("rename", "interfaces", "if-1", values={"new_uuid": "if-new"})
    await guest(here, 2)
    problem = await here.call.refused("rename", "interfaces", "if-2", values={"new_uuid": "if-new"})
    assert problem.error == "DuplicateUUID"


@in_house
async def test_topologies_have_what_their_mode_allows(here):
    for uuid, mode in (("topo-u", "simple_underlay"), ("topo-o", "simple_overlay")):
        await here.call.create("topologies", uuid=uuid, mode=mode)
    await here.call.create("route_links", uuid="rl-1")
    await here.call.create("mac_range_groups", uuid="mrg-1")
    for collection, topology, related in (
        ("topology_route_links", "topo-u", "rl-1"),
        ("topology_mac_range_groups", "topo-o", "mrg-1"),
        ("topology_layers", "topo-o", "topo-o"),
        ("topology_layers", "topo-u", "topo-u"),
    ):
        named = {"parent": topology, "related": related}
        await refused(here, "this needs one of mode", "create", collection, **named)
    await here.call("create", "topology_layers", parent="topo-o", related="topo-u")
    await here.call("create", "topology_networks", parent="topo-u", related="nw-1")
    await host(here)
    named = {"parent": "topo-u", "related": "dp-1", "values": {"interface_uuid": "if-host"}}
    words = "the interface has no IP lease"
    await refused(here, words, "create", "topology_datapaths", **named)
    values = {"topology_uuid": "topo-u"}
    await refused(here, "simple_overlay", "create", "route_links", values=values)


@in_house
async def test_a_filter_has_each_rule_once_and_loses_it_by_its_values(here):
    await guest(here, 1)
    await here.call.create("filters", uuid="fil-1", interface_uuid="if-1", mode="static")
    rule = {"protocol": "arp", "action": "pass"}
    made = await here.call.create("filter_statics", parent="fil-1", **rule)
    assert (made["src_address"], made["src_prefix"]) == ("0.0.0.0", 0)
    assert (made["src_port"], made["dst_port"]) == (None, None)
    words = "fil-1 has such a static rule already"
    twin = {"protocol": "arp", "action": "drop"}
    await refused(here, words, "create", "filter_statics", parent="fil-1", values=twin)
    rule = {"protocol": "tcp", "action": "conn", "src_address": "10.0.0.0/8", "dst_port": 22}
    made = await here.call.create("filter_statics", parent="fil-1", **rule)
    assert (made["src_prefix"], made["src_port"], made["dst_port"]) == (8, 0, 22)
    for wrong, words in (
        ({"protocol": "icmp", "dst_port": 22}, "dst_port is of the protocols tcp and udp only"),
        ({"protocol": "ip", "src_address": "0.0.0.0/32"}, "say 0.0.0.0/0 for any address"),
    ):
        values = {"action": "pass", **wrong}
        await refused(here, words, "create", "filter_statics", parent="fil-1", values=values)
    values = {"protocol": "tcp"}
    await refused(
        here, "no such static rule", "delete", "filter_statics", "UnknownResource",
        parent="fil-1", values=values,
    )  # fmt: skip
    values = {"protocol": "arp"}
    gone = await here.call("delete", "filter_statics", parent="fil-1", values=values)
    assert gone["protocol"] == "arp"


@in_house
async def test_a_static_address_is_deleted_from_its_own_translation_only(here):
    await guest(here, 1)
    address = {"ingress_ipv4_address": 1, "egress_ipv4_address": ip("10.102.0.1")}
    for uuid in ("tr-1", "tr-2"):
        values = {"interface_uuid": "if-1", "mode": "static_address"}
        await here.call.create("translations", uuid=uuid, **values)
        await here.call.create("translation_static_addresses", parent=uuid, **address)
    collection = "translation_static_addresses"
    await here.call("delete", collection, parent="tr-2", values=address)
    assert len((await here.call("show", "translations", "tr-1"))["static_address"]) == 1
    words = "tr-1 has such a static address already"
    await refused(here, words, "create", collection, parent="tr-1", values=address)
    half = {**address, "ingress_port_number": 80}
    await refused(here, "must both be given", "create", collection, parent="tr-1", values=half)
    words = "ingress_ipv4_address 0.0.0.1 is not in network nw-1"
    named = {**address, "ingress_network_uuid": "nw-1"}
    await refused(here, words, "create", collection, parent="tr-1", values=named)


@in_house
async def test_routes_and_dns_services_are_of_what_they_can_be_of(here):
    await guest(here, 1)
    await here.call.create("route_links", uuid="rl-1")
    joined = {"interface_uuid": "if-1", "network_uuid": "nw-1", "route_link_uuid": "rl-1"}
    words = "ipv4_network 10.0.0.1 has bits beyond ipv4_prefix 24; 10.0.0.0 would be right."
    values = {**joined, "ipv4_network": ip("10.0.0.1")}
    await refused(here, words, "create", "routes", values=values)
    await here.call.create("network_services", uuid="ns-1", mode="dhcp", interface_uuid="if-1")
    words = "ns-1 is of mode dhcp; it must be of mode dns"
    await refused(here, words, "create", "dns_services", values={"network_service_uuid": "ns-1"})


@in_house
async def test_ranges_begin_before_they_end(here):
    group = await a_group(here, "ip")
    values = {"begin_ipv4_address": 2, "end_ipv4_address": 1}
    words = "begin_ipv4_address 0.0.0.2 is after end_ipv4_address 0.0.0.1."
    await refused(here, words, "create", "ip_ranges", parent=group, values=values)


@in_house
async def test_mac_addresses_are_taken_from_a_group_until_it_is_exhausted(here):
    span = (mac(1), mac(3))
    group = await a_group(here, "mac", span, allocation_type="random")
    await here.call.create("route_links", mac_address=mac(2))
    values = {"mode": "vif", "mac_range_group_uuid": group}
    made = [(await here.call.create("interfaces", **values))["mac_address"] for _ in range(2)]
    assert sorted(made) == ["52:54:00:00:00:01", "52:54:00:00:00:03"]
    await refused(here, f"{group} is exhausted", "create", "interfaces", values=values)


@in_house
async def test_a_lease_policy_gives_addresses_of_all_its_networks(here):
    await here.call.create("lease_policies", uuid="lp-1")
    first = await a_group(here, "ip", (ip("10.102.0.255"), ip("10.102.0.255")))
    second = await a_group(here, "ip", (ip("10.102.0.9"), ip("10.102.0.9")))
    for network, group in (("nw-1", first), ("nw-2", second)):
        named = {"parent": "lp-1", "related": network, "values": {"ip_range_group_uuid": group}}
        await here.call("create", "lease_policy_networks", **named)
    for uuid, label in (("ilc-1", "a"), ("ilc-2", "b")):
        await here.call.create("ip_lease_containers", uuid=uuid)
        named = {"parent": "lp-1", "related": uuid, "values": {"label": label}}
        await here.call("create", "lease_policy_ip_lease_containers", **named)
    await here.call.create("ip_retention_containers", uuid="irc-1", lease_time=60)
    await here.call(
        "create", "lease_policy_ip_retention_containers", parent="lp-1", related="irc-1"
    )
    await here.call.create("interfaces", uuid="if-1", mode="vif", mac_address=mac(1))
    named = {"parent": "lp-1", "related": "if-1", "values": {"label": "b"}}
    await here.call("create", "lease_policy_interfaces", **named)
    shown = await here.call("show", "interfaces", "if-1")
    assert (shown["network_uuid"], shown["ipv4_address"]) == ("nw-2", "10.102.0.9")
    lease = shown["ip_leases"][0]["uuid"]
    for uuid, leases in (("ilc-1", []), ("ilc-2", [lease])):
        items = (await here.call("list", "ip_lease_container_ip_leases", parent=uuid))["items"]
        assert [item["uuid"] for item in items] == leases
    (retention,) = (await here.call("list", "ip_retentions", parent="irc-1"))["items"]
    assert abs(retention["leased_at"] - time.time()) < 600
    await here.call.create("interfaces", uuid="if-2", mode="vif", mac_address=mac(2))
    named = {"parent": "lp-1", "related": "if-2"}
    await refused(here, "lp-1 is exhausted", "create", "lease_policy_interfaces", **named)
    assert (await here.call("list", "lease_policy_interfaces", parent="lp-1"))["total_count"] == 1


@in_house
async def test_a_lease_policy_makes_leases_that_nobody_has_yet(here):
    await here.call.create("lease_policies", uuid="lp-1")
    group = await a_group(here, "ip", (ip("10.102.0.9"), ip("10.102.0.10")))
    named = {"parent": "lp-1", "related": "nw-1", "values": {"ip_range_group_uuid": group}}
    await here.call("create", "lease_policy_networks", **named)
    for uuid, label in (("ilc-1", "a"), ("ilc-2", "b")):
        await here.call.create("ip_lease_containers", uuid=uuid)
        named = {"parent": "lp-1", "related": uuid, "values": {"label": label}}
        await here.call("create", "lease_policy_ip_lease_containers", **named)
    values = {"ip_lease_uuid": "il-1", "label": "b"}
    made = await here.call("ip_leases", "lease_policies", "lp-1", values=values)
    assert (made["uuid"], made["ipv4_address"]) == ("il-1", "10.102.0.9")
    assert made["interface_uuid"] is made["mac_lease_uuid"] is None
    for uuid, count in (("ilc-1", 0), ("ilc-2", 1)):
        items = await here.call("list", "ip_lease_container_ip_leases", parent=uuid)
        assert items["total_count"] == count
    made = await here.call("ip_leases", "lease_policies", "lp-1")
    assert made["ipv4_address"] == "10.102.0.10"
    named = {"uuid": "lp-1", "values": {"ip_lease_uuid": "il-1"}}
    await refused(here, "there is such", "ip_leases", "lease_policies", "DuplicateUUID", **named)
    await refused(here, "is exhausted", "ip_leases", "lease_policies", uuid="lp-1")
    await here.call("delete", "lease_policies", "lp-1")
    assert (await here.call("list", "ip_leases"))["total_count"] == 2

"""A segment over three hosts: guests choose their addresses, and who is not leased is learnt.

Guests 1, 3 and 5 are in it, each on a host of its own; 5 is without port security. Guest 1 has an
address in a network of the segment, too.
"""

import itertools

import msgspec
import pytest

from openvnet.compiler import Compiler
from openvnet.features import STRATA
from openvnet.model import (
    ActiveInterface,
    Datapath,
    DatapathSegment,
    Interface,
    InterfacePort,
    InterfaceSegment,
    IpLease,
    MacLease,
    Network,
)
from openvnet.model.facts import Port
from openvnet.model.wanted import Here
from openvnet.pipeline.fields import Registers, eth_dst
from openvnet.pipeline.flow import LOCAL, Flow, Learn, Output, match
from openvnet.pipeline.learning import OF_PEER, OF_PORT
from openvnet.pipeline.tables import Table
from tests.flows.test_hosts import (
    BROADCAST,
    NIC,
    Hosts,
    address,
    host_of,
    ipv4,
    mac,
    request,
    shortfalls,
)
from tests.worlds import guest as guest_rows
from tests.worlds import hosts_world, key_of, segments_world

pytestmark = pytest.mark.ovs

ENCAPSULATIONS = ("geneve", "mac2mac", "vxlan")
WAYS = {1: "geneve", 3: "geneve", 5: "vxlan"}
"""How packets come to a station from other hosts: mac2mac is not for segments."""

VNI, OPEN, LAN = 11, 5, 300
STRANGER, STRANGER_MAC = 0x020000000099, "02:00:00:00:00:99"
ALL_NODES = "33:33:00:00:00:01"
"""Of IPv6 (RFC 2464)."""


@pytest.fixture
def hosts(bridge):
    return Hosts(bridge, ENCAPSULATIONS, world=segments_world)


def chosen(number, destination, **fields):
    """A packet from an address that the guest has chosen."""
    return {**ipv4(number, destination), "nw_src": f"198.51.100.{number}", **fields}


def ipv6(number, destination):
    return {"in_port": number, "dl_src": mac(number), "dl_dst": destination, "ipv6": None}


def from_host(number, destination, here, **fields):
    """A packet as it comes in a tunnel from the host of a guest."""
    places = {"tun_src": host_of(number), "tun_dst": here}
    tunnel = {name: f"172.16.0.{host}" for name, host in places.items()}
    return chosen(number, destination, **fields) | {"in_port": 21, "tun_id": VNI, **tunnel}


def ends(bridge, packet):
    """The ports that copies leave by; of a tunnel, the number of the host that it leads to."""
    found = bridge.copies(**packet)
    places = [(written.get("tun_dst", "0")[-1], port) for port, written in found]
    return sorted((f"host{host}" if host != "0" else port for host, port in places), key=str)


def lessons(world):
    """The flows by which a host learns, each with what it learns."""
    flows = (out for out in Compiler(STRATA).apply(world).add if isinstance(out, Flow))
    return [(each, act) for each in flows for act in each.actions if isinstance(act, Learn)]


def taught(world, mac_address, *, in_port=None, dpid=None):
    """The flow that the switch adds for a sender behind a port or on a host."""
    for teacher, learn in lessons(world):
        terms = {term.field: term.value for term in teacher.match}
        written = {act.field: act.value for act in learn.actions if hasattr(act, "field")}
        if terms.get("in_port") == in_port and written.get("metadata") == dpid:
            back = (Output(in_port),) if learn.back else ()
            matched = match(Registers.network(VNI), eth_dst(mac_address))
            return Flow(learn.table, learn.priority, matched, (*learn.actions, *back))
    return None


def dpid_of(world, host):
    return int(world[Datapath, f"dp-{host}"].dpid, 16)


def load(bridge, world, *more):
    flows = [out for out in Compiler(STRATA).apply(world).add if isinstance(out, Flow)]
    bridge.load([*flows, *more])


def test_stations_reach_each_other_with_any_address_wherever_they_are_and_nobody_else(hosts):
    pairs = [pair for pair in itertools.permutations(range(1, 7), 2) if {*WAYS} & {*pair}]
    packets = {(*pair, "own"): chosen(pair[0], mac(pair[1])) for pair in pairs}
    packets |= {(*pair, "v6"): ipv6(pair[0], mac(pair[1])) for pair in pairs if 1 in pair}
    found = hosts.journeys(packets)
    for sender, receiver, kind in packets:
        among = {OPEN} if sender in WAYS else set()  # Who may have an address of others, too.
        among = {receiver} if {sender, receiver} <= {*WAYS} else among - {sender}
        expected = [(each, WAYS[each]) for each in among]
        assert found[sender, receiver, kind] == expected, (sender, receiver, kind)


@pytest.mark.parametrize(
    "packet",
    [
        pytest.param(lambda number: chosen(number, BROADCAST), id="broadcast"),
        pytest.param(lambda number: ipv6(number, ALL_NODES), id="IPv6 multicast"),
        pytest.param(lambda number: request(number, "198.51.100.77"), id="a request"),
    ],
)
def test_what_is_for_all_comes_once_to_every_other_station_on_any_host(hosts, packet):
    found = hosts.journeys({number: packet(number) for number in WAYS})
    for number in WAYS:
        expected = [(other, way) for other, way in WAYS.items() if other != number]
        assert sorted(found[number]) == sorted(expected), number


def test_a_leased_address_is_answered_for_and_reached_from_the_whole_segment(hosts, bridge):
    hosts.turn(2)
    asked = {**request(3, address(1)), "arp_spa": "198.51.100.3"}
    fate = bridge.trace(**asked)
    assert fate.answered
    assert fate.leaves_as["arp_sha"] == mac(1)
    hosts.turn(1)
    assert ends(bridge, ipv4(1, mac(3))) == ["host2"], "with its lease, it is in the segment"


@pytest.mark.parametrize(
    ("packet", "reason"),
    [
        (chosen(1, mac(3), dl_src=STRANGER_MAC), "source MAC address not leased"),
        (chosen(1, mac(3), dl_vlan=5), "neither IP nor ARP, or tagged"),
        (request(1, address(3)) | {"arp_sha": mac(3)}, "ARP sender not leased"),
        (chosen(2, mac(3)), "IPv4 source address not leased"),
    ],
    ids=["another MAC", "a tag", "ARP for another", "no station"],
)
def test_a_station_sends_with_its_own_mac_address_only(hosts, bridge, packet, reason):
    hosts.turn(1)
    fate = bridge.trace(**packet)
    assert (fate.reaches, fate.reason) == (frozenset(), reason)


def test_an_address_that_nobody_leases_is_looked_for_only_where_it_may_be(hosts, bridge):
    for number in (1, 3):
        hosts.turn(host_of(number))
        assert ends(bridge, chosen(number, STRANGER_MAC)) == ["host3"]
        other = from_host(4 - number, STRANGER_MAC, host_of(number))
        assert bridge.trace(**other).reason == "unknown destination", "guests are not to see it"
    hosts.turn(3)
    assert ends(bridge, from_host(1, STRANGER_MAC, 3)) == [OPEN]
    assert ends(bridge, chosen(OPEN, STRANGER_MAC)) == []


def test_what_an_open_port_sends_is_learnt_there_and_on_the_other_hosts(hosts, bridge):
    here, _, there = hosts.worlds
    stranger = chosen(OPEN, mac(1), dl_src=STRANGER_MAC)
    load(bridge, there, taught(there, STRANGER, in_port=OPEN))
    assert ends(bridge, stranger) == ["host1"]
    assert ends(bridge, from_host(1, STRANGER_MAC, 3)) == [OPEN]
    assert ends(bridge, chosen(OPEN, STRANGER_MAC)) == [], "not back to where it came from"
    load(bridge, here, taught(here, STRANGER, dpid=dpid_of(here, 3)))
    assert ends(bridge, chosen(1, STRANGER_MAC)) == ["host3"]
    assert "check_pkt_len" in hosts.sent(chosen(1, STRANGER_MAC)), "it may be too big"
    assert bridge.trace(**from_host(3, STRANGER_MAC, 1)).reason == "from a host to a host"


def test_a_lease_goes_before_what_is_learnt(hosts, bridge):
    here = hosts.worlds[0]
    load(bridge, here, taught(here, 0x525400000003, dpid=dpid_of(here, 3)))
    assert ends(bridge, chosen(1, mac(3))) == ["host2"]


def test_it_is_learnt_only_of_those_who_may_have_any_address(hosts):
    ports = [sorted({learn.limit for _, learn in lessons(world)}) for world in hosts.worlds]
    assert ports == [[OF_PEER], [OF_PEER], [OF_PORT]]
    assert not taught(hosts.worlds[0], STRANGER, dpid=dpid_of(hosts.worlds[0], 2))
    for world in hosts.worlds:
        world[Interface, "if-5"] = Interface(uuid="if-5", mode="vif")
        assert lessons(world) == []
    assert lessons(hosts_world(1, ENCAPSULATIONS)) == []


def test_an_address_that_moves_is_learnt_anew_in_the_same_place(hosts):
    here = hosts.worlds[0]
    here[Interface, "if-1"] = Interface(uuid="if-1", mode="vif", enable_port_security=False)
    first = taught(here, STRANGER, in_port=1)
    second = taught(here, STRANGER, dpid=dpid_of(here, 3))
    assert first.key == second.key
    cookies = {learn.cookie for _, learn in lessons(here)}
    assert len(cookies) == 2


def test_the_switch_itself_learns_it_and_forgets_it_with_the_port(bridge):
    world = segments_world()
    for number in (2, 4):
        own = {"segment_uuid": "seg-1", "secured": False}
        world |= {key_of(row): row for row in guest_rows(number, None, None, **own)}
        del world[IpLease, f"il-{number}"]
    load(bridge, world)
    frame = f"eth(src={STRANGER_MAC},dst={mac(1)}),eth_type(0x1234)"
    for port in (2, 4):
        bridge.ovs.appctl("netdev-dummy/receive", f"vm{port}", f"in_port({port}),{frame}")
        bridge.ovs.appctl("revalidator/wait")
        assert ends(bridge, chosen(1, STRANGER_MAC)) == [port]
    del world[Port, "vm4"]
    load(bridge, world)
    assert not bridge.ovs.dump(f"table={int(Table.MAC_LEARNT)}")
    assert ends(bridge, chosen(1, STRANGER_MAC)) == [2, "host3"]


def test_a_host_that_is_not_to_learn_floods_each_time(hosts, bridge):
    here = hosts.worlds[0]
    own = here[Datapath, "dp-1"]
    here[Datapath, "dp-1"] = msgspec.structs.replace(own, enable_ovs_learn_action=False)
    assert lessons(here) == []
    hosts.turn(1)
    assert ends(bridge, chosen(1, STRANGER_MAC)) == ["host3"]


def with_lan(hosts):
    """A promiscuous interface of the first host bridges a LAN into the segment."""
    rows = [
        Interface(uuid="if-8", mode="promiscuous"),
        InterfacePort(uuid="ifp-8", interface_uuid="if-8", datapath_uuid="dp-1", port_name="vm5"),
        InterfaceSegment(uuid="ifseg-8", interface_uuid="if-8", segment_uuid="seg-1"),
    ]
    for world in hosts.worlds:
        world |= {key_of(row): row for row in rows}
    hosts.worlds[0][Port, "vm5"] = Port("vm5", LAN, up=True)


def test_a_lan_is_bridged_into_the_segment_and_its_machines_are_learnt(hosts, bridge):
    with_lan(hosts)
    here, there, _ = hosts.worlds
    from_lan = chosen(LAN, mac(1), dl_src=STRANGER_MAC)
    load(bridge, here)
    assert ends(bridge, from_lan) == [1]
    assert ends(bridge, from_lan | {"dl_dst": BROADCAST}) == [1, "host2", "host3"]
    assert ends(bridge, chosen(1, STRANGER_MAC)) == [LAN, "host3"]
    assert ends(bridge, from_host(3, STRANGER_MAC, 1)) == [LAN]
    assert bridge.trace(**from_lan, dl_vlan=5).reason == "tagged"
    load(bridge, here, taught(here, STRANGER, in_port=LAN))
    assert ends(bridge, chosen(1, STRANGER_MAC)) == [LAN]
    load(bridge, there)
    assert ends(bridge, chosen(3, STRANGER_MAC)) == ["host1", "host3"]
    load(bridge, there, taught(there, STRANGER, dpid=dpid_of(there, 1)))
    assert ends(bridge, chosen(3, STRANGER_MAC)) == ["host1"]


def test_a_network_in_a_segment_is_carried_with_it_or_not_at_all(hosts):
    world = hosts.worlds[0]
    network = hosts_world(1, ENCAPSULATIONS)
    carried = {key: row for key, row in network.items() if getattr(row, "uuid", "") == "dpnw-11"}
    assert shortfalls(world | carried) == shortfalls(world) == {}
    own = world.pop((DatapathSegment, "dpseg-1"))
    assert shortfalls(world | carried) == {
        "dpnw-11": "nothing is carried: network nw-1 is in segment seg-1, which this datapath "
        "lacks: vnctl datapaths segments add dp-1 seg-1"
    }
    nowhere = msgspec.structs.replace(own, interface_uuid="if-9")
    world[DatapathSegment, "dpseg-1"] = nowhere
    assert shortfalls(world) == {"dpseg-1": "interface if-9 has no IP lease to end tunnels at"}


def test_a_station_that_may_be_anywhere_is_reported_and_awaited_where_it_is_bound_too(
    hosts, bridge
):
    world = hosts.worlds[0]
    own = {"segment_uuid": "seg-1", "secured": False}
    world |= {key_of(row): row for row in guest_rows(2, None, None, **own)}
    del world[IpLease, "il-2"]
    anywhere = msgspec.structs.replace(world[InterfacePort, "ifp-2"], datapath_uuid=None)
    world[InterfacePort, "ifp-2"] = anywhere
    reported = [out for out in Compiler(STRATA).apply(world).add if isinstance(out, Here)]
    assert reported == [Here("if-2", "vm2")]
    hosts.turn(1)
    assert ends(bridge, chosen(1, STRANGER_MAC)) == [2, "host3"]
    there = ActiveInterface(uuid="acif-2", interface_uuid="if-2", datapath_uuid="dp-3")
    world[key_of(there)] = there
    hosts.turn(1)
    assert ends(bridge, chosen(1, mac(2))) == ["host3"]
    assert ends(bridge, chosen(2, mac(1))) == [1], "it may send"
    assert "controller" in hosts.sent(chosen(2, mac(1))), "the agent hears that it is here"
    assert ends(bridge, chosen(1, STRANGER_MAC)) == ["host3"]


def test_while_a_station_moves_both_hosts_that_it_is_bound_on_get_what_is_for_it(hosts, bridge):
    there = ActiveInterface(uuid="acif-1", interface_uuid="if-1", datapath_uuid="dp-2")
    also = InterfacePort(uuid="ifp-9", interface_uuid="if-1", datapath_uuid="dp-2", port_name="x")
    for world in hosts.worlds:
        world |= {key_of(row): row for row in (there, also)}
    hosts.turn(3)
    assert ends(bridge, chosen(5, mac(1))) == ["host1", "host2"]


def test_the_host_itself_is_in_no_segment(hosts):
    world = hosts.worlds[0]
    rows = (
        Interface(uuid="if-9", mode="internal", enable_port_security=False),
        InterfacePort(uuid="ifp-9", interface_uuid="if-9", datapath_uuid="dp-1"),
        MacLease(uuid="ml-9", interface_uuid="if-9", mac_address=STRANGER, segment_uuid="seg-1"),
        Port("br0", LOCAL, up=True, mac_address=0x020000000001),
    )
    found = shortfalls(world | {key_of(row): row for row in rows})
    assert found == {
        "ml-9": "segment seg-1 is no internal network, and the host is on such alone",
        "if-9": "port security stays on: all that the host sends comes by the same port",
    }


def test_port_security_stays_on_where_what_is_learnt_would_need_a_tag(hosts):
    world = hosts.worlds[0]
    child = Interface(
        uuid="if-9",
        mode="vif",
        parent_interface_uuid="if-1",
        vlan_id=10,
        enable_port_security=False,
    )
    lease = MacLease(uuid="ml-9", interface_uuid="if-9", mac_address=STRANGER, segment_uuid="seg-1")
    world |= {key_of(row): row for row in (child, lease)}
    why = "port security stays on: it is a VLAN of a trunk, in segment seg-1"
    assert shortfalls(world) == {"if-9": why}


def test_a_vlan_of_a_trunk_is_a_station_with_a_tag(hosts, bridge):
    world = hosts.worlds[0]
    child = Interface(uuid="if-9", mode="vif", parent_interface_uuid="if-2", vlan_id=10)
    lease = MacLease(uuid="ml-9", interface_uuid="if-9", mac_address=STRANGER, segment_uuid="seg-1")
    world |= {key_of(row): row for row in (child, lease)}
    hosts.turn(1)
    tagged = chosen(2, mac(1), dl_src=STRANGER_MAC, dl_vlan=10)
    assert ends(bridge, tagged) == [1]
    assert bridge.trace(**tagged | {"dl_vlan": 20}).reaches == frozenset()
    assert "push_vlan(vid=10" in hosts.sent(chosen(1, STRANGER_MAC))
    sent = {"in_port": 2, "dl_src": STRANGER_MAC, "arp_sha": STRANGER_MAC, "dl_vlan": 10}
    asked = request(2, address(1)) | sent
    answer = bridge.trace(**asked)
    assert answer.answered
    assert "pop_vlan" not in answer.sent


def test_a_physical_network_is_not_of_a_segment_whatever_names_one():
    world = hosts_world()
    flows = {out.key: out for out in Compiler(STRATA).apply(world).add if isinstance(out, Flow)}
    underlay = msgspec.structs.replace(world[Network, "nw-9"], segment_uuid="seg-1")
    again = Compiler(STRATA).apply(world | {key_of(underlay): underlay}).add
    assert {out.key: out for out in again if isinstance(out, Flow)} == flows
    assert NIC in {term.value for flow in flows.values() for term in flow.match}

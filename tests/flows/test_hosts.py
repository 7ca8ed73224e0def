"""Who reaches whom over three hosts: what leaves one switch is put into the others, for all pairs.

On the wire between them a packet has what its tunnel adds to it, or is as it was (mac2mac).
"""

import itertools
import re

import msgspec
import pytest

from openvnet.compiler import Compiler
from openvnet.features import STRATA
from openvnet.model import (
    ActiveInterface,
    Datapath,
    DatapathNetwork,
    InterfacePort,
    IpLease,
    Network,
)
from openvnet.model.facts import TUNNEL_PORTS, Heard, Port, TunnelInterface
from openvnet.model.host import Away
from openvnet.model.mtu import OVERHEADS
from openvnet.model.scalars import show_ipv4, show_mac
from openvnet.model.wanted import Here, Shortfall, TunnelPort
from openvnet.pipeline.flow import LOCAL, Flow
from openvnet.pipeline.tables import Table
from openvnet.state import View
from tests.worlds import guest as guest_rows
from tests.worlds import hosts_world, key_of

pytestmark = pytest.mark.ovs

HOSTS = (1, 2, 3)
GUESTS = range(1, 7)
NIC = 11
TUNNELS = {
    number: each
    for number, name in enumerate(sorted(TUNNEL_PORTS.values()), start=21)
    for each in TUNNEL_PORTS
    if TUNNEL_PORTS[each] == name
}
BROADCAST = "ff:ff:ff:ff:ff:ff"
GROUP, GROUP_MAC = "224.129.2.3", "01:00:5e:01:02:03"
MIXTURES = [
    ("geneve", "geneve", "geneve"),
    ("geneve", "vxlan", "gre"),
    ("mac2mac", "mac2mac", "mac2mac"),
    ("geneve", "mac2mac", "vxlan"),
    ("mac2mac", "gre", "mac2mac"),
]


def host_of(guest):
    return (guest + 1) // 2


def mac(guest):
    return show_mac(0x525400000000 + guest)


def address(guest):
    return show_ipv4(0x0A660009 + host_of(guest))


def others(guest):
    """The other members of a guest's network."""
    return [other for other in GUESTS if other % 2 == guest % 2 and other != guest]


def ipv4(guest, destination, nw_dst="10.102.0.99"):
    sender = {"in_port": guest, "dl_src": mac(guest), "dl_dst": destination}
    return {**sender, "ip": None, "nw_src": address(guest), "nw_dst": nw_dst}


def request(guest, target):
    sender = {"in_port": guest, "dl_src": mac(guest), "dl_dst": BROADCAST}
    arp = {"arp_op": 1, "arp_sha": mac(guest), "arp_spa": address(guest), "arp_tpa": target}
    return {**sender, "arp": None, **arp}


class Hosts:
    """Three hosts whose flows take turns in one bridge."""

    def __init__(self, bridge, encapsulations, without=(), world=hosts_world):
        self._bridge = bridge
        self.worlds = [world(host, encapsulations) for host in HOSTS]
        for world in self.worlds:
            for key in without:
                world.pop(key, None)
        self.encapsulations = encapsulations

    def turn(self, host):
        compiler = Compiler(STRATA)
        outputs = compiler.apply(self.worlds[host - 1]).add
        assert not compiler.conflicts
        self._bridge.load([output for output in outputs if isinstance(output, Flow)])

    def sent(self, packet):
        return self._bridge.trace(**packet).sent

    def journeys(self, packets):
        """Where copies of packets end: for each, the guests that get one, and how it came there."""
        sent = {}
        for host in HOSTS:
            self.turn(host)
            for name, packet in packets.items():
                if host_of(packet["in_port"]) == host:
                    sent[name] = self._bridge.copies(**packet)
        ends = {name: [] for name in packets}
        for host in HOSTS:
            self.turn(host)
            for name, packet in packets.items():
                home = host_of(packet["in_port"])
                for port, written in sent[name]:
                    if port in GUESTS and host == home:
                        ends[name].append((port, ""))
                    elif port not in GUESTS and host != home:
                        ends[name] += self.arrival(host, packet, port, written)
        return ends

    def arrival(self, host, packet, port, written):
        way, changed = "mac2mac", {"in_port": NIC}
        if port != NIC:
            way, changed = TUNNELS[port], {"in_port": port}
            if written["tun_dst"] != f"172.16.0.{host}":
                return
            changed |= {name: written[name] for name in ("tun_src", "tun_dst", "tun_id")}
        elif "eth_dst" in written:
            changed["dl_dst"] = written["eth_dst"]
        for number, final in self._bridge.copies(**{**packet, **changed}):
            if number != LOCAL:
                assert number in GUESTS, "nothing goes on to another host"
                yield number, way
                if packet["dl_dst"] in (BROADCAST, GROUP_MAC) and way == "mac2mac":
                    assert final["eth_dst"] == (
                        "01:00:5e:00:00:00" if "moved" in final else BROADCAST
                    )
                    assert ("moved" in final) == (packet["dl_dst"] == GROUP_MAC)


@pytest.fixture(params=MIXTURES, ids=" ".join)
def hosts(request, bridge):
    return Hosts(bridge, request.param)


def way(hosts, sender, receiver):
    """How packets come from one guest to another: as the receiver's host wants."""
    here = host_of(sender) == host_of(receiver)
    return "" if here else hosts.encapsulations[host_of(receiver) - 1]


def test_each_reaches_the_other_members_of_its_network_wherever_they_are_and_nobody_else(hosts):
    pairs = list(itertools.permutations(GUESTS, 2))
    packets = {pair: ipv4(pair[0], mac(pair[1]), address(pair[1])) for pair in pairs}
    ends = hosts.journeys(packets)
    for sender, receiver in pairs:
        expected = [(receiver, way(hosts, sender, receiver))] if receiver in others(sender) else []
        assert ends[sender, receiver] == expected, (sender, receiver)


@pytest.mark.parametrize(
    "packet",
    [
        pytest.param(lambda guest: ipv4(guest, BROADCAST, "255.255.255.255"), id="broadcast"),
        pytest.param(lambda guest: ipv4(guest, GROUP_MAC, GROUP), id="multicast"),
        pytest.param(lambda guest: request(guest, "10.102.0.77"), id="a request"),
    ],
)
def test_what_is_for_all_comes_once_to_every_other_member_on_any_host(hosts, packet):
    ends = hosts.journeys({guest: packet(guest) for guest in GUESTS})
    for guest in GUESTS:
        expected = [(other, way(hosts, guest, other)) for other in others(guest)]
        assert sorted(ends[guest]) == sorted(expected), guest


def test_a_request_for_the_address_of_a_guest_elsewhere_is_answered_at_home(bridge):
    hosts = Hosts(bridge, MIXTURES[0])
    hosts.turn(1)
    fate = bridge.trace(**request(1, address(3)))
    assert fate.answered
    assert not fate.reaches
    assert fate.leaves_as["arp_sha"] == mac(3)


def tunnelled(tun_src="172.16.0.2", tun_id=1, **packet):
    return {"in_port": 21, "tun_src": tun_src, "tun_dst": "172.16.0.1", "tun_id": tun_id, **packet}


def bare(sender=3, receiver=1, in_port=NIC, **more):
    return {**ipv4(sender, mac(receiver), address(receiver)), "in_port": in_port, **more}


REFUSED = {
    "a tunnel from no host of ours": (
        tunnelled(**bare(in_port=21), tun_src="172.16.0.9"),
        "tunnel of no known host or network",
    ),
    "a tunnel of an unknown network": (
        tunnelled(**bare(in_port=21), tun_id=7),
        "tunnel of no known host or network",
    ),
    "what is for a guest of another host": (
        tunnelled(**bare(receiver=5, in_port=21)),
        "from a host to a host",
    ),
    "what is for a guest of another network": (
        tunnelled(**bare(receiver=2, in_port=21)),
        "unknown destination",
    ),
    "a sender of another network": (bare(sender=4), "sender on the underlay not known"),
    "a sender of this host": (bare(sender=1), "sender on the underlay not known"),
    "a sender that nobody knows": (bare(sender=9), "sender on the underlay not known"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_comes_from_elsewhere_and_should_not_is_dropped_and_counted(bridge, case):
    packet, reason = REFUSED[case]
    Hosts(bridge, ("mac2mac", "mac2mac", "geneve")).turn(1)
    fate = bridge.trace(**packet)
    assert (fate.reaches, fate.reason) == (frozenset(), reason)


def test_what_is_not_for_a_guest_goes_to_the_host_as_ever(bridge):
    Hosts(bridge, MIXTURES[2]).turn(1)
    for packet in (bare(receiver=3), bare(dl_vlan=5), bare(dl_dst=BROADCAST)):
        assert bridge.trace(**packet).reaches == {LOCAL}


WITHOUT = {
    "its own row": (DatapathNetwork, "dpnw-11"),
    "the row of the other": (DatapathNetwork, "dpnw-21"),
    "where tunnels end": (IpLease, "il-eth2"),
    "where they begin": (IpLease, "il-eth1"),
    "where the guest is": (InterfacePort, "ifp-3"),
    "the other datapath": (Datapath, "dp-2"),
    "a tunnel port": (TunnelInterface, "vnet-geneve"),
}


@pytest.mark.parametrize("case", WITHOUT)
def test_without_a_row_nothing_goes_to_the_other_host(bridge, case):
    Hosts(bridge, ("geneve", "geneve", "vxlan"), without=[WITHOUT[case]]).turn(1)
    for destination in (mac(3), BROADCAST):
        for _, written in bridge.copies(**ipv4(1, destination)):
            assert written.get("tun_dst") != "172.16.0.2"


def located(*rows):
    """The first host's world, in which guest 3 is where these rows say."""
    world = hosts_world(1, MIXTURES[0])
    del world[InterfacePort, "ifp-3"]
    world |= {(type(row), row.uuid): row for row in rows}
    compiler = Compiler(STRATA)
    compiler.apply(world)
    away = View(compiler.state).get(Away, "il-3")
    return away and away.place[1]


def port(number, datapath_uuid):
    uuid = f"ifp-9{number}"
    return InterfacePort(uuid=uuid, interface_uuid="if-3", datapath_uuid=datapath_uuid)


def test_a_guest_is_where_its_ports_say_or_if_they_do_not_where_it_was_reported():
    reported = ActiveInterface(uuid="acif-1", interface_uuid="if-3", datapath_uuid="dp-3")
    assert located(reported) == located(port(1, None), reported) == "dp-3"
    assert located(port(1, "dp-2"), reported) == "dp-2"
    assert located(port(1, "dp-2"), port(2, "dp-3"), reported) == "dp-3"
    assert located() is located(port(1, None)) is None


def test_what_is_for_a_guest_that_is_on_its_way_here_goes_to_where_it_still_is(bridge):
    hosts = Hosts(bridge, MIXTURES[0])
    world = hosts.worlds[0]
    anywhere = msgspec.structs.replace(world[InterfacePort, "ifp-1"], datapath_uuid=None)
    there = ActiveInterface(uuid="acif-1", interface_uuid="if-1", datapath_uuid="dp-2")
    beside = {key_of(row): row for row in guest_rows(4, "nw-1", 0x0A660063)}
    world |= {(InterfacePort, "ifp-1"): anywhere, (ActiveInterface, "acif-1"): there, **beside}
    neighbour = {**ipv4(4, mac(1)), "nw_src": "10.102.0.99"}
    hosts.turn(1)
    ((_, written),) = bridge.copies(**neighbour)
    assert written["tun_dst"] == "172.16.0.2"
    assert 1 not in {port for port, _ in bridge.copies(**{**neighbour, "dl_dst": BROADCAST})}
    ((_, written),) = bridge.copies(**ipv4(1, mac(3)))
    assert written["tun_dst"] == "172.16.0.2", "it may send"
    del world[ActiveInterface, "acif-1"]
    hosts.turn(1)
    assert bridge.trace(**neighbour).reaches == {1}


def moving(bridge, mixture):
    """Guest 1 is on the first host, and bound on the second, too, by the names of both."""
    hosts = Hosts(bridge, mixture)
    bound = [msgspec.structs.replace(port(n, f"dp-{n}"), interface_uuid="if-1") for n in (1, 2)]
    here = ActiveInterface(uuid="acif-1", interface_uuid="if-1", datapath_uuid="dp-1")
    leases = [row for row in guest_rows(1, "nw-1", 0x0A66000A) if not isinstance(row, Port)]
    beside = guest_rows(4, "nw-1", 0x0A660063)
    for world in hosts.worlds:
        named = (msgspec.structs.replace(row, port_name="vm1") for row in bound)
        world |= {key_of(row): row for row in (*leases, *named, here)}
    hosts.worlds[0] |= {key_of(row): row for row in beside}
    hosts.worlds[1][Port, "vm1"] = Port("vm1", 1, up=True)
    return hosts


def test_what_is_for_a_guest_that_moves_is_there_on_the_new_host_once_it_is_heard(bridge):
    hosts = moving(bridge, MIXTURES[0])
    sent = {"from the third host": ipv4(5, mac(1))}
    assert hosts.journeys(sent) == {"from the third host": [(1, "geneve")]}
    hosts.worlds[1][Heard, "if-1"] = Heard("if-1")
    assert hosts.journeys(sent) == {"from the third host": 2 * [(1, "geneve")]}
    hosts.turn(1)
    neighbour = {**ipv4(4, mac(1)), "nw_src": "10.102.0.99"}
    (here, _), (there, written) = bridge.copies(**neighbour)
    assert (here, TUNNELS[there], written["tun_dst"]) == (1, "geneve", "172.16.0.2")
    came = {"in_port": there, "tun_src": "172.16.0.3", "tun_id": 1}
    assert bridge.trace(**ipv4(5, mac(1)) | came).reaches == {1}, "it goes to no other host"


def test_without_tunnels_it_goes_to_one_host_for_the_switches_between_know_but_one(bridge):
    hosts = moving(bridge, MIXTURES[2])
    hosts.turn(3)
    assert len(bridge.copies(**ipv4(5, mac(1)))) == 1
    hosts.turn(1)
    neighbour = {**ipv4(4, mac(1)), "nw_src": "10.102.0.99"}
    assert bridge.trace(**neighbour).reaches == {1}


def reported(world):
    return {out for out in Compiler(STRATA).apply(world).add if isinstance(out, Here)}


def test_only_of_a_guest_that_may_be_elsewhere_and_whose_network_is_carried_it_is_reported():
    world = hosts_world(1, MIXTURES[0])
    assert reported(world) == set()
    anywhere = msgspec.structs.replace(world[InterfacePort, "ifp-1"], datapath_uuid=None)
    assert reported(world | {(InterfacePort, "ifp-1"): anywhere}) == {Here("if-1", "vm1")}
    assert reported(world | {(InterfacePort, "ifp-7"): port(7, "dp-2")}) == set()
    other = msgspec.structs.replace(port(7, "dp-2"), interface_uuid="if-1")
    assert reported(world | {(InterfacePort, "ifp-7"): other}) == {Here("if-1", "vm1")}
    alone = {key: row for key, row in world.items() if key[0] is not DatapathNetwork}
    assert reported(alone | {(InterfacePort, "ifp-1"): anywhere}) == set()


def shortfalls(world):
    outputs = Compiler(STRATA).apply(world).add
    return {out.uuid: out.reason for out in outputs if isinstance(out, Shortfall)}


def test_where_mac2mac_cannot_be_geneve_takes_its_place_and_what_lacks_is_said(bridge):
    hosts = Hosts(bridge, ("geneve", "mac2mac", "mac2mac"))
    world = hosts.worlds[0]
    there = world[IpLease, "il-eth2"]
    world[IpLease, "il-eth2"] = msgspec.structs.replace(there, network_uuid="nw-8")
    row = world[DatapathNetwork, "dpnw-31"]
    world[DatapathNetwork, "dpnw-31"] = msgspec.structs.replace(row, mac_address=None)
    hosts.turn(1)
    copies = bridge.copies(**ipv4(1, BROADCAST))
    assert {(port, out["tun_dst"]) for port, out in copies} == {
        *((21, "172.16.0.3"), (21, "172.16.0.2"))
    }
    instead = "it is reached by geneve and not by mac2mac: "
    assert shortfalls(world) == {"dpnw-31": instead + "it has no mac_address"}


def test_a_host_that_cannot_receive_says_so():
    world = hosts_world(1, ("mac2mac", "geneve", "geneve"))
    world[TunnelInterface, "vnet-geneve"] = TunnelInterface("vnet-geneve", "no such type")
    del world[Port, "eth0"]
    no_port = "nothing comes by mac2mac: interface if-eth1 has no port on this bridge"
    assert shortfalls(world) == {
        "dp-1": "tunnel port vnet-geneve: no such type",
        "dpnw-11": no_port,
        "dpnw-12": no_port,
    }


@pytest.mark.parametrize(
    ("encapsulations", "ports"),
    [
        (("geneve", "geneve", "geneve"), {"vnet-geneve"}),
        (("gre", "geneve", "vxlan"), {"vnet-geneve", "vnet-gre", "vnet-vxlan"}),
        (("mac2mac", "mac2mac", "gre"), {"vnet-geneve", "vnet-gre"}),
    ],
)
def test_a_bridge_has_the_tunnel_ports_that_it_needs(encapsulations, ports):
    compiler = Compiler(STRATA)
    compiler.apply(hosts_world(1, encapsulations))
    wanted = {out.name for out in compiler.all() if isinstance(out, TunnelPort)}
    assert wanted == ports
    rows = [(DatapathNetwork, f"dpnw-{host}{network}") for host in HOSTS for network in (1, 2)]
    gone = compiler.apply(dict.fromkeys(rows)).remove
    assert {out.name for out in gone if isinstance(out, TunnelPort)} == ports


def test_a_member_elsewhere_costs_two_flows_and_an_end_point_that_moves_two_a_network():
    compiler = Compiler(STRATA)
    compiler.apply(hosts_world(1, MIXTURES[0]))
    far = {key_of(row): row for row in guest_rows(9, "nw-1", 0x0A660063, port=False)}
    far[InterfacePort, "ifp-9"] = msgspec.structs.replace(
        far[InterfacePort, "ifp-9"], datapath_uuid="dp-2"
    )
    added = compiler.apply(far)
    assert not added.remove
    assert {flow.table for flow in added.add} == {Table.ARP, Table.L2_LOOKUP}
    assert len(added.add) == 2
    end = compiler.state.rows[IpLease]["il-eth2"]
    moved = {(IpLease, "il-eth2"): msgspec.structs.replace(end, ipv4_address=0xAC100063)}
    assert len([out for out in compiler.apply(moved).add if isinstance(out, Flow)]) == 4


def test_an_internal_network_never_leaves_the_host(bridge):
    hosts = Hosts(bridge, MIXTURES[0])
    world = hosts.worlds[0]
    network = world[Network, "nw-1"]
    world[Network, "nw-1"] = msgspec.structs.replace(network, mode="internal")
    world |= {key_of(row): row for row in guest_rows(4, "nw-1", 0x0A660063)}
    hosts.turn(1)
    assert [port for port, _ in bridge.copies(**ipv4(1, BROADCAST))] == [4]
    assert [port for port, _ in bridge.copies(**ipv4(1, mac(4)))] == [4]
    for destination in (mac(3), "52:54:00:00:00:99"):
        assert bridge.copies(**ipv4(1, destination)) == []
    incoming = {**ipv4(3, BROADCAST), "in_port": 21, "tun_src": "172.16.0.2", "tun_id": 1}
    assert bridge.copies(**incoming) == []


def test_what_is_too_big_for_another_host_goes_to_the_agent_and_what_stays_is_not_looked_at(hosts):
    hosts.turn(1)
    for guest in (1, 2):
        for other in others(guest):
            sent = hosts.sent(ipv4(guest, mac(other)))
            limit, larger = re.search(r"check_pkt_len\(size=(\d+),gt\((.*)\),le\(", sent).groups()
            assert int(limit) == 1500 - OVERHEADS[hosts.encapsulations[host_of(other) - 1]] + 14
            assert {"controller", "meter"} <= set(re.findall(r"\w+", larger))
        for packet in (ipv4(guest, mac(guest)), ipv4(guest, BROADCAST)):
            assert "check_pkt_len" not in hosts.sent(packet)

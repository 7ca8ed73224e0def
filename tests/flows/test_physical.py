"""Physical networks: guests, the host and its uplinks reach each other; the host's path stays.

Two networks are on one uplink, one of them as a VLAN; a third is a VLAN of a bond.

    guests 1, 3 ── nw-8 ──────────┐                 guest 4 ── nw-6, VLAN 30 ── bond of nic13, nic14
    guest 2 ────── nw-7, VLAN 20 ─┴─ nic11          guest 5 ── nw-1, virtual
"""

import itertools
import re

import pytest

from openvnet.compiler import Compiler
from openvnet.features import STRATA
from openvnet.model import (
    ActiveInterface,
    Datapath,
    DatapathNetwork,
    Interface,
    InterfacePort,
    IpLease,
    MacLease,
    Network,
)
from openvnet.model.facts import BondMember, Bridge, Port
from openvnet.model.wanted import Announcement, Here, Shortfall
from openvnet.pipeline.flow import LOCAL, Flow
from openvnet.pipeline.tables import Table
from tests.flows.test_host_path import PACKETS
from tests.worlds import DPID, OTHER_DPID, guest, key_of

pytestmark = pytest.mark.ovs

HOST = 0x0200000000AA
HOST_MAC, OUTSIDE_MAC, BROADCAST = "02:00:00:00:00:aa", "02:00:00:00:00:bb", "ff:ff:ff:ff:ff:ff"
VLANS = {1: 0, 2: 20, 3: 0, 4: 30}
WAYS = {1: {11}, 2: {11}, 3: {11}, 4: {13}}
ADDRESS = {1: "192.0.2.11", 2: "198.51.100.12", 3: "192.0.2.13", 4: "203.0.113.14"}
GUESTS = tuple(VLANS)


def host_interface(number, port_name):
    uuid = f"if-9{number}"
    yield Interface(uuid=uuid, mode="host")
    yield InterfacePort(
        uuid=f"ifp-9{number}", interface_uuid=uuid, datapath_uuid="dp-1", port_name=port_name
    )


def physical(network_uuid, subnet, vlan_id, interface_uuid, vni):
    yield Network(uuid=network_uuid, mode="physical", ipv4_network=subnet, vlan_id=vlan_id, vni=vni)
    yield DatapathNetwork(
        uuid=f"dp{network_uuid}",
        datapath_uuid="dp-1",
        network_uuid=network_uuid,
        interface_uuid=interface_uuid,
    )


ROWS = [
    Bridge(DPID),
    Port("br0", LOCAL, up=True, mac_address=HOST),
    *(Port(f"nic{number}", number, up=True, uplink=True) for number in (11, 12, 13, 14)),
    *(BondMember(f"nic{number}", "bond0") for number in (13, 14)),
    Datapath(uuid="dp-1", display_name="one", dpid=DPID, node_id="vna"),
    *host_interface(1, "nic11"),
    *host_interface(3, "bond0"),
    *physical("nw-8", 0xC0000200, None, "if-91", 8),
    *physical("nw-7", 0xC6336400, 20, "if-91", 7),
    *physical("nw-6", 0xCB007100, 30, "if-93", 6),
    Network(uuid="nw-1", ipv4_network=0x0A660000, vni=1),
    *guest(1, "nw-8", 0xC000020B),
    *guest(2, "nw-7", 0xC633640C),
    *guest(3, "nw-8", 0xC000020D),
    *guest(4, "nw-6", 0xCB00710E),
    *(row for row in guest(5, "nw-1", 0x0A66000A, port=False)),
    Port("vm5", 300, up=True),
]


def flows_of(rows):
    compiler = Compiler(STRATA)
    outputs = compiler.apply({key_of(row): row for row in rows}).add
    assert not compiler.conflicts
    return [output for output in outputs if isinstance(output, Flow)]


@pytest.fixture
def lan(bridge):
    bridge.load(flows_of(ROWS))
    return bridge


def mac(number):
    return f"52:54:00:00:00:0{number}"


def sent(number, destination, **fields):
    sender = {"in_port": number, "dl_src": mac(number), "dl_dst": destination}
    return {**sender, "ip": None, "nw_src": ADDRESS[number], **fields}


def outside(vlan_id, destination, port="LOCAL", **fields):
    source = HOST_MAC if port == "LOCAL" else OUTSIDE_MAC
    tagged = {"dl_vlan": vlan_id} if vlan_id else {}
    return {"in_port": port, "dl_src": source, "dl_dst": destination, **tagged, "ip": None} | fields


def reached(fate):
    """The ports that something is sent to; also those of a bond, which are not in `reaches`."""
    numbers = re.findall(r"\b\d+\b", re.sub(r"\(.*?\)", "", fate.sent))
    return {LOCAL if number == "100" else int(number) for number in numbers}


def neighbours(number):
    """The other guests of its network."""
    return {other for other in GUESTS if VLANS[other] == VLANS[number]} - {number}


def leaves(number, *ports):
    """What the switch sends of what a guest sends: with its network's tag, if it has one."""
    return f"push_vlan(vid={VLANS[number]},pcp=0),{','.join(ports)}" if VLANS[number] else None


@pytest.mark.parametrize(("sender", "receiver"), list(itertools.permutations(GUESTS, 2)))
def test_guests_reach_the_guests_of_their_network_here(lan, sender, receiver):
    fate = lan.trace(**sent(sender, mac(receiver)))
    assert reached(fate) == ({receiver} if receiver in neighbours(sender) else WAYS[sender])


@pytest.mark.parametrize("number", GUESTS)
def test_an_unknown_destination_is_on_the_lan(lan, number):
    fate = lan.trace(**sent(number, OUTSIDE_MAC))
    assert reached(fate) == WAYS[number]
    ports = [str(port) for port in WAYS[number]]
    assert leaves(number, *ports) in (None, fate.sent)


@pytest.mark.parametrize("number", GUESTS)
def test_what_a_guest_sends_to_all_reaches_the_network_the_host_and_the_lan(lan, number):
    fate = lan.trace(**sent(number, BROADCAST))
    assert reached(fate) == {*neighbours(number), LOCAL, *WAYS[number]}
    assert leaves(number, "100", *map(str, WAYS[number])) in (None, fate.sent)
    request = {"arp": None, "arp_op": 1, "arp_sha": mac(number), "arp_spa": ADDRESS[number]}
    asked = {"in_port": number, "dl_src": mac(number), "dl_dst": BROADCAST, **request}
    for other in (*GUESTS, number):
        fate = lan.trace(**asked, arp_tpa=ADDRESS[other])
        assert reached(fate) == {*neighbours(number), LOCAL, *WAYS[number]}
        assert not fate.answered


@pytest.mark.parametrize("number", GUESTS)
def test_a_guest_and_the_host_reach_each_other(lan, number):
    assert reached(lan.trace(**sent(number, HOST_MAC))) == {LOCAL}
    fate = lan.trace(**outside(VLANS[number], mac(number)))
    assert reached(fate) == {number, 11, 12, 13}
    assert fate.sent.endswith(f",{'pop_vlan,' if VLANS[number] else ''}{number}")


@pytest.mark.parametrize("number", GUESTS)
def test_what_comes_from_the_lan_for_a_guest_goes_to_the_guest(lan, number):
    for uplink in {4: (13, 14)}.get(number, (11,)):
        fate = lan.trace(**outside(VLANS[number], mac(number), uplink))
        assert fate.sent == f"{'pop_vlan,' if VLANS[number] else ''}{number}"


@pytest.mark.parametrize(("number", "vlan_id", "port"), [(1, 20, 11), (2, 0, 11), (1, 0, 12)])
def test_of_another_vlan_or_by_another_uplink_it_is_the_hosts(lan, number, vlan_id, port):
    assert reached(lan.trace(**outside(vlan_id, mac(number), port))) == {LOCAL}


@pytest.mark.parametrize(
    ("vlan_id", "port", "guests"),
    [(0, 11, {1, 3}), (20, 11, {2}), (30, 13, {4}), (30, 14, {4}), (30, 11, set()), (0, 12, set())],
)
def test_what_is_for_all_on_the_lan_is_for_the_host_and_for_guests(lan, vlan_id, port, guests):
    assert reached(lan.trace(**outside(vlan_id, BROADCAST, port))) == {LOCAL, *guests}
    assert reached(lan.trace(**outside(vlan_id, "01:00:5e:00:00:fb", port))) == {LOCAL, *guests}


@pytest.mark.parametrize(("vlan_id", "guests"), [(0, {1, 3}), (20, {2}), (30, {4}), (40, set())])
def test_what_the_host_sends_to_all_is_for_guests_too(lan, vlan_id, guests):
    fate = lan.trace(**outside(vlan_id, BROADCAST))
    assert reached(fate) == {11, 12, 13, *guests}
    assert fate.sent.startswith("11,12,13")


@pytest.mark.parametrize("packet", PACKETS.values(), ids=PACKETS)
def test_the_hosts_own_path_is_what_it_was(lan, packet):
    own = {"dl_src": HOST_MAC, "dl_dst": OUTSIDE_MAC, **packet}
    assert reached(lan.trace(in_port="LOCAL", **own)) >= {11, 12, 13}
    for uplink in (11, 12, 13, 14):
        to_host = {"dl_src": OUTSIDE_MAC, "dl_dst": HOST_MAC, **packet}
        fate = lan.trace(in_port=uplink, **to_host)
        assert LOCAL in reached(fate) or to_host["dl_dst"] == mac(3)
        assert reached(fate) <= {LOCAL, 1, 3}


def with_leases(*rows):
    return [*ROWS, *rows]


THIEF = with_leases(
    MacLease(uuid="ml-1", interface_uuid="if-1", mac_address=HOST),
    MacLease(uuid="ml-3", interface_uuid="if-3", mac_address=0x0200000000BB),
)
"""Guest 1 has the MAC address of the host, and guest 3 that of the host's router."""


def test_nobody_takes_the_hosts_packets_whatever_is_leased(bridge):
    bridge.load(flows_of(THIEF))
    assert reached(bridge.trace(**outside(0, HOST_MAC, 11))) == {LOCAL}
    assert reached(bridge.trace(**outside(0, OUTSIDE_MAC))) >= {11, 12, 13}
    for destination in (BROADCAST, OUTSIDE_MAC):
        fate = bridge.trace(**sent(1, destination, dl_src=HOST_MAC))
        assert (reached(fate), fate.reason) == (set(), "MAC address of the host")


FORBIDDEN = {
    "another's MAC": ({"dl_src": mac(3)}, "source MAC address not leased"),
    "another's address": ({"nw_src": ADDRESS[3]}, "IPv4 source address not leased"),
    "the host's MAC": ({"dl_src": HOST_MAC}, "MAC address of the host"),
    "a VLAN that is not its": ({"dl_vlan": 20}, "neither IPv4 nor ARP, or tagged"),
}


@pytest.mark.parametrize("case", FORBIDDEN)
def test_guests_send_with_their_own_addresses_only(lan, case):
    fields, reason = FORBIDDEN[case]
    for destination in (BROADCAST, OUTSIDE_MAC, HOST_MAC, mac(3)):
        fate = lan.trace(**sent(1, destination, **fields))
        assert (reached(fate), fate.reason) == (set(), reason)


def test_guests_of_virtual_networks_have_no_part_in_it(lan):
    for destination in (BROADCAST, OUTSIDE_MAC, HOST_MAC, mac(1)):
        virtual = {"in_port": 300, "dl_src": mac(5), "nw_src": "10.102.0.10"}
        assert not reached(lan.trace(**sent(1, destination, **virtual)))
    for port in (11, "LOCAL"):
        assert 300 not in reached(lan.trace(**outside(0, mac(5), port)))


def test_without_a_way_guests_reach_those_of_their_network_here_only(bridge):
    bridge.load(flows_of(row for row in ROWS if not isinstance(row, DatapathNetwork)))
    assert reached(bridge.trace(**sent(1, BROADCAST))) == {3}
    assert bridge.trace(**sent(1, OUTSIDE_MAC)).reason == "unknown destination"
    assert reached(bridge.trace(**outside(0, BROADCAST, 11))) == {LOCAL}


def outputs(rows):
    compiler = Compiler(STRATA)
    added = compiler.apply({key_of(row): row for row in rows}).add
    return compiler, added


def test_of_two_networks_that_would_be_one_lan_the_first_is_and_the_other_says_so(bridge):
    rows = [*ROWS, *physical("nw-9", 0xC0000200, 20, "if-91", 9), *guest(3, "nw-9", 0xC0000263)]
    bridge.load(flows_of(rows))
    assert reached(bridge.trace(**sent(2, BROADCAST))) == {2, LOCAL, 11} - {2}
    assert not reached(bridge.trace(**sent(3, OUTSIDE_MAC, nw_src="192.0.2.99")))
    (found,) = (output for output in outputs(rows)[1] if isinstance(output, Shortfall))
    assert found.uuid == "dpnw-9"
    assert "network nw-7 has the same uplink, and vlan_id 20 too" in found.reason


def test_a_network_whose_interface_is_not_here_says_so():
    rows = [row for row in ROWS if row != Port("nic11", 11, up=True, uplink=True)]
    said = {out.uuid: out.reason for out in outputs(rows)[1] if isinstance(out, Shortfall)}
    why = "nobody is reached: interface if-91 has no port on this bridge"
    assert said == {"dpnw-7": why, "dpnw-8": why}


ANSWER = Table.ARP, 100


def test_nobody_is_answered_for_in_a_physical_network():
    compiler, added = outputs([*ROWS, IpLease(uuid="il-9", network_uuid="nw-8", ipv4_address=1)])
    answers = [one for one in added if isinstance(one, Flow) and one.key[0] == ANSWER]
    assert {owner.id for answer in answers for owner in compiler.owners(answer.key)} == {"il-5"}


AWAITED = [
    *(row for row in ROWS if getattr(row, "uuid", "") != "ifp-3"),
    InterfacePort(uuid="ifp-3", interface_uuid="if-3", port_name="vm3"),
    Datapath(uuid="dp-2", display_name="two", dpid=OTHER_DPID, node_id="vna2"),
    ActiveInterface(uuid="acif-3", interface_uuid="if-3", datapath_uuid="dp-2"),
]
"""Guest 3 has a port here, and is still on another host."""


def test_a_guest_that_is_still_elsewhere_gets_nothing_here_and_is_reached_by_the_lan(bridge):
    bridge.load(flows_of(AWAITED))
    assert reached(bridge.trace(**sent(1, mac(3)))) == {11}
    assert reached(bridge.trace(**sent(1, BROADCAST))) == {LOCAL, 11}
    assert reached(bridge.trace(**outside(0, BROADCAST, 11))) == {LOCAL, 1}
    assert 3 not in reached(bridge.trace(**outside(0, mac(3), 11)))
    assert 3 not in reached(bridge.trace(**outside(0, mac(3))))
    assert reached(bridge.trace(**sent(3, BROADCAST))) == {1, LOCAL, 11}


def test_a_guest_that_is_still_elsewhere_may_send_though_no_other_is_on_the_lan_here(bridge):
    bridge.load(flows_of([row for row in AWAITED if getattr(row, "uuid", "") != "ifp-1"]))
    assert reached(bridge.trace(**sent(3, BROADCAST))) == {LOCAL, 11}
    assert reached(bridge.trace(**sent(3, OUTSIDE_MAC))) == {11}
    assert reached(bridge.trace(**outside(0, BROADCAST, 11))) == {LOCAL}


def test_guests_of_lans_are_announced_once_they_are_here():
    compiler, added = outputs(AWAITED)
    assert [out for out in added if isinstance(out, Here)] == [Here("if-3", "vm3", awaited=True)]
    assert {out.port for out in added if isinstance(out, Announcement)} == {1, 2, 4}
    came = compiler.apply({(ActiveInterface, "acif-3"): None}).add
    (told,) = (out for out in came if isinstance(out, Announcement))
    assert told == Announcement(8, 0x525400000003, 0xC000020D, 3, (11,), bare=False)

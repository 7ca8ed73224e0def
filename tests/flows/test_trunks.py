"""A guest's port that is a trunk: each of its VLANs is an interface of its own, in any network.

port 1: no tag ── if-1, nw-1       port 2: if-2, nw-1
        VLAN 10 ─ if-7, nw-2       port 3: if-3, nw-2
        VLAN 20 ─ if-8, nw-3       port 4: if-4, nw-3, also a trunk
                                           VLAN 10 ─ if-9, nw-2
"""

import itertools

import pytest

from openvnet.compiler import Compiler
from openvnet.features import STRATA
from openvnet.model import Datapath, Interface, IpLease, MacLease, Network
from openvnet.model.facts import Bridge
from openvnet.pipeline.flow import Flow
from tests.worlds import DPID, guest, key_of

pytestmark = pytest.mark.ovs

PLACES = {1: (1, 0), 2: (2, 0), 3: (3, 0), 4: (4, 0), 7: (1, 10), 8: (1, 20), 9: (4, 10)}
"""The port and the VLAN of each interface."""
NETWORK = {1: 1, 2: 1, 3: 2, 4: 3, 7: 2, 8: 3, 9: 2}
EVERYONE = sorted(PLACES)
BROADCAST = "ff:ff:ff:ff:ff:ff"


def child(number, parent, vlan_id, network):
    uuid = f"if-{number}"
    yield Interface(uuid=uuid, mode="vif", parent_interface_uuid=parent, vlan_id=vlan_id)
    mac_address = 0x525400000000 + number
    yield MacLease(uuid=f"ml-{number}", interface_uuid=uuid, mac_address=mac_address)
    yield IpLease(
        uuid=f"il-{number}",
        interface_uuid=uuid,
        mac_lease_uuid=f"ml-{number}",
        network_uuid=network,
        ipv4_address=0x0A660000 + number,
    )


ROWS = [
    Bridge(DPID),
    Datapath(uuid="dp-1", display_name="one", dpid=DPID, node_id="vna"),
    *(Network(uuid=f"nw-{n}", ipv4_network=0x0A660000, vni=n) for n in (1, 2, 3)),
    *(row for n in (1, 2, 3, 4) for row in guest(n, f"nw-{NETWORK[n]}", 0x0A660000 + n)),
    *child(7, "if-1", 10, "nw-2"),
    *child(8, "if-1", 20, "nw-3"),
    *child(9, "if-4", 10, "nw-2"),
]


@pytest.fixture
def trunks(bridge):
    compiler = Compiler(STRATA)
    outputs = compiler.apply({key_of(row): row for row in ROWS}).add
    assert not compiler.conflicts
    bridge.load([output for output in outputs if isinstance(output, Flow)])
    return bridge


def mac(number):
    return f"52:54:00:00:00:0{number}"


def sent(number, destination, **fields):
    port, vlan_id = PLACES[number]
    tagged = {"dl_vlan": vlan_id} if vlan_id else {}
    frame = {"in_port": port, "dl_src": mac(number), "dl_dst": destination, **tagged}
    return {**frame, "ip": None, "nw_src": f"10.102.0.{number}", **fields}


def request(number, target, **fields):
    arp = {"arp_op": 1, "arp_sha": mac(number), "arp_spa": f"10.102.0.{number}"}
    packet = {**sent(number, BROADCAST), "arp": None, **arp, "arp_tpa": f"10.102.0.{target}"}
    return {name: packet[name] for name in packet if name not in ("ip", "nw_src")} | fields


def members(number):
    return [each for each in EVERYONE if NETWORK[each] == NETWORK[number] and each != number]


def arrivals(fate, sender):
    """What the switch sends in the end: each port with the tag that the frame has there."""
    vlan_id = PLACES[sender][1]
    for step in fate.sent.replace(",pcp=0", "").split(","):
        if step.startswith("push_vlan"):
            vlan_id = int(step.removeprefix("push_vlan(vid=").removesuffix(")"))
        elif step == "pop_vlan":
            vlan_id = 0
        elif step.isdigit():
            yield int(step), vlan_id


@pytest.mark.parametrize(("sender", "receiver"), list(itertools.permutations(EVERYONE, 2)))
def test_each_vlan_reaches_the_members_of_its_network_with_their_own_tags(trunks, sender, receiver):
    fate = trunks.trace(**sent(sender, mac(receiver)))
    receivers = [receiver] if receiver in members(sender) else []
    assert list(arrivals(fate, sender)) == [PLACES[one] for one in receivers]


@pytest.mark.parametrize("sender", EVERYONE)
def test_broadcast_comes_to_each_member_once_with_its_tag(trunks, sender):
    found = arrivals(trunks.trace(**sent(sender, BROADCAST)), sender)
    assert sorted(found) == sorted(PLACES[one] for one in members(sender))


@pytest.mark.parametrize("sender", EVERYONE)
def test_a_request_is_answered_with_the_tag_that_it_had(trunks, sender):
    for holder in members(sender):
        fate = trunks.trace(**request(sender, holder))
        assert fate.answered
        assert fate.leaves_as["arp_sha"] == mac(holder)
        assert fate.leaves_as["arp_tha"] == mac(sender)
        assert list(arrivals(fate, sender)) == [PLACES[sender]]
        assert fate.leaves_as.get("dl_vlan", "0") == str(PLACES[sender][1])


FORBIDDEN = {
    "the MAC of the trunk": (sent(7, BROADCAST, dl_src=mac(1)), "neither IPv4 nor ARP, or tagged"),
    "the MAC of another VLAN": (sent(7, BROADCAST, dl_src=mac(8)), "source MAC address not leased"),
    "its own MAC without a tag": (
        {name: value for name, value in sent(7, BROADCAST).items() if name != "dl_vlan"},
        "source MAC address not leased",
    ),
    "another address": (sent(7, BROADCAST, nw_src="10.102.0.8"), "IPv4 source address not leased"),
    "ARP for another": (request(7, 9, arp_spa="10.102.0.8"), "ARP sender not leased"),
    "IPv6": (
        {"in_port": 1, "dl_vlan": 10, "dl_src": mac(7), "dl_dst": BROADCAST, "ipv6": None},
        "neither IPv4 nor ARP, or tagged",
    ),
    "a VLAN that is no interface": (
        sent(7, BROADCAST, dl_vlan=30),
        "source MAC address not leased",
    ),
    "the trunk's MAC in no VLAN of its": (
        sent(1, BROADCAST, dl_vlan=30),
        "neither IPv4 nor ARP, or tagged",
    ),
    "a VLAN of a port that has none": (
        sent(2, BROADCAST, dl_vlan=10),
        "neither IPv4 nor ARP, or tagged",
    ),
}


@pytest.mark.parametrize("case", FORBIDDEN)
def test_port_security_is_of_each_vlan(trunks, case):
    packet, reason = FORBIDDEN[case]
    fate = trunks.trace(**packet)
    assert (fate.reaches, fate.answered, fate.reason) == (frozenset(), False, reason)

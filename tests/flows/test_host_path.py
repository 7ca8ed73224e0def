"""The host and its uplinks reach each other, whatever rows say; guests and they never do."""

import itertools

import pytest

from openvnet.compiler import Compiler
from openvnet.features import STRATA
from openvnet.model import Interface, InterfacePort
from openvnet.model.facts import BondMember, Bridge, Port
from openvnet.pipeline.flow import LOCAL, Flow
from tests.worlds import DPID, key_of, seed_world

pytestmark = pytest.mark.ovs

GUESTS, UPLINKS = (1, 2, 3, 4), (11, 12)
NICS = [Port(f"nic{number}", number, up=True, uplink=True) for number in (11, 12, 13, 14)]
SINGLE, BONDED = NICS[:2], NICS[2:]
BRIDGE = [Bridge(DPID), Port("br0", LOCAL, up=True)]
BOND = [BondMember("nic13", "bond0"), BondMember("nic14", "bond0")]

HOST_MAC, OUTSIDE_MAC, BROADCAST = "02:00:00:00:00:aa", "02:00:00:00:00:bb", "ff:ff:ff:ff:ff:ff"
PACKETS = {
    "IPv4": {"ip": None, "nw_src": "192.0.2.1", "nw_dst": "192.0.2.2"},
    "IPv4 as a guest's": {"ip": None, "nw_src": "10.102.0.10", "nw_dst": "10.102.0.11"},
    "TCP": {"tcp": None, "tp_dst": 22},
    "DHCP": {"udp": None, "udp_dst": 67, "dl_dst": BROADCAST},
    "ARP": {"arp": None, "arp_op": 1, "arp_tpa": "192.0.2.2", "dl_dst": BROADCAST},
    "ARP for a guest": {"arp": None, "arp_op": 1, "arp_tpa": "10.102.0.11", "dl_dst": BROADCAST},
    "IPv6": {"icmp6": None, "dl_dst": "33:33:00:00:00:01"},
    "a VLAN": {"ip": None, "dl_vlan": 5},
    "LLDP": {"dl_type": "0x88cc", "dl_dst": "01:80:c2:00:00:0e"},
    "a spanning tree's": {"dl_type": "0x05ff", "dl_dst": "01:80:c2:00:00:00"},
    "to a guest's MAC": {"ip": None, "dl_dst": "52:54:00:00:00:03"},
    "with a guest's MAC": {"ip": None, "dl_src": "52:54:00:00:00:01"},
}


def interface(number, mode, port_name):
    uuid, row = f"if-{number}", f"ifp-{number}"
    yield Interface(uuid=uuid, mode=mode)
    yield InterfacePort(
        uuid=row, interface_uuid=uuid, port_name=port_name, datapath_uuid="dp-1", singular=True
    )


SEED = list(seed_world().values())
WORLDS = {
    "no rows": [*BRIDGE, *SINGLE],
    "rows": [*SEED, *BRIDGE, *SINGLE],
    "rows that name an uplink": [
        *(*SEED, *BRIDGE, *SINGLE),
        *(*interface(1, "vif", "nic11"), *interface(2, "host", "nic12")),
    ],
    "rows that name the bridge": [*SEED, *BRIDGE, *SINGLE, *interface(1, "vif", "br0")],
    "an interface of mode host": [
        *(*SEED, *BRIDGE, SINGLE[0], Port("nic12", 12, up=True)),
        *interface(9, "host", "nic12"),
    ],
}


def load(bridge, rows):
    outputs = Compiler(STRATA).apply({key_of(row): row for row in rows}).add
    bridge.load([output for output in outputs if isinstance(output, Flow)])


@pytest.fixture(params=WORLDS)
def world(bridge, request):
    load(bridge, WORLDS[request.param])
    return bridge


def fate(bridge, sender, packet):
    source, destination = (HOST_MAC, OUTSIDE_MAC) if sender == LOCAL else (OUTSIDE_MAC, HOST_MAC)
    port = "LOCAL" if sender == LOCAL else sender
    return bridge.trace(**{"in_port": port, "dl_src": source, "dl_dst": destination, **packet})


@pytest.mark.parametrize("packet", PACKETS.values(), ids=PACKETS)
def test_the_host_and_its_uplinks_reach_each_other_and_nobody_else(world, packet):
    assert fate(world, LOCAL, packet).reaches == set(UPLINKS)
    for uplink in UPLINKS:
        assert fate(world, uplink, packet).reaches == {LOCAL}


SPOOFED = {
    "the host's MAC": {"dl_src": HOST_MAC},
    "the outside's MAC": {"dl_src": OUTSIDE_MAC},
    "its own MAC": {},
}


@pytest.mark.parametrize("spoofed", SPOOFED.values(), ids=SPOOFED)
@pytest.mark.parametrize("packet", PACKETS.values(), ids=PACKETS)
def test_no_guest_reaches_the_host_or_an_uplink(world, spoofed, packet):
    for sender, destination in itertools.product(GUESTS, (HOST_MAC, OUTSIDE_MAC, BROADCAST)):
        own = {"in_port": sender, "dl_src": f"52:54:00:00:00:0{sender}"}
        found = world.trace(**{"dl_dst": destination, **packet, **own, **spoofed})
        assert found.reaches.isdisjoint({LOCAL, *UPLINKS})


def test_of_a_bond_the_switch_takes_a_member_whose_link_is_up(bridge):
    load(bridge, [*BRIDGE, SINGLE[0], *BONDED, *BOND])
    assert fate(bridge, LOCAL, PACKETS["ARP"]).sent == "11,13"
    bridge.ovs.appctl("netdev-dummy/set-admin-state", "nic13", "down")
    try:
        bridge.ovs.vsctl("--timeout=10", "wait-until", "interface", "nic13", "admin_state=down")
        assert fate(bridge, LOCAL, PACKETS["ARP"]).sent == "11,14"
    finally:
        bridge.ovs.appctl("netdev-dummy/set-admin-state", "nic13", "up")
        bridge.ovs.vsctl("--timeout=10", "wait-until", "interface", "nic13", "admin_state=up")
    for member in (13, 14):
        assert fate(bridge, member, PACKETS["ARP"]).reaches == {LOCAL}


def test_without_an_uplink_the_host_reaches_nobody(bridge):
    load(bridge, [*SEED, *BRIDGE, *(Port(nic.name, nic.number, nic.up) for nic in NICS)])
    for sender in (LOCAL, *UPLINKS):
        assert fate(bridge, sender, PACKETS["ARP"]).reason == "no interface is attached to the port"


def test_an_uplink_that_is_gone_takes_its_path_with_it(bridge):
    compiler = Compiler(STRATA)
    compiler.apply({key_of(row): row for row in WORLDS["rows"]})
    compiler.apply({(Port, "nic11"): None})
    bridge.load([output for output in compiler.all() if isinstance(output, Flow)])
    assert fate(bridge, LOCAL, PACKETS["ARP"]).reaches == {12}
    assert fate(bridge, 11, PACKETS["ARP"]).reaches == frozenset()

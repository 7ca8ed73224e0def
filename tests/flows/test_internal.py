"""Internal networks: the host is on them with a MAC address of its own; its own path stays.

guests 1, 2 ── nw-1, internal ── LOCAL as if-9      guest 3 ── nw-2, internal, without the host
"""

import pytest

from openvnet.compiler import Compiler
from openvnet.features import STRATA
from openvnet.model import Datapath, Interface, InterfacePort, IpLease, MacLease, Network
from openvnet.model.facts import Bridge, Port
from openvnet.model.host import Member
from openvnet.model.wanted import Shortfall
from openvnet.pipeline.flow import LOCAL, Flow
from tests.flows.test_host_path import PACKETS
from tests.worlds import DPID, OTHER_DPID, guest, key_of

pytestmark = pytest.mark.ovs

OWN, INSIDE = 0x0200000000AA, 0x525400000009
OWN_MAC, INSIDE_MAC, OUTSIDE_MAC = "02:00:00:00:00:aa", "52:54:00:00:00:09", "02:00:00:00:00:bb"
BROADCAST, GROUP = "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:fb"
ADDRESS = {1: "10.102.0.11", 2: "10.102.0.12", 3: "10.103.0.13", 9: "10.102.0.1"}
UPLINKS = [Port(f"nic{number}", number, up=True, uplink=True) for number in (11, 12)]


def inside(mac_address=INSIDE, network_uuid="nw-1", datapath_uuid=None):
    """The rows of the host's interface on an internal network."""
    yield Interface(uuid="if-9", mode="internal")
    yield InterfacePort(uuid="ifp-9", interface_uuid="if-9", datapath_uuid=datapath_uuid)
    yield MacLease(uuid="ml-9", interface_uuid="if-9", mac_address=mac_address)
    yield IpLease(
        uuid="il-9",
        interface_uuid="if-9",
        mac_lease_uuid="ml-9",
        network_uuid=network_uuid,
        ipv4_address=0x0A660001,
    )


GUESTS = [
    Bridge(DPID),
    Port("br0", LOCAL, up=True, mac_address=OWN),
    Datapath(uuid="dp-1", display_name="one", dpid=DPID, node_id="vna"),
    Datapath(uuid="dp-2", display_name="two", dpid=OTHER_DPID, node_id="vna2"),
    Network(uuid="nw-1", mode="internal", ipv4_network=0x0A660000, vni=1),
    Network(uuid="nw-2", mode="internal", ipv4_network=0x0A670000, vni=2),
    Network(uuid="nw-3", mode="virtual", ipv4_network=0x0A660000, vni=3),
    *guest(1, "nw-1", 0x0A66000B),
    *guest(2, "nw-1", 0x0A66000C),
    *guest(3, "nw-2", 0x0A67000D),
]
ROWS = [*GUESTS, *UPLINKS, *inside()]


def compiled(rows):
    compiler = Compiler(STRATA)
    added = compiler.apply({key_of(row): row for row in rows}).add
    assert not compiler.conflicts
    assert not compiler.failures
    return compiler, added


def flows_of(rows):
    return [output for output in compiled(rows)[1] if isinstance(output, Flow)]


@pytest.fixture
def host(bridge):
    bridge.load(flows_of(ROWS))
    return bridge


def mac(number):
    return f"52:54:00:00:00:0{number}"


def ipv4(number, destination, **fields):
    sender = {"in_port": "LOCAL" if number == 9 else number, "dl_src": mac(number)}
    return {**sender, "dl_dst": destination, "ip": None, "nw_src": ADDRESS[number], **fields}


def arp(number, asked, **fields):
    sender = {"in_port": "LOCAL" if number == 9 else number, "dl_src": mac(number), "arp": None}
    asking = {"arp_op": 1, "arp_sha": mac(number), "arp_spa": ADDRESS[number], "arp_tpa": asked}
    return {**sender, "dl_dst": BROADCAST, **asking, **fields}


def test_guests_and_the_host_reach_each_other(host):
    for number in (1, 2):
        assert host.trace(**ipv4(number, INSIDE_MAC)).reaches == {LOCAL}
        assert host.trace(**ipv4(9, mac(number))).reaches == {number}
        assert host.trace(**arp(9, ADDRESS[number])).answered
        assert host.trace(**arp(number, ADDRESS[9])).answered


def test_what_is_for_all_is_for_the_host_by_its_address_there_and_for_nobody_outside(host):
    for destination in (BROADCAST, GROUP):
        copies = host.copies(**ipv4(1, destination))
        assert [port for port, _ in copies] == [2, LOCAL]
        assert [written.get("eth_dst") for _, written in copies] == [None, INSIDE_MAC]
        assert host.trace(**ipv4(9, destination)).reaches == {1, 2}
    assert host.trace(**arp(9, "10.102.0.99")).reaches == {1, 2}


def test_what_the_host_sends_inside_goes_nowhere_else(host):
    for destination in (OUTSIDE_MAC, OWN_MAC, mac(3)):
        assert host.trace(**ipv4(9, destination)).reason == "unknown destination"
    for fields, reason in (
        ({"nw_src": ADDRESS[1]}, "IPv4 source address not leased"),
        ({"dl_vlan": 5}, "neither IPv4 nor ARP, or tagged"),
    ):
        fate = host.trace(**ipv4(9, mac(1), **fields))
        assert (fate.reaches, fate.reason) == (set(), reason)
    spoofed = host.trace(**arp(9, ADDRESS[1], arp_spa=ADDRESS[2]))
    assert (spoofed.reaches, spoofed.reason) == (set(), "ARP sender not leased")


def test_guests_of_other_networks_do_not_reach_the_host(host):
    for destination in (BROADCAST, INSIDE_MAC, OWN_MAC):
        assert not host.trace(**ipv4(3, destination)).reaches
    assert not host.trace(**ipv4(1, OWN_MAC)).reaches


def test_nobody_outside_reaches_the_address_inside(host):
    came = {"in_port": 11, "dl_src": OUTSIDE_MAC, "dl_dst": INSIDE_MAC, "ip": None}
    assert host.trace(**came).reason == "for an internal network"
    assert host.trace(**came | {"dl_dst": BROADCAST}).reaches == {LOCAL}


@pytest.mark.parametrize("packet", PACKETS.values(), ids=PACKETS)
@pytest.mark.parametrize("mac_address", [INSIDE, OWN], ids=["another's", "the host's"])
def test_the_hosts_own_path_is_what_it_was_whatever_is_leased(bridge, mac_address, packet):
    bridge.load(flows_of([*GUESTS, *UPLINKS, *inside(mac_address)]))
    own = {"dl_src": OWN_MAC, "dl_dst": OUTSIDE_MAC, **packet}
    assert bridge.trace(in_port="LOCAL", **own).reaches == {11, 12}
    for uplink in (11, 12):
        to_host = {"dl_src": OUTSIDE_MAC, "dl_dst": OWN_MAC, **packet}
        assert bridge.trace(in_port=uplink, **to_host).reaches == {LOCAL}


def test_beside_uplinks_the_bridges_own_address_is_refused_and_it_is_said():
    compiler, added = compiled([*GUESTS, *UPLINKS, *inside(OWN)])
    assert "il-9" not in compiler.state.rows[Member]
    (found,) = (output for output in added if isinstance(output, Shortfall))
    assert (found.word, found.uuid) == ("interface", "if-9")
    assert "MAC address of br0 itself" in found.reason
    assert found in compiler.apply({(Port, nic.name): None for nic in UPLINKS}).remove
    assert "il-9" in compiler.state.rows[Member]


def test_without_uplinks_it_may_be_the_bridges_own_address(bridge):
    bridge.load(flows_of([*GUESTS, *inside(OWN)]))
    own = {"dl_src": OWN_MAC, "arp_sha": OWN_MAC}
    assert bridge.trace(**ipv4(1, OWN_MAC)).reaches == {LOCAL}
    assert bridge.trace(**ipv4(9, mac(1), dl_src=OWN_MAC)).reaches == {1}
    assert bridge.trace(**arp(9, ADDRESS[1], **own)).answered
    assert bridge.trace(**ipv4(9, mac(1))).reason == "no interface is attached to the port"


@pytest.mark.parametrize(
    ("rows", "here"),
    [
        (inside(datapath_uuid="dp-1"), True),
        (inside(datapath_uuid="dp-2"), False),
        (inside(network_uuid="nw-3"), False),
    ],
)
def test_it_is_on_the_host_that_it_names_and_on_internal_networks_only(rows, here):
    compiler, _ = compiled([*GUESTS, *UPLINKS, *rows])
    assert ("il-9" in compiler.state.rows[Member]) is here

"""A promiscuous interface of the first of three hosts bridges a LAN into a network of all three."""

import pytest

from openvnet.model import Interface, InterfaceNetwork, InterfacePort, IpLease
from openvnet.model.facts import Port
from tests.flows.test_hosts import BROADCAST, Hosts, address, ipv4, mac, request
from tests.worlds import key_of

pytestmark = pytest.mark.ovs

LAN = 300
"""The port; its network is that of guests 1, 3 and 5."""

MACHINE, UNKNOWN = "02:00:00:00:00:99", "02:00:00:00:00:98"
BRIDGE = [
    Interface(uuid="if-8", mode="promiscuous"),
    InterfacePort(
        uuid="ifp-8", interface_uuid="if-8", datapath_uuid="dp-1", port_name="vm5", singular=True
    ),
    InterfaceNetwork(uuid="ifnw-8", interface_uuid="if-8", network_uuid="nw-1"),
]
MIXTURES = [("geneve", "geneve", "vxlan"), ("mac2mac", "mac2mac", "mac2mac")]


@pytest.fixture(params=MIXTURES, ids=" ".join)
def hosts(request, bridge):
    hosts = Hosts(bridge, request.param)
    for world in hosts.worlds:
        world |= {key_of(row): row for row in BRIDGE}
    hosts.worlds[0][Port, "vm5"] = Port("vm5", LAN, up=True)
    return hosts


def from_lan(destination, **fields):
    sender = {"in_port": LAN, "dl_src": MACHINE, "dl_dst": destination}
    return {**sender, "ip": None, "nw_src": "10.102.0.200", **fields}


def ends(bridge, packet):
    """The ports that copies leave by; of a tunnel, the host that it leads to."""
    found = (written.get("tun_dst", port) for port, written in bridge.copies(**packet))
    return sorted(found, key=str)


def tunnelled(destination, **fields):
    tunnel = {"in_port": 21, "tun_src": "172.16.0.2", "tun_dst": "172.16.0.1", "tun_id": 1}
    return {**ipv4(3, destination), **tunnel, **fields}


def test_whoever_is_on_the_lan_reaches_the_members_of_the_network_on_all_hosts(hosts, bridge):
    hosts.turn(1)
    assert ends(bridge, from_lan(mac(1))) == [1]
    assert ends(bridge, from_lan(mac(3), nw_src="192.0.2.1")) == ["172.16.0.2"]
    assert ends(bridge, from_lan(mac(2))) == []
    fate = bridge.trace(**{**request(1, address(3)), "in_port": LAN, "dl_src": MACHINE})
    assert fate.answered
    assert fate.leaves_as["arp_sha"] == mac(3)


def test_what_the_lan_sends_to_all_comes_to_all_members_and_not_back(hosts, bridge):
    hosts.turn(1)
    found = bridge.copies(**from_lan(BROADCAST))
    assert sorted(port for port, _ in found)[0] == 1
    assert len(found) == 3
    assert LAN not in [port for port, _ in found]
    for destination in (UNKNOWN, MACHINE):
        assert ends(bridge, from_lan(destination)) == []


def test_what_nobody_has_is_on_the_lan(hosts, bridge):
    hosts.turn(1)
    assert ends(bridge, ipv4(1, UNKNOWN)) == [LAN]
    assert LAN in ends(bridge, ipv4(1, BROADCAST))
    assert bridge.trace(**ipv4(2, UNKNOWN)).reason == "unknown destination"
    assert LAN not in ends(bridge, ipv4(2, BROADCAST))


@pytest.mark.parametrize("guest", [3, 5])
def test_what_nobody_has_goes_to_the_host_of_the_lan_and_out_there(hosts, bridge, guest):
    hosts.turn((guest + 1) // 2)
    found = bridge.copies(**ipv4(guest, UNKNOWN))
    assert [written["tun_dst"] for _, written in found] == ["172.16.0.1"]
    assert bridge.trace(**tunnelled(UNKNOWN, in_port=found[0][0])).reaches == frozenset()
    hosts.turn(1)
    assert ends(bridge, tunnelled(UNKNOWN)) == [LAN]
    assert ends(bridge, tunnelled(BROADCAST)) == [1, LAN]


def test_the_host_of_the_lan_hears_all_also_without_a_member(hosts, bridge):
    for world in hosts.worlds:
        del world[IpLease, "il-1"]
    hosts.turn(2)
    told = {written.get("tun_dst") for _, written in bridge.copies(**ipv4(3, BROADCAST))}
    assert "172.16.0.1" in told
    hosts.turn(1)
    assert ends(bridge, tunnelled(BROADCAST)) == [LAN]


def test_a_tag_is_no_part_of_the_network(hosts, bridge):
    hosts.turn(1)
    fate = bridge.trace(**from_lan(BROADCAST, dl_vlan=5))
    assert (fate.reaches, fate.reason) == (frozenset(), "tagged")


def test_without_being_told_of_a_network_it_bridges_none(hosts, bridge):
    del hosts.worlds[0][InterfaceNetwork, "ifnw-8"]
    hosts.turn(1)
    assert ends(bridge, from_lan(BROADCAST)) == []
    assert LAN not in ends(bridge, ipv4(1, BROADCAST))

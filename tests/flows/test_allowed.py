"""What a guest may send beside its leases: allowed address pairs, and without port security."""

import msgspec
import pytest

from openvnet.compiler import Compiler
from openvnet.features import STRATA
from openvnet.model import AllowedAddressPair, Interface, IpLease, Network
from openvnet.model.wanted import Shortfall
from openvnet.pipeline.flow import Flow
from tests.flows.test_reach import ADDRESS, BROADCAST, MAC, VM1, VM2, VM3, VM4, arp, ipv4
from tests.worlds import hosts_world, key_of, seed_world

pytestmark = pytest.mark.ovs

NESTED = MAC[5]


def pair(address, prefix, *, network="nw-1", mac_address=None, interface="if-1"):
    return AllowedAddressPair(
        uuid=f"aap-{address:x}{prefix}{network}",
        interface_uuid=interface,
        network_uuid=network,
        ipv4_address=address,
        ipv4_prefix=prefix,
        mac_address=mac_address,
    )


def world(*rows):
    return seed_world() | {key_of(row): row for row in rows}


def load(bridge, rows):
    compiler = Compiler(STRATA)
    outputs = compiler.apply(rows).add
    assert not compiler.conflicts
    bridge.load([output for output in outputs if isinstance(output, Flow)])
    return [output for output in outputs if isinstance(output, Shortfall)]


def in_second_network():
    """One more address of vm1's, in the other network, which is wider."""
    yield Network(uuid="nw-2", ipv4_network=0x0A660000, ipv4_prefix=16, vni=2)
    yield IpLease(
        uuid="il-9",
        interface_uuid="if-1",
        mac_lease_uuid="ml-1",
        network_uuid="nw-2",
        ipv4_address=0x0A660014,
    )


def test_a_guest_sends_from_a_prefix_that_it_is_allowed_and_from_no_other(bridge):
    load(bridge, world(pair(0x0A090000, 24)))
    assert bridge.trace(**ipv4(VM1, MAC[VM3], nw_src="10.9.0.7")).reaches == {VM3}
    assert bridge.trace(**ipv4(VM1, MAC[VM3])).reaches == {VM3}
    for refused in (
        ipv4(VM1, MAC[VM3], nw_src="10.9.1.7"),
        ipv4(VM3, MAC[VM1], nw_src="10.9.0.7"),
    ):
        assert bridge.trace(**refused).reason == "IPv4 source address not leased"


def test_it_announces_and_answers_for_such_an_address_with_its_own_mac_address(bridge):
    load(bridge, world(pair(0x0A090007, 32)))
    assert bridge.trace(**arp(VM1, "10.9.0.7", arp_spa="10.9.0.7")).reaches == {VM3}
    assert bridge.trace(**arp(VM1, ADDRESS[VM3], arp_spa="10.9.0.7")).answered
    assert bridge.trace(**arp(VM3, "10.9.0.7")).reaches == {VM1}
    lying = arp(VM1, "10.9.0.7", arp_spa="10.9.0.7", arp_sha=NESTED)
    assert bridge.trace(**lying).reason == "ARP sender not leased"


def test_a_pair_with_a_mac_address_allows_that_one_alone(bridge):
    load(bridge, world(pair(0x0A090007, 32, mac_address=0x525400000005)))
    nested = ipv4(VM1, MAC[VM3], dl_src=NESTED, nw_src="10.9.0.7")
    assert bridge.trace(**nested).reaches == {VM3}
    assert bridge.trace(**nested | {"in_port": VM2}).reason == "source MAC address not leased"
    assert bridge.trace(**nested | {"nw_src": "10.9.0.8"}).reaches == frozenset()
    own = ipv4(VM1, MAC[VM3], nw_src="10.9.0.7")
    assert bridge.trace(**own).reason == "IPv4 source address not leased"


def test_a_lease_goes_before_a_pair_and_a_longer_prefix_before_a_shorter_one(bridge):
    load(
        bridge,
        world(*in_second_network(), pair(0, 0, network="nw-2"), pair(0x0A090000, 24)),
    )
    assert bridge.trace(**ipv4(VM1, BROADCAST)).reaches == {VM3}
    assert bridge.trace(**ipv4(VM1, BROADCAST, nw_src="10.9.0.7")).reaches == {VM3}
    assert bridge.trace(**ipv4(VM1, BROADCAST, nw_src="10.9.1.7")).reaches == {VM2, VM4}


def test_a_pair_of_a_network_that_the_interface_is_not_on_allows_nothing(bridge):
    load(bridge, world(pair(0x0A090000, 24, network="nw-2")))
    assert not bridge.trace(**ipv4(VM1, MAC[VM3], nw_src="10.9.0.7")).reaches


def without_security(number):
    return Interface(uuid=f"if-{number}", mode="vif", enable_port_security=False)


@pytest.mark.parametrize(
    "packet",
    [
        ipv4(VM1, MAC[VM3], nw_src="1.2.3.4"),
        ipv4(VM1, MAC[VM3], dl_src=NESTED),
        arp(VM1, "10.102.0.99", arp_spa="1.2.3.4", arp_sha=NESTED, dl_src=NESTED),
        {"in_port": VM1, "dl_src": MAC[VM1], "dl_dst": MAC[VM3], "ipv6": None},
    ],
    ids=["another address", "another MAC", "ARP for another", "IPv6"],
)
def test_without_port_security_a_guest_sends_what_it_likes_on_its_network(bridge, packet):
    assert load(bridge, world(without_security(1))) == []
    assert bridge.trace(**packet).reaches == {VM3}
    assert not bridge.trace(**packet | {"in_port": VM3}).reaches
    tagged = ipv4(VM1, MAC[VM3], dl_vlan=5)
    assert bridge.trace(**tagged).reason == "neither IPv4 nor ARP, or tagged"


def test_port_security_stays_on_where_the_network_is_not_known_and_it_is_said(bridge):
    (said,) = load(bridge, world(without_security(1), *in_second_network()))
    assert (said.word, said.uuid) == ("interface", "if-1")
    assert said.reason == "port security stays on: it is on several networks or segments"
    assert not bridge.trace(**ipv4(VM1, MAC[VM3], nw_src="1.2.3.4")).reaches


@pytest.mark.parametrize(("address", "reached"), [("10.9.0.7", {1}), ("10.9.1.7", {"LOCAL"})])
def test_what_is_sent_to_such_an_address_arrives_without_a_tunnel(bridge, address, reached):
    rows = hosts_world(1, ("mac2mac",) * 3)
    row = pair(0x0A090000, 24)
    rows[key_of(row)] = row
    load(bridge, rows)
    packet = {"in_port": 11, "dl_src": MAC[3], "dl_dst": MAC[1], "ip": None, "nw_dst": address}
    fate = bridge.trace(**packet)
    assert fate.reaches == {0xFFFFFFFE if port == "LOCAL" else port for port in reached}


def test_what_is_allowed_is_taken_back():
    compiler = Compiler(STRATA)
    before = compiler.apply(seed_world()).add
    rows = [pair(0x0A090000, 24), without_security(3)]
    compiler.apply({key_of(row): row for row in rows})
    secured = msgspec.structs.replace(rows[1], enable_port_security=True)
    compiler.apply({key_of(rows[0]): None, key_of(secured): secured})
    assert set(compiler.all()) == set(before)

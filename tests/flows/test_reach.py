"""Who reaches whom: the rule in words against what the real switch does, for all pairs."""

import itertools
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from openvnet.compiler import Compiler
from openvnet.features import STRATA
from openvnet.model import Datapath, IpLease, MacLease, Network, Segment
from openvnet.model.facts import Port
from openvnet.model.host import (
    Allowed,
    Attachment,
    Bridged,
    Member,
    OpenPort,
    Station,
    TunnelEnd,
    Uplink,
)
from openvnet.model.scalars import show_ipv4, show_mac
from openvnet.pipeline.flow import LOCAL, Flow
from tests.worlds import guest, histories, key_of, seed_world

pytestmark = pytest.mark.ovs

VM1, VM2, VM3, VM4 = 1, 2, 3, 4
NETWORK = {VM1: 1, VM2: 2, VM3: 1, VM4: 2}
ADDRESS = {VM1: "10.102.0.10", VM2: "10.102.0.10", VM3: "10.102.0.11", VM4: "10.102.0.11"}
MAC = {number: f"52:54:00:00:00:0{number}" for number in range(1, 6)}
BROADCAST = "ff:ff:ff:ff:ff:ff"
EVERYONE = sorted(NETWORK)
PAIRS = list(itertools.product(EVERYONE, EVERYONE))


def flows_of(world):
    return [output for output in Compiler(STRATA).apply(world).add if isinstance(output, Flow)]


@pytest.fixture
def seed(bridge):
    bridge.load(flows_of(seed_world()))
    return bridge


def others(number):
    """The other members of a guest's network."""
    return {other for other in EVERYONE if NETWORK[other] == NETWORK[number]} - {number}


def ipv4(sender, destination, **fields):
    return {
        "in_port": sender,
        "dl_src": MAC[sender],
        "dl_dst": destination,
        "ip": None,
        "nw_src": ADDRESS[sender],
        **fields,
    }


def arp(sender, target, **fields):
    return {
        "in_port": sender,
        "dl_src": MAC[sender],
        "dl_dst": BROADCAST,
        "arp": None,
        "arp_op": 1,
        "arp_sha": MAC[sender],
        "arp_spa": ADDRESS[sender],
        "arp_tpa": target,
        **fields,
    }


@pytest.mark.parametrize(("sender", "receiver"), PAIRS)
def test_unicast_reaches_the_other_members_of_the_network_and_nobody_else(seed, sender, receiver):
    fate = seed.trace(**ipv4(sender, MAC[receiver]))
    assert fate.reaches == ({receiver} & others(sender))
    assert not fate.answered


@pytest.mark.parametrize("group", [BROADCAST, "01:00:5e:00:00:fb", "33:33:00:00:00:01"])
@pytest.mark.parametrize("sender", EVERYONE)
def test_broadcast_and_multicast_reach_all_other_members_and_nobody_else(seed, sender, group):
    assert seed.trace(**ipv4(sender, group)).reaches == others(sender)


@pytest.mark.parametrize("sender", EVERYONE)
def test_an_unknown_destination_is_dropped_and_counted(seed, sender):
    fate = seed.trace(**ipv4(sender, "52:54:00:00:00:99"))
    assert (fate.reaches, fate.reason) == (frozenset(), "unknown destination")


@pytest.mark.parametrize("sender", EVERYONE)
def test_a_request_for_a_known_address_is_answered_with_the_mac_of_its_network(seed, sender):
    (holder,) = others(sender)
    fate = seed.trace(**arp(sender, ADDRESS[holder]))
    assert fate.answered
    assert not fate.reaches
    answer = fate.leaves_as
    assert answer["dl_src"] == answer["arp_sha"] == MAC[holder]
    assert answer["dl_dst"] == answer["arp_tha"] == MAC[sender]
    assert (answer["arp_op"], answer["arp_spa"]) == ("2", ADDRESS[holder])
    assert answer["arp_tpa"] == ADDRESS[sender]


@pytest.mark.parametrize("sender", EVERYONE)
def test_a_request_for_an_unknown_address_goes_to_the_other_members(seed, sender):
    fate = seed.trace(**arp(sender, "10.102.0.77"))
    assert fate.reaches == others(sender)
    assert not fate.answered


@pytest.mark.parametrize("sender", EVERYONE)
def test_a_probe_for_an_address_that_another_holds_is_answered(seed, sender):
    (holder,) = others(sender)
    assert seed.trace(**arp(sender, ADDRESS[holder], arp_spa="0.0.0.0")).answered


@pytest.mark.parametrize("sender", EVERYONE)
@pytest.mark.parametrize("as_probe", [True, False])
def test_the_holder_gets_no_answer_for_its_own_address(seed, sender, as_probe):
    claimed = {"arp_spa": "0.0.0.0"} if as_probe else {}
    fate = seed.trace(**arp(sender, ADDRESS[sender], **claimed))
    assert not fate.answered
    assert fate.reaches == others(sender)


def test_an_arp_reply_goes_to_its_receiver(seed):
    fate = seed.trace(**arp(VM1, ADDRESS[VM3], arp_op=2, dl_dst=MAC[VM3], arp_tha=MAC[VM3]))
    assert fate.reaches == {VM3}


FORBIDDEN = {
    "another MAC": (ipv4(VM1, MAC[VM3], dl_src=MAC[VM2]), "source MAC address not leased"),
    "another address": (
        ipv4(VM1, MAC[VM3], nw_src="10.102.0.11"),
        "IPv4 source address not leased",
    ),
    "no address": (ipv4(VM1, BROADCAST, nw_src="0.0.0.0"), "IPv4 source address not leased"),
    "ARP for another": (arp(VM1, "10.102.0.11", arp_spa="10.102.0.12"), "ARP sender not leased"),
    "ARP with another MAC": (
        arp(VM1, "10.102.0.11", arp_sha=MAC[VM3]),
        "ARP sender not leased",
    ),
    "a probe outside the network": (
        arp(VM1, "10.103.0.11", arp_spa="0.0.0.0"),
        "ARP sender not leased",
    ),
    "a reply from nobody": (
        arp(VM1, "10.102.0.11", arp_spa="0.0.0.0", arp_op=2),
        "ARP sender not leased",
    ),
    "IPv6": (
        {"in_port": VM1, "dl_src": MAC[VM1], "dl_dst": MAC[VM3], "ipv6": None},
        "neither IPv4 nor ARP, or tagged",
    ),
    "a VLAN tag": (ipv4(VM1, MAC[VM3], dl_vlan=5), "neither IPv4 nor ARP, or tagged"),
    "a priority tag": (
        ipv4(VM1, MAC[VM3], dl_vlan=0, dl_vlan_pcp=1),
        "neither IPv4 nor ARP, or tagged",
    ),
    "a port without an interface": (
        ipv4(VM1, MAC[VM3], in_port=300),
        "no interface is attached to the port",
    ),
    "the bridge itself": (
        ipv4(VM1, MAC[VM3], in_port="LOCAL"),
        "no interface is attached to the port",
    ),
}


@pytest.mark.parametrize("case", FORBIDDEN)
def test_what_a_guest_may_not_send_is_dropped_and_counted_by_reason(seed, case):
    packet, reason = FORBIDDEN[case]
    fate = seed.trace(**packet)
    assert (fate.reaches, fate.answered, fate.reason) == (frozenset(), False, reason)


def test_a_member_whose_port_is_in_another_chunk_hears_broadcasts(bridge):
    world = seed_world()
    world |= {key_of(row): row for row in guest(5, "nw-1", 0x0A66000F, port=False)}
    world[Port, "vm5"] = Port("vm5", 300, up=True)
    bridge.load(flows_of(world))
    assert bridge.trace(**ipv4(VM1, BROADCAST)).reaches == {VM3, 300}
    assert bridge.trace(**ipv4(VM2, BROADCAST)).reaches == {VM4}


def test_without_its_datapath_row_the_bridge_passes_nothing(bridge):
    world = seed_world()
    world = {key: row for key, row in world.items() if key[0] is not Datapath}
    bridge.load(flows_of(world))
    for sender, receiver in PAIRS:
        assert not bridge.trace(**ipv4(sender, MAC[receiver])).reaches
        assert not bridge.trace(**arp(sender, ADDRESS[receiver])).answered


def test_interfaces_of_another_datapath_are_known_but_not_here(bridge):
    world = seed_world()
    other = Datapath(uuid="dp-2", display_name="two", dpid="0x2", node_id="other")
    far = guest(5, "nw-1", 0x0A66000F, datapath_uuid="dp-2")
    world |= {key_of(row): row for row in (other, *far)}
    bridge.load(flows_of(world))
    assert bridge.trace(**arp(VM1, "10.102.0.15")).answered
    assert bridge.trace(**ipv4(VM1, MAC[5])).reason == "unknown destination"


class Sender(NamedTuple):
    """The rule in a few lines: whoever is attached and holds a MAC and an address in a network, or
    a MAC in a segment."""

    port: int
    mac: int
    ipv4_address: int
    """0 if the guest chooses it."""
    vlan_id: int
    vni: int
    awaited: bool = False
    """It is still on another host, and hears nothing here."""


def senders(rows):
    leases, macs, networks = (rows.get(kind, {}) for kind in (IpLease, MacLease, Network))
    attachments = rows.get(Attachment, {})
    for lease in leases.values():
        mac, network = macs.get(lease.mac_lease_uuid), networks.get(lease.network_uuid)
        attachment, vni = attachments.get(lease.interface_uuid), number_of(network, rows)
        if attachment and attachment.number == LOCAL and network and network.mode != "internal":
            continue  # The host itself is on internal networks only.
        if mac and vni and attachment and mac.interface_uuid == lease.interface_uuid:
            place = attachment.number, mac.mac_address, lease.ipv4_address, attachment.vlan_id
            yield Sender(*place, vni, rows[Member][lease.uuid].awaited)
    for lease in macs.values():
        segment = rows.get(Segment, {}).get(lease.segment_uuid)
        attachment = attachments.get(lease.interface_uuid)
        if segment and segment.vni and attachment and attachment.number != LOCAL:
            place = attachment.number, lease.mac_address, 0, attachment.vlan_id
            yield Sender(*place, segment.vni, rows[Station][lease.uuid].awaited)


def number_of(network, rows):
    """What packets of a network carry: its own number, or that of the segment that it is in."""
    if network and network.segment_uuid and network.mode == "virtual":
        network = rows.get(Segment, {}).get(network.segment_uuid)
    return network and network.vni


def host_macs(state):
    """Nobody may send with the host's address."""
    return [port.mac_address for port in state.rows.get(Port, {}).values() if port.mac_address]


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(histories, st.data())
def test_whatever_happened_before_reach_follows_the_rule(bridge, history, data):
    compiler = Compiler(STRATA)
    for changes in history:
        compiler.apply(changes)
    everyone = sorted(senders(compiler.state.rows))
    assume(everyone and not compiler.conflicts)
    assume(not any(compiler.state.rows.get(kind) for kind in (Allowed, Bridged, OpenPort)))
    uplinks = {uplink.number for uplink in compiler.state.rows.get(Uplink, {}).values()}
    assume(uplinks.isdisjoint(one.port for one in everyone))  # A bridge's numbers are unique.
    bridge.load([output for output in compiler.all() if isinstance(output, Flow)])
    pretended, to = data.draw(st.sampled_from(everyone)), data.draw(st.sampled_from(everyone))
    port = data.draw(st.sampled_from(everyone)).port
    assume(not any(mac == pretended.mac or mac == to.mac for mac in host_macs(compiler.state)))
    assume(port != LOCAL or pretended.port == LOCAL)  # Else it is of the host's own path.
    tagged = {"dl_vlan": pretended.vlan_id} if pretended.vlan_id else {}
    fate = bridge.trace(
        **tagged,
        in_port=port,
        dl_src=show_mac(pretended.mac),
        dl_dst=show_mac(to.mac),
        ip=None,
        nw_src=show_ipv4(pretended.ipv4_address),
    )
    sent = port, *pretended[1:4]
    chosen = (*sent[:2], 0, pretended.vlan_id)
    networks = {one.vni for one in everyone if one[:4] == sent} or {
        one.vni for one in everyone if one[:4] == chosen
    }
    heard = [one for one in everyone if not one.awaited]
    expected = {one.port for one in heard if one.mac == to.mac and one.vni in networks}
    tunnels = {end.number for end in compiler.state.rows.get(TunnelEnd, {}).values()}
    assert fate.reaches - tunnels - uplinks == expected - {port}

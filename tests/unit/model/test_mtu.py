"""How large packets of a network may be, from rows."""

import pytest
from scapy.contrib.geneve import GENEVE
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import GRE, Ether
from scapy.layers.vxlan import VXLAN

from openvnet.model import DatapathNetwork, DatapathSegment, IpLease, Network, Segment
from openvnet.model.mtu import OVERHEADS, network_mtu, path_mtu, segment_mtu
from openvnet.model.relations import ENCAPSULATIONS
from openvnet.state import State, View
from tests.worlds import key_of

INNER = Ether() / IP(dst="10.0.0.1")
OUTER = {
    "geneve": IP() / UDP() / GENEVE(vni=1) / INNER,
    "vxlan": IP() / UDP() / VXLAN(vni=1) / INNER,
    "gre": IP() / GRE(key_present=1, key=1) / INNER,
    "mac2mac": INNER[IP],
}


@pytest.mark.parametrize("encapsulation", ENCAPSULATIONS)
def test_an_overhead_is_what_comes_before_a_guests_packet(encapsulation):
    assert len(OUTER[encapsulation]) - len(INNER[IP]) == OVERHEADS[encapsulation]


def mtu_of(hosts, *, given=None, mode="virtual", underlays=(None, 9000)):
    """Of a network carried so; a host is an encapsulation, the underlay's number, a MAC or not."""
    network = Network(uuid="nw-1", mode=mode, ipv4_network=0, vni=1, mtu=given)
    rows = [network]
    for number, mtu in enumerate(underlays):
        rows.append(Network(uuid=f"nw-u{number}", mode="physical", ipv4_network=0, mtu=mtu))
    for number, (encapsulation, underlay, *mac_address) in enumerate(hosts):
        lease = {"uuid": f"il-{number}", "ipv4_address": number, "interface_uuid": f"if-{number}"}
        if underlay is not None:
            rows.append(IpLease(network_uuid=f"nw-u{underlay}", **lease))
        row = DatapathNetwork(
            uuid=f"dpnw-{number}",
            datapath_uuid=f"dp-{number}",
            network_uuid="nw-1",
            interface_uuid=f"if-{number}",
            mac_address=mac_address[0] if mac_address else None,
            encapsulation=encapsulation,
        )
        rows.append(row)
    state = State()
    for row in rows:
        state.put(*key_of(row), row)
    return network_mtu(network, View(state))


ETHERNET = (1500, "as of Ethernet")


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        ([], ETHERNET),
        ([("geneve", None)], ETHERNET),
        ([("geneve", 0)], (1450, "an underlay of 1500, less 50 for geneve")),
        ([("gre", 0), ("gre", 0)], (1458, "an underlay of 1500, less 42 for gre")),
        ([("gre", 0), ("vxlan", 0)], (1450, "an underlay of 1500, less 50 for vxlan")),
        ([("vxlan", 1), ("vxlan", 1)], (8950, "an underlay of 9000, less 50 for vxlan")),
        ([("gre", 0), ("vxlan", 1)], (1450, "an underlay of 1500, less 50 for vxlan")),
        ([("mac2mac", 0, 5), ("mac2mac", 0, 6)], (1500, "an underlay of 1500, less 0 for mac2mac")),
        ([("mac2mac", 0, 5), ("mac2mac", 0)], (1450, "an underlay of 1500, less 50 for geneve")),
        ([("mac2mac", 0, 5), ("mac2mac", 1, 6)], (1450, "an underlay of 1500, less 50 for geneve")),
    ],
)
def test_it_is_what_passes_from_each_host_to_each_other(hosts, expected):
    assert mtu_of(hosts) == expected


def test_what_is_given_stands_and_says_if_less_passes():
    assert mtu_of([("geneve", 0)], given=1400) == (1400, "given")
    words = "given; between hosts no more than 1450 pass: an underlay of 1500, less 50 for geneve"
    assert mtu_of([("geneve", 0)], given=1500) == (1500, words)
    assert mtu_of([], given=9000, mode="physical") == (9000, "given")
    assert mtu_of([], mode="physical") == ETHERNET


def test_of_a_segment_and_the_networks_in_it_it_follows_from_who_carries_the_segment():
    segment = Segment(uuid="seg-1", mode="virtual", vni=2)
    network = Network(uuid="nw-1", ipv4_network=0, vni=1, segment_uuid="seg-1")
    rows = [segment, network, Network(uuid="nw-u", mode="physical", ipv4_network=0, mtu=9000)]
    rows.append(IpLease(uuid="il-1", network_uuid="nw-u", ipv4_address=1, interface_uuid="if-1"))
    carried = DatapathSegment(
        uuid="dpseg-1",
        datapath_uuid="dp-1",
        segment_uuid="seg-1",
        interface_uuid="if-1",
        mac_address=5,
        encapsulation="mac2mac",
    )
    state = State()
    for row in (*rows, carried):
        state.put(*key_of(row), row)
    found = segment_mtu(segment, View(state)), network_mtu(network, View(state))
    assert found == 2 * ((8950, "an underlay of 9000, less 50 for geneve"),)
    state.put(*key_of(carried), None)
    assert segment_mtu(segment, View(state)) == ETHERNET


def test_on_the_way_to_a_host_the_least_of_all_counts():
    assert path_mtu(8000, "geneve", (9000, 1600)) == 1550
    assert path_mtu(8000, "mac2mac", (9000, 9000)) == 8000
    assert path_mtu(None, "mac2mac", (9000, 9000)) == 9000

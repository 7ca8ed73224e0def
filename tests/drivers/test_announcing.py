"""Guests that come, through a real switch: vna announces them where switches must learn them."""

import pytest
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.utils import rdpcap

from openvnet.agent.announcing import AGAIN_SECONDS, BURST, Repeats, due
from openvnet.lab.waiting import until
from openvnet.model import KINDS, DatapathNetwork, IpLease, Network
from openvnet.model.wanted import Announcement
from tests.system import running_vna, system
from tests.worlds import hosts_world

pytestmark = pytest.mark.ovs

MAC, BROADCAST = "52:54:00:00:00:0{}", "ff:ff:ff:ff:ff:ff"
LAN = [
    Network(uuid="nw-8", mode="physical", ipv4_network=0xC6336400, vlan_id=20, vni=8),
    DatapathNetwork(
        uuid="dpnw-8", datapath_uuid="dp-1", network_uuid="nw-8", interface_uuid="if-eth1"
    ),
    IpLease(
        uuid="il-8",
        interface_uuid="if-1",
        mac_lease_uuid="ml-1",
        network_uuid="nw-8",
        ipv4_address=0xC6336401,
    ),
]


@pytest.fixture
def made():
    """The first of three hosts, where packets come by mac2mac; guest 1 is on a LAN, too."""
    world = hosts_world(encapsulations=("mac2mac", "geneve", "geneve"))
    rows = [row for row in world.values() if type(row) in KINDS.values()]
    with system([*rows, *LAN]) as made:
        made.ovs.plug("eth0", "br0", f"options:tx_pcap={made.directory}/eth0.pcap")
        yield made


def announced(made, port="eth0"):
    """What has left by a port: of each frame its sender, VLAN, operation and addresses."""
    path = made.directory / f"{port}.pcap"
    frames = rdpcap(str(path)) if path.stat().st_size > 24 else []
    assert {frame.dst for frame in frames} <= {BROADCAST}
    said = [frame for frame in frames if ARP in frame or frame.type == 0x8035]
    return [_words(frame) for frame in said]


def _words(frame):
    arp = frame[ARP] if ARP in frame else ARP(bytes(frame[Ether].payload))
    assert arp.hwsrc == frame.src
    return frame.src, frame[Dot1Q].vlan if Dot1Q in frame else 0, arp.op, arp.psrc, arp.pdst


def test_a_guest_is_announced_twice_when_it_comes_and_not_when_vna_does(made):
    bare = (MAC.format(1), 0, 3, "0.0.0.0", "0.0.0.0")
    on_lan = (MAC.format(1), 20, 1, "198.51.100.1", "198.51.100.1")
    with running_vna(made) as agent:
        made.ovs.plug("vm1", "br0", f"options:tx_pcap={made.directory}/vm1.pcap")
        until(lambda: len(announced(made)) == 4, "vm1 is announced on its LAN and the underlay")
        assert sorted(announced(made)) == sorted(2 * [bare, on_lan])
        assert announced(made, "vm1") == []
        agent.running.kill()
    with running_vna(made):
        made.ovs.plug("vm2")
        until(lambda: len(announced(made)) > 4, "vm2 is announced")
        assert {said[0] for said in announced(made)[4:]} == {MAC.format(2)}


def test_of_many_that_come_at_once_a_few_are_announced_at_a_time():
    many = [Announcement(1, number, number, 1, (11,), bare=True) for number in range(3 * BURST)]
    waiting, repeats = {told.key: told for told in many}, Repeats()
    bursts = [list(due(waiting, repeats, now)) for now in (0, 1, 2, 3)]
    assert list(map(len, bursts)) == 4 * [BURST]
    assert [told for burst in bursts[:3] for told in burst] == many
    assert bursts[3] == bursts[0]
    assert not list(due(waiting, repeats, 1 + AGAIN_SECONDS - 1))
    assert list(due(waiting, repeats, 1 + AGAIN_SECONDS)) == bursts[1]

"""A guest's network card is a trunk: a VLAN of it is in another network, whose guests are anywhere.

The guest makes its frames itself, since a kernel may know no VLANs.
"""

import json
import sys

import pytest

from openvnet.lab.building import lab
from openvnet.lab.many import many_hosts
from openvnet.lab.wire import listening

OWN_MAC, OWN, VM4_MAC, VM4 = "52:54:00:00:10:01", "10.102.1.1", "52:54:00:00:00:04", "10.102.0.11"
PING = """
import sys
from scapy.all import ICMP, IP, Dot1Q, Ether, sendp
source_mac, source, target_mac, target = sys.argv[1:]
frame, packet = Ether(src=source_mac, dst=target_mac), IP(src=source, dst=target) / ICMP()
tagged = [frame / Dot1Q(vlan=vlan) / packet for vlan in (20, 10, 10, 10)]
sendp([frame / packet, *tagged], iface="eth0", inter=0.2, verbose=False)
"""


@pytest.fixture(scope="module")
def two():
    """Two hosts with two guests each: vm1 and vm3 on one network, vm2 and vm4 on another."""
    with lab(many_hosts(2)) as running:
        running.declare()
        vlan = ("--parent-interface-uuid", "if-vm1", "--vlan-id", "10")
        own = ("--network-uuid", "nw-vnet2", "--mac-address", OWN_MAC, "--ipv4-address", OWN)
        running.vnctl(
            "interfaces", "add", "--uuid", "if-v10", "--mode", "vif", *vlan, *own, "--wait"
        )
        yield running


@pytest.mark.parametrize("host", ["host1", "host2"])
def test_a_vlan_of_a_guests_port_is_in_its_own_network_wherever_the_guest_is(two, host):
    two.plug("vm1", host)
    two.settle()
    two.run("vm4", "ip", "neighbour", "flush", "dev", "eth0")
    with (
        listening(two, "vm4", "eth0", "icmp") as far,
        listening(two, "vm1", "eth0", "vlan", "10") as near,
        listening(two, "vm3", "eth0", "icmp") as stranger,
    ):
        two.run("vm1", sys.executable, "-c", PING, OWN_MAC, OWN, VM4_MAC, VM4)
        near.hear(f"{VM4} > {OWN}: ICMP echo reply")
        far.hear("ICMP echo reply")
        two.run("vm1", "ping", "-c", "1", "-W", "5", "10.102.0.11")  # vm3, as ever
        stranger.hear("ICMP echo reply")
    assert all("vlan" not in packet for packet in far.packets)
    assert len([packet for packet in far.packets if "ICMP echo request" in packet]) <= 3
    assert all(OWN not in packet for packet in stranger.packets)
    shown = json.loads(two.vnctl("interfaces", "show", "if-v10", "-o", "json").stdout)
    assert [status["port_name"] for status in shown["status"] if status["up"]] == ["if-vm1"]

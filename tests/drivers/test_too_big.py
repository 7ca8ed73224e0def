"""Packets too big for the way to another host, through a real switch: vna tells their sender."""

import pytest
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Raw
from scapy.utils import rdpcap

from openvnet.lab.waiting import until
from openvnet.model import (
    KINDS,
    Interface,
    InterfaceNetwork,
    InterfacePort,
    IpLease,
    MacLease,
)
from openvnet.pipeline.handlers import Handler
from tests.drivers.bridge import agent_of, in_loop
from tests.system import running_vna, system
from tests.worlds import hosts_world

pytestmark = pytest.mark.ovs

MAC = "52:54:00:00:00:0{}"
PASSING = {3: 1458, 5: 1500}
"""Octets that pass from guest 1 to the others of its network: by gre, and by mac2mac."""

VLAN = 10
IN_VLAN = (
    Interface(uuid="if-9", mode="vif", parent_interface_uuid="if-1", vlan_id=VLAN),
    MacLease(uuid="ml-9", interface_uuid="if-9", mac_address=0x525400000009),
    IpLease(
        uuid="il-9",
        interface_uuid="if-9",
        mac_lease_uuid="ml-9",
        network_uuid="nw-1",
        ipv4_address=0x0A660063,
    ),
)
"""Guest 9, in a VLAN of guest 1's port."""

BRIDGED = (
    Interface(uuid="if-8", mode="promiscuous"),
    InterfacePort(uuid="ifp-8", interface_uuid="if-8", port_name="lan0"),
    InterfaceNetwork(uuid="ifnw-8", interface_uuid="if-8", network_uuid="nw-2", static=True),
)
"""A LAN in the other network, of which guest 4 is on the second host."""


@pytest.fixture(scope="module")
def made():
    """The first of three hosts: gre leads to the second, mac2mac to the third."""
    world = hosts_world(encapsulations=("geneve", "gre", "mac2mac"))
    rows = [*(row for row in world.values() if type(row) in KINDS.values()), *IN_VLAN, *BRIDGED]
    with system(rows) as made:
        made.ovs.plug("eth0")
        for port in ("vm1", "lan0"):
            made.ovs.plug(port, "br0", f"options:tx_pcap={made.directory}/{port}.pcap")
        made.ovs.plug("vm2")
        with running_vna(made):
            limits = lambda: [f for f in made.ovs.dump() if "check_pkt_larger" in f]  # noqa: E731
            until(lambda: len(limits()) == 4, "the limit of each way is there")
            yield made


def packet(guest, size, sender=1):
    ip = IP(src="10.102.0.10", dst=f"10.102.0.{9 + (guest + 1) // 2}", flags="DF")
    frame = Ether(src=MAC.format(sender), dst=MAC.format(guest)) / ip / UDP(sport=5, dport=guest)
    return frame / Raw(bytes(size - 28))


def send(made, frame, port="vm1"):
    made.ovs.appctl("netdev-dummy/receive", port, bytes(frame).hex())


def answers(made, port="vm1"):
    path = made.directory / f"{port}.pcap"
    return [each for each in rdpcap(str(path)) if ICMP in each] if path.stat().st_size > 24 else []


@pytest.mark.parametrize("guest", PASSING)
def test_what_is_too_big_is_answered_with_what_passes_and_what_passes_is_not(made, guest):
    before = len(answers(made))
    send(made, packet(guest, PASSING[guest]))
    send(made, packet(guest, PASSING[guest] + 1))
    until(lambda: len(answers(made)) > before, "the sender is told")
    (answer,) = answers(made)[before:]
    assert (answer.src, answer.dst) == (MAC.format(guest), MAC.format(1))
    assert (answer[IP].src, answer[IP].dst) == (packet(guest, 100)[IP].dst, "10.102.0.10")
    assert (answer[ICMP].type, answer[ICMP].code) == (3, 4)
    assert answer[ICMP].nexthopmtu == PASSING[guest]


def test_in_a_vlan_of_a_trunk_the_sender_is_told_in_that_vlan(made):
    before = len(answers(made))
    frame = packet(3, PASSING[3] + 1, sender=9)
    frame[IP].src = "10.102.0.99"
    tagged = Ether(src=frame.src, dst=frame.dst) / Dot1Q(vlan=VLAN) / frame[IP]
    send(made, tagged)
    until(lambda: len(answers(made)) > before, "the sender is told")
    (answer,) = answers(made)[before:]
    assert (answer.dst, answer[IP].dst) == (MAC.format(9), "10.102.0.99")
    assert Dot1Q in answer, "else it is the trunk's own guest who gets it"
    assert answer[Dot1Q].vlan == VLAN


def test_a_machine_on_a_lan_that_is_bridged_in_is_told_too(made):
    frame = packet(4, PASSING[3] + 1, sender=8)
    frame[IP].src = "10.102.0.98"
    send(made, frame, "lan0")
    until(lambda: answers(made, "lan0"), "the sender is told")
    (answer,) = answers(made, "lan0")
    assert (answer.src, answer.dst) == (MAC.format(4), MAC.format(8))
    assert answer[ICMP].nexthopmtu == PASSING[3]


@in_loop
async def test_the_bridge_has_the_meters_of_handlers_whatever_it_had_before(ovs):
    right = "meter=1 pktps burst bands=\ntype=drop rate=200 burst_size=200"
    async with agent_of(ovs) as agent:
        switch = await agent.switch()
        for others in (
            "add-meter meter=1,pktps,band=type=drop,rate=9",
            "mod-meter meter=1,kbps,burst,band=type=drop,rate=200,burst_size=200",
            "del-meters",
        ):
            ovs.ofctl(*others.split(" ", 1))
            await switch.limit(list(Handler))
            assert right in ovs.ofctl("dump-meters")

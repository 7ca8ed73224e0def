"""Guests that move here while they run, through a real switch: vnmgr hears of the first frame."""

import asyncio

import pytest
from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether

from openvnet.agent import moving
from openvnet.model import KINDS, ActiveInterface, InterfacePort
from openvnet.packet.arp import announcement, reverse_request
from openvnet.wire.messages import Acknowledge, Presence, Present
from tests.drivers.bridge import in_loop
from tests.drivers.running import agent_in, manager, revision
from tests.worlds import hosts_world, key_of

pytestmark = pytest.mark.ovs

MAC, MAC_NUMBER, ADDRESS = "52:54:00:00:00:01", 0x525400000001, 0x0A66000A
UNTIL_THE_END = 3600

KNOWN = {
    "IPv4": bytes(
        Ether(src=MAC, dst="52:54:00:00:00:03") / IP(src="10.102.0.10", dst="10.102.0.11")
    ),
    "ARP": bytes(announcement(MAC_NUMBER, ADDRESS)),
    "RARP": bytes(reverse_request(MAC_NUMBER)),
}
"""What flows hand to vna, whatever counters say."""
ODD = bytes(Ether(src=MAC, dst="33:33:00:00:00:01") / IPv6())

AWAITED = {
    key_of(row): row
    for row in (
        InterfacePort(uuid="ifp-1", interface_uuid="if-1", port_name="vm1"),
        ActiveInterface(uuid="acif-1", interface_uuid="if-1", datapath_uuid="dp-2"),
    )
}
"""Guest 1 may be on any host, and is on the second one."""
ROWS = [row for row in (hosts_world() | AWAITED).values() if type(row) in KINDS.values()]


async def hears_of_the_first_frame(frame, ovs, directory):
    """vnmgr is told that the guest is here because of a frame, and not before."""
    for name in ("eth0", "vm1"):
        ovs.plug(name)
    with manager(directory) as made:
        async with agent_in(directory, ovs) as agent:
            await made.greets(*ROWS)
            told = await made.hears(Present)
            assert (told.put, told.all) == ((Presence("if-1", "vm1"),), True)
            assert (await made.hears(Acknowledge)).revision == revision(1)
            while not agent.guests.awaited.is_set():
                await asyncio.sleep(0)
            await asyncio.to_thread(ovs.appctl, "netdev-dummy/receive", "vm1", frame.hex())
            assert (await made.hears(Present)).put == (Presence("if-1", "vm1", speaks=True),)


@pytest.mark.parametrize("frame", KNOWN.values(), ids=KNOWN)
def test_what_a_guest_may_send_says_at_once_that_it_is_here(frame, ovs, tmp_path, monkeypatch):
    monkeypatch.setattr(moving, "WATCH_SECONDS", UNTIL_THE_END)
    in_loop(hears_of_the_first_frame)(frame, ovs, tmp_path)


def test_so_does_what_no_flow_hands_to_vna(ovs, tmp_path):
    in_loop(hears_of_the_first_frame)(ODD, ovs, tmp_path)

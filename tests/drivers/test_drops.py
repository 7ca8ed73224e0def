"""Packets dropped for each reason, as the audit happens to read them from a real switch."""

from collections import Counter

import pytest

from openvnet.metrics import DROPS
from openvnet.model import Datapath, Network
from openvnet.pipeline.fields import eth_dst
from openvnet.pipeline.flow import Drop, Flow, Goto, match
from openvnet.pipeline.tables import Table
from openvnet.wire.messages import Acknowledge
from tests.drivers.bridge import agent_of, in_loop
from tests.drivers.running import agent_in, manager
from tests.worlds import DPID, guest

pytestmark = pytest.mark.ovs

PASSED = Flow(Table.PORT_SECURITY, 1, (), (Goto(Table.L2_LOOKUP),))
UNKNOWN = [Flow(Table.L2_LOOKUP, 1, match(eth_dst(mac)), (Drop("unknown"),)) for mac in (5, 6)]
FORGED = Flow(Table.L2_LOOKUP, 1, match(eth_dst(7)), (Drop("forged"),))
FLOWS = [PASSED, *UNKNOWN, FORGED]
SLICES = 4

DATAPATH = Datapath(uuid="dp-1", display_name="one", dpid=DPID, node_id="vna")
NETWORK = Network(uuid="nw-1", ipv4_network=0x0A660000, ipv4_prefix=24, vni=1)


def send(ovs, *macs):
    for mac in macs:
        packet = f"eth(src=02:00:00:00:00:01,dst=00:00:00:00:00:{mac:02x}),eth_type(0x1234)"
        ovs.appctl("netdev-dummy/receive", "vm1", f"in_port(1),{packet}")
    ovs.appctl("revalidator/wait")


async def connected(agent):
    """The next switch, and what it has told of drops, all in all."""
    switch, told = await agent.switch(), Counter()
    switch.on_drops = told.update
    await switch.reconcile(FLOWS, sweep=True, ports=())
    return switch, told


async def audited(switch):
    for slice in range(SLICES):
        await switch.audit(slice, SLICES)


@in_loop
async def test_what_is_dropped_is_counted_once_by_reason_whatever_slice_it_is_read_in(ovs):
    ovs.add_port("vm1", 1)
    async with agent_of(ovs) as agent:
        switch, told = await connected(agent)
        send(ovs, 5, 5, 6, 7)
        await audited(switch)
        await audited(switch)
        assert told == {"unknown": 3, "forged": 1}
        send(ovs, 7)
        await switch.audit(0, 1)
        assert told == {"unknown": 3, "forged": 2}


@in_loop
async def test_what_was_dropped_before_is_not_counted_and_what_is_deleted_takes_nothing_back(ovs):
    ovs.add_port("vm1", 1)
    async with agent_of(ovs) as agent:
        switch, _ = await connected(agent)
        send(ovs, 5, 6, 7)
        switch.close("vna ends")
        switch, told = await connected(agent)
        await audited(switch)
        assert told == {}
        send(ovs, 5, 7)
        await audited(switch)
        await switch.write([], [FORGED])
        await audited(switch)
        assert told == {"unknown": 1, "forged": 1}
        await switch.write([FORGED], [])
        send(ovs, 7)
        await audited(switch)
        assert told == {"unknown": 1, "forged": 2}


@in_loop
async def test_the_metrics_of_vna_have_what_guests_sent_in_vain(ovs, tmp_path):
    ovs.plug("vm1")
    with manager(tmp_path) as made:
        async with agent_in(tmp_path, ovs) as agent:
            await made.greets(DATAPATH, NETWORK, *guest(1, "nw-1", 0x0A660001, port=False))
            await made.hears(Acknowledge)
            send(ovs, 5)
            await agent.switch.audit(0, 1)
            lines = agent.metrics.page().decode().splitlines()
            (counted,) = [line for line in lines if line.startswith(f"{DROPS.name}{{")]
            assert counted == f'{DROPS.name}{{reason="source MAC address not leased"}} 1.0'

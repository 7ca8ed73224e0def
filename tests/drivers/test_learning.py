"""What the switch learns by flows of ours: it is left alone, and nothing else is."""

import re
from contextlib import asynccontextmanager

import msgspec
import pytest

from openvnet.pipeline.fields import Registers, eth_dst, eth_src, in_port, peer
from openvnet.pipeline.flow import (
    LEARNED,
    Flow,
    Goto,
    Learn,
    learnt,
    match,
    write,
)
from openvnet.pipeline.tables import Table
from tests.drivers.bridge import agent_of, delivery, in_loop

pytestmark = pytest.mark.ovs

L2 = int(Table.L2_LOOKUP)
COOKIE = LEARNED | 0xC0FFEE


def learn(**changed):
    """Where stations are, by what they send: for 300 s without a packet to them."""
    return msgspec.structs.replace(
        Learn(
            table=Table.L2_LOOKUP,
            priority=50,
            cookie=COOKIE,
            idle_timeout=300,
            match=(learnt(eth_dst, eth_src), learnt(Registers.network)),
            actions=(write(peer, 0xAAAA), write(Registers.mtu, 7)),
            back=True,
            limit=3,
        ),
        **changed,
    )


def teacher(port, **changed):
    """The switch learns from what comes by a port; it is of network 5."""
    actions = write(Registers.network, 5), learn(**changed), Goto(Table.L2_LOOKUP)
    return Flow(Table.PORT_SECURITY, 100, match(in_port(port)), actions)


FIRST, SECOND = teacher(1), teacher(2, cookie=COOKIE + 1)
"""Each port with a cookie of its own."""


@pytest.fixture
def ovs(ovs):
    for number in (1, 2):
        ovs.add_port(f"vm{number}", number)
    return ovs


def send(ovs, port, *stations):
    """A packet comes by a port from each of some stations; what is learnt of it is there then."""
    packets = (
        f"in_port({port}),eth(src=02:00:00:00:00:{n:02x},dst=02:00:00:00:00:ff),eth_type(0x1234)"
        for n in stations
    )
    ovs.appctl("netdev-dummy/receive", f"vm{port}", *packets)
    ovs.appctl("revalidator/wait")


def learnt_flows(ovs):
    return [flow for flow in ovs.dump(f"table={L2}") if "cookie=0x8" in flow]


def stations(ovs):
    """The stations that are learnt, and the port of each."""
    found = (re.search(r"dl_dst=02:00:00:00:00:(..) .*output:(.)", each) for each in ovs.dump())
    return {int(each[1], 16): int(each[2]) for each in found if each}


@asynccontextmanager
async def taught(ovs, *teachers):
    """An agent and its switch, that has learnt stations 1 and 2 by port 1, and 3 by port 2."""
    async with agent_of(ovs) as agent:
        switch = await agent.switch()
        await switch.reconcile(teachers, sweep=True, ports=(1, 2))
        send(ovs, 1, 1, 2)
        send(ovs, 2, 3)
        assert stations(ovs) == {1: 1, 2: 1, 3: 2}
        await switch.audit(0, 64)  # Its turn comes after what is to be healed.
        assert agent.drifts.empty()
        yield agent, switch
        assert agent.drifts.empty()


@in_loop
async def test_a_station_is_learnt_where_it_sends_and_so_many_a_port(ovs):
    async with taught(ovs, FIRST, SECOND):
        assert learnt_flows(ovs)[0] == (
            f"cookie={COOKIE:#x}, table={L2}, idle_timeout=300, priority=50,"
            "reg0=0x5/0xffffff,dl_dst=02:00:00:00:00:01 "
            "actions=load:0xaaaa->OXM_OF_METADATA[],load:0x7->NXM_NX_REG2[15..30],output:1"
        )
        send(ovs, 1, 7, 8)
        assert stations(ovs) == {1: 1, 2: 1, 7: 1, 3: 2}, "a limit of 3"
        send(ovs, 2, 1, 7, 9)
        assert stations(ovs) == {1: 2, 2: 1, 7: 2, 3: 2}, "two have moved"
        send(ovs, 1, 8)
        assert stations(ovs) == {1: 2, 2: 1, 7: 2, 8: 1, 3: 2}, "there is room again"


@in_loop
async def test_at_the_limit_a_station_that_moves_needs_another_cookie(ovs):
    async with taught(ovs, FIRST, teacher(2)):
        send(ovs, 2, 1)
        assert stations(ovs)[1] == 1


@in_loop
async def test_what_is_learnt_goes_when_it_is_not_used_or_not_taught_anew(ovs):
    idle, hard = teacher(1, idle_timeout=2), teacher(2, idle_timeout=0, hard_timeout=2)
    async with agent_of(ovs) as agent:
        switch = await agent.switch()
        await switch.reconcile([idle, hard], sweep=True, ports=(1, 2))
        ovs.appctl("time/stop")
        for sent, left in ((True, {1: 1, 2: 2}), (True, {2: 2}), (False, {})):
            for port in (1, 2) if sent else ():
                send(ovs, port, port)
            ovs.appctl("time/warp", "1500", "100")
            assert stations(ovs) == left


@in_loop
async def test_with_the_last_flow_that_learns_goes_what_it_learnt(ovs):
    async with taught(ovs, FIRST, teacher(2)) as (_, switch):
        await switch.write([], [FIRST])
        assert stations(ovs).keys() == {1, 2, 3}
        await switch.write([], [teacher(2)])
        assert ovs.dump() == []


@in_loop
async def test_a_flow_that_replaces_another_keeps_what_is_learnt_with_the_same_cookie(ovs):
    other = teacher(1, limit=9)
    elsewhere = Flow(Table.PORT_SECURITY, 99, (), FIRST.actions)
    async with taught(ovs, FIRST, SECOND) as (_, switch):
        for add, remove in ((other, FIRST), (elsewhere, other), (FIRST, elsewhere)):
            await switch.write([add], [remove])
            assert stations(ovs).keys() == {1, 2, 3}
        await switch.write([teacher(1, cookie=COOKIE + 2)], [FIRST])
        assert stations(ovs).keys() == {3}
        await switch.write([delivery(1, 2)], [SECOND])
        assert stations(ovs) == {}


@in_loop
async def test_a_restart_keeps_what_was_learnt_for_as_long_as_it_is_taught(ovs):
    async with taught(ovs, FIRST, SECOND) as (agent, switch):
        switch.close("the agent restarts")
        switch = await agent.switch()
        for desired, sweep in (([], False), ([FIRST], False), ([FIRST, SECOND], True)):
            written = await switch.reconcile(desired, sweep=sweep, ports=(1, 2))
            assert (written.added, written.removed) == (0, 0)
            assert stations(ovs) == {1: 1, 2: 1, 3: 2}
        for slice in range(4):
            assert (await switch.audit(slice, 4)).removed == 0
        switch.close("the agent restarts")
        switch = await agent.switch()
        await switch.reconcile([SECOND], sweep=True, ports=(1, 2))
        assert stations(ovs) == {3: 2}


@in_loop
async def test_what_was_learnt_of_a_port_goes_with_it(ovs):
    async with taught(ovs, FIRST, teacher(2)) as (agent, switch):
        ovs.vsctl("del-port", "vm1")
        while not (await agent.ports.get())[1]:
            pass
        await switch.port_counters(1)
        assert stations(ovs) == {3: 2}
        switch.close("the agent restarts")
        switch = await agent.switch()
        assert (await switch.reconcile([FIRST, teacher(2)], sweep=True, ports=())).removed == 1
        assert stations(ovs) == {}


FOREIGN = (
    (f"cookie={COOKIE:#x},table={L2 + 1},priority=1,actions=output:1"),
    (f"cookie={COOKIE + 2:#x},table={L2},priority=1,actions=output:1"),
    (f"cookie={COOKIE:#x},table={Table.PORT_SECURITY:d},priority=100,in_port=1,actions=drop"),
)


@pytest.mark.parametrize("flow", FOREIGN)
@in_loop
async def test_what_only_looks_as_if_it_was_learnt_is_undone(ovs, flow):
    desired = [FIRST, SECOND]
    async with agent_of(ovs) as agent:
        switch = await agent.switch()
        await switch.reconcile(desired, sweep=True, ports=(1, 2))
        before = ovs.dump()
        ovs.ofctl("add-flow", flow)
        assert (await agent.drifts.get()).healed
        assert ovs.dump() == before
        switch.close("the agent restarts")
        ovs.ofctl("add-flow", flow)
        switch = await agent.switch()
        written = await switch.reconcile(desired, sweep=True, ports=(1, 2))
        assert written.added + written.removed == 1
        assert ovs.dump() == before

"""vna in all that it may hear: news folded in order, and nothing believed that is not so."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from openvnet.agent.main import take_switch
from openvnet.model.facts import Bridge, Port, PortIdentity
from openvnet.openflow.driver import listen
from openvnet.wire.messages import Acknowledge, Beat, Hello, Snapshot, Subscribe, Update
from tests.drivers.bridge import in_loop
from tests.drivers.running import agent_in, manager, revision
from tests.worlds import guest, seed_world

pytestmark = pytest.mark.ovs

ROWS = [row for (kind, _), row in seed_world().items() if kind not in (Bridge, Port)]
MORE = list(guest(5, "nw-1", 0x0A66000F, port=False))


@asynccontextmanager
async def talking(ovs, directory, **more):
    """A vna and the vnmgr that it talks to."""
    with manager(directory) as made:
        async with agent_in(directory, ovs, **more) as agent:
            yield agent, made


def rows_of(agent):
    return {key for key, _ in agent._kept() if key[0] not in (Bridge, Port, PortIdentity)}


@in_loop
async def test_a_message_that_cannot_be_read_is_not_asked_for_over_and_over(ovs, tmp_path):
    async with talking(ovs, tmp_path) as (_, made):
        asked = 0
        for _ in range(3):
            while isinstance(await made.hears(Hello, Beat), Hello):
                asked += 1
                made.say_bytes(b"a kind of message that is yet to be invented")
        assert asked <= 2, "one hello as it starts, and one when its bridge connects"
        made.say(Beat(revision(1)))
        await made.hears(Hello)


@in_loop
async def test_an_update_that_does_not_follow_is_asked_for_anew(ovs, tmp_path):
    async with talking(ovs, tmp_path) as (agent, made):
        hello = await made.greets(*ROWS)
        assert (await made.hears(Acknowledge)).revision == revision(1)
        made.say(Update(revision(1), revision(2), hello.serial))
        assert (await made.hears(Acknowledge)).revision == revision(2)
        made.say(Update(revision(3), revision(4), hello.serial, tuple(MORE)))
        made.say(Update(revision(4), revision(5), hello.serial, tuple(MORE)))
        again = await made.hears(Hello, Acknowledge)
        assert (type(again), again.serial) == (Hello, hello.serial + 1)
        made.say(Update(revision(2), revision(6), hello.serial, tuple(MORE)))
        made.say(Snapshot(hello.serial, revision(7), ()))
        made.say(Snapshot(again.serial, revision(8), tuple(ROWS)))
        assert (await made.hears(Hello, Acknowledge)).revision == revision(8)
        assert rows_of(agent) == {(type(row), row.uuid) for row in ROWS}


@in_loop
async def test_beats_that_wait_behind_an_update_ask_for_nothing(ovs, tmp_path):
    async with talking(ovs, tmp_path) as (_, made):
        hello = await made.greets(*ROWS)
        await made.hears(Acknowledge)
        for number in range(2, 6):
            made.say(Update(revision(number - 1), revision(number), hello.serial))
            made.say(Beat(revision(number)))
        said = await made.hears(Hello, Acknowledge)
        while said.revision != revision(5):
            said = await made.hears(Hello, Acknowledge)


@in_loop
async def test_of_another_epoch_only_a_snapshot_is_taken(ovs, tmp_path):
    async with talking(ovs, tmp_path) as (agent, made):
        hello = await made.greets(*ROWS)
        await made.hears(Acknowledge)
        restored = revision(1, "of the restored store")
        made.say(Update(restored, restored, hello.serial, tuple(MORE)))
        again = await made.hears(Hello, Acknowledge)
        made.say(Snapshot(again.serial, restored, ()))
        assert (await made.hears(Acknowledge)).revision == restored
        assert not rows_of(agent)


@asynccontextmanager
async def two_connections(ovs, *bridges):
    """Two switches as `listen` hands them over; later ones are sent away."""
    arrived, both = [], asyncio.get_running_loop().create_future()

    def arrive(switch):
        if both.done():
            switch.close("there are two")
            return
        arrived.append(switch)
        if len(arrived) == 2:
            both.set_result(arrived)

    servers = [await listen(("127.0.0.1", 0), arrive) for _ in range(2)]
    ports = [server.sockets[0].getsockname()[1] for server in servers]
    addresses = [f"tcp:127.0.0.1:{port}" for port in ports]
    for bridge in bridges:
        count = 2 // len(bridges)
        of_bridge = [addresses.pop() for _ in range(count)]
        await asyncio.to_thread(ovs.vsctl, "set-controller", bridge, *of_bridge)
    try:
        yield await both
    finally:
        for server in servers:
            server.close()


@in_loop
async def test_of_two_bridges_that_connect_at_once_the_first_is_controlled(ovs, tmp_path):
    ovs.vsctl("add-br", "br1", "--", "set", "bridge", "br1", "datapath_type=dummy")
    async with (
        talking(ovs, tmp_path, bridges=()) as (agent, made),
        two_connections(ovs, "br0", "br1") as switches,
    ):
        for switch in switches:
            take_switch(agent, switch)
        await made.greets()
        await made.hears(Acknowledge)
        assert agent.switch is switches[0]
        names = {"br0", "br1"} & switches[0].ports.keys()
        assert agent.compiler.state.rows[Port].keys() == names
        (mine,), (other,) = names, {"br0", "br1"} - names
        for bridge, port in ((other, "vm1"), (mine, "vm2")):
            await asyncio.to_thread(ovs.plug, port, bridge)
        assert await made.hears_of("vm2") == {"vm2"}


@in_loop
async def test_what_is_written_on_one_connection_is_no_drift_on_another_of_the_bridge(
    ovs, tmp_path
):
    async with (
        talking(ovs, tmp_path, bridges=()) as (agent, made),
        two_connections(ovs, "br0") as (one, two),
    ):
        take_switch(agent, one)
        await made.greets(*ROWS)
        await made.hears(Acknowledge)
        take_switch(agent, two)
        await asyncio.to_thread(ovs.plug, "vm1")
        asked = await made.hears(Subscribe, Hello)
        made.say(Update(revision(1), revision(2), asked.serial))
        await made.hears(Acknowledge)
        assert len(ovs.dump("in_port=1,table=0")) == 7
        assert (agent.drift, agent.switch) == (0, one)


@in_loop
async def test_a_bridge_that_comes_back_is_served_again(ovs, tmp_path):
    async with talking(ovs, tmp_path) as (agent, made):
        await made.greets(*ROWS)
        await made.hears(Acknowledge)
        agent.switch.close("of the test")
        while "no switch" not in (await made.hears(Beat)).state:
            pass
        while "in sync" not in (await made.hears(Beat)).state:
            pass

"""The driver against a real Open vSwitch."""

import asyncio
import socket

import pytest

from openvnet.openflow import messages, replies
from openvnet.openflow.driver import listen
from openvnet.openflow.encoding import cookie_of
from openvnet.openflow.errors import Disconnected
from openvnet.openflow.replies import PortDescription
from openvnet.pipeline.fields import arp_op, eth_dst
from openvnet.pipeline.flow import Drop, Flow, Goto, Output, Resubmit, match
from openvnet.pipeline.tables import Table
from tests.drivers.bridge import agent_of, delivery, in_loop, security, some_flows
from tests.drivers.wire import Wire

pytestmark = pytest.mark.ovs

LOCAL = 0xFFFFFFFE
L2 = int(Table.L2_LOOKUP)


class Observer(Wire):
    """Sees each change that anybody makes to a flow."""

    def __init__(self, path):
        super().__init__(path)
        self.send(messages.flow_monitor_request(2))
        self.until_barrier()

    def changes(self):
        parts = (body for kind, _, body in self.until_barrier() if kind == messages.MULTIPART_REPLY)
        return [
            update
            for part in parts
            for update in replies.read_flow_updates(replies.read_multipart(part).body)
        ]


async def until(reports, wanted):
    while await reports.get() != wanted:
        pass


def cookies_of(flows):
    return sorted(map(cookie_of, flows))


def cookies_in(ovs):
    with Wire(ovs.bridge) as wire:
        flows = list(wire.flows())
    assert all(flow.proven for flow in flows)
    return sorted(flow.cookie for flow in flows)


@in_loop
async def test_the_bridge_introduces_itself(ovs):
    ovs.add_port("vm1", 7)
    async with agent_of(ovs) as agent:
        switch = await agent.switch()
        assert switch.dpid == "0x0000aaaaaaaaaaaa"
        assert switch.ports["vm1"] == PortDescription("vm1", 7, up=True)
        assert switch.ports["br0"].number == LOCAL


@in_loop
async def test_ports_that_come_change_and_go_are_told(ovs):
    async with agent_of(ovs) as agent:
        switch = await agent.switch()
        ovs.add_port("vm1", 7)
        await until(agent.ports, (PortDescription("vm1", 7, up=True), False))
        ovs.ofctl("mod-port", "vm1", "down")
        await until(agent.ports, (PortDescription("vm1", 7, up=False), False))
        assert not switch.ports["vm1"].up
        ovs.vsctl("del-port", "vm1")
        await until(agent.ports, (PortDescription("vm1", 7, up=False), True))
        assert "vm1" not in switch.ports


@in_loop
async def test_a_restart_with_the_same_desired_flows_changes_nothing(ovs):
    desired = [*some_flows(2000), Flow(Table.FLOOD, 0, (), (Drop("nobody"),))]
    async with agent_of(ovs) as agent:
        first = await agent.switch()
        assert (await first.reconcile(desired, sweep=True, ports=())).added == 2001
        first.close("the agent restarts")
        second = await agent.switch()
        with Observer(ovs.bridge) as observer:
            for sweep in (False, True):
                written = await second.reconcile(desired, sweep=sweep, ports=range(1, 201))
                assert (written.added, written.removed, written.refused) == (0, 0, ())
            assert observer.changes() == []


@in_loop
async def test_a_restart_writes_just_the_difference(ovs):
    flows = some_flows(100)
    async with agent_of(ovs) as agent:
        switch = await agent.switch()
        await switch.reconcile(flows[:90], sweep=True, ports=())
        switch.close("the agent restarts")
        switch = await agent.switch()
        with Observer(ovs.bridge) as observer:
            written = await switch.reconcile(flows[10:], sweep=True, ports=())
            assert (written.added, written.removed) == (10, 10)
            assert len(observer.changes()) == 20
        assert cookies_in(ovs) == cookies_of(flows[10:])


@in_loop
async def test_foreign_and_modified_flows_are_swept(ovs):
    desired = some_flows(4)
    async with agent_of(ovs) as agent:
        switch = await agent.switch()
        await switch.reconcile(desired, sweep=True, ports=())
        switch.close("the agent restarts")
        ovs.ofctl("add-flow", "cookie=77,table=0,priority=3,ip,actions=NORMAL")
        ovs.ofctl("add-flow", "table=200,actions=learn(table=201,NXM_OF_ETH_SRC[])")
        ovs.ofctl("mod-flows", f"table={L2},dl_dst=00:00:00:00:00:01,actions=output:9")
        ovs.ofctl(
            "add-flow", f"cookie=1,table={L2},priority=100,dl_dst=00:00:00:00:00:02,actions=drop"
        )
        switch = await agent.switch()
        written = await switch.reconcile(desired, sweep=True, ports=())
        assert (written.added, written.removed) == (2, 2)
        assert cookies_in(ovs) == cookies_of(desired)


@in_loop
async def test_before_sync_only_what_names_a_port_that_is_gone_is_swept(ovs):
    kept = [security(1), delivery(0xA, 2), Flow(Table.FLOOD, 5, (), (Output(1), Output(LOCAL)))]
    gone = [security(3), delivery(0xB, 4), Flow(Table.FLOOD, 6, (), (Output(1), Output(3)))]
    async with agent_of(ovs) as agent:
        switch = await agent.switch()
        await switch.reconcile([*kept, *gone], sweep=True, ports=())
        switch.close("the agent restarts")
        ovs.ofctl("add-flow", f"table={L2},priority=9,dl_dst=00:00:00:00:00:02,actions=NORMAL")
        switch = await agent.switch()
        written = await switch.reconcile(kept[:1], sweep=False, ports=(1, 2))
        assert (written.added, written.removed) == (0, 3)
        assert len(ovs.dump()) == len(kept) + 1
        written = await switch.reconcile(kept[:1], sweep=True, ports=(1, 2))
        assert (written.added, written.removed) == (0, 3)
        assert cookies_in(ovs) == cookies_of(kept[:1])


@in_loop
async def test_before_sync_a_port_that_goes_takes_along_what_names_it(ovs):
    ovs.add_port("vm1", 1)
    ovs.add_port("vm2", 2)
    async with agent_of(ovs) as agent:
        switch = await agent.switch()
        await switch.reconcile([security(1), security(2)], sweep=True, ports=())
        switch.close("the agent restarts")
        switch = await agent.switch()
        await switch.reconcile([], sweep=False, ports=(1, 2))
        with Observer(ovs.bridge) as observer:
            ovs.vsctl("del-port", "vm1")
            await asyncio.to_thread(observer.receive)
        assert cookies_in(ovs) == cookies_of([security(2)])
        assert agent.drifts.empty()


@in_loop
async def test_before_sync_what_stands_in_the_place_of_a_desired_flow_is_replaced(ovs):
    desired = [delivery(0xA, 1), delivery(0xB, 1)]
    async with agent_of(ovs) as agent:
        switch = await agent.switch()
        await switch.reconcile([delivery(0xA, 2)], sweep=True, ports=())
        switch.close("the agent restarts")
        ovs.ofctl("add-flow", f"table={L2},priority=100,dl_dst=00:00:00:00:00:0b,actions=output:2")
        switch = await agent.switch()
        written = await switch.reconcile(desired, sweep=False, ports=(1, 2))
        assert (written.added, written.removed) == (2, 0)
        assert cookies_in(ovs) == cookies_of(desired)


@in_loop
async def test_a_change_replaces_adds_and_removes(ovs):
    async with agent_of(ovs) as agent:
        switch = await agent.switch()
        await switch.reconcile([delivery(1, 1), delivery(2, 1)], sweep=True, ports=())
        written = await switch.write(
            [delivery(1, 9), delivery(3, 1)], [delivery(1, 1), delivery(2, 1)]
        )
        assert (written.added, written.removed) == (2, 1)
        assert cookies_in(ovs) == cookies_of([delivery(1, 9), delivery(3, 1)])
        written = await switch.write([delivery(3, 1)], [delivery(3, 1)])
        assert cookies_in(ovs) == cookies_of([delivery(1, 9), delivery(3, 1)])


@in_loop
async def test_nothing_to_do_sends_nothing(ovs):
    async with agent_of(ovs) as agent:
        switch = await agent.switch()
        await switch.reconcile([], sweep=True, ports=())
        before = ovs.appctl("coverage/read-counter", "vconn_received")
        written = await switch.write([], [])
        assert (written.added, written.removed, written.refused) == (0, 0, ())
        assert ovs.appctl("coverage/read-counter", "vconn_received") == before


REFUSED = [
    (Flow(Table.L2_LOOKUP, 1, (), (Output(0xFFFF0000),)), "OFPBAC_BAD_OUT_PORT"),
    (Flow(Table.L2_LOOKUP, 1, (), (Goto(Table.ARP),)), "OFPBIC_BAD_TABLE_ID"),
    (Flow(Table.L2_LOOKUP, 1, match(arp_op(1)), ()), "OFPBMC_BAD_PREREQ"),
    (Flow(Table.L2_LOOKUP, 1, match(eth_dst(1 << 48)), ()), "eth_dst"),
    (Flow(Table.L2_LOOKUP, 1 << 16, (), ()), "priority"),
    (Flow(Table.L2_LOOKUP, 1, (), (Drop("x"), Output(1))), "Drop"),
    (Flow(Table.L2_LOOKUP, 1, (), tuple(Output(port) for port in range(1, 5000))), "too long"),
]


@pytest.mark.parametrize(("bad", "why"), REFUSED)
@in_loop
async def test_a_refused_flow_costs_only_itself(ovs, bad, why):
    good = some_flows(1500)
    async with agent_of(ovs) as agent:
        switch = await agent.switch()
        first = await switch.reconcile([*good[:20], bad, *good[20:40]], sweep=True, ports=())
        assert first.added == 40
        for written in (first, await switch.write([*good[40:], bad], [])):
            (refused,) = written.refused
            assert refused.flow is bad
            assert why in refused.reason
        assert cookies_in(ovs) == cookies_of(good)
        await switch.write([], [bad, *good[:100]])
        assert cookies_in(ovs) == cookies_of(good[100:])


@pytest.mark.parametrize("actions", [(Output(0xFFFF0000),), (Output(1),) * 5000, (Drop(""),) * 2])
@in_loop
async def test_what_stood_at_the_place_of_a_refused_flow_goes(ovs, actions):
    bad = Flow(Table.L2_LOOKUP, 100, match(eth_dst(1)), actions)
    async with agent_of(ovs) as agent:
        switch = await agent.switch()
        await switch.reconcile(some_flows(3), sweep=True, ports=())
        assert (await switch.write([bad], [delivery(1, 2)])).added == 0
        assert cookies_in(ovs) == cookies_of([delivery(0, 1), delivery(2, 3)])
        switch.close("the agent restarts")
        switch = await agent.switch()
        bad = Flow(Table.L2_LOOKUP, 100, match(eth_dst(2)), actions)
        await switch.reconcile([delivery(0, 1), bad], sweep=False, ports=range(10))
        assert cookies_in(ovs) == cookies_of([delivery(0, 1)])


@pytest.mark.parametrize("limit", [2, 6])
@in_loop
async def test_a_full_table_refuses_what_is_too_much_and_no_more(ovs, limit):
    ovs.vsctl(
        *("--", "--id=@t", "create", "flow_table", f"flow_limit={limit}", "overflow-policy=refuse"),
        *("--", "set", "bridge", "br0", f"flow_tables:{L2}=@t"),
    )
    async with agent_of(ovs) as agent:
        switch = await agent.switch()
        written = await switch.reconcile([security(1), *some_flows(8)], sweep=True, ports=())
        assert written.added == 1 + limit
        assert {refused.reason for refused in written.refused} == {
            "flow not changed: table full (OFPFMFC_TABLE_FULL)"
        }
        assert len(cookies_in(ovs)) == 1 + limit


@pytest.mark.parametrize(
    ("command", "flow", "what"),
    [
        ("del-flows", f"table={L2},dl_dst=00:00:00:00:00:01", "deleted"),
        ("mod-flows", f"table={L2},dl_dst=00:00:00:00:00:01,actions=output:99", "modified"),
        (
            "add-flow",
            f"table={L2},priority=100,dl_dst=00:00:00:00:00:01,actions=NORMAL",
            "modified",
        ),
        ("add-flow", f"table={L2},priority=101,dl_dst=00:00:00:00:00:01,actions=NORMAL", "added"),
        ("add-flow", "table=77,priority=1,tcp,tp_src=80,actions=resubmit(,3)", "added"),
    ],
)
@in_loop
async def test_what_others_do_to_flows_is_undone_and_reported(ovs, command, flow, what):
    desired = some_flows(5)
    async with agent_of(ovs) as agent:
        switch = await agent.switch()
        await switch.reconcile(desired[:3], sweep=True, ports=())
        await switch.write(desired[3:], [])
        ovs.ofctl(command, flow)
        drift = await agent.drifts.get()
        assert (drift.what, drift.healed) == (what, True)
        assert drift.table == ("table 77" if "77" in flow else "L2_LOOKUP")
        assert drift.text
        assert cookies_in(ovs) == cookies_of(desired)
        assert agent.drifts.empty()


@in_loop
async def test_all_flows_deleted_by_others_come_back(ovs):
    desired = some_flows(20_000)
    async with agent_of(ovs) as agent:
        switch = await agent.switch()
        await switch.reconcile(desired, sweep=True, ports=())
        ovs.ofctl("del-flows")
        reported = [await agent.drifts.get() for _ in desired]
        assert {(drift.what, drift.healed) for drift in reported} == {("deleted", True)}
        assert cookies_in(ovs) == cookies_of(desired)


@pytest.mark.parametrize(
    ("command", "flow", "what", "written"),
    [
        ("del-flows", f"table={L2},dl_dst=00:00:00:00:00:01", "deleted", (1, 0)),
        (
            "mod-flows",
            f"table={L2},dl_dst=00:00:00:00:00:01,actions=output:{{n}}",
            "modified",
            (1, 0),
        ),
        ("add-flow", f"table={L2},priority=1,actions=output:{{n}}", "added", (0, 1)),
    ],
)
@in_loop
async def test_a_flow_that_does_not_stay_healed_is_left_to_the_audit(
    ovs, command, flow, what, written
):
    async with agent_of(ovs) as agent:
        switch = await agent.switch()
        await switch.reconcile(some_flows(3), sweep=True, ports=())
        for number, healed in enumerate((True,) * 5 + (False,), 90):
            ovs.ofctl(command, flow.format(n=number))
            drift = await agent.drifts.get()
            assert (drift.what, drift.healed) == (what, healed)
        found = [await switch.audit(slice, 64) for slice in range(64)]
        assert (sum(each.added for each in found), sum(each.removed for each in found)) == written
        drift = await agent.drifts.get()
        assert (drift.what, drift.healed) == (what, True)
        assert cookies_in(ovs) == cookies_of(some_flows(3))


@in_loop
async def test_an_audit_of_all_slices_looks_at_every_flow(ovs):
    desired = some_flows(500)
    async with agent_of(ovs) as agent:
        switch = await agent.switch()
        await switch.reconcile(desired, sweep=True, ports=())
        with Observer(ovs.bridge) as observer:
            for slice in range(8):
                assert (await switch.audit(slice, 8)).added == 0
            assert observer.changes() == []


@in_loop
async def test_flows_are_whole_again_after_the_switch_was_killed_amid_a_bundle(ovs):
    desired = some_flows(60_000)
    async with agent_of(ovs) as agent:
        switch = await agent.switch()
        await switch.reconcile(desired[:10], sweep=True, ports=())
        writing = asyncio.ensure_future(switch.write(desired[10:], []))
        for _ in range(20):  # Each turn is a slice of the bundle.
            await asyncio.sleep(0)
        ovs.kill()
        with pytest.raises(Disconnected):
            await writing
        assert await agent.ends.get()
        with pytest.raises(Disconnected):
            await switch.write(desired, [])
        ovs.start_switch()
        switch = await agent.switch()
        assert (await switch.reconcile(desired, sweep=True, ports=())).added == len(desired)
        assert cookies_in(ovs) == cookies_of(desired)


@in_loop
async def test_packets_are_counted_by_flow_and_by_port(ovs):
    ovs.add_port("vm1", 1)
    ovs.add_port("vm2", 2)
    passed = Flow(Table.PORT_SECURITY, 1, (), (Resubmit(Table.L2_LOOKUP),))
    dropped = Flow(Table.L2_LOOKUP, 1, match(eth_dst(5)), (Drop("unknown"),))
    sent = Flow(Table.L2_LOOKUP, 1, match(eth_dst(6)), (Output(2),))
    absent = Flow(Table.L2_LOOKUP, 1, match(eth_dst(7)), (Output(2),))
    async with agent_of(ovs) as agent:
        switch = await agent.switch()
        await switch.reconcile([passed, dropped, sent], sweep=True, ports=())
        for mac in ("05", "05", "06"):
            packet = f"eth(src=02:00:00:00:00:01,dst=00:00:00:00:00:{mac}),eth_type(0x1234)"
            ovs.appctl("netdev-dummy/receive", "vm1", f"in_port(1),{packet}")
        ovs.appctl("revalidator/wait")
        counted = await switch.counters([passed, dropped, sent, absent])
        assert counted == {passed: 3, dropped: 2, sent: 1}
        assert await switch.port_counters(1) == (3, 0)
        assert await switch.port_counters(2) == (0, 1)
        assert await switch.port_counters(44) == (0, 0)


@in_loop
async def test_counters_of_many_flows_are_asked_in_batches(ovs):
    flows = some_flows(1000)
    async with agent_of(ovs) as agent:
        switch = await agent.switch()
        await switch.reconcile(flows, sweep=True, ports=())
        assert await switch.counters(flows) == dict.fromkeys(flows, 0)


@in_loop
async def test_a_bridge_that_refuses_to_be_introduced_is_logged_and_let_go(tmp_path, caplog):
    server = await listen(f"{tmp_path}/controller", lambda _: None)
    reader, writer = await asyncio.open_unix_connection(f"{tmp_path}/controller")
    writer.write(messages.hello(1))
    await reader.readexactly(len(messages.hello(1)))
    head = await reader.readexactly(8)
    writer.write(messages.message(messages.ERROR, head[7], bytes((0, 1, 0, 5))))
    await reader.read()
    assert "bad request: eperm" in caplog.text
    writer.close()
    server.close()


@in_loop
async def test_a_bridge_may_be_found_on_a_socket_that_listens_already(ovs):
    waiting = socket.socket(socket.AF_UNIX)
    waiting.bind(f"{ovs.directory}/controller")
    found = asyncio.get_running_loop().create_future()
    server = await listen(waiting, found.set_result)
    ovs.connect(f"unix:{ovs.directory}/controller")
    switch = await found
    ended = asyncio.get_running_loop().create_future()
    switch.on_closed = ended.set_result
    switch.close("the test is over")
    await ended
    server.close()

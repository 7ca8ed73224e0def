"""What holds for all flows that features yield, whatever the world is."""

import itertools

import pytest
from hypothesis import HealthCheck, assume, given, settings

from openvnet.compiler import Compiler
from openvnet.features import STRATA
from openvnet.features.interest import Subscription
from openvnet.model import InterfacePort, IpLease, MacLease, Network
from openvnet.model.facts import Port, PortIdentity
from openvnet.model.host import Attachment
from openvnet.openflow.encoding import cookie_of
from openvnet.pipeline.flow import Drop, Flow, Goto, Resubmit
from openvnet.pipeline.tables import Table
from openvnet.state import View
from tests.worlds import guest, histories, key_of, seed_world

ALL_BITS = (1 << 64) - 1
COMING_BACK = (
    *(Table.MAC_LEARNT, Table.FLOOD, Table.FLOOD_PEERS),
    *(Table.PATH_MTU, Table.TO_PEER),  # For each host.
)


def compiled(history):
    compiler = Compiler(STRATA)
    for changes in history:
        compiler.apply(changes)
    return compiler


def flows_of(compiler):
    return [output for output in compiler.all() if isinstance(output, Flow)]


def overlap(one, other):
    """Whether some packet matches both."""
    conditions = {term.field: term for term in one.match}
    for term in other.match:
        mine = conditions.get(term.field)
        if mine is None:
            continue
        common = (ALL_BITS if mine.mask is None else mine.mask) & (
            ALL_BITS if term.mask is None else term.mask
        )
        if mine.value & common != term.value & common:
            return False
    return True


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(histories)
def test_no_two_flows_of_one_table_and_priority_match_one_packet_and_do_different_things(history):
    compiler = compiled(history)
    assume(not compiler.conflicts)
    place = lambda flow: (flow.table, flow.priority)  # noqa: E731
    for _, rivals in itertools.groupby(sorted(flows_of(compiler), key=place), key=place):
        for one, other in itertools.combinations(rivals, 2):
            assert not overlap(one, other) or one.actions == other.actions, (one, other)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(histories)
def test_packets_only_move_forward_and_only_flooding_and_learning_come_back(history):
    for flow in flows_of(compiled(history)):
        assert flow.actions, flow
        for action in flow.actions[:-1]:
            assert not isinstance(action, Goto | Drop), flow
        for action in flow.actions:
            match action:
                case Goto(table):
                    assert table > flow.table
                case Resubmit(table):
                    assert table in COMING_BACK
                    assert table > flow.table


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(histories)
def test_no_feature_raises_and_no_two_flows_have_one_cookie(history):
    compiler = compiled(history)
    assert not compiler.failures
    flows = flows_of(compiler)
    assert len({cookie_of(flow) for flow in flows}) == len(flows)


def test_each_flow_knows_the_row_that_it_is_there_for():
    compiler = compiled([seed_world()])
    for flow in flows_of(compiler):
        assert compiler.owners(flow.key), flow


def test_an_agent_asks_for_its_datapath_and_the_names_of_its_ports():
    world = seed_world()
    world[PortIdentity, "vm1"] = PortIdentity("vm1", "neutron-1")
    outputs = compiled([world]).all()
    asked = {(out.kind, out.name) for out in outputs if isinstance(out, Subscription)}
    ports = {("port", name) for name in ("vm1", "vm2", "vm3", "vm4", "neutron-1")}
    assert asked == {("datapath", "0x0000aaaaaaaaaaaa"), *ports}
    assert Subscription("port", "x").key == (("subscription", "port"), "x")


def attachment(rows):
    state = compiled([{key_of(row): row for row in rows}]).state
    return View(state).get(Attachment, "if-1")


SEED = list(seed_world().values())


@pytest.mark.parametrize(
    ("more", "port_name"),
    [
        ([], "vm1"),
        ([Port("tap", 9, up=True), PortIdentity("tap", "vm1")], "vm1"),
        ([Port("vm1", 1, up=False), Port("tap", 9, up=True), PortIdentity("tap", "vm1")], "tap"),
        ([Port("vm1", 1, up=False)], "vm1"),
        ([InterfacePort(uuid="ifp-1", interface_uuid="if-1", port_name="vm1")], "vm1"),
    ],
)
def test_of_several_ports_one_that_is_up_is_taken_then_the_lesser_number(more, port_name):
    assert attachment([*SEED, *more]).port_name == port_name


@pytest.mark.parametrize(
    "taken",
    [
        InterfacePort(uuid="ifp-1", interface_uuid="if-1", port_name="vm1", datapath_uuid="dp-9"),
        InterfacePort(uuid="ifp-0", interface_uuid="if-0", port_name="vm1", datapath_uuid="dp-1"),
    ],
)
def test_a_port_of_another_datapath_or_of_a_lesser_interface_is_not_taken(taken):
    assert attachment([*SEED, taken]) is None


def test_a_row_for_this_datapath_beats_one_for_any():
    rival = InterfacePort(uuid="ifp-0", interface_uuid="if-0", port_name="vm1")
    assert attachment([*SEED, rival]).port_name == "vm1"


@pytest.mark.parametrize("kind", [MacLease, Network, InterfacePort, IpLease, Port])
def test_what_misses_a_row_fails_closed(kind):
    world = seed_world()
    whole = len(flows_of(compiled([world])))
    gone = {key: row for key, row in world.items() if key[0] is not kind}
    assert len(flows_of(compiled([gone]))) < whole


def test_flows_of_far_interfaces_are_few():
    near = len(flows_of(compiled([seed_world()])))
    far = {key_of(row): row for row in guest(5, "nw-1", 0x0A66000F, port=False)}
    assert len(flows_of(compiled([seed_world() | far]))) == near + 1

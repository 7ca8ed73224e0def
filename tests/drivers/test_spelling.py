"""Our bytes are Open vSwitch's own bytes: the ground that cookies stand on."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openvnet.openflow.encoding import encode, encode_instructions
from openvnet.openflow.spelling import FIELDS
from openvnet.pipeline.fields import ARP, IPV4, Registers, Term, eth_dst, eth_src, peer
from openvnet.pipeline.flow import (
    CONTROLLER,
    IN_PORT,
    LEARNED,
    LOCAL,
    CheckLarger,
    Drop,
    Flow,
    Goto,
    Learn,
    Load,
    Move,
    Output,
    OutputToFirst,
    PopVlan,
    PushVlan,
    Resubmit,
    SetField,
    ToAgent,
    learnt,
    match,
    write,
)
from openvnet.pipeline.handlers import Handler
from openvnet.pipeline.tables import Table
from tests.drivers.wire import Wire
from tests.flows_at_random import BITS, FITTING, NEEDS, PACKET_FIELDS, READ_ONLY, WHOLE_ONLY, flows

pytestmark = pytest.mark.ovs


@pytest.fixture(scope="module")
def wire(shared_ovs):
    with Wire(shared_ovs.bridge) as wire:
        yield wire


def comes_back_proven(wire, *sent):
    try:
        assert wire.add(sent) == {}
        actual = {flow.place: flow for flow in wire.flows()}
        assert all(flow.proven for flow in actual.values())
        wanted = {place: cookie for cookie, place, _ in map(encode, sent)}
        return {place: flow.cookie for place, flow in actual.items()} == wanted
    finally:
        wire.clear()


def needed(name):
    return (NEEDS[name],) if name in NEEDS else ()


def test_every_field_of_the_language_has_a_spelling():
    assert set(FIELDS) == set(BITS)


@pytest.mark.parametrize("name", BITS)
def test_a_whole_field_comes_back_as_it_was_sent(wire, name):
    for value in {"vlan_vid": (0, 0x1001), "in_port": (1, 0xFEFF)}.get(
        name, (0, (1 << BITS[name]) - 2)
    ):
        flow = Flow(Table.ARP, 5, match(*needed(name), Term(name, value)), ())
        assert comes_back_proven(wire, flow)


@pytest.mark.parametrize("name", sorted(BITS.keys() - WHOLE_ONLY))
def test_a_masked_field_comes_back_as_it_was_sent(wire, name):
    for mask in (1, 1 << BITS[name] - 1, (1 << BITS[name]) - 1, 0):
        flow = Flow(Table.ARP, 5, match(*needed(name), Term(name, mask, mask)), ())
        assert comes_back_proven(wire, flow)


@pytest.mark.parametrize("need", [IPV4, ARP])
def test_all_fields_come_back_in_the_order_in_which_they_were_sent(wire, need):
    whole = (Term(name, int(name != "vlan_vid")) for name in FITTING[need])
    assert comes_back_proven(wire, Flow(Table.ARP, 5, match(need, *whole), ()))


def test_terms_in_any_order_are_the_same_flow(wire):
    terms = match(ARP, *(Term(name, int(name != "vlan_vid")) for name in FITTING[ARP]))
    one, other = (Flow(Table.ARP, 5, ordered, ()) for ordered in (terms, terms[::-1]))
    assert encode(one) == encode(other)
    assert comes_back_proven(wire, other)


def test_the_presence_of_a_tag_and_a_written_vlan_id_come_back_as_they_were_sent(wire):
    tagged = Term("vlan_vid", 0x1000, 0x1000)
    for value in (0x1000, 0x1FFF):
        flow = Flow(Table.ARP, 5, match(tagged), (SetField("vlan_vid", value), Output(1)))
        assert comes_back_proven(wire, flow)


def test_merged_slices_of_a_register_come_back_as_one_term(wire):
    both = match(Registers.network(7), Registers.chunk(3))
    assert len(both) == 1
    assert comes_back_proven(wire, Flow(Table.FLOOD, 5, both, ()))


@pytest.mark.parametrize("name", sorted(PACKET_FIELDS.keys() - READ_ONLY))
def test_writing_a_field_comes_back_as_it_was_sent(wire, name):
    for value in (0, (1 << BITS[name]) - 2):
        assert comes_back_proven(
            wire, Flow(Table.ARP, 5, match(*needed(name)), (SetField(name, value), Output(1)))
        )


@pytest.mark.parametrize("register", range(16))
@pytest.mark.parametrize(("offset", "bits"), [(0, 1), (0, 24), (24, 8), (7, 13), (0, 32)])
def test_loading_a_slice_comes_back_as_it_was_sent(wire, register, offset, bits):
    load = Load(register, offset, bits, (1 << bits) - 1)
    assert comes_back_proven(wire, Flow(Table.ARP, 5, (), (load, Goto(Table.FLOOD))))


MOVES = [
    (source, destination)
    for source in PACKET_FIELDS
    for destination in PACKET_FIELDS
    if destination not in READ_ONLY
    and source not in ("in_port", "vlan_vid")
    and BITS[source] == BITS[destination]
    and len({*needed(source), *needed(destination)}) < 2
]


@pytest.mark.parametrize(("source", "destination"), MOVES)
def test_copying_a_field_comes_back_as_it_was_sent(wire, source, destination):
    terms = match(*{*needed(source), *needed(destination)})
    assert comes_back_proven(wire, Flow(Table.ARP, 5, terms, (Move(source, destination),)))


@pytest.mark.parametrize(
    "actions",
    [
        (),
        (Drop("no reason"),),
        (Goto(Table.FLOOD),),
        (Output(1), Output(0xFEFF), Output(IN_PORT), Output(LOCAL), Output(CONTROLLER)),
        *((OutputToFirst(tuple(range(1, last))),) for last in (2, 3, 4, 5, 6, 301)),
        (PushVlan(), SetField("vlan_vid", 0x100A), Output(1), PopVlan(), Output(2)),
        (Resubmit(Table.PORT_SECURITY), Resubmit(Table.FLOOD), Goto(Table.FLOOD)),
        tuple(Output(number) for number in range(1, 257)),
        (CheckLarger(0, 0, 0), CheckLarger(0xFFFF, 15, 31), Goto(Table.FLOOD)),
        tuple(map(ToAgent, Handler)),
    ],
)
def test_other_actions_come_back_as_they_were_sent(wire, actions):
    flow = Flow(Table.ARP, 0xFFFF, (), actions)
    assert encode_instructions(actions) or actions in ((), (Drop("no reason"),))
    assert comes_back_proven(wire, flow)


BOTH = learnt(eth_dst, eth_src), learnt(Registers.network)
WRITES = write(peer, (1 << 64) - 1), write(Registers.mtu, 0x1234), write(Registers.too_big, 1)


@pytest.mark.parametrize("limit", [0, 1, 0xFFFFFFFF])
@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("actions", [(), *((WRITES[:n]) for n in (1, 2, 3))])
@pytest.mark.parametrize("terms", [(), BOTH[:1], BOTH])
def test_learning_comes_back_as_it_was_sent(wire, terms, actions, back, limit):
    cookie = LEARNED | 0x123456789ABCDEF
    learn = Learn(Table.L2_LOOKUP, 0xFFFF, cookie, 300, terms, actions, back, limit)
    aging = Learn(Table.ARP, 0, (1 << 64) - 2, 0, terms, actions, back, limit, 0xFFFF)
    assert comes_back_proven(wire, Flow(Table.ARP, 5, (), (learn, aging, Goto(Table.FLOOD))))


def test_a_flow_with_a_timeout_or_a_flag_is_not_ours(wire, shared_ovs):
    flow = Flow(Table.ARP, 5, (), (Output(1),))
    cookie = f"cookie={encode(flow)[0]:#x}"
    for extra in ("idle_timeout=99", "hard_timeout=99", "send_flow_rem"):
        shared_ovs.ofctl("add-flow", f"{cookie},{extra},table=1,priority=5,actions=output:1")
        (found,) = wire.flows()
        assert not found.proven
        wire.clear()


@given(st.lists(flows(), max_size=20, unique_by=lambda flow: encode(flow)[1]))
@settings(max_examples=100)
def test_any_flow_comes_back_as_it_was_sent(wire, sent):
    assert comes_back_proven(wire, *sent)

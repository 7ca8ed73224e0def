from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openvnet.openflow.decoding import (
    Unknown,
    decode_instructions,
    decode_match,
    flow_words,
    ports_named,
    words_of,
)
from openvnet.openflow.encoding import (
    cookie_of,
    encode,
    encode_instructions,
    encode_match,
    hash_of,
)
from openvnet.openflow.errors import MalformedMessage, UnencodableFlow
from openvnet.pipeline.fields import (
    ARP,
    Registers,
    Term,
    arp_op,
    eth_dst,
    eth_src,
    in_port,
    ipv4_src,
    peer,
    tun_id,
)
from openvnet.pipeline.flow import (
    CONTROLLER,
    IN_PORT,
    LEARNED,
    LOCAL,
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
    learnt,
    match,
    write,
)
from openvnet.pipeline.tables import Table
from tests.flows_at_random import BITS, flows


def plain(term):
    """A term as the switch has it."""
    whole = term.mask == (1 << BITS[term.field]) - 1
    return Term(term.field, term.value, None if whole else term.mask)


@given(flows())
def test_what_was_encoded_is_decoded(flow):
    _, place, instructions = encode(flow)
    assert (place[0], int.from_bytes(place[1:3], "big")) == (flow.table, flow.priority)
    assert set(decode_match(place[3:])) == {plain(term) for term in flow.match if term.mask != 0}
    actions = () if isinstance(flow.actions[0], Drop) else flow.actions
    assert tuple(decode_instructions(instructions)) == actions


@given(flows())
def test_a_cookie_is_never_zero_and_never_marked_as_learned(flow):
    assert 0 < cookie_of(flow) < LEARNED


@given(flows(), flows())
def test_flows_share_a_cookie_only_if_the_switch_cannot_tell_them_apart(one, other):
    assert (cookie_of(one) == cookie_of(other)) == (encode(one)[1:] == encode(other)[1:])


@given(st.binary(), st.binary(), st.integers(1, 5))
def test_no_octet_can_wander_between_place_and_instructions(place, instructions, moved):
    match_ = encode_match((eth_dst(5),))
    one = hash_of(b"abc" + match_ + place, instructions)
    assert hash_of(b"abc" + match_ + place, instructions + bytes(moved)) != one


@given(st.binary(max_size=64))
def test_any_bytes_are_decoded_or_called_malformed(octets):
    for decode in (
        lambda: list(decode_match(octets)),
        lambda: list(decode_match(b"\0\1" + octets)),
        lambda: list(decode_instructions(octets)),
        lambda: list(decode_instructions(b"\0\4\0\x10\0\0\0\0" + octets)),
    ):
        with suppress(MalformedMessage):
            decode()


@given(flows(), st.data())
def test_mutilated_flows_are_put_into_words_or_called_malformed(flow, data):
    _, place, instructions = encode(flow)
    octets = bytearray(place + instructions)
    for at in data.draw(st.lists(st.integers(3, len(octets) - 1), max_size=3)):
        octets[at] = data.draw(st.integers(0, 255))
    cut = len(place)
    with suppress(MalformedMessage):
        assert flow_words(bytes(octets[:cut]), bytes(octets[cut:]))
        assert set(ports_named(bytes(octets[:cut]), bytes(octets[cut:]))).isdisjoint({IN_PORT})


def teacher(**changed):
    learn = Learn(
        table=Table.L2_LOOKUP,
        priority=7,
        cookie=LEARNED | 0xAB,
        idle_timeout=300,
        match=(learnt(eth_dst, eth_src), learnt(Registers.chunk)),
        actions=(write(peer, 0xAAAA), write(Registers.mtu, 3)),
        back=True,
        limit=1000,
    )
    return Flow(Table.ARP, 0, (), (msgspec.structs.replace(learn, **changed),))


@pytest.mark.parametrize(
    ("flow", "why"),
    [
        (Flow(Table.ARP, 0, match(eth_dst(1 << 48)), ()), "eth_dst"),
        (Flow(Table.ARP, 0, match(eth_dst(-1)), ()), "eth_dst"),
        (Flow(Table.ARP, 0, (Term("color", 1),), ()), "color"),
        (Flow(Table.ARP, 0, (arp_op(1), ARP, arp_op(2)), ()), "matched twice"),
        (Flow(Table.ARP, 1 << 16, (ARP,), (Output(1),)), "priority 65536"),
        (Flow(Table.ARP, -1, (), ()), "priority -1"),
        (Flow(300, 1, (), ()), "table 300"),
        (Flow(Table.ARP, 0, (), (Output(1), Output(1 << 32))), "Output"),
        (Flow(Table.ARP, 0, (), (OutputToFirst((1, LOCAL)),)), "OutputToFirst"),
        (Flow(Table.ARP, 0, (), (SetField("eth_dst", 1 << 48),)), "SetField"),
        (Flow(Table.ARP, 0, (), (SetField("color", 1),)), "SetField"),
        (Flow(Table.ARP, 0, (), (Load(16, 0, 1, 1),)), "Load"),
        (Flow(Table.ARP, 0, (), (Move("color", "eth_dst"),)), "Move"),
        (Flow(Table.ARP, 0, (), (Resubmit(999),)), "Resubmit"),
        (Flow(Table.ARP, 0, (), (Goto(Table.FLOOD), Output(1))), "last"),
        (Flow(Table.ARP, 0, (), (Goto(999),)), "Goto"),
        (Flow(Table.ARP, 0, (), (Drop("x"), Drop("x"))), "only"),
        (Flow(Table.ARP, 0, (), ("explode",)), "explode"),
        (teacher(cookie=5), "marked as learned"),
        (teacher(cookie=(1 << 64) - 1), "marked as learned"),
        (teacher(cookie=1 << 64), "marked as learned"),
        (teacher(idle_timeout=0), "timeout"),
        (teacher(idle_timeout=1 << 16), "Learn"),
        (teacher(limit=1 << 32), "Learn"),
        (teacher(priority=-1), "Learn"),
        (teacher(actions=(SetField("metadata", 1 << 64),)), "Learn"),
        (teacher(actions=(SetField("color", 1),)), "Learn"),
        (teacher(actions=(Load(16, 0, 1, 1),)), "Learn"),
        (Flow(Table.ARP, 0, (), (Output(1),) * 4094), "too long"),
        (Flow(Table.ARP, 0, (), (Output(1),) * 5000), "too long"),
    ],
)
def test_a_flow_that_cannot_be_said_is_refused_with_the_reason(flow, why):
    with pytest.raises(UnencodableFlow, match=why):
        encode(flow)


def test_the_longest_flow_is_encoded():
    assert encode(Flow(Table.FLOOD, 0, match(Registers.network(5)), (Output(1),) * 4080))


def test_reasons_for_dropping_do_not_reach_the_switch():
    assert encode_instructions((Drop("one"),)) == encode_instructions(()) == b""


def test_a_flow_in_words():
    flow = Flow(
        Table.ARP,
        100,
        match(ARP, in_port(3), arp_op(1), Registers.chunk(2), Term("arp_spa", 0x0A660000, 0xFFFF)),
        (
            Move("eth_src", "eth_dst"),
            SetField("eth_src", 0x525400000001),
            write(Registers.network, 7),
            Resubmit(Table.FLOOD),
            Output(5),
            Output(IN_PORT),
            Output(CONTROLLER),
            Output(LOCAL),
            OutputToFirst((4, 9)),
            PushVlan(),
            SetField("vlan_vid", 0x100A),
            PopVlan(),
            Goto(Table.L2_LOOKUP),
        ),
    )
    _, place, instructions = encode(flow)
    assert flow_words(place, instructions) == (
        "ARP 100: in_port=3, eth_type=0x806, arp_op=1, arp_spa=10.102.0.0/0xffff, "
        "reg0=0x2000000/0xff000000 -> eth_dst=eth_src, eth_src=52:54:00:00:00:01, "
        "reg0[0..23]=0x7, through FLOOD, output 5, output to its own port, output to the agent, "
        "output to the host, output to the first live of 4, 9, "
        "push a VLAN tag, vlan_vid=0x100a, pop the VLAN tag, goto L2_LOOKUP"
    )
    assert words_of(flow) == flow_words(place, instructions)
    assert flow_words(encode(Flow(Table.ARP, 0, (), ()))[1], b"") == "ARP 0: anything -> drop"
    assert words_of(Flow(Table.ARP, 0, (), (Drop("why"),))) == "ARP 0: anything -> drop (why)"


def test_what_a_flow_learns_reads_as_the_flow_that_it_adds():
    assert words_of(teacher()) == (
        "ARP 0: anything -> learn (L2_LOOKUP 7: eth_dst=eth_src, reg0[24..31]=reg0[24..31] -> "
        "metadata=0xaaaa, reg2[15..30]=0x3, output to the port that this came by; "
        "cookie 0x80000000000000ab, until idle for 300 s, at most 1000)"
    )
    forever = teacher(match=(), actions=(), back=False, limit=0, idle_timeout=0, hard_timeout=60)
    assert words_of(forever) == (
        "ARP 0: anything -> learn (L2_LOOKUP 7: anything -> drop; "
        "cookie 0x80000000000000ab, for 60 s)"
    )


def test_what_is_learnt_compares_whole_fields_of_one_width_or_one_slice():
    assert learnt(Registers.sender) == learnt(Registers.sender, Registers.sender)
    with pytest.raises(ValueError, match="eth_src has 48 bits, tun_id has 64"):
        learnt(tun_id, eth_src)
    with pytest.raises(ValueError, match="only a part"):
        learnt(Registers.chunk, Registers.chunk)
    assert learnt(ipv4_src, Registers.sender).source == f"reg{Registers.sender.register}"


def test_what_we_have_no_word_for_is_shown_in_hexadecimal():
    unknown_field = bytes.fromhex("8000 1a02 0050")
    octets = b"\0\1\0\x0a" + unknown_field
    assert list(decode_match(octets)) == [Unknown("field", unknown_field)]
    assert flow_words(b"\x63\0\1" + octets, bytes.fromhex("0003000800000000")) == (
        "table 99 1: field 80001a020050 -> instruction 0003000800000000"
    )


def test_the_ports_that_a_flow_names_are_those_of_the_bridge():
    sent = Output(5), Output(IN_PORT), Output(LOCAL), OutputToFirst((4, 9)), Output(7)
    flow = Flow(Table.ARP, 0, match(in_port(3)), sent)
    assert list(ports_named(*encode(flow)[1:])) == [3, 5, 4, 9, 7]
    from_host = Flow(Table.ARP, 0, match(in_port(LOCAL)), ())
    assert list(ports_named(*encode(from_host)[1:])) == []


LEARN = "ffff002000002320 0010 012c 0000 0007 80000000000000ab 0002 06 00 0000 0000"


@pytest.mark.parametrize(
    "action",
    [
        "ffff001800002320 0007 0017 00000202 0000000000000005",  # Load of part of a field.
        "ffff001800002320 0006 0008 0008 0000 00000406 00000206",  # Move of the middle of a field.
        "ffff001800002320 0006 0030 0000 0000 00000406 00018004",  # Move to an unknown field.
        "ffff001000002320 000e 0001 02 000000",  # Resubmission as if from another port.
        "0011000888a80000 0000000000000000",  # A tag of a provider's bridge (802.1ad).
        "00190010 80000cfe 00000000 00000000",  # SetField with an unknown header.
        LEARN.replace("0002 06", "0003 06"),  # Learning with more flags,
        LEARN.replace("0002 06", "0002 99"),  # into a table that we do not have,
        LEARN[:-4] + "0001",  # with a timeout for connections that end,
        LEARN + "0030 00000406 0000 00000206 0001",  # from elsewhere in a field,
        LEARN + "0030 00000406 0000 00018004 0000",  # of unknown fields,
        LEARN + "0030 00000406",  # cut off,
        LEARN + "2801 0001 00010004",  # cut off in what it writes,
        LEARN + "2820 00000001 00000406 0000",  # of a part of a packet's field,
        LEARN + "2820 00000001 0001ff04 0000",  # that writes an unknown field,
        LEARN + "1010 00010004 0000",  # that sends to a port in a register,
        LEARN.replace("0010 012c", "002d 012c"),  # with a limit that is cut off,
        LEARN.replace("0010 012c", "002d 012c") + "00000000 0000 0000",  # or none,
        LEARN.replace("0010 012c", "002d 012c") + "00000005 0001 0000",  # or with a result.
        "0000001000000005",  # Output that ends too early for its length.
    ],
)
def test_an_action_that_is_almost_ours_is_shown_in_hexadecimal(action):
    octets = bytes.fromhex(action.replace(" ", ""))
    octets += bytes(max(16 - len(octets), -len(octets) % 8))
    octets = octets[:2] + len(octets).to_bytes(2, "big") + octets[4:]
    head = (4).to_bytes(2, "big") + (8 + len(octets)).to_bytes(2, "big") + bytes(4)
    (found,) = decode_instructions(head + octets)
    assert isinstance(found, Unknown) or found == Output(5)

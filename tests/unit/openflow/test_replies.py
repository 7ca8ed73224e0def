"""What the switch says, packed by os-ken's formats and read by us; and bytes that nobody says."""

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from os_ken.ofproto import ofproto_protocol, ofproto_v1_3_parser
from os_ken.ofproto import ofproto_v1_3 as of

from openvnet.openflow import arrivals, messages, replies
from openvnet.openflow.encoding import encode, encode_match
from openvnet.openflow.errors import MalformedMessage
from openvnet.openflow.failures import read_error
from openvnet.openflow.replies import ActualFlow, FlowUpdate, PortDescription
from openvnet.pipeline.fields import Registers, eth_dst, in_port
from openvnet.pipeline.flow import Flow, Output, match
from openvnet.pipeline.handlers import Handler
from openvnet.pipeline.tables import Table

FLOW = Flow(Table.ARP, 300, match(in_port(3), eth_dst(4)), (Output(5),))
COOKIE, PLACE, INSTRUCTIONS = encode(FLOW)


def port(name, number, configured=0, state=0):
    return struct.pack(
        of.OFP_PORT_PACK_STR, number, b"\2\0\0\0\0\1", name.encode(), configured, state, *[0] * 6
    )


def flow_stats(cookie=COOKIE, idle=0, hard=0, flags=0, packets=9):
    length = 48 + len(PLACE) - 3 + len(INSTRUCTIONS)
    head = struct.pack(
        of.OFP_FLOW_STATS_0_PACK_STR,
        *(length, FLOW.table, 7, 8, FLOW.priority, idle, hard, flags, cookie, packets, 10),
    )
    return head + PLACE[3:] + INSTRUCTIONS


def flow_update(event=replies.ADDED, cookie=COOKIE, idle=0):
    body = PLACE[3:] + INSTRUCTIONS
    head = struct.pack(of.ONF_FLOW_UPDATE_HEADER_PACK_STR, 24 + len(body), event)
    rest = struct.pack(
        of.ONF_FLOW_UPDATE_FULL_PACK_STR,
        *(0, FLOW.priority, idle, 0, len(PLACE) - 3, FLOW.table, cookie),
    )
    return head + rest + body


ABBREVIATED = struct.pack("!HHI", 8, replies.ABBREVIATED, 77)
MONITOR = struct.pack("!II", messages.ONF, messages.FLOW_MONITOR)


def packet_in(packet, *terms, userdata=b"\1"):
    """As Open vSwitch says it: properties of a type and a length, padded to 8 octets."""
    written = encode_match(match(*terms))
    written = written[4 : int.from_bytes(written[2:4], "big")]
    properties = (0, packet), (1, bytes(4)), (6, written), (7, userdata)
    said = (struct.pack("!HH", kind, 4 + len(body)) + body for kind, body in properties)
    return b"".join(octets + bytes(-len(octets) % 8) for octets in said)


def meter(flags=6, rate=200, burst=200):
    return struct.pack("!HHIHHII4x", 24, flags, 1, 1, 16, rate, burst)


def test_a_packet_comes_with_what_the_pipeline_wrote_and_who_is_to_answer():
    terms = in_port(3), Registers.network(7), Registers.mtu(1450), eth_dst(4)
    arrival = arrivals.read_packet_in(packet_in(b"packet", *terms))
    assert (arrival.handler, arrival.packet) == (Handler.TOO_BIG, b"packet")
    assert arrival.value(in_port) == 3
    assert [arrival.value(getattr(Registers, each)) for each in ("network", "mtu", "flooded")] == [
        *(7, 1450, 0)
    ]


@pytest.mark.parametrize(
    ("octets", "packets"),
    [(meter(), 200), (meter(flags=5), None), (meter(flags=2), None), (meter(burst=9), None)],
)
def test_a_meter_is_ours_or_another_one(octets, packets):
    assert list(arrivals.read_meters(octets)) == [(1, packets)]


def test_the_datapath_id_is_read_from_the_features():
    body = struct.pack(of.OFP_SWITCH_FEATURES_PACK_STR, 0xAABB, 0, 254, 0, 0x4F, 0)
    assert replies.read_features(body) == "0x000000000000aabb"


@pytest.mark.parametrize(
    ("configured", "state", "up"),
    [
        (0, of.OFPPS_LIVE, True),
        (0, 0, True),
        (of.OFPPC_PORT_DOWN, 0, False),
        (0, of.OFPPS_LINK_DOWN, False),
        (of.OFPPC_NO_FWD, of.OFPPS_BLOCKED, True),
    ],
)
def test_a_port_is_up_if_it_is_neither_set_down_nor_without_link(configured, state, up):
    body = port("vm1", 7, configured, state) + port("fifteen-octets-", 8)
    expected = [PortDescription("vm1", 7, up), PortDescription("fifteen-octets-", 8, up=True)]
    assert list(replies.read_ports(body)) == expected


@pytest.mark.parametrize(
    ("reason", "gone"), [(of.OFPPR_ADD, False), (of.OFPPR_DELETE, True), (of.OFPPR_MODIFY, False)]
)
def test_a_port_status_tells_of_a_port(reason, gone):
    body = struct.pack("!B7x", reason) + port("vm1", 7)
    assert replies.read_port_status(body) == (PortDescription("vm1", 7, up=True), gone)


def test_port_statistics_are_packets_from_and_to_the_port():
    body = struct.pack(of.OFP_PORT_STATS_PACK_STR, 7, 11, 22, *range(12))
    assert list(replies.read_port_stats(body * 2)) == [(7, 11, 22)] * 2


def test_a_flow_that_is_read_back_proves_itself():
    first, second = replies.read_flow_stats(flow_stats() * 2)
    assert first == second == ActualFlow(COOKIE, PLACE, INSTRUCTIONS, 9, proven=True)


@pytest.mark.parametrize(
    "changed", [{"cookie": COOKIE ^ 1}, {"idle": 1}, {"hard": 1}, {"flags": of.OFPFF_SEND_FLOW_REM}]
)
def test_a_flow_with_anything_changed_does_not_prove_itself(changed):
    (flow,) = replies.read_flow_stats(flow_stats(**changed))
    assert not flow.proven


@given(st.integers(0, len(flow_stats()) - 1), st.integers(1, 255))
def test_any_octet_changed_is_noticed_unless_it_counts_or_pads(at, change):
    octets = bytearray(flow_stats())
    octets[at] ^= change
    counts_or_pads = {3, *range(4, 12), *range(20, 24), *range(32, 48)}
    try:
        (flow,) = replies.read_flow_stats(bytes(octets))
    except MalformedMessage:
        return
    assert flow.proven == (at in counts_or_pads)


def test_a_flow_monitor_tells_what_others_did():
    body = MONITOR + flow_update() + ABBREVIATED + flow_update(replies.DELETED, idle=3)
    flow = ActualFlow(COOKIE, PLACE, INSTRUCTIONS, 0, proven=True)
    idle = ActualFlow(COOKIE, PLACE, INSTRUCTIONS, 0, proven=False)
    assert list(replies.read_flow_updates(body)) == [
        FlowUpdate(replies.ADDED, flow),
        FlowUpdate(replies.DELETED, idle),
    ]


@pytest.mark.parametrize(
    ("version", "body", "offers"),
    [
        (4, messages.hello(1)[8:], {4}),
        (6, bytes.fromhex("000100080000007a"), {1, 3, 4, 5, 6}),
        (1, b"", {1}),
        (4, b"", {1, 2, 3, 4}),
        (4, bytes.fromhex("0002000500000000") + messages.hello(1)[8:], {4}),
        (4, bytes.fromhex("0001000c0000001000000001"), {4, 32}),
    ],
)
def test_hello_tells_the_versions(version, body, offers):
    assert replies.read_hello(version, body) == offers


def test_the_parts_of_a_multipart_reply():
    body = struct.pack(of.OFP_MULTIPART_REPLY_PACK_STR, of.OFPMP_FLOW, of.OFPMPF_REPLY_MORE)
    part = replies.read_multipart(body + b"x")
    assert (part.kind, part.more, part.body) == (messages.FLOW_STATS, True, b"x")


def test_an_error_of_osken_is_read():
    protocol = ofproto_protocol.ProtocolDesc(version=of.OFP_VERSION)
    error = ofproto_v1_3_parser.OFPErrorMsg(
        protocol, of.OFPET_BAD_ACTION, of.OFPBAC_BAD_OUT_PORT, b"x"
    )
    error.serialize()
    read = read_error(bytes(error.buf)[8:])
    assert str(read) == "bad action: bad out port (OFPBAC_BAD_OUT_PORT)"


SAMPLES = [
    (lambda body: list(replies.read_ports(body)), port("vm1", 7)),
    (replies.read_port_status, bytes(8) + port("vm1", 7)),
    (lambda body: list(replies.read_port_stats(body)), bytes(112)),
    (lambda body: [flow.proven for flow in replies.read_flow_stats(body)], flow_stats() * 2),
    (
        lambda body: [update.flow.proven for update in replies.read_flow_updates(body)],
        MONITOR + flow_update() + ABBREVIATED,
    ),
    (lambda body: replies.read_hello(4, body), messages.hello(1)[8:]),
    (arrivals.read_packet_in, packet_in(b"packet", in_port(3))),
    (lambda body: list(arrivals.read_meters(body)), meter() + meter(flags=1)),
    (replies.read_features, bytes(24)),
    (replies.read_multipart, bytes(8)),
    (replies.read_experimenter, MONITOR),
    (read_error, bytes(12)),
]


def reads_or_says_why(read, body):
    with suppress(MalformedMessage):
        read(body)


@pytest.mark.parametrize(("read", "sample"), SAMPLES)
@given(data=st.data())
def test_whatever_comes_is_read_or_called_malformed(read, sample, data):
    reads_or_says_why(read, data.draw(st.binary()))
    mutated = bytearray(sample)
    for at in data.draw(st.lists(st.integers(0, len(sample) - 1), max_size=4)):
        mutated[at] = data.draw(st.integers(0, 255))
    reads_or_says_why(read, bytes(mutated))
    reads_or_says_why(read, bytes(mutated[: data.draw(st.integers(0, len(mutated)))]))

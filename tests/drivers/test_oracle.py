"""Our bytes read by `ovs-ofctl`, and a real switch's bytes read by os-ken and by us alike."""

import re
import struct

import pytest
from os_ken.ofproto import ofproto_parser, ofproto_protocol
from os_ken.ofproto import ofproto_v1_3 as of

from openvnet.openflow import messages, replies
from openvnet.openflow.encoding import NICIRA, encode
from openvnet.openflow.failures import read_error
from openvnet.pipeline.fields import (
    ARP,
    UNTAGGED,
    Registers,
    arp_op,
    arp_sha,
    arp_spa,
    arp_tha,
    arp_tpa,
    eth_dst,
    eth_src,
    in_port,
    peer,
)
from openvnet.pipeline.flow import (
    IN_PORT,
    LEARNED,
    Flow,
    Goto,
    Learn,
    Output,
    Resubmit,
    ToAgent,
    check_larger,
    copy,
    learnt,
    match,
    write,
)
from openvnet.pipeline.handlers import Handler
from openvnet.pipeline.tables import Table
from tests.drivers.wire import Wire

pytestmark = pytest.mark.ovs

ANSWER = Flow(
    Table.ARP,
    100,
    match(ARP, UNTAGGED, arp_op(1), arp_tpa(0x0A66000B), Registers.network(7)),
    (
        copy(eth_src, eth_dst),
        write(eth_src, 0x525400000002),
        write(arp_op, 2),
        copy(arp_sha, arp_tha),
        copy(arp_spa, arp_tpa),
        write(Registers.chunk, 3),
        Resubmit(Table.FLOOD),
        Output(IN_PORT),
        Output(9),
        Goto(Table.L2_LOOKUP),
    ),
)
COOKIE, PLACE, INSTRUCTIONS = encode(ANSWER)
ANSWER_WORDS = (
    f"table:{Table.ARP:d} priority=100,arp,reg0=0x7/0xffffff,vlan_tci=0x0000/0x1fff,"
    f"arp_tpa=10.102.0.11,arp_op=1 cookie:{COOKIE:#x} "
    "actions=move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],"
    "set_field:52:54:00:00:00:02->eth_src,set_field:2->arp_op,"
    "move:NXM_NX_ARP_SHA[]->NXM_NX_ARP_THA[],move:NXM_OF_ARP_SPA[]->NXM_OF_ARP_TPA[],"
    f"load:0x3->NXM_NX_REG0[24..31],resubmit(,{Table.FLOOD:d}),IN_PORT,output:9,"
    f"goto_table:{Table.L2_LOOKUP:d}"
)

LARGE = Flow(
    *(Table.PATH_MTU, 100, ()),
    (check_larger(1464, Registers.too_big), ToAgent(Handler.TOO_BIG)),
)
LARGE_WORDS = (
    f"table:{Table.PATH_MTU:d} priority=100 cookie:{encode(LARGE)[0]:#x} "
    f"actions=check_pkt_larger(1464)->NXM_NX_REG{Registers.too_big.register}"
    f"[{Registers.too_big.offset}],controller(userdata=01,meter_id=1)"
)

LEARNING = Flow(
    *(Table.ARP, 100, ()),
    (
        Learn(
            *(Table.L2_LOOKUP, 7, LEARNED | 5, 300, (learnt(eth_dst, eth_src),)),
            *((write(peer, 0xAAAA),), True, 1000, 60),
        ),
    ),
)
LEARNING_WORDS = (
    f"table:{Table.ARP:d} priority=100 cookie:{encode(LEARNING)[0]:#x} "
    f"actions=learn(table={Table.L2_LOOKUP:d},idle_timeout=300,hard_timeout=60,priority=7,"
    "delete_learned,cookie=0x8000000000000005,limit=1000,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],"
    "load:0xaaaa->OXM_OF_METADATA[],output:NXM_OF_IN_PORT[])"
)

SAMPLES = [
    (messages.hello(7), "OFPT_HELLO version bitmap: 0x04"),
    (messages.message(messages.ECHO_REQUEST, 7), "OFPT_ECHO_REQUEST 0 bytes of payload"),
    (messages.message(messages.ECHO_REPLY, 7), "OFPT_ECHO_REPLY 0 bytes of payload"),
    (messages.message(messages.FEATURES_REQUEST, 7), "OFPT_FEATURES_REQUEST"),
    (messages.message(messages.BARRIER_REQUEST, 7), "OFPT_BARRIER_REQUEST"),
    (messages.set_config(7), "OFPT_SET_CONFIG frags=normal miss_send_len=65535"),
    (messages.meter_config_request(7), "OFPST_METER_CONFIG request meter=all"),
    (
        messages.meter_mod(7, messages.METER_ADD, 1, 200),
        "OFPT_METER_MOD ADD meter=1 pktps burst bands= type=drop rate=200 burst_size=200",
    ),
    (messages.set_packet_in_format(7), "NXT_SET_PACKET_IN_FORMAT format=nxt_packet_in2"),
    (messages.port_descriptions_request(7), "OFPST_PORT_DESC request port=ANY"),
    (messages.port_stats_request(7, 3), "OFPST_PORT request port_no=3"),
    (messages.flow_stats_request(7), "OFPST_FLOW request"),
    (
        messages.flow_stats_request(7, 5, messages.ALL_BITS, 2),
        "OFPST_FLOW request table=2",
    ),
    (
        messages.flow_monitor_request(7),
        "ONFST_FLOW_MONITOR request id=0 flags=add,delete,modify,actions",
    ),
    (messages.flow_add(7, *encode(LARGE)), f"OFPT_FLOW_MOD ADD {LARGE_WORDS}"),
    (messages.flow_add(7, *encode(LEARNING)), f"OFPT_FLOW_MOD ADD {LEARNING_WORDS}"),
    (messages.flow_add(7, COOKIE, PLACE, INSTRUCTIONS), f"OFPT_FLOW_MOD ADD {ANSWER_WORDS}"),
    (
        messages.flow_delete(7, 5),
        "OFPT_FLOW_MOD DEL table:255 priority=0 cookie:0x5/0xffffffffffffffff actions=drop",
    ),
    (
        messages.flow_delete_learned(7, 3),
        "OFPT_FLOW_MOD DEL table:255 priority=0 cookie:0x8000000000000000/0x8000000000000000"
        " out_port:3 actions=drop",
    ),
    (
        messages.flow_delete_strict(7, encode(Flow(Table.FLOOD, 9, match(in_port(3)), ()))[1]),
        f"OFPT_FLOW_MOD DEL_STRICT table:{Table.FLOOD:d} priority=9,in_port=3 actions=drop",
    ),
    (
        messages.bundle_control(7, 5, messages.OPEN),
        "ONFT_BUNDLE_CONTROL bundle_id=0x5 type=OPEN_REQUEST flags=atomic",
    ),
    (
        messages.bundle_control(7, 5, messages.COMMIT),
        "ONFT_BUNDLE_CONTROL bundle_id=0x5 type=COMMIT_REQUEST flags=atomic",
    ),
    (
        messages.bundle_control(7, 5, messages.DISCARD),
        "ONFT_BUNDLE_CONTROL bundle_id=0x5 type=DISCARD_REQUEST flags=atomic",
    ),
    (
        messages.bundled_flow_add(5, 7, COOKIE, PLACE, INSTRUCTIONS),
        f"ONFT_BUNDLE_ADD_MESSAGE bundle_id=0x5 flags=atomic OFPT_FLOW_MOD ADD {ANSWER_WORDS}",
    ),
]


def printed(ovs, octets):
    """What `ovs-ofctl` makes of messages, in one line."""
    (ovs.directory / "messages").write_bytes(octets)
    return " ".join(ovs.run("ovs-ofctl", "ofp-parse", "messages").split())


@pytest.mark.parametrize(("octets", "words"), SAMPLES)
def test_a_message_is_read_by_open_vswitch_as_it_was_meant(shared_ovs, octets, words):
    assert printed(shared_ovs, octets).replace(" (OF1.3) (xid=0x7):", "") == words


def test_every_error_has_the_name_by_which_open_vswitch_prints_it(shared_ovs):
    bodies = [struct.pack("!HH", kind, code) for kind in range(6) for code in range(32)]
    bodies += [struct.pack("!HHI", 0xFFFF, code, NICIRA) for code in range(2, 14)]
    bodies += [struct.pack("!HHI", 0xFFFF, code, messages.ONF) for code in range(2300, 2320)]
    octets = b"".join(
        messages.message(messages.ERROR, xid, body) for xid, body in enumerate(bodies)
    )
    found = re.findall(r"OFPT_ERROR \(OF1.3\) \(xid=(\w+)\): (\S+)", printed(shared_ovs, octets))
    names = {int(xid, 16): name for xid, name in found}
    for xid, body in enumerate(bodies):
        ours, theirs = str(read_error(body)), names[xid]
        if theirs.startswith("***"):
            assert "error" in ours
        else:
            assert ours.endswith(f"({theirs})")


def read_by_osken(kind, xid, body):
    octets = messages.message(kind, xid, body)
    protocol = ofproto_protocol.ProtocolDesc(version=of.OFP_VERSION)
    return ofproto_parser.msg(protocol, of.OFP_VERSION, kind, len(octets), xid, octets)


def test_osken_and_we_read_the_same_from_a_switch(ovs):
    ovs.add_port("vm1", 7)
    with Wire(ovs.bridge) as wire:
        assert wire.add([ANSWER, Flow(Table.FLOOD, 9, match(in_port(3)), (Output(7),))]) == {}
        wire.send(
            messages.message(messages.FEATURES_REQUEST, 1),
            messages.port_descriptions_request(2),
            messages.port_stats_request(3, messages.ANY_PORT),
            messages.flow_stats_request(4),
        )
        said = {xid: (kind, xid, body) for kind, xid, body in wire.until_barrier()}
    theirs = {xid: read_by_osken(*message) for xid, message in said.items()}
    parts = {xid: replies.read_multipart(body).body for xid, (_, _, body) in said.items()}
    assert replies.read_features(said[1][2]) == f"{theirs[1].datapath_id:#018x}"
    assert [(port.number, port.name.encode()) for port in replies.read_ports(parts[2])] == [
        (port.port_no, port.name) for port in theirs[2].body
    ]
    assert list(replies.read_port_stats(parts[3])) == [
        (port.port_no, port.rx_packets, port.tx_packets) for port in theirs[3].body
    ]
    assert [
        (flow.cookie, flow.place[0], flow.place[1] << 8 | flow.place[2], flow.packets)
        for flow in replies.read_flow_stats(parts[4])
    ] == [(flow.cookie, flow.table_id, flow.priority, flow.packet_count) for flow in theirs[4].body]

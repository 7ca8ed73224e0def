"""What we send, held against os-ken; see also `tests/drivers/test_oracle.py`."""

import pytest
from hypothesis import assume, given
from os_ken.ofproto import ofproto_parser, ofproto_protocol, ofproto_v1_3_parser
from os_ken.ofproto import ofproto_v1_3 as of

from openvnet.openflow import messages
from openvnet.openflow.encoding import encode
from openvnet.pipeline.flow import (
    CheckLarger,
    Drop,
    Goto,
    Learn,
    Load,
    Move,
    Output,
    OutputToFirst,
    Resubmit,
    SetField,
    ToAgent,
)
from openvnet.pipeline.tables import Table
from tests.flows_at_random import BITS, flows

PROTOCOL = ofproto_protocol.ProtocolDesc(version=of.OFP_VERSION)
osken = ofproto_v1_3_parser


def serialized(message, xid):
    message.set_xid(xid)
    message.serialize()
    return bytes(message.buf)


def parsed(octets):
    version, kind, length, xid = ofproto_parser.header(octets)
    assert length == len(octets)
    return ofproto_parser.msg(PROTOCOL, version, kind, length, xid, octets)


def deletion():
    return osken.OFPFlowMod(
        PROTOCOL,
        cookie=5,
        cookie_mask=(1 << 64) - 1,
        table_id=of.OFPTT_ALL,
        command=of.OFPFC_DELETE,
        priority=0,
        buffer_id=of.OFP_NO_BUFFER,
        out_port=of.OFPP_ANY,
        out_group=of.OFPG_ANY,
        match=osken.OFPMatch(),
    )


SAMPLES = [
    (messages.message(messages.ECHO_REPLY, 9, b"x"), osken.OFPEchoReply(PROTOCOL, b"x")),
    (messages.message(messages.ECHO_REQUEST, 9), osken.OFPEchoRequest(PROTOCOL)),
    (messages.message(messages.FEATURES_REQUEST, 9), osken.OFPFeaturesRequest(PROTOCOL)),
    (messages.message(messages.BARRIER_REQUEST, 9), osken.OFPBarrierRequest(PROTOCOL)),
    (messages.set_config(9), osken.OFPSetConfig(PROTOCOL, of.OFPC_FRAG_NORMAL, 0xFFFF)),
    (messages.set_packet_in_format(9), osken.NXTSetPacketInFormatMsg(PROTOCOL, 2)),
    (messages.port_descriptions_request(9), osken.OFPPortDescStatsRequest(PROTOCOL, 0)),
    (messages.port_stats_request(9, 3), osken.OFPPortStatsRequest(PROTOCOL, 0, 3)),
    (
        messages.flow_stats_request(9, 5, 63, 2),
        osken.OFPFlowStatsRequest(PROTOCOL, 0, 2, of.OFPP_ANY, of.OFPG_ANY, 5, 63),
    ),
    (messages.flow_delete(9, 5), deletion()),
    (
        messages.bundle_control(9, 7, messages.OPEN),
        osken.ONFBundleCtrlMsg(PROTOCOL, 7, of.ONF_BCT_OPEN_REQUEST, of.ONF_BF_ATOMIC, []),
    ),
    (
        messages.bundle_control(9, 7, messages.COMMIT),
        osken.ONFBundleCtrlMsg(PROTOCOL, 7, of.ONF_BCT_COMMIT_REQUEST, of.ONF_BF_ATOMIC, []),
    ),
    (
        messages.bundle_control(9, 7, messages.DISCARD),
        osken.ONFBundleCtrlMsg(PROTOCOL, 7, of.ONF_BCT_DISCARD_REQUEST, of.ONF_BF_ATOMIC, []),
    ),
]


@pytest.mark.parametrize(("ours", "theirs"), SAMPLES)
def test_a_message_is_what_osken_makes_of_it(ours, theirs):
    assert ours == serialized(theirs, 9)


def test_hello_offers_one_version():
    (element,) = parsed(messages.hello(9)).elements
    assert element.versions == [of.OFP_VERSION]


def test_a_bundled_message_is_what_osken_makes_of_it():
    bundled = deletion()
    bundled.set_xid(9)
    theirs = osken.ONFBundleAddMsg(PROTOCOL, 7, of.ONF_BF_ATOMIC, bundled, [])
    assert messages.bundled(7, messages.flow_delete(9, 5)) == serialized(theirs, 9)


@given(flows())
def test_osken_reads_a_flow_as_it_was_meant(flow):
    """But for what os-ken does not know; `tests/drivers/test_oracle.py` holds that."""
    assume(not any(isinstance(action, CheckLarger | Learn | ToAgent) for action in flow.actions))
    encoded = encode(flow)
    read = parsed(messages.flow_add(9, *encoded))
    assert (read.xid, read.cookie, read.cookie_mask) == (9, encoded[0], 0)
    assert (read.table_id, read.priority, read.command) == (flow.table, flow.priority, of.OFPFC_ADD)
    assert (read.idle_timeout, read.hard_timeout, read.flags) == (0, 0, 0)
    assert dict(read.match.items()) == dict(_matched(term) for term in flow.match if term.mask != 0)
    actions = [action for each in read.instructions for action in _instructed(each)]
    assert actions == ([] if isinstance(flow.actions[0], Drop) else list(flow.actions))


@given(flows())
def test_the_short_way_of_a_bundled_add_leads_to_the_same_bytes(flow):
    encoded = encode(flow)
    longer = messages.bundled(7, messages.flow_add(9, *encoded))
    assert messages.bundled_flow_add(7, 9, *encoded) == longer


@given(flows())
def test_a_strict_deletion_names_the_place_of_a_flow(flow):
    _, place, _ = encode(flow)
    add, delete = (
        parsed(octets)
        for octets in (messages.flow_add(9, 1, place, b""), messages.flow_delete_strict(9, place))
    )
    assert delete.command == of.OFPFC_DELETE_STRICT
    assert (delete.cookie_mask, delete.out_port, delete.out_group) == (0, of.OFPP_ANY, of.OFPG_ANY)
    for attribute in ("table_id", "priority", "match"):
        assert str(getattr(delete, attribute)) == str(getattr(add, attribute))


def _matched(term):
    value = _shown(term.field, term.value)
    whole = term.mask in (None, (1 << BITS[term.field]) - 1)
    name = _THEIRS.get(term.field, term.field)
    return name, value if whole else (value, _shown(term.field, term.mask))


def _shown(field, value):
    """As os-ken shows a value of a field."""
    if field in ("eth_src", "eth_dst", "arp_sha", "arp_tha"):
        return value.to_bytes(6, "big").hex(":")
    if field in ("ipv4_src", "ipv4_dst", "arp_spa", "arp_tpa", "tun_src", "tun_dst"):
        return ".".join(map(str, value.to_bytes(4, "big")))
    return value


def _instructed(instruction):
    if isinstance(instruction, osken.OFPInstructionGotoTable):
        return [Goto(Table(instruction.table_id))]
    assert instruction.type == of.OFPIT_APPLY_ACTIONS
    return map(_acted, instruction.actions)


_THEIRS = {"tun_id": "tunnel_id", "tun_src": "tun_ipv4_src", "tun_dst": "tun_ipv4_dst"}
_OURS = {theirs: ours for ours, theirs in _THEIRS.items()}
_MOVED = {
    **_OURS,
    "tunnel_id_nxm": "tun_id",
    "metadata": "metadata",
    "in_port_nxm": "in_port",
    "eth_src_nxm": "eth_src",
    "eth_dst_nxm": "eth_dst",
    "ipv4_src_nxm": "ipv4_src",
    "ipv4_dst_nxm": "ipv4_dst",
    "ip_src_nxm": "ipv4_src",
    "ip_dst_nxm": "ipv4_dst",
    "arp_op_nxm": "arp_op",
    "arp_spa_nxm": "arp_spa",
    "arp_tpa_nxm": "arp_tpa",
    "arp_sha_nxm": "arp_sha",
    "arp_tha_nxm": "arp_tha",
}


def _acted(action):
    match action:
        case osken.OFPActionOutput():
            return Output(action.port)
        case osken.NXActionBundle():
            assert (action.algorithm, action.n_slaves) == (0, len(action.slaves))
            return OutputToFirst(tuple(action.slaves))
        case osken.OFPActionSetField():
            return SetField(_OURS.get(action.key, action.key), _number(action.value))
        case osken.NXActionRegLoad():
            offset, bits = action.ofs_nbits >> 6, (action.ofs_nbits & 63) + 1
            return Load(int(action.dst.removeprefix("reg")), offset, bits, action.value)
        case osken.NXActionRegMove():
            source, destination = _MOVED[action.src_field], _MOVED[action.dst_field]
            assert (action.src_ofs, action.dst_ofs) == (0, 0)
            whole = action.n_bits == max(_width(source), _width(destination))
            return Move(source, destination, None if whole else action.n_bits)
        case osken.NXActionResubmitTable():
            assert action.in_port == 0xFFF8
            return Resubmit(Table(action.table_id))


def _width(field):
    return 16 if field == "arp_op" else BITS[field]


def _number(shown):
    """The value that os-ken shows as an address, or as what it is."""
    if isinstance(shown, int):
        return shown
    if ":" in shown:
        return int(shown.replace(":", ""), 16)
    return int.from_bytes(bytes(map(int, shown.split("."))), "big")

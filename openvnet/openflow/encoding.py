"""Flows as bytes, and the cookie by which a flow that is read back proves itself.

A cookie is the blake2b-64 of all that a flow is: its table, priority, match and instructions, as
bytes. We spell those exactly as Open vSwitch does when it returns them (see `spelling`), so whoever
dumps a switch can hash each flow that it finds: if the hash is the cookie, the flow is one of ours
and intact, otherwise it is foreign or was tampered with. Nothing needs to be remembered for that.

It is misused by spelling something in another way that means the same: the switch takes it, returns
its own spelling, and the flow looks tampered with for ever. A flow's *place* is what it replaces
and is replaced by: the table (1 octet), the priority (2) and the match, padded.
"""

import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from hashlib import blake2b
from typing import Any, NoReturn

from openvnet.openflow.errors import UnencodableFlow
from openvnet.openflow.spelling import FIELDS, REGISTER_HEADERS
from openvnet.pipeline.fields import Term
from openvnet.pipeline.flow import (
    LEARNED,
    Action,
    CheckLarger,
    Drop,
    Flow,
    Goto,
    Learn,
    Learnt,
    Load,
    Match,
    Move,
    Output,
    OutputToFirst,
    PopVlan,
    PushVlan,
    Resubmit,
    SetField,
    ToAgent,
)

NICIRA = 0x00002320

NXM_IN_PORT = 0x00000002
"""The old header of the number of a port, 16 bits, by which NXAST_BUNDLE says what it lists."""

PUSH_VLAN, POP_VLAN = struct.pack("!HHH2x", 17, 8, 0x8100), struct.pack("!HH4x", 18, 8)
"""Tags are of 802.1Q (EtherType 0x8100)."""

USERDATA, METER = 3, 5
"""Properties of NXAST_CONTROLLER2."""

LONGEST = 0xFFFF - 69
"""Octets of a place and instructions that fit into one message, bundled."""

LEARN, LEARN_WITHIN_LIMIT = 16, 45
"""The subtypes of NXAST_LEARN and NXAST_LEARN2."""

DELETE_LEARNED = 2
"""The flag of both by which what was learnt goes with the last flow that learns it."""

LEARN_VALUE, LEARN_LOAD, LEARN_OUTPUT = 0x2000, 0x0800, 0x1000
"""What the heads of their parts say beside a number of bits: that a value follows instead of where
it is in the packet, and that it is to be loaded, or sent to, instead of matched."""

LEARN_BACK = struct.pack("!HIH", LEARN_OUTPUT | 16, NXM_IN_PORT, 0)
"""The part by which the learnt flow sends to the port that the packet came by."""

_ALL_ONES = (1 << 64) - 1
_NOT_ENCODABLE = (KeyError, IndexError, OverflowError, TypeError, struct.error)

_PADDING = tuple(bytes(-length % 8) for length in range(8))
_MATCH_HEADER = struct.Struct("!HH")
_PLACE = struct.Struct("!BHHH")
_APPLY = struct.Struct("!HH4x")
_OUTPUT = struct.Struct("!HHIH6x")
_BUNDLE = struct.Struct("!HHIHHHHIHHI4x")
_LOAD = struct.Struct("!HHIHHIQ")
_MOVE = struct.Struct("!HHIHHHHII")
_RESUBMIT = struct.Struct("!HHIHHB3x")
_CHECK_LARGER = struct.Struct("!HHIHHHI6x")
_TO_AGENT = struct.Struct("!HHIH6xHHB3xHHI")
_LEARN = struct.Struct("!HHIHHHHQHBxHH")
_LIMIT = struct.Struct("!IHH")
_LEARN_FIELD = struct.Struct("!HIHIH")
_GOTO = tuple(struct.pack("!HHB3x", 1, 8, table) for table in range(255))
_HASH = blake2b(digest_size=8)


def encode(flow: Flow) -> tuple[int, bytes, bytes]:
    """A flow's cookie, place and instructions.

    Raises UnencodableFlow, with a sentence, if OpenFlow has no words for it.
    """
    try:
        place = _place(flow)
        instructions = encode_instructions(flow.actions)
    except _NOT_ENCODABLE as error:
        raise UnencodableFlow(_reason(flow)) from error
    if len(place) + len(instructions) > LONGEST:
        raise UnencodableFlow(_too_long(flow))
    return hash_of(place, instructions), place, instructions


def _reason(flow: Flow) -> str:
    """Why a flow cannot be encoded: a part of it, what it begins with, or its length."""
    for part in (*flow.match, *flow.actions):
        try:
            _encode_terms((part,)) if isinstance(part, Term) else encode_instructions((part,))
        except _NOT_ENCODABLE:
            return f"{part} names no known field, or its value is too wide"
    if 0 <= flow.table < len(_GOTO) and 0 <= flow.priority <= 0xFFFF:
        return _too_long(flow)
    return f"there is no table {flow.table:d} with a priority {flow.priority}"


def _too_long(flow: Flow) -> str:
    return f"it is too long for one message, with its {len(flow.actions)} actions"


def cookie_of(flow: Flow) -> int:
    """The cookie that a flow has in the switch."""
    return encode(flow)[0]


def hash_of(place: bytes, instructions: bytes) -> int:
    """The cookie of a flow of ours with these bytes: 63 bits, never 0."""
    hashing = _HASH.copy()
    hashing.update(place)
    hashing.update(instructions)
    return int.from_bytes(hashing.digest(), "big") & (LEARNED - 1) or 1


def place_of(flow: Flow) -> bytes:
    """The bytes of a flow's table, priority and match. Raises as `encode` does, for these only."""
    try:
        return _place(flow)
    except _NOT_ENCODABLE as error:
        raise UnencodableFlow(_reason(flow)) from error


def places_of(flows: Iterable[Flow]) -> Iterator[bytes]:
    """The places of flows, without those that cannot be encoded."""
    for flow in flows:
        with suppress(UnencodableFlow):
            yield place_of(flow)


def _place(flow: Flow) -> bytes:
    terms = _encode_terms(flow.match)
    length = 4 + len(terms)
    return _PLACE.pack(flow.table, flow.priority, 1, length) + terms + _PADDING[length & 7]


def encode_match(match: Match) -> bytes:
    """An ofp_match of OXM terms, padded (OpenFlow 1.3.5, 7.2.3.1)."""
    terms = _encode_terms(match)
    length = 4 + len(terms)
    return _MATCH_HEADER.pack(1, length) + terms + _PADDING[length & 7]


def _encode_terms(match: Match) -> bytes:
    encoded, last = b"", -1
    for term in match:
        rank, exact, masked, width, _ = FIELDS[term.field]
        if rank <= last:
            return _encode_terms(_in_order(match))
        last = rank
        if term.mask is None:
            encoded += exact + term.value.to_bytes(width, "big")
        else:
            encoded += _encode_masked(exact, masked, width, term.value, term.mask)
    return encoded


def _encode_masked(exact: bytes, masked: bytes, width: int, value: int, mask: int) -> bytes:
    """As the switch has it: a mask of all bits is none, and one of no bits is no condition."""
    if mask == (1 << 8 * width) - 1:
        return exact + value.to_bytes(width, "big")
    if mask == 0:
        return b""
    return masked + value.to_bytes(width, "big") + mask.to_bytes(width, "big")


def _in_order(match: Match) -> tuple[Term, ...]:
    if len({term.field for term in match}) < len(match):
        raise UnencodableFlow(f"a field is matched twice in {match}")
    return tuple(sorted(match, key=lambda term: FIELDS[term.field].rank))


def encode_instructions(actions: tuple[Action, ...]) -> bytes:
    """The actions as instructions; none for a flow that drops."""
    if not actions:
        return b""
    last = actions[-1]
    if type(last) is Goto:
        goto, actions = _GOTO[last.table], actions[:-1]
        if not actions:
            return goto
    elif type(last) is Drop and len(actions) == 1:
        return b""
    else:
        goto = b""
    encoded = encode_actions(actions)
    return _APPLY.pack(4, 8 + len(encoded)) + encoded + goto


def encode_actions(actions: Iterable[Action]) -> bytes:
    """The actions as a list of them."""
    return b"".join([_ENCODERS[type(action)](action) for action in actions])


def _encode_output(action: Output) -> bytes:
    return _OUTPUT.pack(0, 16, action.port, 0xFFFF)


def _encode_output_to_first(action: OutputToFirst) -> bytes:
    """By what to hash is said, but does not matter where the first live port is taken."""
    ports = struct.pack(f"!{len(action.ports)}H", *action.ports)
    ports += _PADDING[len(ports) & 7]
    length, count = _BUNDLE.size + len(ports), len(action.ports)
    head = _BUNDLE.pack(0xFFFF, length, NICIRA, 12, 0, 0, 0, NXM_IN_PORT, count, 0, 0)
    return head + ports


def _encode_set_field(action: SetField) -> bytes:
    head, width, padding = _SET_FIELDS[action.field]
    return head + action.value.to_bytes(width, "big") + padding


def _set_field_parts() -> Iterator[tuple[str, tuple[bytes, int, bytes]]]:
    for name, spelling in FIELDS.items():
        padding = _PADDING[spelling.width & 7]
        head = struct.pack("!HH", 25, 8 + spelling.width + len(padding)) + spelling.exact
        yield name, (head, spelling.width, padding)


_SET_FIELDS = dict(_set_field_parts())


def _encode_load(action: Load) -> bytes:
    slice_ = action.offset << 6 | action.bits - 1
    header = REGISTER_HEADERS[action.register]
    return _LOAD.pack(0xFFFF, 24, NICIRA, 7, slice_, header, action.value)


def _encode_move(action: Move) -> bytes:
    source, destination = FIELDS[action.source], FIELDS[action.destination]
    bits = 8 * source.width if action.bits is None else action.bits
    return _MOVE.pack(0xFFFF, 24, NICIRA, 6, bits, 0, 0, source.move, destination.move)


def _encode_push_vlan(_: PushVlan) -> bytes:
    return PUSH_VLAN


def _encode_pop_vlan(_: PopVlan) -> bytes:
    return POP_VLAN


def _encode_check_larger(action: CheckLarger) -> bytes:
    header = REGISTER_HEADERS[action.register]
    return _CHECK_LARGER.pack(0xFFFF, 24, NICIRA, 49, action.octets, action.offset, header)


def _encode_to_agent(action: ToAgent) -> bytes:
    """With two properties: userdata of one octet, and a meter."""
    number = action.handler
    return _TO_AGENT.pack(0xFFFF, 32, NICIRA, 37, USERDATA, 5, number, METER, 8, number)


def _encode_resubmit(action: Resubmit) -> bytes:
    return _RESUBMIT.pack(0xFFFF, 16, NICIRA, 14, 0xFFF8, action.table)


def _encode_learn(action: Learn) -> bytes:
    if not LEARNED <= action.cookie < _ALL_ONES or action.idle_timeout == action.hard_timeout == 0:
        raise UnencodableFlow(f"{action} needs a timeout, and a cookie that is marked as learned")
    body = _LIMIT.pack(action.limit, 0, 0) if action.limit else b""
    body += b"".join(map(_learn_condition, action.match))
    body += b"".join(map(_learn_write, action.actions))
    body += LEARN_BACK if action.back else b""
    body += _PADDING[len(body) & 7]
    head = _LEARN.pack(
        *(0xFFFF, _LEARN.size + len(body), NICIRA),
        *(LEARN_WITHIN_LIMIT if action.limit else LEARN, action.idle_timeout, action.hard_timeout),
        *(action.priority, action.cookie, DELETE_LEARNED, action.table, 0, 0),
    )
    return head + body


def _learn_condition(part: Learnt) -> bytes:
    source, field = FIELDS[part.source].move, FIELDS[part.field].move
    return _LEARN_FIELD.pack(part.bits, source, part.offset, field, part.offset)


def _learn_write(action: SetField | Load) -> bytes:
    """A value takes as many pairs of octets as hold its bits."""
    if isinstance(action, Load):
        header, offset, bits = REGISTER_HEADERS[action.register], action.offset, action.bits
    else:
        header, offset, bits = FIELDS[action.field].move, 0, 8 * FIELDS[action.field].width
    value = action.value.to_bytes((bits + 15) // 16 * 2, "big")
    return (
        (LEARN_VALUE | LEARN_LOAD | bits).to_bytes(2, "big")
        + value
        + struct.pack("!IH", header, offset)
    )


def _misplaced(action: Action) -> NoReturn:
    raise UnencodableFlow(f"{action} must be the last action, and Drop the only one")


_ENCODERS: dict[type[Action], Callable[[Any], bytes]] = {
    Output: _encode_output,
    OutputToFirst: _encode_output_to_first,
    SetField: _encode_set_field,
    Load: _encode_load,
    Move: _encode_move,
    PushVlan: _encode_push_vlan,
    PopVlan: _encode_pop_vlan,
    CheckLarger: _encode_check_larger,
    ToAgent: _encode_to_agent,
    Resubmit: _encode_resubmit,
    Learn: _encode_learn,
    Goto: _misplaced,
    Drop: _misplaced,
}

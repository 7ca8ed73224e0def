"""Bytes of flows back to terms and actions, and both to words, for explanations.

What our language has no word for becomes `Unknown`, with its bytes in hexadecimal: flows of others
must be readable too. Only bytes that contradict themselves raise MalformedMessage.
"""

import struct
from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from openvnet.openflow.encoding import (
    DELETE_LEARNED,
    LEARN,
    LEARN_BACK,
    LEARN_LOAD,
    LEARN_VALUE,
    LEARN_WITHIN_LIMIT,
    METER,
    NICIRA,
    NXM_IN_PORT,
    POP_VLAN,
    PUSH_VLAN,
    USERDATA,
)
from openvnet.openflow.errors import MalformedMessage
from openvnet.openflow.spelling import FIELDS, REGISTER_HEADERS
from openvnet.pipeline.fields import Term
from openvnet.pipeline.flow import (
    CONTROLLER,
    IN_PORT,
    LOCAL,
    Action,
    CheckLarger,
    Drop,
    Flow,
    Goto,
    Learn,
    Learnt,
    Load,
    Move,
    Output,
    OutputToFirst,
    PopVlan,
    PushVlan,
    Resubmit,
    SetField,
    ToAgent,
)
from openvnet.pipeline.handlers import Handler
from openvnet.pipeline.tables import Table

LAST_PORT = 0xFFFFFF00
"""Ports from here on are reserved: they name no port of the bridge (OpenFlow 1.3.5, 7.2.1)."""


class Unknown(msgspec.Struct, frozen=True):
    """A condition, action or instruction that our language has no word for."""

    what: str
    octets: bytes


_TERMS: Mapping[bytes, tuple[str, int, bool]] = {
    header: (name, spelling.width, masked)
    for name, spelling in FIELDS.items()
    for header, masked in ((spelling.exact, False), (spelling.masked, True))
}
_TABLES = tuple(Table)
_HANDLERS = {handler.value: handler for handler in Handler}
_OF_ANY_LENGTH = {12, LEARN, LEARN_WITHIN_LIMIT}
"""Nicira's subtypes."""
_MOVED = {spelling.move: name for name, spelling in FIELDS.items()}
_LOADED = {header: number for number, header in enumerate(REGISTER_HEADERS)}


def decode_match(octets: bytes) -> Iterator[Term | Unknown]:
    """The conditions of an ofp_match, padded or not."""
    if len(octets) < 4 or octets[:2] != b"\0\1":
        raise MalformedMessage(f"a match that begins with {octets[:4].hex()}")
    end = int.from_bytes(octets[2:4], "big")
    if not 4 <= end <= len(octets):
        raise MalformedMessage(f"a match of {end} octets in {len(octets)}")
    at = 4
    while at < end:
        length = 4 + octets[at + 3] if end - at >= 4 else end
        if at + length > end:
            raise MalformedMessage(f"a condition of {length} octets in {end - at}")
        yield _decode_term(octets[at : at + length])
        at += length


def _decode_term(octets: bytes) -> Term | Unknown:
    known = _TERMS.get(octets[:4])
    if known is None:
        return Unknown("field", octets)
    name, width, masked = known
    value = int.from_bytes(octets[4 : 4 + width], "big")
    return Term(name, value, int.from_bytes(octets[4 + width :], "big") if masked else None)


def decode_instructions(octets: bytes) -> Iterator[Action | Unknown]:
    """The actions that a list of instructions amounts to."""
    for kind, instruction in _records(octets, 4):
        if kind == 4 and len(instruction) >= 8:
            for action_kind, action in _records(instruction[8:], 8):
                yield _decode_action(action_kind, action)
        elif kind == 1 and len(instruction) == 8 and instruction[4] < len(_TABLES):
            yield Goto(_TABLES[instruction[4]])
        else:
            yield Unknown("instruction", instruction)


def _records(octets: bytes, least: int) -> Iterator[tuple[int, bytes]]:
    while octets:
        if len(octets) < least:
            raise MalformedMessage(f"{len(octets)} octets after the last action or instruction")
        kind, length = struct.unpack_from("!HH", octets)
        if not least <= length <= len(octets):
            raise MalformedMessage(f"an action or instruction of {length} octets in {len(octets)}")
        yield kind, octets[:length]
        octets = octets[length:]


def _decode_action(kind: int, octets: bytes) -> Action | Unknown:
    decode = _DECODERS.get(_action_name(kind, octets))
    return (decode(octets) if decode else None) or Unknown("action", octets)


def _action_name(kind: int, octets: bytes) -> tuple[int, int, int]:
    """Type, length and Nicira's subtype (0 for the standard's actions).

    The length is 0 for those that are of any length.
    """
    if kind == 0xFFFF and len(octets) >= 16 and octets[4:8] == NICIRA.to_bytes(4, "big"):
        subtype = int.from_bytes(octets[8:10], "big")
        return kind, 0 if subtype in _OF_ANY_LENGTH else len(octets), subtype
    return kind, 0 if kind == 25 else len(octets), 0


def _decode_output(octets: bytes) -> Action | None:
    """To the agent, parts of packets may be sent; to ports, the length means nothing."""
    port, most = struct.unpack_from("!IH", octets, 4)
    return Output(port) if port != CONTROLLER or most == 0xFFFF else None


def _decode_output_to_first(octets: bytes) -> Action | None:
    if len(octets) < 32:
        return None
    *how, header, count, slice_, destination = struct.unpack_from("!HHHIHHI", octets, 10)
    if any(how) or header != NXM_IN_PORT or slice_ or destination or 32 + 2 * count > len(octets):
        return None
    return OutputToFirst(struct.unpack_from(f"!{count}H", octets, 32))


def _decode_set_field(octets: bytes) -> Action | None:
    name, width, masked = _TERMS.get(octets[4:8], ("", 0, True))
    if masked or len(octets) < 8 + width:
        return None
    return SetField(name, int.from_bytes(octets[8 : 8 + width], "big"))


def _decode_load(octets: bytes) -> Action | None:
    bits, header, value = struct.unpack_from("!HIQ", octets, 10)
    if header not in _LOADED:
        return None
    return Load(_LOADED[header], bits >> 6, (bits & 63) + 1, value)


def _decode_move(octets: bytes) -> Action | None:
    bits, from_bit, to_bit, source, destination = struct.unpack_from("!HHHII", octets, 10)
    if source not in _MOVED or destination not in _MOVED or from_bit or to_bit:
        return None
    widths = [8 * FIELDS[_MOVED[header]].width for header in (source, destination)]
    if not 0 < bits <= min(widths):
        return None
    whole = bits == max(widths)
    return Move(_MOVED[source], _MOVED[destination], None if whole else bits)


def _decode_push_vlan(octets: bytes) -> Action | None:
    return PushVlan() if octets == PUSH_VLAN else None


def _decode_pop_vlan(octets: bytes) -> Action | None:
    return PopVlan() if octets == POP_VLAN else None


def _decode_resubmit(octets: bytes) -> Action | None:
    port, table = struct.unpack_from("!HB", octets, 10)
    return Resubmit(_TABLES[table]) if port == 0xFFF8 and table < len(_TABLES) else None


def _decode_check_larger(octets: bytes) -> Action | None:
    larger, offset, header = struct.unpack_from("!HHI", octets, 10)
    return CheckLarger(larger, _LOADED[header], offset) if header in _LOADED else None


def _decode_to_agent(octets: bytes) -> Action | None:
    *properties, number, meter, length, limit = struct.unpack_from("!HHB3xHHI", octets, 16)
    if (*properties, meter, length) != (USERDATA, 5, METER, 8) or number != limit:
        return None
    return ToAgent(_HANDLERS[number]) if number in _HANDLERS else None


def _decode_learn(octets: bytes) -> Action | None:
    if len(octets) < 32 or (octets[8:10] == b"\0\x2d" and len(octets) < 40):
        return None
    subtype, idle, hard, priority, cookie, *how = struct.unpack_from("!HHHHQHBxHH", octets, 8)
    flags, table, final_idle, final_hard = how
    if flags != DELETE_LEARNED or final_idle or final_hard or table >= len(_TABLES):
        return None
    at, limit = 32, 0
    if subtype == LEARN_WITHIN_LIMIT:
        at, (limit, result) = 40, struct.unpack_from("!IH", octets, 32)
        if not limit or result:
            return None
    parts = _learn_parts(octets[at:])
    if parts is None:
        return None
    return Learn(_TABLES[table], priority, cookie, idle, *parts, limit, hard)


_LearnParts = tuple[tuple[Learnt, ...], tuple[SetField | Load, ...], bool]


def _learn_parts(octets: bytes) -> _LearnParts | None:
    """Conditions, what is written, and whether it is sent back: in this order, as we say them."""
    conditions: list[Learnt] = []
    writes: list[SetField | Load] = []
    back = False
    while octets[:2].strip(b"\0"):
        head = int.from_bytes(octets[:2], "big")
        bits, how = head & 0x7FF, head & ~0x7FF
        if octets.startswith(LEARN_BACK):
            length, back = 8, True
        elif not how and not back and not writes and (part := _learn_condition(bits, octets)):
            length = 14
            conditions.append(part)
        elif how == LEARN_VALUE | LEARN_LOAD and not back and (do := _learn_write(bits, octets)):
            length = 8 + (bits + 15) // 16 * 2
            writes.append(do)
        else:
            return None
        octets = octets[length:]
    return tuple(conditions), tuple(writes), back


def _learn_condition(bits: int, octets: bytes) -> Learnt | None:
    if len(octets) < 14:
        return None
    source, offset, field, same = struct.unpack_from("!IHIH", octets, 2)
    if source not in _MOVED or field not in _MOVED or offset != same:
        return None
    return Learnt(_MOVED[field], _MOVED[source], bits, offset)


def _learn_write(bits: int, octets: bytes) -> SetField | Load | None:
    end = 2 + (bits + 15) // 16 * 2
    if len(octets) < end + 6:
        return None
    value = int.from_bytes(octets[2:end], "big")
    header, offset = struct.unpack_from("!IH", octets, end)
    if header in _LOADED:
        return Load(_LOADED[header], offset, bits, value)
    name = _MOVED.get(header, "")
    whole = name and not offset and bits == 8 * FIELDS[name].width
    return SetField(name, value) if whole else None


_DECODERS: Mapping[tuple[int, int, int], Callable[[bytes], Action | None]] = {
    (0, 16, 0): _decode_output,
    (17, 8, 0): _decode_push_vlan,
    (18, 8, 0): _decode_pop_vlan,
    (25, 0, 0): _decode_set_field,
    (0xFFFF, 0, 12): _decode_output_to_first,
    (0xFFFF, 0, LEARN): _decode_learn,
    (0xFFFF, 0, LEARN_WITHIN_LIMIT): _decode_learn,
    (0xFFFF, 24, 7): _decode_load,
    (0xFFFF, 24, 6): _decode_move,
    (0xFFFF, 24, 49): _decode_check_larger,
    (0xFFFF, 32, 37): _decode_to_agent,
    (0xFFFF, 16, 14): _decode_resubmit,
}


def ports_named(place: bytes, instructions: bytes) -> Iterator[int]:
    """The ports of the bridge that a flow matches or sends to."""
    for term in decode_match(place[3:]):
        if isinstance(term, Term) and term.field == "in_port" and term.value < LAST_PORT:
            yield term.value
    for action in decode_instructions(instructions):
        if isinstance(action, Output) and action.port < LAST_PORT:
            yield action.port
        elif isinstance(action, OutputToFirst):
            yield from action.ports


def flow_words(place: bytes, instructions: bytes) -> str:
    """A flow as a switch has it, in words."""
    terms, actions = decode_match(place[3:]), decode_instructions(instructions)
    return _words(place[0], int.from_bytes(place[1:3], "big"), terms, actions)


def words_of(flow: Flow) -> str:
    """A flow of ours, in words."""
    return _words(flow.table, flow.priority, flow.match, flow.actions)


def _words(
    table: int, priority: int, terms: Iterable[Term | Unknown], actions: Iterable[Action | Unknown]
) -> str:
    conditions = ", ".join(map(_term_words, terms)) or "anything"
    done = ", ".join(map(_action_words, actions)) or "drop"
    return f"{table_words(table)} {priority}: {conditions} -> {done}"


def table_words(number: int) -> str:
    """A table's name, or the number of one that we do not use."""
    return _TABLES[number].name if number < len(_TABLES) else f"table {number}"


def _term_words(term: Term | Unknown) -> str:
    if isinstance(term, Unknown):
        return f"{term.what} {term.octets.hex()}"
    value = value_words(term.field, term.value)
    return f"{term.field}={value}" + ("" if term.mask is None else f"/{term.mask:#x}")


def value_words(field: str, value: int) -> str:
    """A field's value as people write it."""
    if field in ("eth_src", "eth_dst", "arp_sha", "arp_tha"):
        return value.to_bytes(6, "big").hex(":")
    if field in ("ipv4_src", "ipv4_dst", "arp_spa", "arp_tpa", "tun_src", "tun_dst"):
        return ".".join(map(str, value.to_bytes(4, "big")))
    return str(value) if field in ("in_port", "ip_proto", "arp_op") else f"{value:#x}"


def _action_words(action: Action | Unknown) -> str:
    match action:
        case Output(port):
            return f"output {_port_words(port)}"
        case OutputToFirst(ports):
            return f"output to the first live of {', '.join(map(str, ports))}"
        case SetField(field, value):
            return f"{field}={value_words(field, value)}"
        case Load(register, offset, bits, value):
            return f"reg{register}[{offset}..{offset + bits - 1}]={value:#x}"
        case Move(source, destination, bits):
            part = f"[0..{bits - 1}]" if bits else ""
            return f"{destination}{part}={source}{part}"
        case PushVlan():
            return "push a VLAN tag"
        case PopVlan():
            return "pop the VLAN tag"
        case CheckLarger(octets, register, offset):
            return f"reg{register}[{offset}]=larger than {octets}"
        case ToAgent(handler):
            return f"to the agent ({handler.name})"
        case Resubmit(table):
            return f"through {table.name}"
        case Goto(table):
            return f"goto {table.name}"
        case Learn():
            return _learn_words(action)
        case Drop(reason):
            return f"drop ({reason})"
        case Unknown(what, octets):
            return f"{what} {octets.hex()}"


def _learn_words(learn: Learn) -> str:
    """As flows are put into words, so that it reads as the flow that it adds."""
    conditions = ", ".join(map(_learnt_words, learn.match)) or "anything"
    done = [_action_words(action) for action in learn.actions]
    done += ["output to the port that this came by"] if learn.back else []
    how = [f"cookie {learn.cookie:#x}"]
    how += [f"until idle for {learn.idle_timeout} s"] if learn.idle_timeout else []
    how += [f"for {learn.hard_timeout} s"] if learn.hard_timeout else []
    how += [f"at most {learn.limit}"] if learn.limit else []
    flow = f"{learn.table.name} {learn.priority}: {conditions} -> {', '.join(done) or 'drop'}"
    return f"learn ({flow}; {', '.join(how)})"


def _learnt_words(part: Learnt) -> str:
    whole = part.bits == 8 * FIELDS[part.field].width
    slice_ = "" if whole else f"[{part.offset}..{part.offset + part.bits - 1}]"
    return f"{part.field}{slice_}={part.source}{slice_}"


def _port_words(port: int) -> str:
    words = {IN_PORT: "to its own port", LOCAL: "to the host", CONTROLLER: "to the agent"}
    return words.get(port, str(port))

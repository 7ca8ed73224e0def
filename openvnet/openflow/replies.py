"""What the switch says: bytes to frozen values.

Every function takes the body of a message, without its header, and raises MalformedMessage and
nothing else, whatever the bytes are.
"""

import struct
from collections.abc import Iterator

import msgspec

from openvnet.openflow.encoding import hash_of
from openvnet.openflow.errors import MalformedMessage
from openvnet.openflow.messages import FLOW_MONITOR, ONF
from openvnet.pipeline.flow import LOCAL

_FLOW_STATS = struct.Struct("!HBxIIHHHH4xQQQHH")
_FLOW_UPDATE = struct.Struct("!HHHHHHHBxQHH")
_PORT = struct.Struct("!I4x6s2x16sII24x")
_PORT_STATS = struct.Struct("!I4xQQ")

ADDED, DELETED, MODIFIED, ABBREVIATED = range(4)
"""What a flow monitor tells of a flow."""

LINK_DOWN = PORT_DOWN = 1
PORT_DELETED = 1


class PortDescription(msgspec.Struct, frozen=True):
    """A port of the switch."""

    name: str
    number: int
    up: bool
    """Neither set down by an administrator nor without a link."""
    mac_address: int = 0
    """Of the bridge's own port; that of others is not kept."""


class ActualFlow(msgspec.Struct, frozen=True, gc=False):
    """A flow as the switch has it."""

    cookie: int
    place: bytes
    instructions: bytes
    packets: int
    proven: bool
    """It is, to the last bit, a flow that we wrote (see `encoding`); ours have no timeouts."""


class FlowUpdate(msgspec.Struct, frozen=True):
    """What somebody else did to a flow."""

    event: int
    flow: ActualFlow
    """As it is now, or was before it was deleted; its packets are not known."""


class Multipart(msgspec.Struct, frozen=True):
    """One of the messages that together are a reply."""

    kind: int
    more: bool
    body: bytes


def read_hello(version: int, body: bytes) -> frozenset[int]:
    """The versions that the switch offers (OpenFlow 1.3.5, 6.3.1)."""
    for kind, element in _hello_elements(body):
        if kind == 1:
            bits = b"".join(reversed([element[at : at + 4] for at in range(0, len(element), 4)]))
            bitmap = int.from_bytes(bits, "big")
            return frozenset(bit for bit in range(bitmap.bit_length()) if bitmap >> bit & 1)
    return frozenset(range(1, version + 1))


def _hello_elements(body: bytes) -> Iterator[tuple[int, bytes]]:
    while len(body) >= 4:
        kind, length = struct.unpack_from("!HH", body)
        if not 4 <= length <= len(body):
            raise MalformedMessage(f"a hello element of {length} octets in {len(body)}")
        yield kind, body[4:length]
        body = body[(length + 7) & ~7 :]


def read_features(body: bytes) -> str:
    """The datapath id, as `0x` and 16 hexadecimal digits."""
    if len(body) != 24:
        raise MalformedMessage(f"a features reply of {len(body)} octets, not 24")
    return f"0x{int.from_bytes(body[:8], 'big'):016x}"


def read_multipart(body: bytes) -> Multipart:
    """A part of a multipart reply."""
    if len(body) < 8:
        raise MalformedMessage(f"a multipart reply of {len(body)} octets")
    kind, flags = struct.unpack_from("!HH", body)
    return Multipart(kind, bool(flags & 1), body[8:])


def read_ports(body: bytes) -> Iterator[PortDescription]:
    """The ports of a port description reply."""
    if len(body) % _PORT.size:
        raise MalformedMessage(f"port descriptions of {len(body)} octets")
    for number, mac_address, name, configured, state in _PORT.iter_unpack(body):
        up = not (configured & PORT_DOWN or state & LINK_DOWN)
        own = int.from_bytes(mac_address, "big") if number == LOCAL else 0
        yield PortDescription(_read_name(name), number, up, own)


def _read_name(octets: bytes) -> str:
    return octets.split(b"\0", 1)[0].decode("utf-8", "replace")


def read_port_status(body: bytes) -> tuple[PortDescription, bool]:
    """A port, and whether it is gone."""
    if len(body) != 8 + _PORT.size:
        raise MalformedMessage(f"a port status of {len(body)} octets")
    (port,) = read_ports(body[8:])
    return port, body[0] == PORT_DELETED


def read_port_stats(body: bytes) -> Iterator[tuple[int, int, int]]:
    """Port number, packets from the port, packets to the port."""
    if len(body) % 112:
        raise MalformedMessage(f"port statistics of {len(body)} octets")
    for at in range(0, len(body), 112):
        yield _PORT_STATS.unpack_from(body, at)


def read_flow_stats(body: bytes) -> Iterator[ActualFlow]:
    """The flows of one part of a flow statistics reply."""
    at, end = 0, len(body)
    while at < end:
        if end - at < _FLOW_STATS.size:
            raise MalformedMessage(f"{end - at} octets after the last flow")
        (length, table, _, _, priority, idle, hard, flags, cookie, packets, _, kind, matched) = (
            _FLOW_STATS.unpack_from(body, at)
        )
        instructions_at = at + 48 + ((matched + 7) & ~7)
        if kind != 1 or matched < 4 or not instructions_at <= at + length <= end:
            raise MalformedMessage(f"a flow of {length} octets with a match of {matched}")
        place = bytes((table, priority >> 8, priority & 255)) + body[at + 48 : instructions_at]
        instructions = body[instructions_at : at + length]
        at += length
        proven = not (idle or hard or flags) and cookie == hash_of(place, instructions)
        yield ActualFlow(cookie, place, instructions, packets, proven)


def read_flow_updates(body: bytes) -> Iterator[FlowUpdate]:
    """What a flow monitor reports of others' doings, from the body of its multipart message."""
    if len(body) < 8 or struct.unpack_from("!II", body) != (ONF, FLOW_MONITOR):
        raise MalformedMessage("an experimenter's multipart reply that is not a flow monitor's")
    at = 8
    while at < len(body):
        length, event = _read_update_head(body, at)
        if event != ABBREVIATED:
            yield FlowUpdate(event, _read_updated_flow(body[at : at + length]))
        at += length


def _read_update_head(body: bytes, at: int) -> tuple[int, int]:
    if len(body) - at < 8:
        raise MalformedMessage(f"{len(body) - at} octets after the last flow update")
    length, event = struct.unpack_from("!HH", body, at)
    if not 8 <= length <= len(body) - at or event > ABBREVIATED:
        raise MalformedMessage(f"a flow update of kind {event} and {length} octets")
    return length, event


def _read_updated_flow(update: bytes) -> ActualFlow:
    if len(update) < _FLOW_UPDATE.size:
        raise MalformedMessage(f"a flow update of {len(update)} octets")
    _, _, _, priority, idle, hard, _, table, cookie, kind, matched = _FLOW_UPDATE.unpack_from(
        update
    )
    instructions_at = 24 + ((matched + 7) & ~7)
    if kind != 1 or matched < 4 or instructions_at > len(update):
        raise MalformedMessage(f"a flow update of {len(update)} octets with a match of {matched}")
    place = bytes((table, priority >> 8, priority & 255)) + update[24:instructions_at]
    instructions = update[instructions_at:]
    proven = not (idle or hard) and cookie == hash_of(place, instructions)
    return ActualFlow(cookie, place, instructions, 0, proven)


def read_experimenter(body: bytes) -> tuple[int, int, bytes]:
    """Experimenter, kind and body of an experimenter's message."""
    if len(body) < 8:
        raise MalformedMessage(f"an experimenter's message of {len(body)} octets")
    experimenter, kind = struct.unpack_from("!II", body)
    return experimenter, kind, body[8:]

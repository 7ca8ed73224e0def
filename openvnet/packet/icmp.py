"""ICMP messages (RFC 792), and what answers a packet that is too big (RFC 1191)."""

import struct

import msgspec

from openvnet.packet.errors import MalformedPacketError
from openvnet.packet.ipv4 import ICMP, Packet, checksum, write_packet

UNREACHABLE, FRAGMENTATION_NEEDED = 3, 4
"""The type and the code of the answer to what is too big."""

ERRORS = frozenset((UNREACHABLE, 4, 5, 11, 12))
"""Types of messages about another packet."""

LONGEST = 576
"""Octets of an error message's packet, at most (RFC 1812, 4.3.2.3)."""

_HEADER = struct.Struct("!BBHI")
_MULTICAST, _LOOPBACK = 0xE0000000, 127


class Message(msgspec.Struct, frozen=True):
    """A message."""

    kind: int
    code: int
    rest: int
    """The 32 bits after the checksum, whose meaning the type decides."""
    payload: bytes = b""


def read_message(octets: bytes) -> Message:
    """A message; raise MalformedPacketError."""
    if len(octets) < _HEADER.size:
        raise MalformedPacketError(f"an ICMP message of {len(octets)} octets")
    if checksum(octets):
        raise MalformedPacketError("an ICMP message whose checksum is wrong")
    kind, code, _, rest = _HEADER.unpack_from(octets)
    return Message(kind, code, rest, octets[_HEADER.size :])


def write_message(message: Message) -> bytes:
    """The octets of a message, with its checksum."""
    head = _HEADER.pack(message.kind, message.code, 0, message.rest)
    whole = checksum(head + message.payload)
    return _HEADER.pack(message.kind, message.code, whole, message.rest) + message.payload


def fragmentation_needed(packet: Packet, mtu: int) -> Packet | None:
    """The answer to a packet that is larger than the MTU, on behalf of its destination.

    None if a packet must not be answered with an error (RFC 1122, 3.2.2).
    """
    if not may_be_answered(packet):
        return None
    quoted = write_packet(packet)[: LONGEST - 20 - _HEADER.size]
    message = Message(UNREACHABLE, FRAGMENTATION_NEEDED, mtu, quoted)
    return Packet(
        source=packet.destination,
        destination=packet.source,
        protocol=ICMP,
        payload=write_message(message),
        tos=0xC0,  # Internetwork control (RFC 1812, 4.3.2.5).
    )


def may_be_answered(packet: Packet) -> bool:
    """Whether it comes from one and goes to one, and is neither a later fragment nor an error."""
    if not (_is_one(packet.source) and _is_one(packet.destination)) or packet.fragment_offset:
        return False
    return packet.protocol != ICMP or packet.payload[:1] not in _ERRORS


_ERRORS = frozenset(bytes((kind,)) for kind in ERRORS)


def _is_one(address: int) -> bool:
    return 0 < address >> 24 < _MULTICAST >> 24 and address >> 24 != _LOOPBACK

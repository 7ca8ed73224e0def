"""IPv6 packets (RFC 8200), and the ICMPv6 message that answers one that is too big (RFC 4443)."""

import struct

import msgspec

from openvnet.packet.errors import MalformedPacketError
from openvnet.packet.ipv4 import checksum

ICMPV6 = 58
TOO_BIG = 2
"""The type of the message; its code is 0."""

LEAST_MTU = 1280
"""What passes everywhere, and so octets of an error message's packet, at most."""

_HEADER = struct.Struct("!IHBB16s16s")
_MESSAGE = struct.Struct("!BBHI")
_ERRORS = range(128)
"""Types of messages about another packet."""


class Packet(msgspec.Struct, frozen=True, kw_only=True):
    """A packet. Extension headers are part of its payload."""

    source: bytes
    destination: bytes
    next_header: int
    payload: bytes
    hop_limit: int = 64
    labels: int = 0
    """Traffic class and flow label, 28 bits."""


def read_packet(octets: bytes) -> Packet:
    """A packet, without what is behind its end (padding); raise MalformedPacketError."""
    if len(octets) < _HEADER.size:
        raise MalformedPacketError(f"an IPv6 packet of {len(octets)} octets")
    first, length, next_header, hop_limit, source, destination = _HEADER.unpack_from(octets)
    payload = octets[_HEADER.size : _HEADER.size + length]
    if first >> 28 != 6 or len(payload) < length:
        words = f"a packet of version {first >> 28} with {length} octets of payload"
        raise MalformedPacketError(f"{words}, in {len(octets)}")
    return Packet(
        source=source,
        destination=destination,
        next_header=next_header,
        payload=payload,
        hop_limit=hop_limit,
        labels=first & (1 << 28) - 1,
    )


def write_packet(packet: Packet) -> bytes:
    """The octets of a packet."""
    header = _HEADER.pack(
        6 << 28 | packet.labels,
        len(packet.payload),
        packet.next_header,
        packet.hop_limit,
        packet.source,
        packet.destination,
    )
    return header + packet.payload


def packet_too_big(packet: Packet, mtu: int) -> Packet | None:
    """The answer to a packet that is larger than the MTU, on behalf of its destination.

    None if it must not be answered with an error: it is one itself, or not from one to one.
    """
    is_error = packet.next_header == ICMPV6 and packet.payload[:1] < bytes((_ERRORS.stop,))
    if is_error or not (_is_one(packet.source) and _is_one(packet.destination)):
        return None
    quoted = write_packet(packet)[: LEAST_MTU - _HEADER.size - _MESSAGE.size]
    length = _MESSAGE.size + len(quoted)
    pseudo_header = packet.destination + packet.source + struct.pack("!II", length, ICMPV6)
    body = _MESSAGE.pack(TOO_BIG, 0, 0, max(mtu, LEAST_MTU)) + quoted
    whole = checksum(pseudo_header + body)
    return Packet(
        source=packet.destination,
        destination=packet.source,
        next_header=ICMPV6,
        payload=body[:2] + whole.to_bytes(2, "big") + body[4:],
    )


def _is_one(address: bytes) -> bool:
    """Neither a group, nor nobody, nor the host itself (::1)."""
    return address[0] != 0xFF and int.from_bytes(address, "big") > 1

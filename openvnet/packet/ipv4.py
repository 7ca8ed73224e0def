"""IPv4 packets (RFC 791)."""

import struct

import msgspec

from openvnet.packet.errors import MalformedPacketError

ICMP = 1

_HEADER = struct.Struct("!BBHHHBBHII")
_DONT_FRAGMENT, _MORE, _OFFSET = 1 << 14, 1 << 13, (1 << 13) - 1


class Packet(msgspec.Struct, frozen=True, kw_only=True):
    """A packet, or a fragment of one."""

    source: int
    destination: int
    protocol: int
    payload: bytes
    ttl: int = 64
    tos: int = 0
    """DSCP and ECN."""
    identification: int = 0
    dont_fragment: bool = False
    more_fragments: bool = False
    fragment_offset: int = 0
    """In units of 8 octets."""
    options: bytes = b""
    """A multiple of 4 octets, 40 at most."""


def read_packet(octets: bytes) -> Packet:
    """A packet, without what is behind its end (padding); raise MalformedPacketError."""
    if len(octets) < _HEADER.size:
        raise MalformedPacketError(f"an IPv4 packet of {len(octets)} octets")
    first, tos, total, identification, fragment, ttl, protocol, _, source, destination = (
        _HEADER.unpack_from(octets)
    )
    header = 4 * (first & 15)
    if first >> 4 != 4 or not _HEADER.size <= header <= total <= len(octets):
        words = f"a packet of version {first >> 4}, {total} octets and a header of {header}"
        raise MalformedPacketError(f"{words}, in {len(octets)}")
    if checksum(octets[:header]):
        raise MalformedPacketError("an IPv4 header whose checksum is wrong")
    return Packet(
        source=source,
        destination=destination,
        protocol=protocol,
        payload=octets[header:total],
        ttl=ttl,
        tos=tos,
        identification=identification,
        dont_fragment=bool(fragment & _DONT_FRAGMENT),
        more_fragments=bool(fragment & _MORE),
        fragment_offset=fragment & _OFFSET,
        options=octets[_HEADER.size : header],
    )


def write_packet(packet: Packet) -> bytes:
    """The octets of a packet, with its checksum."""
    length = _HEADER.size + len(packet.options)
    flags = packet.dont_fragment * _DONT_FRAGMENT | packet.more_fragments * _MORE
    header = _HEADER.pack(
        0x40 | length // 4,
        packet.tos,
        length + len(packet.payload),
        packet.identification,
        flags | packet.fragment_offset,
        packet.ttl,
        packet.protocol,
        0,
        packet.source,
        packet.destination,
    )
    header += packet.options
    return header[:10] + checksum(header).to_bytes(2, "big") + header[12:] + packet.payload


def checksum(octets: bytes) -> int:
    """The Internet checksum (RFC 1071); 0 of octets that contain their own right one."""
    padded = octets + bytes(len(octets) % 2)
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF

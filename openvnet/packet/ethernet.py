"""Ethernet frames without a VLAN tag (IEEE 802.3, 3.1.1; RFC 894)."""

import msgspec

from openvnet.packet.errors import MalformedPacketError

IPV4, IPV6 = 0x0800, 0x86DD

HEADER = 14
GROUP = 1 << 40
"""The bit of a MAC address that marks a group, broadcast among them."""


class Frame(msgspec.Struct, frozen=True):
    """A frame, without its check sequence."""

    destination: int
    source: int
    kind: int
    """The EtherType."""
    payload: bytes
    """With the padding, if there is some."""


def read_frame(octets: bytes) -> Frame:
    """A frame; raise MalformedPacketError."""
    if len(octets) < HEADER:
        raise MalformedPacketError(f"a frame of {len(octets)} octets")
    return Frame(
        int.from_bytes(octets[:6], "big"),
        int.from_bytes(octets[6:12], "big"),
        int.from_bytes(octets[12:14], "big"),
        octets[14:],
    )


def write_frame(frame: Frame) -> bytes:
    """The octets of a frame, not padded."""
    addresses = frame.destination.to_bytes(6, "big") + frame.source.to_bytes(6, "big")
    return addresses + frame.kind.to_bytes(2, "big") + frame.payload

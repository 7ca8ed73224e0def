"""What comes to the agent by flows, and the meters that keep it from being too much.

Every function takes the body of a message, without its header, and raises MalformedMessage and
nothing else, whatever the bytes are.
"""

import struct
from collections.abc import Iterator

from openvnet.openflow.decoding import decode_match
from openvnet.openflow.errors import MalformedMessage
from openvnet.openflow.messages import METER_DROPS, PACKETS_AND_BURST
from openvnet.pipeline.fields import Term
from openvnet.pipeline.handlers import Arrival

PACKET, METADATA, USERDATA = 0, 6, 7
"""Properties of NXT_PACKET_IN2."""


def read_packet_in(body: bytes) -> Arrival:
    """A packet, from the body of NXT_PACKET_IN2 after its experimenter and kind."""
    found = dict(_properties(body))
    written = b"\0\1" + (4 + len(found.get(METADATA, b""))).to_bytes(2, "big")
    terms = decode_match(written + found.get(METADATA, b""))
    return Arrival(
        handler=int.from_bytes(found.get(USERDATA, b"")[:1], "big"),
        packet=found.get(PACKET, b""),
        written={term.field: term.value for term in terms if isinstance(term, Term)},
    )


def _properties(octets: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(octets):
        if len(octets) - at < 4:
            raise MalformedMessage(f"{len(octets) - at} octets after the last property")
        kind, length = struct.unpack_from("!HH", octets, at)
        if not 4 <= length <= len(octets) - at:
            raise MalformedMessage(f"a property of {length} octets in {len(octets) - at}")
        yield kind, octets[at + 4 : at + length]
        at += (length + 7) & ~7


def read_meters(body: bytes) -> Iterator[tuple[int, int | None]]:
    """The meters of one part of a meter configuration reply: number and packets a second.

    None: it is another meter than those that we make.
    """
    at = 0
    while at < len(body):
        if len(body) - at < 8:
            raise MalformedMessage(f"{len(body) - at} octets after the last meter")
        length, flags, number = struct.unpack_from("!HHI", body, at)
        if not 8 <= length <= len(body) - at:
            raise MalformedMessage(f"a meter of {length} octets in {len(body) - at}")
        yield number, _packets(flags, body[at + 8 : at + length])
        at += length


def _packets(flags: int, bands: bytes) -> int | None:
    if flags & 7 != PACKETS_AND_BURST or len(bands) != 16:
        return None
    kind, _, rate, burst = struct.unpack_from("!HHII", bands)
    return rate if kind == METER_DROPS and rate == burst else None

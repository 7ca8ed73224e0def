"""The messages that we send, as bytes: OpenFlow 1.3, ONF bundles and flow monitors, Nicira's own.

Each function returns one whole message. Whoever calls it chooses the xid by which the switch's
answers and errors come back. See `replies` for what the switch says.
"""

import struct

from openvnet.openflow.encoding import NICIRA
from openvnet.pipeline.flow import CONTROLLER, LEARNED

VERSION = 4
ONF = 0x4F4E4600
ANY_PORT = ANY_GROUP = NO_BUFFER = 0xFFFFFFFF
ALL_TABLES = 0xFF
ALL_BITS = 0xFFFFFFFFFFFFFFFF
EMPTY_MATCH = struct.pack("!HH4x", 1, 4)

# Kinds of message (OpenFlow 1.3.5, 7.1).
HELLO, ERROR, ECHO_REQUEST, ECHO_REPLY, EXPERIMENTER = range(5)
FEATURES_REQUEST, FEATURES_REPLY = 5, 6
SET_CONFIG, PACKET_IN, PORT_STATUS, PACKET_OUT, FLOW_MOD = 9, 10, 12, 13, 14
MULTIPART_REQUEST, MULTIPART_REPLY, BARRIER_REQUEST, BARRIER_REPLY = 18, 19, 20, 21
METER_MOD = 29

# Kinds of multipart message (OpenFlow 1.3.5, 7.3.5).
FLOW_STATS, PORT_STATS, METER_CONFIG, PORT_DESCRIPTIONS, EXPERIMENTER_STATS = 1, 4, 10, 13, 0xFFFF

# ONF's extensions: 230 (bundles) and 187 (flow monitors).
BUNDLE_CONTROL, BUNDLE_ADD = 2300, 2301
OPEN, CLOSE, COMMIT, DISCARD = 0, 2, 4, 6
"""What a bundle control asks for; the reply's number is one more."""
ATOMIC = 1
FLOW_MONITOR, MONITOR_PAUSED, MONITOR_RESUMED = 1870, 1871, 1872

ADD, DELETE, DELETE_STRICT = 0, 3, 4
PACKET_IN2 = 30
"""NXT_PACKET_IN2, of Nicira's."""
ALL_METERS = 0xFFFFFFFF
METER_ADD, METER_MODIFY = 0, 1
PACKETS_AND_BURST = 2 | 4
"""The flags of a meter that counts packets and has a burst (OpenFlow 1.3.5, 7.3.4.5)."""
METER_DROPS = 1
"""The band of a meter that drops what is too much."""

_HEADER = struct.Struct("!BBHI")
_EXPERIMENT = struct.Struct("!BBHIII")
_FLOW_MOD = struct.Struct("!BBHIQQBBHHHIIIH2x")
_FLOW_DELETE = struct.Struct("!QQBB6xIII4x")
_BUNDLE_ADD = struct.Struct("!BBHIIII2xH")
_BUNDLED_FLOW_MOD = struct.Struct("!BBHIIII2xHBBHIQQBBHHHIIIH2x")


def message(kind: int, xid: int, body: bytes = b"") -> bytes:
    """Any message: its header and its body."""
    return _HEADER.pack(VERSION, kind, 8 + len(body), xid) + body


def hello(xid: int) -> bytes:
    """Hello that offers OpenFlow 1.3 and nothing else, in its version bitmap."""
    return message(HELLO, xid, struct.pack("!HHI", 1, 8, 1 << VERSION))


def set_config(xid: int) -> bytes:
    """Fragments as they come; whole packets to the controller."""
    return message(SET_CONFIG, xid, struct.pack("!HH", 0, 0xFFFF))


def set_packet_in_format(xid: int) -> bytes:
    """Ask for NXT_PACKET_IN2, the one that carries an action's userdata."""
    return message(EXPERIMENTER, xid, struct.pack("!III", NICIRA, 16, 2))


def port_descriptions_request(xid: int) -> bytes:
    """Ask for all ports."""
    return _multipart(xid, PORT_DESCRIPTIONS)


def port_stats_request(xid: int, number: int) -> bytes:
    """Ask for the counters of one port."""
    return _multipart(xid, PORT_STATS, struct.pack("!I4x", number))


def flow_stats_request(xid: int, cookie: int = 0, mask: int = 0, table: int = ALL_TABLES) -> bytes:
    """Ask for the flows whose cookie is `cookie` in the bits of `mask`."""
    body = struct.pack("!B3xII4xQQ", table, ANY_PORT, ANY_GROUP, cookie, mask)
    return _multipart(xid, FLOW_STATS, body + EMPTY_MATCH)


def meter_config_request(xid: int) -> bytes:
    """Ask for all meters."""
    return _multipart(xid, METER_CONFIG, struct.pack("!I4x", ALL_METERS))


def meter_mod(xid: int, command: int, number: int, packets: int) -> bytes:
    """Add or change a meter that lets so many packets a second pass, and as many at once."""
    band = struct.pack("!HHII4x", METER_DROPS, 16, packets, packets)
    return message(METER_MOD, xid, struct.pack("!HHI", command, PACKETS_AND_BURST, number) + band)


def packet_out(xid: int, actions: bytes, packet: bytes, port: int = CONTROLLER) -> bytes:
    """Do something with a packet, as if it had come by a port (OpenFlow 1.3.5, 7.3.7)."""
    head = struct.pack("!IIH6x", NO_BUFFER, port, len(actions))
    return message(PACKET_OUT, xid, head + actions + packet)


def flow_monitor_request(xid: int) -> bytes:
    """Ask to hear, whole, of each flow that others add, modify or delete from now on.

    The match comes with its header, unlike in ONF's text: so Open vSwitch wants it.
    """
    added, deleted, modified, whole = 2, 4, 8, 16
    flags = added | deleted | modified | whole
    body = struct.pack("!IHHIB3x", 0, flags, 4, ANY_PORT, ALL_TABLES) + EMPTY_MATCH
    return _multipart(xid, EXPERIMENTER_STATS, struct.pack("!II", ONF, FLOW_MONITOR) + body)


def _multipart(xid: int, kind: int, body: bytes = b"") -> bytes:
    return message(MULTIPART_REQUEST, xid, struct.pack("!HH4x", kind, 0) + body)


def flow_add(xid: int, cookie: int, place: bytes, instructions: bytes) -> bytes:
    """Add a flow, or replace the one at its place and keep that one's counters."""
    return _flow_mod(xid, ADD, cookie, 0, place, instructions)


def flow_delete(xid: int, cookie: int) -> bytes:
    """Delete the flows with exactly this cookie, in all tables."""
    everywhere = bytes((ALL_TABLES, 0, 0)) + EMPTY_MATCH
    return _flow_mod(xid, DELETE, cookie, ALL_BITS, everywhere, b"")


def flow_delete_strict(xid: int, place: bytes) -> bytes:
    """Delete the flow at one place, whatever it is."""
    return _flow_mod(xid, DELETE_STRICT, 0, 0, place, b"")


def flow_delete_learned(xid: int, port: int) -> bytes:
    """Delete what was learnt and sends to a port."""
    body = _FLOW_DELETE.pack(LEARNED, LEARNED, ALL_TABLES, DELETE, NO_BUFFER, port, ANY_GROUP)
    return message(FLOW_MOD, xid, body + EMPTY_MATCH)


def _flow_mod(
    xid: int, command: int, cookie: int, mask: int, place: bytes, instructions: bytes
) -> bytes:
    return (
        _FLOW_MOD.pack(
            VERSION,
            FLOW_MOD,
            45 + len(place) + len(instructions),
            xid,
            cookie,
            mask,
            place[0],
            command,
            0,
            0,
            place[1] << 8 | place[2],
            NO_BUFFER,
            ANY_PORT,
            ANY_GROUP,
            0,
        )
        + place[3:]
        + instructions
    )


def bundle_control(xid: int, bundle: int, kind: int) -> bytes:
    """Open, commit or discard a bundle."""
    body = struct.pack("!IIIHH", ONF, BUNDLE_CONTROL, bundle, kind, ATOMIC)
    return message(EXPERIMENTER, xid, body)


def bundled(bundle: int, message: bytes) -> bytes:
    """A message as part of a bundle; both have one xid."""
    xid = int.from_bytes(message[4:8], "big")
    length = 24 + len(message)
    head = _BUNDLE_ADD.pack(VERSION, EXPERIMENTER, length, xid, ONF, BUNDLE_ADD, bundle, ATOMIC)
    return head + message


def bundled_flow_add(
    bundle: int, xid: int, cookie: int, place: bytes, instructions: bytes
) -> bytes:
    """`bundled(bundle, flow_add(...))` in one step, for a hundred thousand in a row."""
    length = 45 + len(place) + len(instructions)
    return (
        _BUNDLED_FLOW_MOD.pack(
            VERSION,
            EXPERIMENTER,
            24 + length,
            xid,
            ONF,
            BUNDLE_ADD,
            bundle,
            ATOMIC,
            VERSION,
            FLOW_MOD,
            length,
            xid,
            cookie,
            0,
            place[0],
            ADD,
            0,
            0,
            place[1] << 8 | place[2],
            NO_BUFFER,
            ANY_PORT,
            ANY_GROUP,
            0,
        )
        + place[3:]
        + instructions
    )

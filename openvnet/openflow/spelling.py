"""How Open vSwitch itself spells fields, in match, action and order.

A flow that is read back proves itself by its hash (see `encoding`), which needs that we say each
thing with the very bytes that the switch would use. These are they, found by writing and reading
back with Open vSwitch 3.1; `tests/drivers/test_spelling.py` holds them against the one installed.
"""

from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

OPENFLOW_BASIC = 0x8000
NXM_REGISTERS = 0x0001
"""The class of Nicira's fields; registers of the OpenFlow one would come back as of this one."""


class FieldSpelling(NamedTuple):
    """One field on the wire."""

    rank: int
    """Its place in a match as Open vSwitch lists it, which is not the order of the standard."""
    exact: bytes
    """The OXM header of a whole value (OpenFlow 1.3.5, 7.2.3.2)."""
    masked: bytes
    """The OXM header of a value and a mask."""
    width: int
    """Octets of the value."""
    move: int
    """The header by which NXAST_REG_MOVE names it: the old one, where there is one."""


def _header(oxm_class: int, number: int, width: int, masked: bool = False) -> int:
    return oxm_class << 16 | number << 9 | masked << 8 | width * (1 + masked)


_PACKET_FIELDS = (
    # name, number in OpenFlow, octets, header for moves
    ("in_port", 0, 4, _header(OPENFLOW_BASIC, 0, 4)),
    ("eth_src", 4, 6, _header(0, 2, 6)),
    ("eth_dst", 3, 6, _header(0, 1, 6)),
    ("eth_type", 5, 2, _header(0, 3, 2)),
    ("vlan_vid", 6, 2, _header(OPENFLOW_BASIC, 6, 2)),
    ("ipv4_src", 11, 4, _header(0, 7, 4)),
    ("ipv4_dst", 12, 4, _header(0, 8, 4)),
    ("ip_proto", 10, 1, _header(0, 6, 1)),
    ("arp_op", 21, 2, _header(0, 15, 2)),
    ("arp_spa", 22, 4, _header(0, 16, 4)),
    ("arp_tpa", 23, 4, _header(0, 17, 4)),
    ("arp_sha", 24, 6, _header(1, 17, 6)),
    ("arp_tha", 25, 6, _header(1, 18, 6)),
    ("tun_id", 38, 8, _header(1, 16, 8)),
)
_NICIRA_FIELDS = (("tun_src", 31, 4), ("tun_dst", 32, 4))
"""Fields that OpenFlow does not know: name, number in Nicira's class, octets."""

REGISTER_HEADERS = tuple(_header(NXM_REGISTERS, number, 4) for number in range(16))
"""The headers by which NXAST_REG_LOAD names registers, by number."""


def _spelling(rank: int, oxm_class: int, number: int, width: int, move: int) -> FieldSpelling:
    return FieldSpelling(
        rank,
        _header(oxm_class, number, width).to_bytes(4, "big"),
        _header(oxm_class, number, width, masked=True).to_bytes(4, "big"),
        width,
        move,
    )


def _spellings() -> Iterator[tuple[str, FieldSpelling]]:
    rank = count()
    for name, number, width, move in _PACKET_FIELDS:
        yield name, _spelling(next(rank), OPENFLOW_BASIC, number, width, move)
    for name, number, width in _NICIRA_FIELDS:
        move = _header(NXM_REGISTERS, number, width)
        yield name, _spelling(next(rank), NXM_REGISTERS, number, width, move)
    for number, header in enumerate(REGISTER_HEADERS):
        yield f"reg{number}", _spelling(next(rank), NXM_REGISTERS, number, 4, header)
    move = _header(OPENFLOW_BASIC, 2, 8)
    yield "metadata", _spelling(next(rank), OPENFLOW_BASIC, 2, 8, move)


FIELDS: dict[str, FieldSpelling] = dict(_spellings())
"""All fields that flows can name."""

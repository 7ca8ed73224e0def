"""What flows match on and write: the fields of packets, and our own fields in registers.

A field is matched with `field(value)` or `field(value, mask)`, which make a `Term`. Names, widths
and the order are those of Open vSwitch (ovs-fields(7)). Our own fields are declared in `Registers`
with a sentence each; the register and the bits are allotted, never written by hand.
"""

from functools import lru_cache
from typing import NewType

import msgspec

OfPort = NewType("OfPort", int)
"""The number of a switch port, 32 bits (OpenFlow 1.3.5, 7.2.1)."""

Vni = NewType("Vni", int)
"""The number that packets carry for a network, 24 bits."""


class Term(msgspec.Struct, frozen=True, gc=False):
    """One condition of a match: a field of a packet equals `value` in the bits of `mask`."""

    field: str
    value: int
    mask: int | None = None
    """None means all bits."""


_term = lru_cache(maxsize=1 << 10)(Term)
"""A term. Those of a guest's port, address and network are in many of its flows, and kept once."""


class PacketField:
    """A field of the packet, or what the switch keeps beside it."""

    def __init__(self, name: str, bits: int, doc: str = "") -> None:
        self.name, self.bits, self.__doc__ = name, bits, doc

    def __call__(self, value: int, mask: int | None = None) -> Term:
        """The condition that this field has a value."""
        return _term(self.name, value, mask)

    def __repr__(self) -> str:
        return self.name


in_port = PacketField("in_port", 32)
eth_src = PacketField("eth_src", 48)
eth_dst = PacketField("eth_dst", 48)
eth_type = PacketField("eth_type", 16)
vlan_vid = PacketField("vlan_vid", 16)
"""The VLAN id and OFPVID_PRESENT (OpenFlow 1.3.5, 7.2.3.7); 0 for a packet without a tag."""
ip_proto = PacketField("ip_proto", 8)
ipv4_src = PacketField("ipv4_src", 32)
ipv4_dst = PacketField("ipv4_dst", 32)
arp_op = PacketField("arp_op", 16)
arp_spa = PacketField("arp_spa", 32)
arp_tpa = PacketField("arp_tpa", 32)
arp_sha = PacketField("arp_sha", 48)
arp_tha = PacketField("arp_tha", 48)
tun_id = PacketField("tun_id", 64)
"""The number that a packet carries in a tunnel, there and here."""
tun_src = PacketField("tun_src", 32)
tun_dst = PacketField("tun_dst", 32)
peer = PacketField("metadata", 64, "The host that it is being sent to, as its datapath id.")
"""A number of our own, too, but in OpenFlow's metadata: it is as wide as a datapath id."""


def of_prefix(field: PacketField, address: int, prefix: int) -> tuple[Term, ...]:
    """The conditions that a field of IPv4 addresses is within a prefix; none, if that is any."""
    mask = 0xFFFFFFFF << (32 - prefix) & 0xFFFFFFFF
    return (field(address & mask, None if prefix == 32 else mask),) if prefix else ()


IPV4 = eth_type(0x0800)
IPV6 = eth_type(0x86DD)
ARP = eth_type(0x0806)
RARP = eth_type(0x8035)
UNTAGGED = vlan_vid(0)
"""Else a tagged packet passes for what is behind its tag."""

VLAN_PRESENT = 0x1000
"""The bit of `vlan_vid` that says that there is a tag (OFPVID_PRESENT)."""


def vlan(vlan_id: int) -> Term:
    """The condition that a packet is of a VLAN; of 0, that it has no tag."""
    return vlan_vid(vlan_id | VLAN_PRESENT) if vlan_id else UNTAGGED


class RegisterField:
    """A named slice of a register that a packet carries from table to table."""

    def __init__(self, bits: int, doc: str) -> None:
        self.bits, self.__doc__ = bits, doc
        self.name, self.register, self.offset = "", 0, 0
        self._match: tuple[str, int | None] = "", None

    def allot(self, name: str, register: int, offset: int) -> None:
        """Say what it is called and where it is."""
        self.name, self.register, self.offset = name, register, offset
        mask = None if self.bits == 32 else ((1 << self.bits) - 1) << offset
        self._match = f"reg{register}", mask

    def __call__(self, value: int) -> Term:
        """The condition that this field has a value."""
        self.check(value)
        register, mask = self._match
        return _term(register, value << self.offset, mask)

    def __repr__(self) -> str:
        return self.name

    def check(self, value: int) -> None:
        """Raise ValueError if the field is too narrow for a value."""
        if not 0 <= value < 1 << self.bits:
            raise ValueError(f"{self.name}={value} needs more than {self.bits} bits")


def _allotted(cls: type) -> type:
    """Give each declared field its bits: the first register, in order, that has room for it."""
    used: list[int] = []
    for name, field in vars(cls).items():
        if not isinstance(field, RegisterField):
            continue
        fits = (number for number, bits in enumerate(used) if bits + field.bits <= 32)
        register = next(fits, len(used))
        if register == len(used):
            used.append(0)
        field.allot(name, register, used[register])
        used[register] += field.bits
    return cls


@_allotted
class Registers:
    """What a packet carries from table to table."""

    network = RegisterField(
        24,
        "The network that the packet is on, as its VNI; of one in a segment, that of the segment.",
    )
    sender = RegisterField(
        32, "The sender's IPv4 address of an ARP request, while it is turned around."
    )
    chunk = RegisterField(8, "The chunk of the network's flood list that it is being sent to.")
    from_peer = RegisterField(1, "Whether it came from another host: then it goes to no other.")
    flooded = RegisterField(1, "Whether it is being sent to all members, and not to one.")
    trunk = RegisterField(12, "The VLAN of its trunk that a guest sent it in; 0 without a tag.")
    too_big = RegisterField(1, "Whether it is larger than what passes to the other host.")
    mtu = RegisterField(16, "How large an IPv4 packet to that host may be.")
    learnt = RegisterField(
        2, "What was learnt of the destination: 1 that it is here, 2 on another host; 0 nothing."
    )

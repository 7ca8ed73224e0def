"""ARP and RARP for IPv4 on Ethernet (RFC 826, RFC 903): what says where a guest is."""

import struct

from openvnet.packet.ethernet import Frame, write_frame

ARP, RARP = 0x0806, 0x8035
BROADCAST = 0xFFFFFFFFFFFF

_REQUEST, _REVERSE_REQUEST = 1, 3
_MESSAGE = struct.Struct("!HHBBH6s4s6s4s")
_ETHERNET, _IPV4 = (1, 6), (0x0800, 4)
"""Each with the octets of its addresses."""


def announcement(mac_address: int, ipv4_address: int) -> bytes:
    """The frame by which a machine says that it has an address (RFC 5227, 3)."""
    mac, ipv4 = _octets(mac_address, 6), _octets(ipv4_address, 4)
    return _frame(mac_address, ARP, _message(_REQUEST, mac, ipv4, bytes(6), ipv4))


def reverse_request(mac_address: int) -> bytes:
    """The frame by which a machine asks for its own address: it names a MAC address and no other.

    Nobody answers; hypervisors let switches learn by it where a guest is.
    """
    mac = _octets(mac_address, 6)
    message = _message(_REVERSE_REQUEST, mac, bytes(4), mac, bytes(4))
    return _frame(mac_address, RARP, message)


def _message(operation: int, sha: bytes, spa: bytes, tha: bytes, tpa: bytes) -> bytes:
    (hardware, of_hardware), (protocol, of_protocol) = _ETHERNET, _IPV4
    kinds = hardware, protocol, of_hardware, of_protocol
    return _MESSAGE.pack(*kinds, operation, sha, spa, tha, tpa)


def _frame(source: int, kind: int, message: bytes) -> bytes:
    return write_frame(Frame(BROADCAST, source, kind, message))


def _octets(address: int, count: int) -> bytes:
    return address.to_bytes(count, "big")

"""What features want of an agent beside flows: for vnmgr, for OVSDB, and for people.

A `key` is a place among what is desired.
"""

from collections.abc import Hashable

import msgspec


class TunnelPort(msgspec.Struct, frozen=True):
    """Desired: a port that the bridge must have."""

    name: str
    encapsulation: str

    @property
    def key(self) -> tuple[str, Hashable]:
        """Its place among what is desired."""
        return "tunnel_port", self.name


class Here(msgspec.Struct, frozen=True):
    """Desired: that vnmgr is told that an interface is on this host, and behind which port."""

    interface_uuid: str
    port_name: str
    awaited: bool = False
    """It is known to be elsewhere, until its guest is heard here."""

    @property
    def key(self) -> tuple[str, Hashable]:
        """Its place among what is desired."""
        return "here", self.interface_uuid


class Tunnel(msgspec.Struct, frozen=True):
    """Desired: a tunnel to another host, by which the first packet shall not wait for ARP."""

    port: int
    """The number of the port that it begins at."""
    source: int
    address: int

    @property
    def key(self) -> tuple[str, Hashable]:
        """Its place among what is desired."""
        return "tunnel", (self.port, self.source, self.address)


class Announcement(msgspec.Struct, frozen=True):
    """Desired: that switches which are not ours have learnt that a guest is on this host."""

    vni: int
    mac_address: int
    ipv4_address: int
    port: int
    """The number of the port that it is behind."""
    uplinks: tuple[int, ...]
    """By which such switches are reached."""
    bare: bool
    """They carry its packets between hosts (mac2mac); else it is on their LAN."""

    @property
    def key(self) -> tuple[str, Hashable]:
        """Its place among what is desired."""
        return "announcement", (self.vni, self.mac_address, self.ipv4_address)


class Shortfall(msgspec.Struct, frozen=True):
    """Something that is not as a row asks for, and why: for people."""

    word: str
    """The kind of the row, by its tag."""
    uuid: str
    reason: str

    @property
    def key(self) -> tuple[str, Hashable]:
        """Its place among what is desired."""
        return "shortfall", (self.word, self.uuid)

"""What an agent derives of rows and of the facts of its host: rows that never leave it.

They are yielded by features and go back into State for features of a later stratum; each has a
`key` of its class and its id. A `domain_uuid` is of an L2 domain: a network's uuid, or of those in
a segment the segment's, and `vni` the number of that (`model.domains`).
"""

from collections.abc import Hashable
from typing import ClassVar

import msgspec

RowKey = tuple[type, Hashable]
"""A row's class and id, its key in State."""


CHUNK_SIZE = 256
"""Members of one chunk of a flood list, at most."""

LAST_CHUNK = 255
"""That of the host's own port; the numbers of others are less than 0xff00."""


class Claim(msgspec.Struct, frozen=True, gc=False):
    """Derived: a port that an interface port names; an interface may be claimed by several."""

    indexes: ClassVar = ("interface_uuid",)

    port_name: str
    number: int
    interface_uuid: str

    @property
    def key(self) -> RowKey:
        """Its class and id."""
        return Claim, self.port_name


class Uplink(msgspec.Struct, frozen=True):
    """Derived: a port by which the host's own packets come and go; no guest is behind it."""

    indexes: ClassVar = ("bridge",)

    port_name: str
    number: int
    bridge: str = "bridge"
    """The id of the Bridge row."""

    @property
    def key(self) -> RowKey:
        """Its class and id."""
        return Uplink, self.port_name


class TunnelEnd(msgspec.Struct, frozen=True):
    """Derived: the port that all tunnels of one encapsulation begin and end at."""

    encapsulation: str
    number: int

    @property
    def key(self) -> RowKey:
        """Its class and id."""
        return TunnelEnd, self.encapsulation


class Attachment(msgspec.Struct, frozen=True, gc=False):
    """Derived: the one port of this host behind which an interface is."""

    indexes: ClassVar = ("number",)

    interface_uuid: str
    port_name: str
    number: int
    vlan_id: int = 0
    """The VLAN of the port that it is, if the port is a trunk; 0 for what has no tag."""
    secured: bool = True
    """Whether the interface is to have port security."""

    @property
    def key(self) -> RowKey:
        """Its class and id."""
        return Attachment, self.interface_uuid


class PromiscuousPort(msgspec.Struct, frozen=True):
    """Derived: the port of this host that a promiscuous interface bridges a LAN by."""

    indexes: ClassVar = ("number",)

    interface_uuid: str
    port_name: str
    number: int

    @property
    def key(self) -> RowKey:
        """Its class and id."""
        return PromiscuousPort, self.interface_uuid


class Bridged(msgspec.Struct, frozen=True):
    """Derived: an L2 domain into which a port of this host bridges a LAN; at most one does."""

    indexes: ClassVar = ("domain_uuid", "chunk")

    domain_uuid: str
    vni: int
    interface_uuid: str
    port: int
    chunk: tuple[str, int]
    """The chunk of the domain's flood list: the domain's uuid and the chunk's number."""
    segment: bool = False
    """Whether it is a segment, in which MAC addresses are learnt."""

    @property
    def key(self) -> RowKey:
        """Its class and id."""
        return Bridged, self.domain_uuid


class BridgedAway(msgspec.Struct, frozen=True):
    """Derived: a carried L2 domain into which a port of another host bridges a LAN."""

    indexes: ClassVar = ("place",)

    domain_uuid: str
    vni: int
    place: tuple[str, str]
    """The id of the Peer, if that host carries the domain: domain and datapath."""
    segment: bool = False
    """Whether it is a segment, in which MAC addresses are learnt."""

    @property
    def key(self) -> RowKey:
        """Its class and id."""
        return BridgedAway, self.domain_uuid


class Lan(msgspec.Struct, frozen=True):
    """Derived: the way to a physical network by this host's uplinks."""

    indexes: ClassVar = ("vlan_id",)

    network_uuid: str
    vni: int
    vlan_id: int
    """Of the frames of this network there; 0 if they have no tag."""
    uplinks: tuple[int, ...]
    """The numbers of its ports; if they are several, of one bond."""

    @property
    def key(self) -> RowKey:
        """Its class and id."""
        return Lan, self.network_uuid


class Member(msgspec.Struct, frozen=True, gc=False):
    """Derived: an address that is held by an interface of this host, and so by a port."""

    indexes: ClassVar = ("domain_uuid", "chunk")

    lease_uuid: str
    domain_uuid: str
    vni: int
    subnet: int
    """The first address of the network's subnet, or another one of it."""
    prefix: int
    """The length of its prefix."""
    ipv4_address: int
    mac_address: int
    port: int
    """The number of the port."""
    chunk: tuple[str, int]
    """The chunk of the domain's flood list: the domain's uuid and the chunk's number."""
    bare: tuple[int, ...] = ()
    """The uplinks by which packets for it come without a tunnel."""
    lan: Lan | None = None
    """What its network is here, if that is a physical one."""
    vlan_id: int = 0
    """Of its frames at the port; 0 if they have no tag."""
    awaited: bool = False
    """It may send, but is still on another host, and what is for it goes there."""
    also: tuple[str, ...] = ()
    """Other datapaths that it is bound on while it moves: they get what is for it, too."""

    @property
    def key(self) -> RowKey:
        """Its class and id."""
        return Member, self.lease_uuid


class Station(msgspec.Struct, frozen=True, gc=False):
    """Derived: a MAC address (IEEE 802: a station) of a segment, leased by an interface here."""

    indexes: ClassVar = ("domain_uuid", "chunk")

    lease_uuid: str
    domain_uuid: str
    vni: int
    mac_address: int
    port: int
    """The number of the port."""
    chunk: tuple[str, int]
    """The chunk of the segment's flood list: the segment's uuid and the chunk's number."""
    vlan_id: int = 0
    """Of its frames at the port; 0 if they have no tag."""
    awaited: bool = False
    """It may send, but is still on another host, and what is for it goes there."""
    also: tuple[str, ...] = ()
    """Other datapaths that it is bound on while it moves: they get what is for it, too."""

    @property
    def key(self) -> RowKey:
        """Its class and id."""
        return Station, self.lease_uuid


class OpenPort(msgspec.Struct, frozen=True):
    """Derived: a port of this host without port security, and the one L2 domain that it is in."""

    indexes: ClassVar = ("domain_uuid",)

    interface_uuid: str
    domain_uuid: str
    vni: int
    port: int
    vlan_id: int = 0
    """Of its frames at the port; 0 if they have no tag."""
    segment: bool = False
    """Whether that is a segment: MAC addresses are learnt, and what nobody has may be there."""
    awaited: bool = False
    """It may send, but is still on another host."""

    @property
    def key(self) -> RowKey:
        """Its class and id."""
        return OpenPort, self.interface_uuid


class OpenAway(msgspec.Struct, frozen=True):
    """Derived: another host with a port in a segment that has no port security."""

    indexes: ClassVar = ("domain_uuid",)

    domain_uuid: str
    place: tuple[str, str]
    """The id of the Peer, if that host carries the segment: segment and datapath."""

    @property
    def key(self) -> RowKey:
        """Its class and id."""
        return OpenAway, self.place


class Allowed(msgspec.Struct, frozen=True):
    """Derived: addresses that an interface of this host may use beside those that it leases."""

    pair_uuid: str
    vni: int
    port: int
    mac_address: int
    ipv4_address: int
    """The first of them."""
    prefix: int
    bare: tuple[int, ...] = ()
    """The uplinks by which packets for them come without a tunnel."""
    vlan_id: int = 0
    """Of its frames at the port; 0 if they have no tag."""

    @property
    def key(self) -> RowKey:
        """Its class and id."""
        return Allowed, (self.pair_uuid, self.mac_address)


class Chunk(msgspec.Struct, frozen=True, gc=False):
    """Derived: a chunk of a domain's flood list that has members."""

    indexes: ClassVar = ("domain_uuid",)

    domain_uuid: str
    vni: int
    number: int

    @property
    def key(self) -> RowKey:
        """Its class and id."""
        return Chunk, (self.domain_uuid, self.number)


class HostVlan(msgspec.Struct, frozen=True):
    """Derived: a VLAN id (0 for none) that the host shares with guests in a physical network."""

    vlan_id: int

    @property
    def key(self) -> RowKey:
        """Its class and id."""
        return HostVlan, self.vlan_id


class Carrier(msgspec.Struct, frozen=True):
    """Derived: that and how this host carries an L2 domain to others."""

    domain_uuid: str
    vni: int
    encapsulation: str
    """In which packets come here."""
    address: int
    """At which tunnels end here."""
    underlay: str
    """The network of that address."""
    underlay_mtu: int
    mac_address: int | None
    """To which what is flooded comes without a tunnel."""
    uplinks: tuple[int, ...]
    """The numbers of the ports of its host interface."""

    @property
    def key(self) -> RowKey:
        """Its class and id."""
        return Carrier, self.domain_uuid


class Peer(msgspec.Struct, frozen=True):
    """Derived: another host that carries an L2 domain which this one carries too."""

    indexes: ClassVar = ("encapsulation", "received")

    domain_uuid: str
    datapath_uuid: str
    vni: int
    number: int
    """Its datapath id."""
    encapsulation: str
    """In which packets go there: as that host wants, or geneve where that cannot be."""
    received: str
    """In which they come here, if it can be."""
    source: int
    """Where tunnels begin here."""
    address: int
    """Where they end there."""
    mac_address: int | None
    """To which what is flooded goes without a tunnel."""
    uplinks: tuple[int, ...]
    """By which it goes then."""
    mtu: int
    """The largest IPv4 packet that passes to it."""
    segment: bool = False
    """Whether the domain is a segment, in which MAC addresses are learnt."""

    @property
    def key(self) -> RowKey:
        """Its class and id."""
        return Peer, (self.domain_uuid, self.datapath_uuid)


class NetworkMtu(msgspec.Struct, frozen=True):
    """Derived: how large a network's packets may be, as far as this host has to do with it."""

    network_uuid: str
    octets: int

    @property
    def key(self) -> RowKey:
        """Its class and id."""
        return NetworkMtu, self.network_uuid


class Away(msgspec.Struct, frozen=True):
    """Derived: a leased address of a carried L2 domain, whose interface is on another host."""

    indexes: ClassVar = ("place",)

    lease_uuid: str
    vni: int
    mac_address: int
    place: tuple[str, str]
    """The id of the Peer, if that host carries the domain: domain and datapath."""
    also: tuple[str, ...] = ()
    """Other datapaths that it is bound on while it moves, which get what is for it, too."""

    @property
    def key(self) -> RowKey:
        """Its class and id."""
        return Away, self.lease_uuid


class Hearer(msgspec.Struct, frozen=True):
    """Derived: a peer that has members of a domain, and so must hear what is flooded."""

    indexes: ClassVar = ("chunk",)

    place: tuple[str, str]
    """The id of the Peer."""
    number: int
    """Its datapath id."""
    chunk: tuple[str, int]
    """The chunk of those of its domain that hear: the domain's uuid and the chunk's number."""

    @property
    def key(self) -> RowKey:
        """Its class and id."""
        return Hearer, self.place


class PeerChunk(msgspec.Struct, frozen=True):
    """Derived: a chunk of the hosts that must hear what a domain floods."""

    indexes: ClassVar = ("domain_uuid",)

    domain_uuid: str
    vni: int
    number: int

    @property
    def key(self) -> RowKey:
        """Its class and id."""
        return PeerChunk, (self.domain_uuid, self.number)

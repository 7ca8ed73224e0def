"""Which interface is behind which port of this host, and what its leases amount to there.

    Port --claims--> Claim --first one--> Attachment --each IP lease--> Member, Chunk
      ├── uplink       └── mode host --> Uplink  └── MAC lease in a segment --> Station, Chunk
      └── tunnel --> TunnelEnd                           (elsewhere --> Away)
    Interface of mode internal --> Attachment, of the host's own port

A port belongs to the interface whose interface port names it, by the port's own name or by its
`external_ids:iface-id` (as libvirt and OpenStack set it); an iface-id may also be the interface's
uuid. Where several would do, one is chosen from what they are, never from what came first. The
host's own uplinks, and the ports of tunnels, belong to no interface, whatever rows say.

Where an interface is matters to other hosts if one of its networks is carried to them, or is a LAN
that they are on too. An interface
whose interface ports name one datapath, and no other, is there. Of one whose port may be on any, or
that is bound on two hosts while it moves, only the host that has it can say so: it reports it, and
vnmgr tells the others. While it is bound here and known to be elsewhere, it may send here, and what
is for it goes there.
"""

from collections.abc import Iterator
from typing import NamedTuple

from openvnet.model import (
    ActiveInterface,
    Datapath,
    Interface,
    InterfaceNetwork,
    InterfacePort,
    InterfaceSegment,
    IpLease,
    MacLease,
    Network,
    Segment,
)
from openvnet.model.domains import Domain, domain_of, domain_of_segment, holding_of
from openvnet.model.facts import (
    TUNNEL_PORTS,
    BondMember,
    Bridge,
    Heard,
    Port,
    PortIdentity,
    TunnelInterface,
)
from openvnet.model.host import (
    CHUNK_SIZE,
    LAST_CHUNK,
    Attachment,
    Away,
    Bridged,
    BridgedAway,
    Carrier,
    Chunk,
    Claim,
    Lan,
    Member,
    OpenAway,
    OpenPort,
    PromiscuousPort,
    Station,
    TunnelEnd,
    Uplink,
)
from openvnet.model.wanted import Here, Shortfall
from openvnet.pipeline.flow import LOCAL
from openvnet.state import View

RESERVED = 0xFFFFFF00
"""Port numbers from here on are no guest's: LOCAL is the host itself (OFPP_MAX)."""


_TUNNELS = {name: encapsulation for encapsulation, name in TUNNEL_PORTS.items()}


def claims(port: Port, view: View) -> Iterator[Claim | Uplink | TunnelEnd]:
    """The interface that a port is claimed by, if its row names this port and this datapath."""
    if port.number >= RESERVED:
        return
    if port.name in _TUNNELS:
        found = view.get(TunnelInterface, port.name)
        if found is not None and not found.error:
            yield TunnelEnd(_TUNNELS[port.name], port.number)
        return
    if port.uplink:
        yield Uplink(port.name, port.number)
        return
    for interface_uuid in claimants(port, view)[:1]:
        yield Claim(port.name, port.number, interface_uuid)


def claimants(port: Port, view: View) -> list[str]:
    """The uuids of all interfaces that name a port; the first one has it.

    A name beats an iface-id, that the name of its bond; a row for this datapath beats one for any;
    then the lesser uuid.
    """
    identity = view.get(PortIdentity, port.name)
    bond = view.get(BondMember, port.name)
    names = [port.name]
    if identity and identity.iface_id != port.name:
        names.append(identity.iface_id)
    if bond:
        names.append(bond.bond)
    found = [
        (name_order, row.datapath_uuid is None, row.interface_uuid)
        for name_order, name in enumerate(names)
        for row in view.where(InterfacePort, port_name=name)
        if is_here(row, view)
    ]
    if identity and may_be_here(identity.iface_id, view):
        found.append((len(names), True, identity.iface_id))
    return list(dict.fromkeys(interface_uuid for *_, interface_uuid in sorted(found)))


def is_here(row: InterfacePort, view: View) -> bool:
    """Whether an interface port is of this host's datapath, or of any while this one is known."""
    bridge = view.get(Bridge, "bridge")
    if bridge is None:
        return False
    if row.datapath_uuid is None:
        return view.any(Datapath, dpid=bridge.dpid)
    datapath = view.get(Datapath, row.datapath_uuid)
    return datapath is not None and datapath.dpid == bridge.dpid


def may_be_here(interface_uuid: str, view: View) -> bool:
    """Whether some port of an interface may be on this host."""
    rows = view.where(InterfacePort, interface_uuid=interface_uuid)
    return any(is_here(row, view) for row in rows)


def attachments(claim: Claim, view: View) -> Iterator[Attachment | PromiscuousPort | Uplink]:
    """The port behind which an interface is: of those that claim it, one that is up, or first.

    Every port of an interface of mode `host` is an uplink. Behind a trunk are, too, the interfaces
    that are its VLANs.
    """
    interface = view.get(Interface, claim.interface_uuid)
    if interface is None or interface.parent_interface_uuid is not None:
        return
    if interface.mode == "host":
        yield Uplink(claim.port_name, claim.number)
    if interface.mode not in ("vif", "promiscuous"):
        return
    rivals = view.where(Claim, interface_uuid=claim.interface_uuid)
    if len(rivals) > 1:
        claim = min(rivals, key=lambda rival: (not _is_up(rival, view), rival.number))
    if interface.mode == "promiscuous":
        yield PromiscuousPort(claim.interface_uuid, claim.port_name, claim.number)
        return
    behind = claim.port_name, claim.number
    yield Attachment(interface.uuid, *behind, secured=interface.enable_port_security)
    for child in view.where(Interface, parent_interface_uuid=claim.interface_uuid):
        if child.mode == "vif" and child.vlan_id:
            yield Attachment(child.uuid, *behind, child.vlan_id, child.enable_port_security)


def _is_up(claim: Claim, view: View) -> bool:
    port = view.get(Port, claim.port_name)
    return port is not None and port.up


def members(lease: IpLease, view: View) -> Iterator[Member | Chunk | Away | Here | Shortfall]:
    """What a lease amounts to on this host, once every row that it needs is there."""
    held = holding_of(lease, view)
    if held is None:
        return
    interface_uuid, network, domain, mac_address = held
    carrier = view.get(Carrier, domain.uuid)
    spot = _spot(interface_uuid, domain, carrier, view)
    if spot.attachment and spot.attachment.number == LOCAL and network.mode != "internal":
        why = f"network {network.uuid} is of mode {network.mode}, and the host is on internal ones"
        yield Shortfall("ip_lease", lease.uuid, why)
        return
    yield from _presence(lease.uuid, mac_address, domain, spot)
    if spot.attachment is not None:
        yield Member(
            *(lease.uuid, domain.uuid, domain.vni),
            network.ipv4_network,
            network.ipv4_prefix,
            lease.ipv4_address,
            mac_address,
            spot.attachment.number,
            (domain.uuid, _chunk_number(spot.attachment.number)),
            carrier.uplinks if carrier and carrier.encapsulation == "mac2mac" else (),
            view.get(Lan, network.uuid) if network.mode == "physical" else None,
            spot.attachment.vlan_id,
            spot.elsewhere is not None,
            spot.also,
        )


def stations(
    lease: MacLease, view: View
) -> Iterator[Station | Chunk | Away | Here | OpenAway | Shortfall]:
    """What a MAC lease in a segment amounts to: whatever addresses its guest chooses."""
    if lease.interface_uuid is None or lease.segment_uuid is None:
        return
    segment = view.get(Segment, lease.segment_uuid)
    domain = domain_of_segment(segment) if segment else None
    if domain is None:
        return
    spot = _spot(lease.interface_uuid, domain, view.get(Carrier, domain.uuid), view)
    if spot.attachment and spot.attachment.number == LOCAL:
        why = f"segment {domain.uuid} is no internal network, and the host is on such alone"
        yield Shortfall("mac_lease", lease.uuid, why)
        return
    yield from _presence(lease.uuid, lease.mac_address, domain, spot)
    if spot.attachment is not None:
        yield Station(
            *(lease.uuid, domain.uuid, domain.vni, lease.mac_address, spot.attachment.number),
            (domain.uuid, _chunk_number(spot.attachment.number)),
            spot.attachment.vlan_id,
            spot.elsewhere is not None,
            spot.also,
        )
    if spot.elsewhere is not None and not _is_secured(lease.interface_uuid, view):
        yield OpenAway(domain.uuid, (domain.uuid, spot.elsewhere))


class _Spot(NamedTuple):
    """Where an interface is, as far as one of its L2 domains needs to know."""

    attachment: Attachment | None
    """The port of this host that it is behind."""
    elsewhere: str | None = None
    """The other datapath that it is on, if the domain is shared with others."""
    also: tuple[str, ...] = ()
    """Other datapaths that it is bound on while it moves."""
    told: Here | None = None
    """What vnmgr must be told."""


def _spot(interface_uuid: str, domain: Domain, carrier: Carrier | None, view: View) -> _Spot:
    attachment = view.get(Attachment, interface_uuid)
    if attachment is None:
        there = _datapath_uuid(interface_uuid, view) if carrier else None
        also = _bound_also(interface_uuid, there, view) if there else ()
        return _Spot(None, there, also)
    shared = carrier or view.get(Lan, domain.uuid)
    if not shared or _named_datapath(interface_uuid, view) is not None:
        return _Spot(attachment)
    elsewhere = _reported_elsewhere(interface_uuid, view)
    told = Here(interface_uuid, attachment.port_name, elsewhere is not None)
    if view.get(Heard, interface_uuid) is not None:
        elsewhere = None  # The others will hear of it.
    also = _bound_also(interface_uuid, elsewhere, view) if carrier else ()
    return _Spot(attachment, elsewhere, also, told)


def _presence(
    lease_uuid: str, mac_address: int, domain: Domain, spot: _Spot
) -> Iterator[Chunk | Away | Here]:
    """Where what is for a lease's holder goes, and who must be told of it."""
    if spot.told is not None:
        yield spot.told
    if spot.elsewhere is not None:
        place = domain.uuid, spot.elsewhere
        yield Away(lease_uuid, domain.vni, mac_address, place, spot.also)
    elif spot.attachment is not None:
        yield Chunk(domain.uuid, domain.vni, _chunk_number(spot.attachment.number))


def _chunk_number(port: int) -> int:
    return min(port // CHUNK_SIZE, LAST_CHUNK)


def open_ports(attachment: Attachment, view: View) -> Iterator[OpenPort | Shortfall]:
    """A port without port security: in one domain, or nobody could say which is meant.

    A learnt flow cannot put the tag of a VLAN on a frame.
    """
    uuid = attachment.interface_uuid
    if attachment.secured:
        return
    if attachment.number == LOCAL:
        why = "port security stays on: all that the host sends comes by the same port"
        yield Shortfall("interface", uuid, why)
        return
    stationed, domains = _domains(uuid, view)
    if len(domains) != 1:
        where = "several networks or segments" if domains else "no network or segment"
        yield Shortfall("interface", uuid, f"port security stays on: it is on {where}")
        return
    domain = domains.pop()
    if domain.segment and attachment.vlan_id:
        why = f"it is a VLAN of a trunk, in segment {domain.uuid}"
        yield Shortfall("interface", uuid, f"port security stays on: {why}")
        return
    yield OpenPort(
        *(uuid, domain.uuid, domain.vni, attachment.number, attachment.vlan_id),
        domain in stationed,
        _spot(uuid, domain, view.get(Carrier, domain.uuid), view).elsewhere is not None,
    )


def _is_secured(interface_uuid: str, view: View) -> bool:
    interface = view.get(Interface, interface_uuid)
    return interface is None or interface.enable_port_security


def _domains(interface_uuid: str, view: View) -> tuple[set[Domain], set[Domain]]:
    """The segments that an interface is in by its MAC leases; and all domains that it is in."""
    macs = view.where(MacLease, interface_uuid=interface_uuid)
    segments = (view.get(Segment, lease.segment_uuid) for lease in macs if lease.segment_uuid)
    stationed = {found for each in segments if each and (found := domain_of_segment(each))}
    leases = view.where(IpLease, interface_uuid=interface_uuid)
    networks = (view.get(Network, lease.network_uuid) for lease in leases)
    addressed = {found for each in networks if each and (found := domain_of(each, view))}
    return stationed, stationed | addressed


def bridges(
    row: InterfaceNetwork | InterfaceSegment, view: View
) -> Iterator[Bridged | BridgedAway | Chunk | Here]:
    """A domain into which a promiscuous interface bridges a LAN, here or on another host."""
    interface = view.get(Interface, row.interface_uuid)
    if interface is None or interface.mode != "promiscuous" or not row.static:
        return
    domain = _bridged_domain(row, view)
    if domain is None:
        return
    carrier = view.get(Carrier, domain.uuid)
    port = view.get(PromiscuousPort, interface.uuid)
    if port is None:
        there = _datapath_uuid(interface.uuid, view) if carrier else None
        if there is not None:
            yield BridgedAway(domain.uuid, domain.vni, (domain.uuid, there), domain.segment)
        return
    if carrier and _named_datapath(interface.uuid, view) is None:
        yield Here(interface.uuid, port.port_name)
    place = domain.uuid, _chunk_number(port.number)
    yield Chunk(domain.uuid, domain.vni, place[1])
    yield Bridged(domain.uuid, domain.vni, interface.uuid, port.number, place, domain.segment)


def _bridged_domain(row: InterfaceNetwork | InterfaceSegment, view: View) -> Domain | None:
    if isinstance(row, InterfaceSegment):
        segment = view.get(Segment, row.segment_uuid)
        return domain_of_segment(segment) if segment else None
    network = view.get(Network, row.network_uuid)
    return domain_of(network, view) if network and network.mode != "physical" else None


def _datapath_uuid(interface_uuid: str, view: View) -> str | None:
    """The datapath that an interface is on: the one that its ports name, else as reported."""
    if named := _named_datapath(interface_uuid, view):
        return named
    active = view.where(ActiveInterface, interface_uuid=interface_uuid)
    return active[0].datapath_uuid if active else None


def _reported_elsewhere(interface_uuid: str, view: View) -> str | None:
    """The datapath that an interface was reported to be on, if it is not this one."""
    bridge = view.get(Bridge, "bridge")
    for row in view.where(ActiveInterface, interface_uuid=interface_uuid)[:1]:
        datapath = view.get(Datapath, row.datapath_uuid)
        if datapath is not None and bridge is not None and datapath.dpid != bridge.dpid:
            return row.datapath_uuid
    return None


def _named_datapath(interface_uuid: str, view: View) -> str | None:
    ports = view.where(InterfacePort, interface_uuid=interface_uuid)
    named = {port.datapath_uuid for port in ports}
    return named.pop() if len(named) == 1 else None


def _bound_also(interface_uuid: str, but: str | None, view: View) -> tuple[str, ...]:
    """The other datapaths that an interface's ports name, if they name several, and all by name."""
    ports = view.where(InterfacePort, interface_uuid=interface_uuid)
    named = {port.datapath_uuid for port in ports if port.datapath_uuid}
    if len(named) < 2 or any(port.datapath_uuid is None for port in ports):
        return ()
    bridge = view.get(Bridge, "bridge")
    own = view.ids(Datapath, dpid=bridge.dpid) if bridge else ()
    return tuple(sorted(uuid for uuid in named if uuid not in (but, *own)))


def host_attachments(interface: Interface, view: View) -> Iterator[Attachment | Shortfall]:
    """The host's own port, behind which an interface of mode internal is."""
    if interface.mode != "internal" or not may_be_here(interface.uuid, view):
        return
    leased = {row.mac_address for row in view.where(MacLease, interface_uuid=interface.uuid)}
    for port in view.where(Port, number=LOCAL):
        if port.mac_address in leased and view.any(Uplink, bridge="bridge"):
            why = f"it leases the MAC address of {port.name} itself, by which the host is reached"
            yield Shortfall("interface", interface.uuid, f"{why}; it needs one of its own")
        else:
            secured = interface.enable_port_security
            yield Attachment(interface.uuid, port.name, LOCAL, secured=secured)


PORTS = ((Port, claims),)
INTERFACES = ((Claim, attachments),)
OF_HOST = ((Interface, host_attachments),)
"""Of the stratum of what this host carries: the uplinks are known."""
LEASES = (
    (IpLease, members),
    (MacLease, stations),
    (Attachment, open_ports),
    (InterfaceNetwork, bridges),
    (InterfaceSegment, bridges),
)
"""Each is of a stratum of its own; before that of leases is known what this host carries."""

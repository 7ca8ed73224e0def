"""How large the packets of a network may be: a function of rows, for vnmgr and hosts alike.

An MTU counts octets from the IPv4 header on (RFC 1191). What carries a packet to another host adds
to it, and the underlay has an MTU of its own. The MTU of a network or a segment is what may be sent
from each host to each other; between two hosts in particular more may pass (`path_mtu`).
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from openvnet.model.domains import in_segment
from openvnet.model.network import IpLease, Network, Segment
from openvnet.model.relations import DatapathNetwork, DatapathSegment
from openvnet.model.rows import Rows

UNDERLAY = 1500
"""Of an underlay of which nothing is said (Ethernet, RFC 894)."""

_ETHERNET, _IPV4, _UDP = 14, 20, 8
OVERHEADS: Mapping[str, int] = {
    "geneve": _IPV4 + _UDP + 8 + _ETHERNET,  # RFC 8926, 3.1; without options.
    "vxlan": _IPV4 + _UDP + 8 + _ETHERNET,  # RFC 7348, 5.
    "gre": _IPV4 + 4 + 4 + _ETHERNET,  # RFC 2784, 2.1, and the key of RFC 2890.
    "mac2mac": 0,
}
"""Octets that each encapsulation puts before a guest's IPv4 header."""

FALLBACK = "geneve"
"""What packets come in where mac2mac cannot be."""


class Mtu(NamedTuple):
    """How large the packets of a network or a segment may be."""

    octets: int
    origin: str
    """Where that comes from, in words."""


def end_of(row: DatapathNetwork | DatapathSegment, rows: Rows) -> IpLease | None:
    """Where tunnels end: the lease that is named, else the first one of the interface."""
    if row.ip_lease_uuid is not None:
        lease = rows.get(IpLease, row.ip_lease_uuid)
        return lease if lease and lease.interface_uuid == row.interface_uuid else None
    leases = rows.where(IpLease, interface_uuid=row.interface_uuid)
    return leases[0] if leases else None


def underlay_mtu(network_uuid: str, rows: Rows) -> int:
    """Of the network that hosts' own addresses are in."""
    underlay = rows.get(Network, network_uuid)
    return (underlay and underlay.mtu) or UNDERLAY


def path_mtu(given: int | None, encapsulation: str, underlays: Iterable[int]) -> int:
    """How large packets may be on the way to a host, over underlays of these MTUs.

    `given` is the MTU that a network was given; a segment is given none.
    """
    fitting = min(underlays) - OVERHEADS[encapsulation]
    return fitting if given is None else min(fitting, given)


def network_mtu(network: Network, rows: Rows) -> Mtu:
    """The MTU of a network: what is given, else what passes between all hosts that carry it."""
    if network.mtu is None:
        return _of_network(network, rows)
    fitting, origin = _of_network(network, rows)
    if network.mode == "virtual" and fitting < network.mtu:
        return Mtu(network.mtu, f"given; between hosts no more than {fitting} pass: {origin}")
    return Mtu(network.mtu, "given")


def segment_mtu(segment: Segment, rows: Rows) -> Mtu:
    """The MTU of a segment: what passes between all hosts that carry it."""
    carried = rows.where(DatapathSegment, segment_uuid=segment.uuid)
    return _derived(carried, rows, never_bare=True)


def _of_network(network: Network, rows: Rows) -> Mtu:
    if in_segment(network):
        carried = rows.where(DatapathSegment, segment_uuid=network.segment_uuid)
        return _derived(carried, rows, never_bare=True)
    if network.mode != "virtual":
        return _derived((), rows)
    return _derived(rows.where(DatapathNetwork, network_uuid=network.uuid), rows)


def _derived(
    carried: Iterable[DatapathNetwork | DatapathSegment], rows: Rows, *, never_bare: bool = False
) -> Mtu:
    ends = {
        (row.encapsulation, never_bare or row.mac_address is None, end.network_uuid)
        for row in carried
        if (end := end_of(row, rows))
    }
    if not ends:
        return Mtu(UNDERLAY, "as of Ethernet")
    underlays = {uuid for *_, uuid in ends}
    used = {_used(encapsulation, bare or len(underlays) > 1) for encapsulation, bare, _ in ends}
    least = min(underlay_mtu(uuid, rows) for uuid in underlays)
    longest = max(used, key=lambda each: (OVERHEADS[each], each))
    origin = f"an underlay of {least}, less {OVERHEADS[longest]} for {longest}"
    return Mtu(least - OVERHEADS[longest], origin)


def _used(encapsulation: str, never_bare: bool) -> str:
    return FALLBACK if encapsulation == "mac2mac" and never_bare else encapsulation

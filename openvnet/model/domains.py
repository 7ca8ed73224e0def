"""L2 domains: a network by itself, or a segment together with all networks that are in it.

What reaches whom without a router is decided by domain, so networks of one segment are as subnets
on one wire. Uuids of networks and segments never clash, and numbers (VNI) are of one space.
"""

from typing import NamedTuple

from openvnet.model.facts import Bridge
from openvnet.model.network import Datapath, IpLease, MacLease, Network, Segment
from openvnet.model.rows import Rows


class Domain(NamedTuple):
    """An L2 domain."""

    uuid: str
    """Of the network or the segment."""
    vni: int
    segment: bool = False


def in_segment(network: Network) -> bool:
    """Whether a network is part of a segment: only overlays are, whatever else names one."""
    return network.segment_uuid is not None and network.mode == "virtual"


def domain_of(network: Network, rows: Rows) -> Domain | None:
    """The domain that a network is part of; None while that has no number."""
    if network.segment_uuid is not None and in_segment(network):
        segment = rows.get(Segment, network.segment_uuid)
        return domain_of_segment(segment) if segment else None
    return Domain(network.uuid, network.vni) if network.vni else None


class Holding(NamedTuple):
    """An address of a network that an interface holds, on whichever host it is."""

    interface_uuid: str
    network: Network
    domain: Domain
    mac_address: int


def holding_of(lease: IpLease, rows: Rows) -> Holding | None:
    """What is held by an IP lease; None until every row that it needs is there."""
    if lease.interface_uuid is None or lease.mac_lease_uuid is None:
        return None
    mac = rows.get(MacLease, lease.mac_lease_uuid)
    network = rows.get(Network, lease.network_uuid)
    domain = domain_of(network, rows) if network else None
    if mac is None or network is None or domain is None:
        return None
    if mac.interface_uuid != lease.interface_uuid:
        return None
    return Holding(lease.interface_uuid, network, domain, mac.mac_address)


def domain_of_segment(segment: Segment) -> Domain | None:
    """The domain that a segment is; None while it has no number."""
    return Domain(segment.uuid, segment.vni, segment=True) if segment.vni else None


def host_learns(rows: Rows) -> bool:
    """Whether this host's switch learns the MAC addresses of segments."""
    bridge = rows.get(Bridge, "bridge")
    own = rows.where(Datapath, dpid=bridge.dpid) if bridge else []
    return bool(own) and all(datapath.enable_ovs_learn_action for datapath in own)

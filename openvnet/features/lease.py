"""What an IP lease amounts to on this host: the question that most features ask first."""

from typing import NamedTuple

from openvnet.model import Interface, IpLease, MacLease, Network
from openvnet.model.host import Attachment
from openvnet.state import View


class Holding(NamedTuple):
    """An address in a network, with the MAC that it goes with."""

    network: Network
    mac: int
    port: int | None
    """The number of the port of this host that its holder is behind, if it is here."""


def holding(lease: IpLease, view: View) -> Holding | None:
    """What a lease amounts to; None while a row that it needs is missing."""
    if lease.interface_uuid is None or lease.mac_lease_uuid is None:
        return None
    mac = view.get(MacLease, lease.mac_lease_uuid)
    network = view.get(Network, lease.network_uuid)
    if mac is None or mac.interface_uuid != lease.interface_uuid or not network or not network.vni:
        return None
    interface = view.get(Interface, lease.interface_uuid)
    if interface is None or interface.mode != "vif":
        return None
    attachment = view.get(Attachment, lease.interface_uuid)
    return Holding(network, mac.mac_address, attachment.number if attachment else None)

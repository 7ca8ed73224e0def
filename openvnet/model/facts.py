"""Facts that an agent finds on its own host: the switch tells of them, and OVSDB."""

from collections.abc import Mapping
from typing import ClassVar

import msgspec

TUNNEL_PORTS: Mapping[str, str] = {
    "geneve": "vnet-geneve",
    "vxlan": "vnet-vxlan",
    "gre": "vnet-gre",
}
"""The names of the ports that tunnels begin and end at, by encapsulation. No guest has them."""


class Bridge(msgspec.Struct, frozen=True, tag="bridge", tag_field="kind"):
    """The switch that this agent controls. Its id in State is "bridge"."""

    dpid: str
    """As in `Datapath.dpid`."""


class Port(msgspec.Struct, frozen=True, gc=False, tag="port", tag_field="kind"):
    """A port of the switch, as OpenFlow's port status has it. Its id in State is its name."""

    indexes: ClassVar = ("number",)

    name: str
    number: int
    up: bool
    uplink: bool = False
    """It is named as an uplink, or a physical NIC: the host's own, and no guest's."""
    mac_address: int = 0
    """Of the bridge's own port: the address that the host sends with. Of others it is not kept."""


class PortIdentity(msgspec.Struct, frozen=True, tag="port_identity", tag_field="kind"):
    """What OVSDB says of a port, as libvirt or OpenStack wrote it. Its id in State is its name."""

    name: str
    iface_id: str


class BondMember(msgspec.Struct, frozen=True, tag="bond_member", tag_field="kind"):
    """What OVSDB says of a port that is one of several of a bond. Its id in State is its name."""

    indexes: ClassVar = ("bond",)

    name: str
    bond: str
    """The name of the bond, which is a port in OVSDB only."""


class TunnelInterface(msgspec.Struct, frozen=True, tag="tunnel_interface", tag_field="kind"):
    """What OVSDB says of a port with the name of a tunnel's. Its id in State is its name."""

    name: str
    error: str = ""
    """Why it is no tunnel; empty if it is ours, and Open vSwitch could make it."""


class Heard(msgspec.Struct, frozen=True, tag="heard", tag_field="kind"):
    """What this host alone knows yet: a guest that was to move here has sent something here.

    Its id in State is the interface's uuid. It is forgotten once the rows say so, too.
    """

    interface_uuid: str


Fact = Bridge | Port | PortIdentity | BondMember | TunnelInterface | Heard
"""What an agent keeps over a restart, beside the rows that vnmgr sent."""

"""What this host must hear about: its own datapath, and whatever its ports may belong to.

The agent asks for these roots only. vnmgr, which has all rows, follows them on to interfaces and
networks, so that a port that appears costs one round trip (`manager.scopes`).
"""

from collections.abc import Hashable, Iterator
from typing import Literal

import msgspec

from openvnet.model.facts import TUNNEL_PORTS, BondMember, Bridge, Port, PortIdentity
from openvnet.state import View


class Subscription(msgspec.Struct, frozen=True, gc=False):
    """A part of the world to hear about."""

    kind: Literal["datapath", "port"]
    name: str

    @property
    def key(self) -> tuple[Hashable, str]:
        """Its place among what is desired."""
        return ("subscription", self.kind), self.name


def own_datapath(bridge: Bridge, _: View) -> Iterator[Subscription]:
    """The datapath that this bridge is."""
    yield Subscription("datapath", bridge.dpid)


def port_names(port: Port, view: View) -> Iterator[Subscription]:
    """The names by which interface ports may mean a port; none may mean one of tunnels."""
    if port.name in TUNNEL_PORTS.values():
        return
    yield Subscription("port", port.name)
    identity = view.get(PortIdentity, port.name)
    if identity is not None:
        yield Subscription("port", identity.iface_id)


def bond_names(member: BondMember, _: View) -> Iterator[Subscription]:
    """The name of a bond, by which interface ports may mean its members."""
    yield Subscription("port", member.bond)


FEATURES = ((Bridge, own_datapath), (Port, port_names), (BondMember, bond_names))

"""What is known of a host at one moment, as plain values; `gathering` finds them out."""

from typing import Any

import msgspec

from openvnet.host.joining import Reached
from openvnet.host.places import Places
from openvnet.host.processes import Process
from openvnet.host.saying import Says
from openvnet.host.switch import Bridge, Controller, Switch


class Unknown(msgspec.Struct, frozen=True, tag=True):
    """A fact that cannot be had, and why; the text begins without a capital letter."""

    why: str


class Software(msgspec.Struct, frozen=True):
    """What runs this very command."""

    openvnet: str
    python: str
    system: str
    user: int


class Directory(msgspec.Struct, frozen=True):
    """One of our directories."""

    path: str
    exists: bool
    writable: bool
    owner: int = 0
    free: int = 0
    """Bytes that may still be written."""
    inodes: int = 1
    """Files that may still be made."""


class Store(msgspec.Struct, frozen=True):
    """The database of vnmgr, on disk."""

    path: str
    owner: int
    problems: tuple[str, ...]
    """What SQLite's quick check says, if it is not well."""
    revision: int | None
    written: float | None
    """When the newest revision was written, in seconds since 1970."""


class Uplink(msgspec.Struct, frozen=True):
    """A port by which a host reaches an underlay, as an interface of mode host says."""

    port_name: str
    datapath_uuid: str | None
    """None: on any."""
    network_uuid: str
    mtu: int
    """Of the underlay."""
    interface_uuid: str = ""
    absent: tuple[str, ...] = ()
    """Addresses that it leases there, and that this host has not."""


class Live(msgspec.Struct, frozen=True):
    """What vnmgr says, through webapi."""

    revision: int | None
    nodes: dict[str, dict[str, Any]]
    """The hosts whose vna is connected, by node id, as the API shows them."""
    datapaths: tuple[dict[str, Any], ...]
    interfaces: tuple[dict[str, Any], ...] = ()
    """With their status."""
    unasked: int = 0
    """Interfaces that there was no time to ask for."""
    away: dict[str, dict[str, Any]] = {}
    """The nodes that are declared or refused, and not connected."""
    uplinks: tuple[Uplink, ...] = ()
    """Of all hosts."""


class Facts(msgspec.Struct, frozen=True):
    """All of it."""

    now: float
    places: Places
    ovsdb: str
    listen: str
    """Where the bridge is to find vna: host:port."""
    bridge_name: str
    software: Software
    directories: dict[str, Directory | Unknown]
    """By what they are for: state, run, log."""
    switch: Switch | Unknown
    vswitchd: Process | Unknown | None
    """None: it does not run."""
    vswitchd_version: str | Unknown
    kernel_has_openvswitch: bool
    vnmgr: Process | Unknown | None
    webapi: Process | Unknown | None
    vna: Process | Unknown | None
    """Who listens where the bridge is to find vna."""
    webapi_version: str | Unknown
    live: Live | Unknown
    store: Store | Unknown | None
    """None: there is no such file here."""
    synchronised: bool | None
    """Whether something keeps the clock right; None if the kernel does not say."""
    upstream: Reached | Unknown | None = None
    """How this host finds the vnmgr that it has joined; None if it has joined none."""
    vna_says: Says | Unknown | None = None
    """How this host's vna fares, as it says itself; None if it does not answer."""

    @property
    def follows(self) -> Reached | None:
        """The vnmgr elsewhere that this host has joined, unless one runs here."""
        return self.upstream if isinstance(self.upstream, Reached) and not self.vnmgr else None

    @property
    def said(self) -> Says | None:
        """What this host's vna says of itself, if it does."""
        return self.vna_says if isinstance(self.vna_says, Says) else None

    @property
    def bridge(self) -> Bridge | None:
        """The bridge that OpenVNet has here, if there is one."""
        if isinstance(self.switch, Unknown):
            return None
        target = f"tcp:{self.listen}"
        asking = (
            bridge
            for bridge in self.switch.bridges
            if any(controller.target == target for controller in bridge.controllers)
        )
        return self.switch.bridge(self.bridge_name) or next(asking, None)

    def reaches(self, controller: Controller) -> bool:
        """Whether a bridge is connected; Open vSwitch's own word is up to 5 s late."""
        if controller.target != f"tcp:{self.listen}":
            return controller.connected
        serves = self.node is not None and self.node[1]["state"] == "in sync"
        serves |= self.said is not None and self.said.connected
        return self.vna is not None and (controller.connected or serves)

    @property
    def datapaths(self) -> list[dict[str, Any]]:
        """The rows that declare this host's bridge, as far as vnmgr could be asked."""
        if self.bridge is None or isinstance(self.live, Unknown):
            return []
        return [row for row in self.live.datapaths if row["dpid"] == self.bridge.dpid]

    @property
    def node(self) -> tuple[str, dict[str, Any]] | None:
        """The vna of this host as vnmgr knows it, with its node id."""
        if self.bridge is None or isinstance(self.live, Unknown):
            return None
        nodes = self.live.nodes.items()
        return next((item for item in nodes if item[1]["dpid"] == self.bridge.dpid), None)

"""What is asked of a row beside what holds of all rows: as vnmgr asks when one is made.

The original asked less, or asked it wrongly; so its rows are asked again.
"""

from collections.abc import Callable, Mapping
from typing import Any

from openvnet import model
from openvnet.consistency import Known
from openvnet.model import Row, attributes
from openvnet.model.scalars import show_ipv4, show_mac

UNDERLAY, OVERLAY = "simple_underlay", "simple_overlay"
TWINS: Mapping[type[Any], tuple[str, ...]] = {
    model.FilterStatic: ("uuid", "action"),
    model.TranslationStaticAddress: ("uuid", "route_link_uuid"),
}
"""Of what no two may say the same, and what does not count in that."""


class Rules:
    """The rules, with what they must remember of the rows that were taken."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._said: dict[tuple[Any, ...], str] = {}
        self._places: dict[str, set[str | None]] = {}
        """The datapaths of each interface's ports."""
        self.addresses: dict[str, list[str]] = {}
        """The IP leases of each interface."""
        self._rules: Mapping[type[Any], Callable[[Any], str]] = {
            model.IpLease: self._ip_lease,
            model.IpRange: self._ip_range,
            model.MacRange: self._mac_range,
            model.FilterStatic: self._static_rule,
            model.TranslationStaticAddress: self._static_address,
            model.DnsService: self._dns_service,
            model.TopologyDatapath: self._topology_datapath,
            model.TopologyMacRangeGroup: lambda row: self._mode(row.topology_uuid, UNDERLAY),
            model.TopologyRouteLink: lambda row: self._mode(row.topology_uuid, OVERLAY),
            model.TopologyLayer: self._layer,
            model.DatapathNetwork: self._carrier,
            model.DatapathSegment: self._carrier,
            model.DatapathRouteLink: self._carrier,
        }

    def complaint(self, row: Row) -> str:
        """What is wrong with a row, in words; nothing if it is right.

        What it refers to must be there, or nothing is said: that is another's complaint.
        """
        rule = self._rules.get(type(row))
        try:
            wrong = rule(row) if rule else ""
        except KeyError:
            return ""
        if not wrong and (twin := self._said.get(_essence(row))):
            return f"it says the same as {twin}"
        return wrong

    def took(self, row: Row) -> None:
        """Remember a row that was found right."""
        if type(row) in TWINS:
            self._said[_essence(row)] = row.uuid
        if isinstance(row, model.InterfacePort):
            self._places.setdefault(row.interface_uuid, set()).add(row.datapath_uuid)
        if isinstance(row, model.IpLease) and row.interface_uuid:
            self.addresses.setdefault(row.interface_uuid, []).append(row.uuid)

    def _ip_lease(self, row: model.IpLease) -> str:
        network = self._known.rows[model.Network][row.network_uuid]
        if (row.ipv4_address ^ network.ipv4_network) >> (32 - network.ipv4_prefix):
            subnet = f"{show_ipv4(network.ipv4_network)}/{network.ipv4_prefix}"
            address = show_ipv4(row.ipv4_address)
            return f"ipv4_address {address} is not in network {network.uuid}, {subnet}"
        return ""

    def _ip_range(self, row: model.IpRange) -> str:
        first, last = row.begin_ipv4_address, row.end_ipv4_address
        return _order(first, last, show_ipv4(first), show_ipv4(last))

    def _mac_range(self, row: model.MacRange) -> str:
        first, last = row.begin_mac_address, row.end_mac_address
        return _order(first, last, show_mac(first), show_mac(last))

    def _static_rule(self, row: model.FilterStatic) -> str:
        ports = (row.src_port, row.dst_port)
        if row.protocol in ("tcp", "udp"):
            if None in ports:
                return f"protocol {row.protocol} needs both ports, or 0 for any"
        elif ports != (None, None):
            return f"protocol {row.protocol} has no ports"
        for side in ("src", "dst"):
            if getattr(row, f"{side}_prefix") and not getattr(row, f"{side}_address"):
                return f"{side}_prefix must be 0 where {side}_address is 0.0.0.0"
        return ""

    def _static_address(self, row: model.TranslationStaticAddress) -> str:
        if (row.ingress_port_number is None) != (row.egress_port_number is None):
            return "one of its two ports is missing, so the original never used it"
        return ""

    def _dns_service(self, row: model.DnsService) -> str:
        service = self._known.rows[model.NetworkService][row.network_service_uuid]
        if service.mode != "dns":
            return f"network service {service.uuid} is of mode {service.mode}, not dns"
        return ""

    def _topology_datapath(self, row: model.TopologyDatapath) -> str:
        return self._mode(row.topology_uuid, UNDERLAY) or self._carrier(row)

    def _layer(self, row: model.TopologyLayer) -> str:
        return self._mode(row.overlay_uuid, OVERLAY) or self._mode(row.underlay_uuid, UNDERLAY)

    def _mode(self, topology_uuid: str, mode: str) -> str:
        topology = self._known.rows[model.Topology][topology_uuid]
        if topology.mode != mode:
            return f"topology {topology.uuid} is of mode {topology.mode}, and this needs {mode}"
        return ""

    def _carrier(self, row: Any) -> str:
        """Of a host's interface with a port there, packets leave the datapath."""
        interface = self._known.rows[model.Interface][row.interface_uuid]
        if interface.mode != "host":
            return f"interface {interface.uuid} is of mode {interface.mode}, not host"
        if not self._places.get(interface.uuid, set()) & {None, row.datapath_uuid}:
            return f"interface {interface.uuid} has no port on datapath {row.datapath_uuid}"
        lease = row.ip_lease_uuid
        if lease is not None and lease not in self.addresses.get(interface.uuid, ()):
            return f"IP lease {lease} is not of interface {interface.uuid}"
        return ""


def _order(first: int, last: int, begin: str, end: str) -> str:
    return f"it begins at {begin}, after its end {end}" if first > last else ""


def _essence(row: Row) -> tuple[Any, ...]:
    """All that a row says, of the kinds of which no two may say the same."""
    kind = type(row)
    if kind not in TWINS:
        return ()
    besides = TWINS[kind]
    return (kind, *(getattr(row, name) for name in attributes(kind) if name not in besides))

"""The rules: what is special about each resource when it is made, changed or acted on.

Whatever is not named here is as its declaration says, and no more.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from openvnet.manager.bridging import interface_network_rows, interface_segment_rows
from openvnet.manager.carrying import carried_rows, changed_carried, topology_datapath_rows
from openvnet.manager.filters import (
    allowed_address_pair_rows,
    described_pair,
    described_static_rule,
    static_rule_rows,
)
from openvnet.manager.interfaces import changed_interface, interface_rows, renamed_interface
from openvnet.manager.leases import (
    attached,
    changed_ip_lease,
    changed_mac_lease,
    ip_lease_rows,
    mac_lease_rows,
    released,
)
from openvnet.manager.networks import network_rows, segment_rows
from openvnet.manager.nodes import accepted, changed_node, node_rows, renewed, revoked
from openvnet.manager.policies import made_lease_rows, policy_interface_rows, retention_rows
from openvnet.manager.ports import port_rows
from openvnet.manager.projects import changed_network, token_rows
from openvnet.manager.ranges import ip_range_rows, mac_range_rows
from openvnet.manager.routing import (
    changed_route,
    changed_route_link,
    described_static_address,
    route_link_rows,
    route_rows,
    static_address_rows,
)
from openvnet.manager.services import dns_service_rows
from openvnet.manager.topologies import (
    changed_topology,
    in_topology,
    layer_rows,
    topology_rows,
)
from openvnet.model import (
    AllowedAddressPair,
    DatapathNetwork,
    DatapathRouteLink,
    DatapathSegment,
    DnsService,
    FilterStatic,
    Interface,
    InterfaceNetwork,
    InterfacePort,
    InterfaceSegment,
    IpLease,
    IpRange,
    IpRetention,
    LeasePolicy,
    LeasePolicyInterface,
    MacLease,
    MacRange,
    Network,
    Node,
    Route,
    RouteLink,
    Row,
    Segment,
    Token,
    Topology,
    TopologyDatapath,
    TopologyLayer,
    TopologyMacRangeGroup,
    TopologyRouteLink,
    TranslationStaticAddress,
)
from openvnet.store.transaction import Transaction

Values = Mapping[str, Any]
Creation = Callable[[Transaction, Values], Iterator[Row]]
Rule = Callable[[Transaction, Any, Values], Iterator[Row]]
Description = Callable[[Values], Values]


def _in_topology(kind: type[Any]) -> Creation:
    def rows(transaction: Transaction, values: Values) -> Iterator[Row]:
        yield in_topology(transaction, kind(**values))

    return rows


CREATIONS: Mapping[type[Any], Creation] = {
    Token: token_rows,
    Segment: segment_rows,
    Network: network_rows,
    Interface: interface_rows,
    InterfacePort: port_rows,
    AllowedAddressPair: allowed_address_pair_rows,
    MacLease: mac_lease_rows,
    IpLease: ip_lease_rows,
    IpRange: ip_range_rows,
    MacRange: mac_range_rows,
    IpRetention: retention_rows,
    RouteLink: route_link_rows,
    Route: route_rows,
    TranslationStaticAddress: static_address_rows,
    DnsService: dns_service_rows,
    FilterStatic: static_rule_rows,
    LeasePolicyInterface: policy_interface_rows,
    Topology: topology_rows,
    TopologyDatapath: topology_datapath_rows,
    TopologyMacRangeGroup: _in_topology(TopologyMacRangeGroup),
    TopologyRouteLink: _in_topology(TopologyRouteLink),
    TopologyLayer: layer_rows,
    InterfaceNetwork: interface_network_rows,
    InterfaceSegment: interface_segment_rows,
    DatapathNetwork: carried_rows(DatapathNetwork),
    DatapathSegment: carried_rows(DatapathSegment),
    DatapathRouteLink: carried_rows(DatapathRouteLink),
    Node: node_rows,
}
CHANGES: Mapping[type[Any], Rule] = {
    Network: changed_network,
    Interface: changed_interface,
    MacLease: changed_mac_lease,
    IpLease: changed_ip_lease,
    RouteLink: changed_route_link,
    Route: changed_route,
    DatapathNetwork: changed_carried,
    DatapathSegment: changed_carried,
    DatapathRouteLink: changed_carried,
    Node: changed_node,
    Topology: changed_topology,
}
ACTIONS: Mapping[tuple[type[Any], str], Rule] = {
    (Interface, "rename"): renamed_interface,
    (IpLease, "attach"): attached,
    (IpLease, "release"): released,
    (Node, "accept"): accepted,
    (Node, "renew"): renewed,
    (Node, "revoke"): revoked,
    (LeasePolicy, "ip_leases"): made_lease_rows,
}
DESCRIPTIONS: Mapping[type[Any], Description] = {
    AllowedAddressPair: described_pair,
    FilterStatic: described_static_rule,
    TranslationStaticAddress: described_static_address,
}
"""What is deleted by its values: the fields that it then has."""

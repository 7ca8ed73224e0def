"""The vocabulary: every resource declared once, as frozen rows."""

from openvnet.model.addresses import (
    IP_LEASE_CONTAINER_IP_LEASES,
    IP_LEASE_CONTAINERS,
    IP_RANGE_GROUPS,
    IP_RANGES,
    IP_RETENTION_CONTAINERS,
    IP_RETENTIONS,
    MAC_RANGE_GROUPS,
    MAC_RANGES,
    IpLeaseContainer,
    IpLeaseContainerIpLease,
    IpRange,
    IpRangeGroup,
    IpRetention,
    IpRetentionContainer,
    MacRange,
    MacRangeGroup,
)
from openvnet.model.filtering import (
    ALLOWED_ADDRESS_PAIRS,
    FILTER_STATICS,
    FILTERS,
    AllowedAddressPair,
    Filter,
    FilterStatic,
)
from openvnet.model.network import (
    DATAPATHS,
    INTERFACE_PORTS,
    INTERFACES,
    IP_LEASES,
    MAC_LEASES,
    NETWORKS,
    SEGMENTS,
    Datapath,
    Interface,
    InterfacePort,
    IpLease,
    MacLease,
    Network,
    Segment,
)
from openvnet.model.nodes import NODES, Node
from openvnet.model.policies import (
    LEASE_POLICIES,
    LEASE_POLICY_INTERFACES,
    LEASE_POLICY_IP_LEASE_CONTAINERS,
    LEASE_POLICY_IP_RETENTION_CONTAINERS,
    LEASE_POLICY_NETWORKS,
    LeasePolicy,
    LeasePolicyInterface,
    LeasePolicyIpLeaseContainer,
    LeasePolicyIpRetentionContainer,
    LeasePolicyNetwork,
)
from openvnet.model.projects import (
    DEFAULT_PROJECT,
    NETWORK_PROJECTS,
    PROJECTS,
    QUOTAS,
    TOKENS,
    NetworkProject,
    Project,
    Quota,
    Rights,
    Token,
)
from openvnet.model.relations import (
    ACTIVE_INTERFACES,
    DATAPATH_NETWORKS,
    DATAPATH_ROUTE_LINKS,
    DATAPATH_SEGMENTS,
    INTERFACE_NETWORKS,
    INTERFACE_ROUTE_LINKS,
    INTERFACE_SEGMENTS,
    ActiveInterface,
    DatapathNetwork,
    DatapathRouteLink,
    DatapathSegment,
    InterfaceNetwork,
    InterfaceRouteLink,
    InterfaceSegment,
)
from openvnet.model.resource import Attribute, Resource, attributes, indexes
from openvnet.model.routing import (
    ROUTE_LINKS,
    ROUTES,
    TRANSLATION_STATIC_ADDRESSES,
    TRANSLATIONS,
    Route,
    RouteLink,
    Translation,
    TranslationStaticAddress,
)
from openvnet.model.services import (
    DNS_RECORDS,
    DNS_SERVICES,
    NETWORK_SERVICES,
    DnsRecord,
    DnsService,
    NetworkService,
)
from openvnet.model.topology import (
    TOPOLOGIES,
    TOPOLOGY_DATAPATHS,
    TOPOLOGY_LAYERS,
    TOPOLOGY_MAC_RANGE_GROUPS,
    TOPOLOGY_NETWORKS,
    TOPOLOGY_ROUTE_LINKS,
    TOPOLOGY_SEGMENTS,
    Topology,
    TopologyDatapath,
    TopologyLayer,
    TopologyMacRangeGroup,
    TopologyNetwork,
    TopologyRouteLink,
    TopologySegment,
)

RESOURCES = (
    PROJECTS,
    QUOTAS,
    TOKENS,
    DATAPATHS,
    SEGMENTS,
    NETWORKS,
    NETWORK_PROJECTS,
    INTERFACES,
    INTERFACE_PORTS,
    ALLOWED_ADDRESS_PAIRS,
    MAC_LEASES,
    IP_LEASES,
    IP_RANGE_GROUPS,
    IP_RANGES,
    MAC_RANGE_GROUPS,
    MAC_RANGES,
    IP_LEASE_CONTAINERS,
    IP_LEASE_CONTAINER_IP_LEASES,
    IP_RETENTION_CONTAINERS,
    IP_RETENTIONS,
    ROUTE_LINKS,
    ROUTES,
    TRANSLATIONS,
    TRANSLATION_STATIC_ADDRESSES,
    NETWORK_SERVICES,
    DNS_SERVICES,
    DNS_RECORDS,
    FILTERS,
    FILTER_STATICS,
    LEASE_POLICIES,
    LEASE_POLICY_NETWORKS,
    LEASE_POLICY_INTERFACES,
    LEASE_POLICY_IP_LEASE_CONTAINERS,
    LEASE_POLICY_IP_RETENTION_CONTAINERS,
    TOPOLOGIES,
    TOPOLOGY_DATAPATHS,
    TOPOLOGY_NETWORKS,
    TOPOLOGY_SEGMENTS,
    TOPOLOGY_ROUTE_LINKS,
    TOPOLOGY_MAC_RANGE_GROUPS,
    TOPOLOGY_LAYERS,
    DATAPATH_NETWORKS,
    DATAPATH_SEGMENTS,
    DATAPATH_ROUTE_LINKS,
    INTERFACE_NETWORKS,
    INTERFACE_SEGMENTS,
    INTERFACE_ROUTE_LINKS,
    ACTIVE_INTERFACES,
    NODES,
)
"""All resources; a resource comes after those that it refers to."""

Row = (
    Project
    | Quota
    | Token
    | NetworkProject
    | Datapath
    | Segment
    | Network
    | Interface
    | InterfacePort
    | MacLease
    | IpLease
    | IpRangeGroup
    | IpRange
    | MacRangeGroup
    | MacRange
    | IpLeaseContainer
    | IpLeaseContainerIpLease
    | IpRetentionContainer
    | IpRetention
    | RouteLink
    | Route
    | Translation
    | TranslationStaticAddress
    | NetworkService
    | DnsService
    | DnsRecord
    | Filter
    | FilterStatic
    | AllowedAddressPair
    | LeasePolicy
    | LeasePolicyNetwork
    | LeasePolicyInterface
    | LeasePolicyIpLeaseContainer
    | LeasePolicyIpRetentionContainer
    | Topology
    | TopologyDatapath
    | TopologyNetwork
    | TopologySegment
    | TopologyRouteLink
    | TopologyMacRangeGroup
    | TopologyLayer
    | DatapathNetwork
    | DatapathSegment
    | DatapathRouteLink
    | InterfaceNetwork
    | InterfaceSegment
    | InterfaceRouteLink
    | ActiveInterface
    | Node
)
"""A row of any resource; `msgspec` tells them apart by `kind`."""

KINDS: dict[str, type[Row]] = {
    resource.kind.__struct_config__.tag: resource.kind for resource in RESOURCES
}
"""Row classes by the word that tags them on the wire and in the revision log."""

__all__ = [
    "ACTIVE_INTERFACES",
    "ALLOWED_ADDRESS_PAIRS",
    "DATAPATHS",
    "DATAPATH_NETWORKS",
    "DATAPATH_ROUTE_LINKS",
    "DATAPATH_SEGMENTS",
    "DEFAULT_PROJECT",
    "DNS_RECORDS",
    "DNS_SERVICES",
    "FILTERS",
    "FILTER_STATICS",
    "INTERFACES",
    "INTERFACE_NETWORKS",
    "INTERFACE_PORTS",
    "INTERFACE_ROUTE_LINKS",
    "INTERFACE_SEGMENTS",
    "IP_LEASES",
    "IP_LEASE_CONTAINERS",
    "IP_LEASE_CONTAINER_IP_LEASES",
    "IP_RANGES",
    "IP_RANGE_GROUPS",
    "IP_RETENTIONS",
    "IP_RETENTION_CONTAINERS",
    "KINDS",
    "LEASE_POLICIES",
    "LEASE_POLICY_INTERFACES",
    "LEASE_POLICY_IP_LEASE_CONTAINERS",
    "LEASE_POLICY_IP_RETENTION_CONTAINERS",
    "LEASE_POLICY_NETWORKS",
    "MAC_LEASES",
    "MAC_RANGES",
    "MAC_RANGE_GROUPS",
    "NETWORKS",
    "NETWORK_PROJECTS",
    "NETWORK_SERVICES",
    "NODES",
    "PROJECTS",
    "QUOTAS",
    "RESOURCES",
    "ROUTES",
    "ROUTE_LINKS",
    "SEGMENTS",
    "TOKENS",
    "TOPOLOGIES",
    "TOPOLOGY_DATAPATHS",
    "TOPOLOGY_LAYERS",
    "TOPOLOGY_MAC_RANGE_GROUPS",
    "TOPOLOGY_NETWORKS",
    "TOPOLOGY_ROUTE_LINKS",
    "TOPOLOGY_SEGMENTS",
    "TRANSLATIONS",
    "TRANSLATION_STATIC_ADDRESSES",
    "ActiveInterface",
    "AllowedAddressPair",
    "Attribute",
    "Datapath",
    "DatapathNetwork",
    "DatapathRouteLink",
    "DatapathSegment",
    "DnsRecord",
    "DnsService",
    "Filter",
    "FilterStatic",
    "Interface",
    "InterfaceNetwork",
    "InterfacePort",
    "InterfaceRouteLink",
    "InterfaceSegment",
    "IpLease",
    "IpLeaseContainer",
    "IpLeaseContainerIpLease",
    "IpRange",
    "IpRangeGroup",
    "IpRetention",
    "IpRetentionContainer",
    "LeasePolicy",
    "LeasePolicyInterface",
    "LeasePolicyIpLeaseContainer",
    "LeasePolicyIpRetentionContainer",
    "LeasePolicyNetwork",
    "MacLease",
    "MacRange",
    "MacRangeGroup",
    "Network",
    "NetworkProject",
    "NetworkService",
    "Node",
    "Project",
    "Quota",
    "Resource",
    "Rights",
    "Route",
    "RouteLink",
    "Row",
    "Segment",
    "Token",
    "Topology",
    "TopologyDatapath",
    "TopologyLayer",
    "TopologyMacRangeGroup",
    "TopologyNetwork",
    "TopologyRouteLink",
    "TopologySegment",
    "Translation",
    "TranslationStaticAddress",
    "attributes",
    "indexes",
]

"""Lease policies: what gives interfaces their addresses."""

from typing import Annotated, ClassVar

import msgspec

from openvnet.model.belonging import DEFAULT_PROJECT, ProjectUuid
from openvnet.model.resource import Attribute, Resource
from openvnet.model.scalars import TEXT, choice, reference, uuid


class LeasePolicy(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag="lease_policy",
    tag_field="kind",
):
    """From which networks and ranges addresses are leased, and into which containers they go."""

    indexes: ClassVar = ("project_uuid",)

    uuid: Annotated[str, Attribute("Name of the policy.", uuid("lp"))]
    mode: Annotated[str, Attribute("How addresses are chosen.", choice("simple"))] = "simple"
    timing: Annotated[
        str,
        Attribute(
            "When: as an interface joins, or as it asks by DHCP. A change is for those that join "
            "later.",
            choice("immediate", "dhcp"),
            update=True,
        ),
    ] = "immediate"
    project_uuid: ProjectUuid = DEFAULT_PROJECT


class LeasePolicyNetwork(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag="lease_policy_network",
    tag_field="kind",
):
    """A network that a lease policy leases addresses of."""

    indexes: ClassVar = ("lease_policy_uuid", "network_uuid", "ip_range_group_uuid")

    uuid: Annotated[str, Attribute("Name of the row.", uuid("lpnw"), create=False)]
    lease_policy_uuid: Annotated[str, Attribute("The policy.", reference("lp"), required=True)]
    network_uuid: Annotated[
        str, Attribute("The network.", reference("nw"), required=True, shared=True)
    ]
    ip_range_group_uuid: Annotated[
        str, Attribute("The ranges of the network to lease from.", reference("iprg"), required=True)
    ]


class LeasePolicyInterface(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag="lease_policy_interface",
    tag_field="kind",
):
    """An interface that a lease policy gives addresses."""

    indexes: ClassVar = ("lease_policy_uuid", "interface_uuid")

    uuid: Annotated[str, Attribute("Name of the row.", uuid("lpif"), create=False)]
    lease_policy_uuid: Annotated[str, Attribute("The policy.", reference("lp"), required=True)]
    interface_uuid: Annotated[str, Attribute("The interface.", reference("if"), required=True)]
    label: Annotated[
        str | None,
        Attribute("Only containers with this label get its leases; all if not given.", TEXT),
    ] = None


class LeasePolicyIpLeaseContainer(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag="lease_policy_ip_lease_container",
    tag_field="kind",
):
    """A container into which a lease policy puts its IP leases."""

    indexes: ClassVar = ("lease_policy_uuid", "ip_lease_container_uuid")

    uuid: Annotated[str, Attribute("Name of the row.", uuid("lpilc"), create=False)]
    lease_policy_uuid: Annotated[str, Attribute("The policy.", reference("lp"), required=True)]
    ip_lease_container_uuid: Annotated[
        str, Attribute("The IP lease container.", reference("ilc"), required=True)
    ]
    label: Annotated[
        str | None, Attribute("Takes the leases of interfaces with this label.", TEXT)
    ] = None


class LeasePolicyIpRetentionContainer(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag="lease_policy_ip_retention_container",
    tag_field="kind",
):
    """A retention container into which a lease policy puts its IP leases."""

    indexes: ClassVar = ("lease_policy_uuid", "ip_retention_container_uuid")

    uuid: Annotated[str, Attribute("Name of the row.", uuid("lpirc"), create=False)]
    lease_policy_uuid: Annotated[str, Attribute("The policy.", reference("lp"), required=True)]
    ip_retention_container_uuid: Annotated[
        str, Attribute("The IP retention container.", reference("irc"), required=True)
    ]


LEASE_POLICIES = Resource(
    LeasePolicy,
    "lease policy",
    "lease_policies",
    "lp",
    makes={
        "ip_leases": {
            "ip_lease_uuid": Attribute("Name of the lease.", uuid("il")),
            "label": Attribute("Only containers with this label get it; all if not given.", TEXT),
        }
    },
)

LEASE_POLICY_NETWORKS = Resource(
    LeasePolicyNetwork,
    "network of a lease policy",
    "lease_policy_networks",
    "lpnw",
    word="networks",
    parent="lease_policy_uuid",
    related="network_uuid",
    unique=(("lease_policy_uuid", "network_uuid"),),
)

LEASE_POLICY_INTERFACES = Resource(
    LeasePolicyInterface,
    "interface of a lease policy",
    "lease_policy_interfaces",
    "lpif",
    word="interfaces",
    parent="lease_policy_uuid",
    related="interface_uuid",
    unique=(("lease_policy_uuid", "interface_uuid"),),
)

LEASE_POLICY_IP_LEASE_CONTAINERS = Resource(
    LeasePolicyIpLeaseContainer,
    "IP lease container of a lease policy",
    "lease_policy_ip_lease_containers",
    "lpilc",
    word="ip_lease_containers",
    parent="lease_policy_uuid",
    related="ip_lease_container_uuid",
    unique=(("lease_policy_uuid", "ip_lease_container_uuid"),),
)

LEASE_POLICY_IP_RETENTION_CONTAINERS = Resource(
    LeasePolicyIpRetentionContainer,
    "IP retention container of a lease policy",
    "lease_policy_ip_retention_containers",
    "lpirc",
    word="ip_retention_containers",
    parent="lease_policy_uuid",
    related="ip_retention_container_uuid",
    unique=(("lease_policy_uuid", "ip_retention_container_uuid"),),
)

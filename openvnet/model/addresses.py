"""Where addresses come from: ranges, and the containers that leases are put into."""

from typing import Annotated, ClassVar

import msgspec

from openvnet.model.belonging import DEFAULT_PROJECT, ProjectUuid
from openvnet.model.resource import Attribute, Resource
from openvnet.model.scalars import INSTANT, IPV4, MAC, SECONDS, choice, reference, uuid


class IpRangeGroup(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag="ip_range_group",
    tag_field="kind",
):
    """Ranges of IPv4 addresses, of which addresses are allotted."""

    indexes: ClassVar = ("project_uuid",)

    uuid: Annotated[str, Attribute("Name of the group.", uuid("iprg"))]
    allocation_type: Annotated[
        str,
        Attribute(
            "Which free address is taken: the next, the one before, or any.",
            choice("incremental", "decremental", "random"),
            update=True,
        ),
    ] = "incremental"
    project_uuid: ProjectUuid = DEFAULT_PROJECT


class IpRange(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="ip_range", tag_field="kind"
):
    """IPv4 addresses from one to another, both included."""

    indexes: ClassVar = ("ip_range_group_uuid",)

    uuid: Annotated[str, Attribute("Name of the range.", uuid("ipr"))]
    ip_range_group_uuid: Annotated[str, Attribute("The group.", reference("iprg"), required=True)]
    begin_ipv4_address: Annotated[int, Attribute("The first address.", IPV4, required=True)]
    end_ipv4_address: Annotated[int, Attribute("The last address.", IPV4, required=True)]


class MacRangeGroup(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag="mac_range_group",
    tag_field="kind",
):
    """Ranges of MAC addresses, of which addresses are allotted."""

    indexes: ClassVar = ("project_uuid",)

    uuid: Annotated[str, Attribute("Name of the group.", uuid("mrg"))]
    allocation_type: Annotated[
        str,
        Attribute(
            "Which free address is taken: the next, the one before, or any.",
            choice("incremental", "decremental", "random"),
            update=True,
        ),
    ] = "random"
    project_uuid: ProjectUuid = DEFAULT_PROJECT


class MacRange(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="mac_range", tag_field="kind"
):
    """MAC addresses from one to another, both included."""

    indexes: ClassVar = ("mac_range_group_uuid",)

    uuid: Annotated[str, Attribute("Name of the range.", uuid("mr"))]
    mac_range_group_uuid: Annotated[str, Attribute("The group.", reference("mrg"), required=True)]
    begin_mac_address: Annotated[int, Attribute("The first address.", MAC, required=True)]
    end_mac_address: Annotated[int, Attribute("The last address.", MAC, required=True)]


class IpLeaseContainer(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag="ip_lease_container",
    tag_field="kind",
):
    """A set of IP leases, which lease policies fill."""

    indexes: ClassVar = ("project_uuid",)

    uuid: Annotated[str, Attribute("Name of the container.", uuid("ilc"))]
    project_uuid: ProjectUuid = DEFAULT_PROJECT


class IpLeaseContainerIpLease(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag="ip_lease_container_ip_lease",
    tag_field="kind",
):
    """An IP lease in a container."""

    indexes: ClassVar = ("ip_lease_container_uuid", "ip_lease_uuid")

    uuid: Annotated[str, Attribute("Name of the row.", uuid("ilcil"), create=False)]
    ip_lease_container_uuid: Annotated[
        str, Attribute("The container.", reference("ilc"), required=True)
    ]
    ip_lease_uuid: Annotated[str, Attribute("The IP lease.", reference("il"), required=True)]


class IpRetentionContainer(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag="ip_retention_container",
    tag_field="kind",
):
    """IP leases that end: after a time they are released, and later deleted."""

    indexes: ClassVar = ("project_uuid",)

    uuid: Annotated[str, Attribute("Name of the container.", uuid("irc"))]
    lease_time: Annotated[
        int | None,
        Attribute(
            "Seconds until a lease is released; none: never.", SECONDS, update=True, clears=True
        ),
    ] = None
    grace_time: Annotated[
        int | None,
        Attribute(
            "Seconds from then until it is deleted; none: never.", SECONDS, update=True, clears=True
        ),
    ] = None
    project_uuid: ProjectUuid = DEFAULT_PROJECT


class IpRetention(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag="ip_retention",
    tag_field="kind",
):
    """An IP lease in a retention container."""

    indexes: ClassVar = ("ip_retention_container_uuid", "ip_lease_uuid")

    uuid: Annotated[str, Attribute("Name of the retention.", uuid("iret"), create=False)]
    ip_retention_container_uuid: Annotated[
        str, Attribute("The container.", reference("irc"), required=True)
    ]
    ip_lease_uuid: Annotated[str, Attribute("The IP lease.", reference("il"), required=True)]
    leased_at: Annotated[
        int | None,
        Attribute("When it was leased, in seconds since 1970, UTC.", INSTANT, create=False),
    ] = None
    released_at: Annotated[
        int | None, Attribute("When it was released.", INSTANT, create=False)
    ] = None


IP_RANGE_GROUPS = Resource(IpRangeGroup, "IP range group", "ip_range_groups", "iprg")
IP_RANGES = Resource(IpRange, "IP range", "ip_ranges", "ipr", parent="ip_range_group_uuid")
MAC_RANGE_GROUPS = Resource(MacRangeGroup, "MAC range group", "mac_range_groups", "mrg")
MAC_RANGES = Resource(MacRange, "MAC range", "mac_ranges", "mr", parent="mac_range_group_uuid")
IP_LEASE_CONTAINERS = Resource(IpLeaseContainer, "IP lease container", "ip_lease_containers", "ilc")
IP_LEASE_CONTAINER_IP_LEASES = Resource(
    IpLeaseContainerIpLease,
    "IP lease of a container",
    "ip_lease_container_ip_leases",
    "ilcil",
    word="ip_leases",
    parent="ip_lease_container_uuid",
    related="ip_lease_uuid",
    unique=(("ip_lease_container_uuid", "ip_lease_uuid"),),
)
IP_RETENTION_CONTAINERS = Resource(
    IpRetentionContainer, "IP retention container", "ip_retention_containers", "irc"
)
IP_RETENTIONS = Resource(
    IpRetention,
    "IP retention",
    "ip_retentions",
    "iret",
    parent="ip_retention_container_uuid",
    unique=(("ip_retention_container_uuid", "ip_lease_uuid"),),
)

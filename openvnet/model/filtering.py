"""What may pass an interface: filters with their rules, and addresses beside its own."""

from typing import Annotated, ClassVar

import msgspec

from openvnet.model.belonging import DEFAULT_PROJECT, ProjectUuid
from openvnet.model.resource import Attribute, Resource
from openvnet.model.scalars import BOOLEAN, IPV4, IPV4_PREFIX, MAC, choice, integer, reference, uuid


class Filter(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="filter", tag_field="kind"
):
    """Which packets an interface lets pass, if it filters. (Not yet in the switches.)"""

    indexes: ClassVar = ("interface_uuid", "project_uuid")

    uuid: Annotated[str, Attribute("Name of the filter.", uuid("fil"))]
    mode: Annotated[str, Attribute("How it is described.", choice("static"), required=True)]
    interface_uuid: Annotated[str, Attribute("The interface.", reference("if"), required=True)]
    ingress_passthrough: Annotated[
        bool, Attribute("What no rule names may come in.", BOOLEAN, update=True)
    ] = False
    egress_passthrough: Annotated[
        bool, Attribute("What no rule names may go out.", BOOLEAN, update=True)
    ] = False
    project_uuid: ProjectUuid = DEFAULT_PROJECT


class FilterStatic(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag="filter_static",
    tag_field="kind",
):
    """One rule of a filter, as packets that come in see it; outward its mirror image holds."""

    indexes: ClassVar = ("filter_uuid",)

    uuid: Annotated[str, Attribute("Name of the row.", uuid("fils"), create=False)]
    filter_uuid: Annotated[str, Attribute("The filter.", reference("fil"), required=True)]
    protocol: Annotated[
        str,
        Attribute(
            "The protocol; ip is all of IPv4.",
            choice("tcp", "udp", "icmp", "arp", "ip"),
            required=True,
        ),
    ]
    action: Annotated[
        str,
        Attribute(
            "Let pass, drop, or let pass what belongs to connections from inside.",
            choice("pass", "drop", "conn"),
            required=True,
        ),
    ]
    src_address: Annotated[int, Attribute("The other end.", IPV4)] = 0
    src_prefix: Annotated[
        int, Attribute("The length of its prefix; 0 is any address.", integer(0, 32), create=False)
    ] = 0
    dst_address: Annotated[int, Attribute("This end.", IPV4)] = 0
    dst_prefix: Annotated[
        int, Attribute("The length of its prefix; 0 is any address.", integer(0, 32), create=False)
    ] = 0
    src_port: Annotated[
        int | None,
        Attribute("The port at the other end, of tcp and udp; 0 is any.", integer(0, 65535)),
    ] = None
    dst_port: Annotated[
        int | None, Attribute("The port at this end, of tcp and udp; 0 is any.", integer(0, 65535))
    ] = None


class AllowedAddressPair(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag="allowed_address_pair",
    tag_field="kind",
):
    """Addresses that an interface may use beside its leases, in a network that it is on.

    Of a gateway that several guests share, or of guests within a guest. (What others send to a
    MAC address that nobody leases does not yet arrive.)
    """

    indexes: ClassVar = ("interface_uuid", "network_uuid")

    uuid: Annotated[str, Attribute("Name of the row.", uuid("aap"), create=False)]
    interface_uuid: Annotated[str, Attribute("The interface.", reference("if"), required=True)]
    network_uuid: Annotated[
        str, Attribute("The network that they are used in.", reference("nw"), required=True)
    ]
    ipv4_address: Annotated[
        int, Attribute("The address, or the first of them.", IPV4, required=True)
    ]
    ipv4_prefix: Annotated[
        int, Attribute("The length of their prefix.", integer(0, 32), create=False)
    ] = 32
    mac_address: Annotated[
        int | None, Attribute("With this MAC address; one of its own if not given.", MAC)
    ] = None


_PREFIX = "An address, or a prefix such as 10.0.0.0/24; any address if not given."

FILTERS = Resource(Filter, "filter", "filters", "fil", owner="interface_uuid")
FILTER_STATICS = Resource(
    FilterStatic,
    "static rule",
    "filter_statics",
    "fils",
    word="static",
    parent="filter_uuid",
    parameters={
        "src_address": Attribute(f"The other end. {_PREFIX}", IPV4_PREFIX),
        "dst_address": Attribute(f"This end. {_PREFIX}", IPV4_PREFIX),
    },
    deleted_by=("protocol", "src_address", "dst_address", "src_port", "dst_port"),
)
ALLOWED_ADDRESS_PAIRS = Resource(
    AllowedAddressPair,
    "allowed address pair",
    "allowed_address_pairs",
    "aap",
    parent="interface_uuid",
    parameters={
        "ipv4_address": Attribute(
            "The address, or a prefix such as 10.0.0.0/24.", IPV4_PREFIX, required=True
        )
    },
    deleted_by=("network_uuid", "ipv4_address", "mac_address"),
)

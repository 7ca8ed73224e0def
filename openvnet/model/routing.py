"""Routers: route links, routes onto them, and the translation of addresses on the way."""

from typing import Annotated, ClassVar

import msgspec

from openvnet.model.belonging import DEFAULT_PROJECT, ProjectUuid
from openvnet.model.resource import Attribute, Resource
from openvnet.model.scalars import BOOLEAN, IPV4, MAC, PORT, VNI, choice, integer, reference, uuid


class RouteLink(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag="route_link",
    tag_field="kind",
):
    """A router: what its routes join. (Not yet in the switches.)"""

    indexes: ClassVar = ("mac_address", "project_uuid")

    uuid: Annotated[str, Attribute("Name of the route link.", uuid("rl"))]
    mac_address: Annotated[
        int | None,
        Attribute(
            "The MAC address that routed packets carry between hosts; none if not given.",
            MAC,
            update=True,
            clears=True,
        ),
    ] = None
    vni: Annotated[
        int,
        Attribute(
            "The number that packets carry for it, 24 bits, allotted by vnmgr.", VNI, create=False
        ),
    ] = 0
    project_uuid: ProjectUuid = DEFAULT_PROJECT


class Route(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="route", tag_field="kind"
):
    """A prefix of a network that is reached through an interface. (Not yet in the switches.)"""

    indexes: ClassVar = ("interface_uuid", "route_link_uuid", "network_uuid", "project_uuid")

    uuid: Annotated[str, Attribute("Name of the route.", uuid("r"))]
    interface_uuid: Annotated[
        str, Attribute("The router's interface.", reference("if"), required=True, update=True)
    ]
    route_link_uuid: Annotated[str, Attribute("The router.", reference("rl"), required=True)]
    network_uuid: Annotated[
        str, Attribute("The network.", reference("nw"), required=True, shared=True)
    ]
    ipv4_network: Annotated[
        int,
        Attribute(
            "The first address of the prefix; 0.0.0.0 with prefix 0 is the default route.",
            IPV4,
            required=True,
            update=True,
        ),
    ]
    ipv4_prefix: Annotated[
        int, Attribute("The length of the prefix.", integer(0, 32), update=True)
    ] = 24
    ingress: Annotated[
        bool, Attribute("Packets from these addresses enter the router.", BOOLEAN, update=True)
    ] = True
    egress: Annotated[
        bool, Attribute("Packets to these addresses leave the router.", BOOLEAN, update=True)
    ] = True
    project_uuid: ProjectUuid = DEFAULT_PROJECT


class Translation(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag="translation",
    tag_field="kind",
):
    """Address translation on an interface. (Not yet in the switches.)"""

    indexes: ClassVar = ("interface_uuid", "project_uuid")

    uuid: Annotated[str, Attribute("Name of the translation.", uuid("tr"))]
    mode: Annotated[
        str, Attribute("How addresses are translated.", choice("static_address"), required=True)
    ]
    interface_uuid: Annotated[
        str, Attribute("The router's interface.", reference("if"), required=True)
    ]
    passthrough: Annotated[
        bool, Attribute("What is not translated passes.", BOOLEAN, update=True)
    ] = False
    project_uuid: ProjectUuid = DEFAULT_PROJECT


class TranslationStaticAddress(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag="translation_static_address",
    tag_field="kind",
):
    """One address outside that stands for one inside, on all ports or on one."""

    indexes: ClassVar = ("translation_uuid", "route_link_uuid")

    uuid: Annotated[str, Attribute("Name of the row.", uuid("trs"), create=False)]
    translation_uuid: Annotated[str, Attribute("The translation.", reference("tr"), required=True)]
    route_link_uuid: Annotated[
        str | None, Attribute("Translated packets go on to this router.", reference("rl"))
    ] = None
    ingress_ipv4_address: Annotated[int, Attribute("The address outside.", IPV4, required=True)]
    egress_ipv4_address: Annotated[int, Attribute("The address inside.", IPV4, required=True)]
    ingress_port_number: Annotated[
        int | None, Attribute("The TCP and UDP port outside; both or neither.", PORT)
    ] = None
    egress_port_number: Annotated[int | None, Attribute("The port inside.", PORT)] = None


ROUTE_LINKS = Resource(
    RouteLink,
    "route link",
    "route_links",
    "rl",
    unique=(("vni",), ("mac_address",)),
    parameters={
        "topology_uuid": Attribute(
            "A topology that carries it from its creation on.", reference("topo"), role="operator"
        )
    },
)
ROUTES = Resource(Route, "route", "routes", "r", owner="interface_uuid")
TRANSLATIONS = Resource(Translation, "translation", "translations", "tr", owner="interface_uuid")
TRANSLATION_STATIC_ADDRESSES = Resource(
    TranslationStaticAddress,
    "static address",
    "translation_static_addresses",
    "trs",
    word="static_address",
    parent="translation_uuid",
    parameters={
        "ingress_network_uuid": Attribute(
            "A network that the address outside must be of.", reference("nw"), shared=True
        ),
        "egress_network_uuid": Attribute(
            "A network that the address inside must be of.", reference("nw"), shared=True
        ),
    },
    deleted_by=(
        "ingress_ipv4_address",
        "egress_ipv4_address",
        "ingress_port_number",
        "egress_port_number",
    ),
)

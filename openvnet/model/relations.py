"""What datapaths carry, and what interfaces are part of: networks, segments and route links."""

from typing import Annotated, ClassVar

import msgspec

from openvnet.model.resource import Attribute, Resource
from openvnet.model.scalars import BOOLEAN, MAC, TEXT, choice, reference, uuid

ENCAPSULATIONS = ("geneve", "vxlan", "gre", "mac2mac")

_ENCAPSULATION = Attribute(
    "How its packets come to this host: in a tunnel of a kind, or (mac2mac) bare on the underlay.",
    choice(*ENCAPSULATIONS),
    update=True,
)
_ENCAPSULATION_OF_SEGMENT = Attribute(
    "How its packets come to this host: in a tunnel of a kind. For mac2mac geneve is taken: a bare "
    "frame does not say which segment it is of.",
    choice(*ENCAPSULATIONS),
    update=True,
)


class DatapathNetwork(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag="datapath_network",
    tag_field="kind",
):
    """A network that a datapath carries to others."""

    indexes: ClassVar = (
        "datapath_uuid",
        "network_uuid",
        "interface_uuid",
        "ip_lease_uuid",
        "topology_uuid",
        "mac_address",
    )

    uuid: Annotated[str, Attribute("Name of the row.", uuid("dpnw"), create=False)]
    datapath_uuid: Annotated[str, Attribute("The datapath.", reference("dp"), required=True)]
    network_uuid: Annotated[str, Attribute("The network.", reference("nw"), required=True)]
    interface_uuid: Annotated[
        str,
        Attribute(
            "The interface, of mode host, that its packets leave by.",
            reference("if"),
            required=True,
        ),
    ]
    mac_address: Annotated[
        int | None,
        Attribute(
            "The MAC address of the network on this host; none if not given. mac2mac needs one.",
            MAC,
            update=True,
        ),
    ] = None
    ip_lease_uuid: Annotated[
        str | None,
        Attribute(
            "The address of the interface that tunnels end at; its first one if not given.",
            reference("il"),
        ),
    ] = None
    topology_uuid: Annotated[
        str | None, Attribute("The topology that made it.", reference("topo"), create=False)
    ] = None
    encapsulation: Annotated[str, _ENCAPSULATION] = "geneve"


class DatapathSegment(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag="datapath_segment",
    tag_field="kind",
):
    """A segment that a datapath carries to others."""

    indexes: ClassVar = (
        "datapath_uuid",
        "segment_uuid",
        "interface_uuid",
        "ip_lease_uuid",
        "topology_uuid",
        "mac_address",
    )

    uuid: Annotated[str, Attribute("Name of the row.", uuid("dpseg"), create=False)]
    datapath_uuid: Annotated[str, Attribute("The datapath.", reference("dp"), required=True)]
    segment_uuid: Annotated[str, Attribute("The segment.", reference("seg"), required=True)]
    interface_uuid: Annotated[
        str,
        Attribute(
            "The interface, of mode host, that its packets leave by.",
            reference("if"),
            required=True,
        ),
    ]
    mac_address: Annotated[
        int | None,
        Attribute(
            "The MAC address of the segment on this host; none if not given.",
            MAC,
            update=True,
        ),
    ] = None
    ip_lease_uuid: Annotated[
        str | None,
        Attribute(
            "The address of the interface that tunnels end at; its first one if not given.",
            reference("il"),
        ),
    ] = None
    topology_uuid: Annotated[
        str | None, Attribute("The topology that made it.", reference("topo"), create=False)
    ] = None
    encapsulation: Annotated[str, _ENCAPSULATION_OF_SEGMENT] = "geneve"


class DatapathRouteLink(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag="datapath_route_link",
    tag_field="kind",
):
    """A route link that a datapath carries to others. (Not yet in the switches.)"""

    indexes: ClassVar = (
        "datapath_uuid",
        "route_link_uuid",
        "interface_uuid",
        "ip_lease_uuid",
        "topology_uuid",
        "mac_address",
    )

    uuid: Annotated[str, Attribute("Name of the row.", uuid("dprl"), create=False)]
    datapath_uuid: Annotated[str, Attribute("The datapath.", reference("dp"), required=True)]
    route_link_uuid: Annotated[str, Attribute("The route link.", reference("rl"), required=True)]
    interface_uuid: Annotated[
        str,
        Attribute(
            "The interface, of mode host, that its packets leave by.",
            reference("if"),
            required=True,
        ),
    ]
    mac_address: Annotated[
        int | None,
        Attribute(
            "The MAC address of the route link on this host; none if not given. mac2mac needs one.",
            MAC,
            update=True,
        ),
    ] = None
    ip_lease_uuid: Annotated[
        str | None,
        Attribute(
            "The address of the interface that tunnels end at; its first one if not given.",
            reference("il"),
        ),
    ] = None
    topology_uuid: Annotated[
        str | None, Attribute("The topology that made it.", reference("topo"), create=False)
    ] = None
    encapsulation: Annotated[str, _ENCAPSULATION] = "geneve"


class ActiveInterface(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag="active_interface",
    tag_field="kind",
):
    """Where an interface is whose ports do not say it: kept as the hosts report it."""

    indexes: ClassVar = ("interface_uuid", "datapath_uuid")

    uuid: Annotated[str, Attribute("Name of the row.", uuid("acif"), create=False)]
    interface_uuid: Annotated[
        str, Attribute("The interface.", reference("if"), required=True, create=False)
    ]
    datapath_uuid: Annotated[
        str,
        Attribute("The datapath that it is on.", reference("dp"), required=True, create=False),
    ]
    port_name: Annotated[
        str | None, Attribute("The port that it is behind there.", TEXT, create=False)
    ] = None


class InterfaceNetwork(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag="interface_network",
    tag_field="kind",
):
    """A network that an interface is part of, though nothing of it leads there."""

    indexes: ClassVar = ("interface_uuid", "network_uuid")

    uuid: Annotated[str, Attribute("Name of the row.", uuid("ifnw"), create=False)]
    interface_uuid: Annotated[str, Attribute("The interface.", reference("if"), required=True)]
    network_uuid: Annotated[str, Attribute("The network.", reference("nw"), required=True)]
    static: Annotated[
        bool, Attribute("It stays also without an IP lease that leads there.", BOOLEAN, update=True)
    ] = True


class InterfaceSegment(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag="interface_segment",
    tag_field="kind",
):
    """A segment that an interface is part of, though nothing of it leads there."""

    indexes: ClassVar = ("interface_uuid", "segment_uuid")

    uuid: Annotated[str, Attribute("Name of the row.", uuid("ifseg"), create=False)]
    interface_uuid: Annotated[str, Attribute("The interface.", reference("if"), required=True)]
    segment_uuid: Annotated[str, Attribute("The segment.", reference("seg"), required=True)]
    static: Annotated[
        bool, Attribute("It stays also without a MAC lease that leads there.", BOOLEAN, update=True)
    ] = True


class InterfaceRouteLink(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag="interface_route_link",
    tag_field="kind",
):
    """A route link that an interface is part of, though nothing of it leads there."""

    indexes: ClassVar = ("interface_uuid", "route_link_uuid")

    uuid: Annotated[str, Attribute("Name of the row.", uuid("ifrl"), create=False)]
    interface_uuid: Annotated[str, Attribute("The interface.", reference("if"), required=True)]
    route_link_uuid: Annotated[str, Attribute("The route link.", reference("rl"), required=True)]
    static: Annotated[
        bool, Attribute("It stays also without a route that leads there.", BOOLEAN, update=True)
    ] = True


DATAPATH_NETWORKS = Resource(
    DatapathNetwork,
    "network of a datapath",
    "datapath_networks",
    "dpnw",
    word="networks",
    parent="datapath_uuid",
    related="network_uuid",
    unique=(("datapath_uuid", "network_uuid"), ("mac_address",)),
)

DATAPATH_SEGMENTS = Resource(
    DatapathSegment,
    "segment of a datapath",
    "datapath_segments",
    "dpseg",
    word="segments",
    parent="datapath_uuid",
    related="segment_uuid",
    unique=(("datapath_uuid", "segment_uuid"), ("mac_address",)),
)

DATAPATH_ROUTE_LINKS = Resource(
    DatapathRouteLink,
    "route link of a datapath",
    "datapath_route_links",
    "dprl",
    word="route_links",
    parent="datapath_uuid",
    related="route_link_uuid",
    unique=(("datapath_uuid", "route_link_uuid"), ("mac_address",)),
)

ACTIVE_INTERFACES = Resource(
    ActiveInterface,
    "active interface",
    "active_interfaces",
    "acif",
    unique=(("interface_uuid",),),
    verbs=("list", "show"),
    reader="operator",
    writer="operator",
)

INTERFACE_NETWORKS = Resource(
    InterfaceNetwork,
    "network of an interface",
    "interface_networks",
    "ifnw",
    word="networks",
    parent="interface_uuid",
    related="network_uuid",
    unique=(("interface_uuid", "network_uuid"),),
    verbs=("list", "update"),
)

INTERFACE_SEGMENTS = Resource(
    InterfaceSegment,
    "segment of an interface",
    "interface_segments",
    "ifseg",
    word="segments",
    parent="interface_uuid",
    related="segment_uuid",
    unique=(("interface_uuid", "segment_uuid"),),
    verbs=("list", "update"),
)

INTERFACE_ROUTE_LINKS = Resource(
    InterfaceRouteLink,
    "route link of an interface",
    "interface_route_links",
    "ifrl",
    word="route_links",
    parent="interface_uuid",
    related="route_link_uuid",
    unique=(("interface_uuid", "route_link_uuid"),),
    verbs=("list", "update"),
)

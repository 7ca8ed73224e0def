"""Topologies: from which follows what each datapath carries."""

from typing import Annotated, ClassVar

import msgspec

from openvnet.model.belonging import DEFAULT_PROJECT, ProjectUuid
from openvnet.model.relations import ENCAPSULATIONS
from openvnet.model.resource import Attribute, Resource
from openvnet.model.scalars import BOOLEAN, choice, reference, uuid


class Topology(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="topology", tag_field="kind"
):
    """Which datapaths carry which networks, said once.

    An underlay has datapaths; an overlay lies on underlays, and has theirs. Each of its datapaths
    carries each of its networks, segments and route links.
    """

    indexes: ClassVar = ("project_uuid",)

    uuid: Annotated[str, Attribute("Name of the topology.", uuid("topo"))]
    mode: Annotated[
        str,
        Attribute(
            "Underlay or overlay.", choice("simple_underlay", "simple_overlay"), required=True
        ),
    ]
    encapsulation: Annotated[
        str,
        Attribute(
            "Of an underlay: how packets come to its datapaths, in what is made from now on; each "
            "may be told otherwise afterwards.",
            choice(*ENCAPSULATIONS),
        ),
    ] = "geneve"
    default: Annotated[
        bool,
        Attribute(
            "New virtual networks and segments that name no topology are put into this one, and "
            "new route links if it is an overlay. One topology can be so.",
            BOOLEAN,
            update=True,
        ),
    ] = False
    project_uuid: ProjectUuid = DEFAULT_PROJECT


class TopologyDatapath(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag="topology_datapath",
    tag_field="kind",
):
    """A datapath of a topology."""

    indexes: ClassVar = ("topology_uuid", "datapath_uuid", "interface_uuid", "ip_lease_uuid")

    uuid: Annotated[str, Attribute("Name of the row.", uuid("tpdp"), create=False)]
    topology_uuid: Annotated[str, Attribute("The topology.", reference("topo"), required=True)]
    datapath_uuid: Annotated[str, Attribute("The datapath.", reference("dp"), required=True)]
    interface_uuid: Annotated[
        str,
        Attribute(
            "The interface of mode host that packets leave by.", reference("if"), required=True
        ),
    ]
    ip_lease_uuid: Annotated[
        str | None,
        Attribute(
            "The address of it that tunnels end at; if not given, its first one of the time.",
            reference("il"),
        ),
    ] = None


class TopologyNetwork(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag="topology_network",
    tag_field="kind",
):
    """A network of a topology."""

    indexes: ClassVar = ("topology_uuid", "network_uuid")

    uuid: Annotated[str, Attribute("Name of the row.", uuid("tpnw"), create=False)]
    topology_uuid: Annotated[str, Attribute("The topology.", reference("topo"), required=True)]
    network_uuid: Annotated[str, Attribute("The network.", reference("nw"), required=True)]


class TopologySegment(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag="topology_segment",
    tag_field="kind",
):
    """A segment of a topology."""

    indexes: ClassVar = ("topology_uuid", "segment_uuid")

    uuid: Annotated[str, Attribute("Name of the row.", uuid("tpseg"), create=False)]
    topology_uuid: Annotated[str, Attribute("The topology.", reference("topo"), required=True)]
    segment_uuid: Annotated[str, Attribute("The segment.", reference("seg"), required=True)]


class TopologyRouteLink(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag="topology_route_link",
    tag_field="kind",
):
    """A route link of a topology."""

    indexes: ClassVar = ("topology_uuid", "route_link_uuid")

    uuid: Annotated[str, Attribute("Name of the row.", uuid("tprl"), create=False)]
    topology_uuid: Annotated[str, Attribute("The topology.", reference("topo"), required=True)]
    route_link_uuid: Annotated[str, Attribute("The route link.", reference("rl"), required=True)]


class TopologyMacRangeGroup(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag="topology_mac_range_group",
    tag_field="kind",
):
    """A MAC range group of a topology."""

    indexes: ClassVar = ("topology_uuid", "mac_range_group_uuid")

    uuid: Annotated[str, Attribute("Name of the row.", uuid("tpmrg"), create=False)]
    topology_uuid: Annotated[str, Attribute("The topology.", reference("topo"), required=True)]
    mac_range_group_uuid: Annotated[
        str, Attribute("The MAC range group.", reference("mrg"), required=True)
    ]


class TopologyLayer(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag="topology_layer",
    tag_field="kind",
):
    """An underlay that an overlay lies on."""

    indexes: ClassVar = ("overlay_uuid", "underlay_uuid")

    uuid: Annotated[str, Attribute("Name of the row.", uuid("tpl"), create=False)]
    overlay_uuid: Annotated[str, Attribute("The overlay.", reference("topo"), required=True)]
    underlay_uuid: Annotated[str, Attribute("The underlay.", reference("topo"), required=True)]


TOPOLOGIES = Resource(
    Topology, "topology", "topologies", "topo", reader="operator", writer="operator"
)

TOPOLOGY_DATAPATHS = Resource(
    TopologyDatapath,
    "datapath of a topology",
    "topology_datapaths",
    "tpdp",
    word="datapaths",
    parent="topology_uuid",
    related="datapath_uuid",
    unique=(("topology_uuid", "datapath_uuid"),),
)

TOPOLOGY_NETWORKS = Resource(
    TopologyNetwork,
    "network of a topology",
    "topology_networks",
    "tpnw",
    word="networks",
    parent="topology_uuid",
    related="network_uuid",
    unique=(("topology_uuid", "network_uuid"),),
)

TOPOLOGY_SEGMENTS = Resource(
    TopologySegment,
    "segment of a topology",
    "topology_segments",
    "tpseg",
    word="segments",
    parent="topology_uuid",
    related="segment_uuid",
    unique=(("topology_uuid", "segment_uuid"),),
)

TOPOLOGY_ROUTE_LINKS = Resource(
    TopologyRouteLink,
    "route link of a topology",
    "topology_route_links",
    "tprl",
    word="route_links",
    parent="topology_uuid",
    related="route_link_uuid",
    unique=(("topology_uuid", "route_link_uuid"),),
)

TOPOLOGY_MAC_RANGE_GROUPS = Resource(
    TopologyMacRangeGroup,
    "MAC range group of a topology",
    "topology_mac_range_groups",
    "tpmrg",
    word="mac_range_groups",
    parent="topology_uuid",
    related="mac_range_group_uuid",
    unique=(("topology_uuid", "mac_range_group_uuid"),),
)

TOPOLOGY_LAYERS = Resource(
    TopologyLayer,
    "underlay of a topology",
    "topology_layers",
    "tpl",
    word="underlays",
    parent="overlay_uuid",
    related="underlay_uuid",
    unique=(("overlay_uuid", "underlay_uuid"),),
)

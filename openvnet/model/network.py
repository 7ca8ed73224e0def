"""Networks, the datapaths that carry them, and the interfaces and leases that join them."""

from typing import Annotated, ClassVar

import msgspec

from openvnet.model.belonging import DEFAULT_PROJECT, ProjectUuid
from openvnet.model.resource import Attribute, Resource
from openvnet.model.scalars import (
    BOOLEAN,
    DPID,
    IPV4,
    MAC,
    TEXT,
    VNI,
    choice,
    integer,
    reference,
    uuid,
)


class Datapath(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="datapath", tag_field="kind"
):
    """A host's Open vSwitch bridge, which a vna controls."""

    indexes: ClassVar = ("dpid", "node_id", "project_uuid")

    uuid: Annotated[str, Attribute("Name of the datapath.", uuid("dp"))]
    display_name: Annotated[str, Attribute("A name for people.", TEXT, required=True, update=True)]
    dpid: Annotated[str, Attribute("The bridge's datapath id.", DPID, required=True, update=True)]
    node_id: Annotated[
        str, Attribute("The node id of the vna that controls it.", TEXT, required=True, update=True)
    ]
    enable_ovs_learn_action: Annotated[
        bool,
        Attribute(
            "Learn MAC addresses that nobody leases in segments; if not, what is for them is "
            "flooded.",
            BOOLEAN,
            update=True,
        ),
    ] = True
    project_uuid: ProjectUuid = DEFAULT_PROJECT


class Segment(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="segment", tag_field="kind"
):
    """A layer 2 broadcast domain in which guests choose their own IP addresses."""

    indexes: ClassVar = ("project_uuid",)

    uuid: Annotated[str, Attribute("Name of the segment.", uuid("seg"))]
    mode: Annotated[
        str,
        Attribute(
            "Whether it is an overlay or the underlay. (A physical one is carried as an overlay.)",
            choice("virtual", "physical"),
            required=True,
            reserved=("physical",),
        ),
    ]
    vni: Annotated[
        int,
        Attribute(
            "The number that packets carry for it, 24 bits, allotted by vnmgr.", VNI, create=False
        ),
    ] = 0
    project_uuid: ProjectUuid = DEFAULT_PROJECT


class Network(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="network", tag_field="kind"
):
    """A layer 2 broadcast domain with one IPv4 subnet."""

    indexes: ClassVar = ("segment_uuid", "shared", "project_uuid")

    uuid: Annotated[str, Attribute("Name of the network.", uuid("nw"))]
    display_name: Annotated[str, Attribute("A name for people.", TEXT, update=True)] = ""
    mode: Annotated[
        str,
        Attribute(
            "Whether it is an overlay, the underlay, or within one host.",
            choice("virtual", "physical", "internal"),
            reserved=("physical",),
        ),
    ] = "virtual"
    ipv4_network: Annotated[int, Attribute("The network address.", IPV4, required=True)]
    ipv4_prefix: Annotated[int, Attribute("The length of its prefix.", integer(1, 32))] = 24
    domain_name: Annotated[str, Attribute("The domain of its DNS names.", TEXT, update=True)] = ""
    segment_uuid: Annotated[
        str | None, Attribute("The segment that it is part of, if it is virtual.", reference("seg"))
    ] = None
    vlan_id: Annotated[
        int | None,
        Attribute(
            "Of a physical network: the VLAN that it is on the wire; untagged if not given.",
            integer(1, 4094),
            update=True,
            clears=True,
            role="operator",
        ),
    ] = None
    vni: Annotated[
        int,
        Attribute(
            "The number that packets carry for it, 24 bits, allotted by vnmgr.", VNI, create=False
        ),
    ] = 0
    mtu: Annotated[
        int | None,
        Attribute(
            "The largest IPv4 packet, in octets. If not given: of a virtual network, what passes "
            "between all hosts that carry it; of another one, 1500.",
            integer(576, 65535),
            update=True,
            clears=True,
        ),
    ] = None
    shared: Annotated[
        bool,
        Attribute("Every project may use it.", BOOLEAN, update=True, role="operator"),
    ] = False
    project_uuid: ProjectUuid = DEFAULT_PROJECT


class Interface(
    msgspec.Struct,
    frozen=True,
    gc=False,
    kw_only=True,
    omit_defaults=True,
    tag="interface",
    tag_field="kind",
):
    """A guest's network card, or another place where packets enter and leave a network."""

    indexes: ClassVar = ("project_uuid", "parent_interface_uuid")

    uuid: Annotated[str, Attribute("Name of the interface.", uuid("if"))]
    mode: Annotated[
        str,
        Attribute(
            "What the interface is. (vif, host, internal and promiscuous are in the switches yet.)",
            choice("vif", "simulated", "host", "internal", "patch", "promiscuous", "remote"),
            required=True,
            reserved=("host", "internal", "patch", "promiscuous", "remote"),
        ),
    ]
    display_name: Annotated[str, Attribute("A name for people.", TEXT, update=True)] = ""
    enable_routing: Annotated[bool, Attribute("It is a leg of a router.", BOOLEAN, update=True)] = (
        False
    )
    enable_route_translation: Annotated[
        bool, Attribute("Routed packets pass its translations.", BOOLEAN, update=True)
    ] = False
    enable_filtering: Annotated[
        bool, Attribute("Its packets pass its filters.", BOOLEAN, update=True)
    ] = False
    enabled: Annotated[
        bool,
        Attribute(
            "Its administrative state: false lets nothing pass. (Not yet in the switches.)",
            BOOLEAN,
            update=True,
        ),
    ] = True
    enable_port_security: Annotated[
        bool,
        Attribute(
            "It may send only from its own addresses. False is for one on a single network or "
            "segment; in a segment, its MAC addresses are learnt.",
            BOOLEAN,
            update=True,
            reserved=(False,),
        ),
    ] = True
    parent_interface_uuid: Annotated[
        str | None,
        Attribute(
            "The interface, of mode vif, whose port is a trunk; this one is a VLAN of it.",
            reference("if"),
        ),
    ] = None
    vlan_id: Annotated[
        int | None,
        Attribute("The VLAN of its parent's port that it is.", integer(1, 4094), clears=True),
    ] = None
    project_uuid: ProjectUuid = DEFAULT_PROJECT


class InterfacePort(
    msgspec.Struct,
    frozen=True,
    gc=False,
    kw_only=True,
    omit_defaults=True,
    tag="interface_port",
    tag_field="kind",
):
    """Which switch port an interface is behind: by name, on one datapath or on any."""

    indexes: ClassVar = ("interface_uuid", "port_name", "datapath_uuid")

    uuid: Annotated[str, Attribute("Name of the row.", uuid("ifp"), create=False)]
    interface_uuid: Annotated[str, Attribute("The interface.", reference("if"), required=True)]
    datapath_uuid: Annotated[str | None, Attribute("Only on this datapath.", reference("dp"))] = (
        None
    )
    port_name: Annotated[
        str | None, Attribute("The name of the switch port, or its external_ids:iface-id.", TEXT)
    ] = None
    singular: Annotated[bool | None, Attribute("Active on one datapath at a time.", BOOLEAN)] = None


class MacLease(
    msgspec.Struct,
    frozen=True,
    gc=False,
    kw_only=True,
    omit_defaults=True,
    tag="mac_lease",
    tag_field="kind",
):
    """The right of an interface to a MAC address."""

    indexes: ClassVar = ("interface_uuid", "mac_address", "segment_uuid", "project_uuid")

    uuid: Annotated[str, Attribute("Name of the lease.", uuid("ml"))]
    interface_uuid: Annotated[
        str | None, Attribute("The interface.", reference("if"), required=True, update=True)
    ]
    mac_address: Annotated[int, Attribute("The address.", MAC, required=True, update=True)]
    segment_uuid: Annotated[
        str | None, Attribute("The segment that it is used in.", reference("seg"), update=True)
    ] = None
    project_uuid: ProjectUuid = DEFAULT_PROJECT


class IpLease(
    msgspec.Struct,
    frozen=True,
    gc=False,
    kw_only=True,
    omit_defaults=True,
    tag="ip_lease",
    tag_field="kind",
):
    """The right of an interface to an IPv4 address in a network."""

    indexes: ClassVar = ("interface_uuid", "mac_lease_uuid", "network_uuid", "project_uuid")

    uuid: Annotated[str, Attribute("Name of the lease.", uuid("il"))]
    network_uuid: Annotated[
        str, Attribute("The network.", reference("nw"), required=True, shared=True)
    ]
    ipv4_address: Annotated[int, Attribute("The address.", IPV4, required=True, update=True)]
    interface_uuid: Annotated[
        str | None, Attribute("The interface, if it is attached.", reference("if"))
    ] = None
    mac_lease_uuid: Annotated[
        str | None, Attribute("The MAC lease that it goes with.", reference("ml"))
    ] = None
    enable_routing: Annotated[
        bool, Attribute("The address itself is routed.", BOOLEAN, update=True)
    ] = False
    project_uuid: ProjectUuid = DEFAULT_PROJECT


DATAPATHS = Resource(
    Datapath,
    "datapath",
    "datapaths",
    "dp",
    unique=(("dpid", "node_id"),),
    reader="operator",
    writer="operator",
)
_IN_TOPOLOGY = Attribute(
    "A topology that carries it from its creation on.", reference("topo"), role="operator"
)

SEGMENTS = Resource(
    Segment,
    "segment",
    "segments",
    "seg",
    unique=(("vni",),),
    parameters={"topology_uuid": _IN_TOPOLOGY},
)
NETWORKS = Resource(
    Network,
    "network",
    "networks",
    "nw",
    unique=(("vni",),),
    parameters={
        "network_mode": Attribute(
            "Deprecated name of mode.", choice("virtual", "physical", "internal")
        ),
        "topology_uuid": _IN_TOPOLOGY,
    },
)
INTERFACES = Resource(
    Interface,
    "interface",
    "interfaces",
    "if",
    parameters={
        "owner_datapath_uuid": Attribute(
            "Its port is on this datapath only.", reference("dp"), update=True, role="operator"
        ),
        "port_name": Attribute("The name of its switch port.", TEXT, role="operator"),
        "network_uuid": Attribute(
            "The network of its first address.", reference("nw"), shared=True
        ),
        "mac_address": Attribute("Its first MAC address.", MAC),
        "ipv4_address": Attribute("Its first IPv4 address.", IPV4),
        "segment_uuid": Attribute(
            "The segment of its first MAC address; that of its network if not given.",
            reference("seg"),
        ),
        "mac_range_group_uuid": Attribute(
            "From where its first MAC address is taken, if none is given.", reference("mrg")
        ),
    },
    actions={
        "rename": {"new_uuid": Attribute("Its new name.", uuid("if"), required=True)},
    },
)
INTERFACE_PORTS = Resource(
    InterfacePort,
    "interface port",
    "ports",
    "ifp",
    unique=(("interface_uuid", "datapath_uuid"), ("port_name", "datapath_uuid")),
    parent="interface_uuid",
    deleted_by=("datapath_uuid", "port_name", "singular"),
    writer="operator",
)
MAC_LEASES = Resource(
    MacLease,
    "MAC lease",
    "mac_leases",
    "ml",
    unique=(("mac_address",),),
    owner="interface_uuid",
)
IP_LEASES = Resource(
    IpLease,
    "IP lease",
    "ip_leases",
    "il",
    unique=(("network_uuid", "ipv4_address"),),
    owner="interface_uuid",
    actions={
        "attach": {
            "interface_uuid": Attribute("The interface.", reference("if")),
            "mac_lease_uuid": Attribute("The MAC lease.", reference("ml")),
        },
        "release": {},
    },
)

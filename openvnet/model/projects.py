"""Projects: whom resources belong to, who may act for them, and how much they may have."""

from typing import Annotated, ClassVar, NamedTuple

import msgspec

from openvnet.model.belonging import DEFAULT_PROJECT
from openvnet.model.resource import Attribute, Resource
from openvnet.model.rights import LOCAL, ROLES, Caller
from openvnet.model.scalars import DURATION, INSTANT, TEXT, choice, integer, reference, uuid

COUNTED = (
    *("interfaces", "networks", "segments", "mac_leases", "ip_leases", "ip_range_groups"),
    *("mac_range_groups", "ip_lease_containers", "ip_retention_containers", "route_links"),
    *("routes", "translations", "network_services", "dns_services", "filters", "lease_policies"),
)
"""The collections of which a project may be given so many and no more."""


class Project(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="project", tag_field="kind"
):
    """Whom resources belong to. What nobody says a project of is of pj-default."""

    indexes: ClassVar = ()

    uuid: Annotated[str, Attribute("Name of the project.", uuid("pj"))]
    display_name: Annotated[str, Attribute("A name for people.", TEXT, update=True)] = ""
    description: Annotated[str, Attribute("What it is for.", TEXT, update=True)] = ""


class Quota(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="quota", tag_field="kind"
):
    """How many resources of a collection a project may have."""

    indexes: ClassVar = ("project_uuid",)

    uuid: Annotated[str, Attribute("Name of the quota.", uuid("quo"), create=False)]
    project_uuid: Annotated[str, Attribute("The project.", reference("pj"), required=True)]
    resource: Annotated[str, Attribute("The collection.", choice(*COUNTED), required=True)]
    maximum: Annotated[
        int,
        Attribute("How many at most.", integer(0, 10_000_000), required=True, update=True),
    ]


class Token(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="token", tag_field="kind"
):
    """The right to call the API. Its secret is shown once, when it is made."""

    indexes: ClassVar = ("project_uuid", "digest")

    uuid: Annotated[str, Attribute("Name of the token.", uuid("tok"))]
    display_name: Annotated[
        str, Attribute("Who has it; the revision log says it.", TEXT, required=True)
    ]
    role: Annotated[str, Attribute("What it may do.", choice(*ROLES), required=True)]
    project_uuid: Annotated[
        str | None,
        Attribute(
            "The project that it is for: of a member always, of an operator and an admin never. "
            "A viewer without one reads all projects.",
            reference("pj"),
        ),
    ] = None
    expires_at: Annotated[
        int | None,
        Attribute(
            "When it ends, in seconds since 1970, UTC; none: when it is revoked.",
            INSTANT,
            create=False,
        ),
    ] = None
    digest: str = ""
    """The SHA-256 of its secret, in hexadecimal digits."""


class NetworkProject(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag="network_project",
    tag_field="kind",
):
    """A project that a network is shared with: it may use the network, and not change it."""

    indexes: ClassVar = ("network_uuid", "project_uuid")

    uuid: Annotated[str, Attribute("Name of the row.", uuid("nwpj"), create=False)]
    network_uuid: Annotated[str, Attribute("The network.", reference("nw"), required=True)]
    project_uuid: Annotated[str, Attribute("The project.", reference("pj"), required=True)]


class Rights(NamedTuple):
    """With which rights something is written."""

    caller: Caller = LOCAL
    project_uuid: str = DEFAULT_PROJECT
    """Of what is made, unless something says otherwise."""
    quotas: tuple[Quota, ...] = ()
    """All that there are."""


PROJECTS = Resource(
    Project,
    "project",
    "projects",
    "pj",
    reader="viewer",
    writer="admin",
)
QUOTAS = Resource(
    Quota,
    "quota",
    "quotas",
    "quo",
    parent="project_uuid",
    unique=(("project_uuid", "resource"),),
)
TOKENS = Resource(
    Token,
    "token",
    "tokens",
    "tok",
    parameters={
        "lifetime": Attribute(
            "How long it is good for, such as 12h, 30d or a number of seconds; for ever if not "
            "given.",
            DURATION,
        )
    },
    deletion="revoke",
    private=("digest",),
    reader="admin",
    writer="admin",
)
NETWORK_PROJECTS = Resource(
    NetworkProject,
    "project of a network",
    "network_projects",
    "nwpj",
    word="projects",
    parent="network_uuid",
    related="project_uuid",
    unique=(("network_uuid", "project_uuid"),),
    reader="operator",
    writer="operator",
)

__all__ = [
    "COUNTED",
    "DEFAULT_PROJECT",
    "NETWORK_PROJECTS",
    "PROJECTS",
    "QUOTAS",
    "TOKENS",
    "NetworkProject",
    "Project",
    "Quota",
    "Rights",
    "Token",
]

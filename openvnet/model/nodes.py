"""Nodes: the programs on other machines that may speak with vnmgr, each by a key of its own."""

from typing import Annotated, ClassVar

import msgspec

from openvnet.model.resource import Attribute, Resource
from openvnet.model.scalars import INSTANT, KEY, NODE_ID, SECONDS, choice, reference, uuid

ROLES = ("vna", "webapi")


class Node(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag="node",
    tag_field="kind",
):
    """A program on another machine, which vnmgr knows by its key: a host's vna, or a webapi."""

    indexes: ClassVar = ("node_id", "datapath_uuid", "public_key", "previous_key", "token_key")

    uuid: Annotated[str, Attribute("Name of the node.", uuid("node"))]
    node_id: Annotated[
        str,
        Attribute("What it is called; of a vna, the `node_id` of its datapath.", NODE_ID),
    ]
    role: Annotated[
        str, Attribute("What it may do: be a host's agent, or ask and write.", choice(*ROLES))
    ] = "vna"
    datapath_uuid: Annotated[
        str | None,
        Attribute(
            "The only datapath that it may be the agent of; if not given, those that name its "
            "node id, and such as nobody has declared.",
            reference("dp"),
            update=True,
        ),
    ] = None
    token_key: Annotated[
        str | None,
        Attribute(
            "The public half of its token, which lets it join once; `vnctl nodes token` makes it.",
            KEY,
            update=True,
            clears=True,
        ),
    ] = None
    token_until: Annotated[
        int | None,
        Attribute(
            "When the token expires, in seconds since 1970, UTC; 0: it was used.",
            INSTANT,
            create=False,
        ),
    ] = None
    public_key: Annotated[
        str | None, Attribute("The key that it is known by, once it has joined.", KEY, create=False)
    ] = None
    previous_key: Annotated[
        str | None,
        Attribute(
            "Its last key, which counts for an hour after it was renewed.", KEY, create=False
        ),
    ] = None
    joined: Annotated[
        int | None,
        Attribute(
            "When it got its key, in seconds since 1970, UTC.",
            INSTANT,
            create=False,
        ),
    ] = None


TOKEN_SECONDS = Attribute(
    "For how long its token lets it join; an hour if it is not given.", SECONDS, update=True
)
KEY_PARAMETER = Attribute("The public key, 40 letters of Z85.", KEY, required=True)

NODES = Resource(
    Node,
    "node",
    "nodes",
    "node",
    unique=(("node_id",), ("public_key",), ("token_key",)),
    parameters={"token_seconds": TOKEN_SECONDS},
    verbs=("create", "show", "update", "delete"),
    actions={"accept": {"public_key": KEY_PARAMETER}, "renew": {"public_key": KEY_PARAMETER}}
    | {"revoke": {}},
    reader="operator",
    writer="admin",
)
"""It is listed by a path of its own, with how each node fares (`GET /nodes`)."""

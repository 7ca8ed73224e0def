"""Nodes: what they are called, and how each gets its key, renews it and loses it."""

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

from msgspec.structs import replace

from openvnet.manager.errors import InvalidArgument
from openvnet.manager.identities import Identity
from openvnet.model import Datapath, Node, Row
from openvnet.store.transaction import Transaction
from openvnet.wire.keys import is_key
from openvnet.wire.messages import Request

TOKEN_SECONDS = 3600


def node_rows(transaction: Transaction, values: Mapping[str, Any]) -> Iterator[Row]:
    """A new node; without a name it gets its datapath's, or the next that is free."""
    if "node_id" not in values:
        values = {**values, "node_id": _node_id(transaction, values)}
    yield _checked(Node(**_with_token(transaction, values)))


def _node_id(transaction: Transaction, values: Mapping[str, Any]) -> str:
    if datapath_uuid := values.get("datapath_uuid"):
        datapath = transaction.get(Datapath, datapath_uuid)
        if datapath is not None:
            return datapath.node_id
    role = values.get("role", "vna")
    names = (f"{role}{number}" for number in count(2))
    return next(name for name in names if not transaction.where(Node, node_id=name))


def changed_node(transaction: Transaction, node: Node, values: Mapping[str, Any]) -> Iterator[Row]:
    """Another datapath, or a new token."""
    yield _checked(replace(node, **_with_token(transaction, values, node)))


def _with_token(
    transaction: Transaction, values: Mapping[str, Any], before: Node | None = None
) -> dict[str, Any]:
    """The values, with the end of a token's time by vnmgr's clock, which alone decides it."""
    given = dict(values)
    seconds = given.pop("token_seconds", None)
    if "token_key" not in given and seconds is None:
        return given
    good = before.token_key if before and before.token_until else None
    key = given.get("token_key", good)
    if key is None and seconds is not None:
        raise InvalidArgument("token_seconds goes with a token_key, or a token that is not used.")
    until = transaction.time + (TOKEN_SECONDS if seconds is None else seconds)
    return {**given, "token_until": None if key is None else until}


def _checked(node: Node) -> Node:
    if node.datapath_uuid is not None and node.role != "vna":
        raise InvalidArgument(f"datapath_uuid {node.datapath_uuid}: only a vna has a datapath.")
    return node


def accepted(transaction: Transaction, node: Node, values: Mapping[str, Any]) -> Iterator[Row]:
    """A key that nothing but itself vouches for from now on; the token is used up."""
    key = _free(transaction, node, values["public_key"])
    used = 0 if node.token_key else None
    yield replace(
        node, public_key=key, previous_key=None, token_until=used, joined=transaction.time
    )


def renewed(transaction: Transaction, node: Node, values: Mapping[str, Any]) -> Iterator[Row]:
    """A key in place of the last, which counts a while longer."""
    if node.public_key is None:
        raise InvalidArgument(f"node {node.uuid} has no key that could be renewed; it must join.")
    key = _free(transaction, node, values["public_key"])
    if key == node.public_key:
        yield node
    else:
        yield replace(node, public_key=key, previous_key=node.public_key, joined=transaction.time)


def revoked(_: Transaction, node: Node, __: Mapping[str, Any]) -> Iterator[Row]:
    """No key and no token: it may not connect until it joins anew."""
    yield replace(node, public_key=None, previous_key=None, token_key=None, token_until=None)


def _free(transaction: Transaction, node: Node, key: str) -> str:
    for name in ("public_key", "previous_key", "token_key"):
        for other in transaction.where(Node, **{name: key}):
            if other.uuid != node.uuid or name != "public_key":
                raise InvalidArgument(f"public_key is known already, of node {other.uuid}.")
    return key


def joining(request: Request, identity: Identity | None, now: int) -> Request:
    """What a node asks for with its key or its token: a key of its own. Raise InvalidArgument."""
    node = identity.node if identity else None
    if identity is None or node is None or request.verb != "join":
        raise InvalidArgument("A token or a node's key is needed to join, and nothing else goes.")
    verb = "renew"
    if identity.role == "token":
        verb = "accept"
        if not node.token_until:
            raise InvalidArgument(
                f"the token of node {node.node_id} was used already, and is worth nothing more. "
                f"`vnctl nodes token --node-id {node.node_id}` makes another."
            )
        if node.token_until <= now:
            raise InvalidArgument(
                f"the token of node {node.node_id} expired {_ago(now - node.token_until)} ago. "
                f"`vnctl nodes token --node-id {node.node_id}` makes another."
            )
    key = request.values.get("public_key")
    if not isinstance(key, str) or not is_key(key.encode()):
        raise InvalidArgument("public_key must be a public key of 40 letters (Z85).")
    return Request(
        request.id,
        verb,
        "nodes",
        node.uuid,
        values={"public_key": key},
        origin=f"{node.node_id}, which {'joins' if verb == 'accept' else 'renews its key'}",
    )


def _ago(seconds: int) -> str:
    if seconds < 120:
        return f"{seconds} seconds"
    return f"{seconds // 60} minutes" if seconds < 7200 else f"{seconds // 3600} hours"

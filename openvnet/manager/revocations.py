"""A backup lets nobody in again: who was thrown out since it was made stays out.

    a token, a node's keys      as they are in the database now, if they are there
    revoked, says its log       the token comes back expired, the node without a key
    never heard of              as in the backup: this is another database, after a loss perhaps

Such rows are there afterwards, rather than left out, so that the same holds of the next restore.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from msgspec.structs import replace

from openvnet.manager.replica import Replica
from openvnet.model import Node, Row, Token
from openvnet.store import log
from openvnet.store.database import Store
from openvnet.store.transaction import Transaction

KEYS = ("public_key", "previous_key", "token_key", "token_until", "joined")
"""What lets a node in."""
NO_KEYS = dict.fromkeys(("public_key", "previous_key", "token_key", "token_until"))


class Revoked(NamedTuple):
    """The rows of a backup, none of which lets somebody in who is not let in now."""

    tokens: Sequence[tuple[Row, int]]
    nodes: Sequence[tuple[Row, int]]
    stays: list[str]
    """The uuids of those that were good when the backup was made, and are not."""


def as_they_are_now(
    tokens: Sequence[tuple[Any, int]],
    nodes: Sequence[tuple[Any, int]],
    store: Store,
    replica: Replica,
) -> Revoked:
    """What of these rows of a backup is put into force. Raise StoreError."""
    deleted = _deleted(store)
    tokens_now = [(_token(row, deleted, replica), created) for row, created in tokens]
    nodes_now = [(_node(row, deleted, replica), created) for row, created in nodes]
    both = zip((*tokens, *nodes), (*tokens_now, *nodes_now), strict=True)
    stays = [before.uuid for (before, _), (now, _) in both if _is_shut_out(before, now)]
    return Revoked(tokens_now, nodes_now, stays)


def _is_shut_out(before: Any, now: Any) -> bool:
    """Whether a row that let somebody in does so no more."""
    if isinstance(before, Token):
        return (before.digest, before.expires_at) != (now.digest, now.expires_at)
    return before.public_key is not None and now.public_key is None


def _token(row: Token, deleted: Mapping[str, int], replica: Replica) -> Token:
    known = replica.get(Token, row.uuid)
    if known is not None and known.digest == row.digest:
        return known
    return replace(row, expires_at=deleted[row.uuid]) if row.uuid in deleted else row


def _node(row: Node, deleted: Mapping[str, int], replica: Replica) -> Node:
    if known := replica.get(Node, row.uuid):
        return replace(row, **{name: getattr(known, name) for name in KEYS})
    return replace(row, **NO_KEYS) if row.uuid in deleted else row


def _deleted(store: Store) -> dict[str, int]:
    """When each token and node was deleted, in seconds since 1970, as the log says."""

    def read(transaction: Transaction) -> dict[str, int]:
        entries = (
            entry
            for _, lines in log.revisions(transaction.connection, 0, store.number, (Token, Node))
            for entry in lines
        )
        return {
            entry.change.uuid: entry.time // 1_000_000
            for entry in entries
            if entry.change and entry.change.after is None
        }

    return store.read(read)

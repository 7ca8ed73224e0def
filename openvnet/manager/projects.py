"""Projects, and the tokens that act for them: which ones may be, and which may go."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from openvnet.manager.errors import Conflict, InvalidArgument
from openvnet.manager.networks import check_wire
from openvnet.model import (
    DEFAULT_PROJECT,
    TOKENS,
    IpLease,
    Network,
    NetworkProject,
    Project,
    Row,
    Token,
)
from openvnet.model.ownership import IN_PROJECTS, OWNED
from openvnet.store.transaction import Transaction

MOST_NAMED = 3
"""Resources of each kind that are named where a project cannot go."""


def token_rows(transaction: Transaction, values: Mapping[str, Any]) -> Iterator[Row]:
    """A new token."""
    given = dict(values)
    lifetime = given.pop("lifetime", None)
    token = Token(**given)
    if token.role == "member" and token.project_uuid is None:
        raise InvalidArgument("role member: a member is of a project; say project_uuid.")
    if token.role in ("operator", "admin") and token.project_uuid is not None:
        raise InvalidArgument(
            f"role {token.role} is not confined to a project; leave out project_uuid, or say "
            "role member."
        )
    if lifetime is not None:
        token = replace(token, expires_at=transaction.time + lifetime)
    yield token


def check_deletion(transaction: Transaction, row: Row) -> None:
    """Refuse to delete a project that is not empty, or a share that is in use."""
    if isinstance(row, NetworkProject):
        network = transaction.get(Network, row.network_uuid)
        if network is not None and not network.shared:
            _refuse_use(transaction, network, (row.project_uuid,))
    if not isinstance(row, Project):
        return
    if row.uuid == DEFAULT_PROJECT:
        raise Conflict(f"{DEFAULT_PROJECT} stays: what nobody says a project of is its.")
    if held := list(_held(transaction, row.uuid)):
        raise Conflict(
            f"Project {row.uuid} is not empty: it has {'; '.join(held)}. Delete them first, or "
            "give them to another project."
        )


def changed_network(
    transaction: Transaction, network: Network, values: Mapping[str, Any]
) -> Iterator[Row]:
    """A network with other values; it stays shared with those who use it, and a LAN of its own."""
    if network.shared and values.get("shared") is False:
        shares = transaction.where(NetworkProject, network_uuid=network.uuid)
        kept = {network.project_uuid, *(share.project_uuid for share in shares)}
        leases = transaction.where(IpLease, network_uuid=network.uuid)
        _refuse_use(transaction, network, {lease.project_uuid for lease in leases} - kept)
    changed = replace(network, **values)
    if "vlan_id" in values:
        check_wire(transaction, changed)
    yield changed


def _refuse_use(transaction: Transaction, network: Network, projects: Iterable[str]) -> None:
    """Refuse to take a network from projects that have addresses in it."""
    leases = transaction.where(IpLease, network_uuid=network.uuid)
    for project_uuid in sorted(projects):
        if held := [lease.uuid for lease in leases if lease.project_uuid == project_uuid]:
            named = ", ".join(held[:MOST_NAMED])
            raise Conflict(
                f"Project {project_uuid} has {len(held)} IP leases in network {network.uuid} "
                f"({named}); delete them first."
            )


def _held(transaction: Transaction, project_uuid: str) -> Iterator[str]:
    for resource in (*IN_PROJECTS, TOKENS):
        singular = resource.singular
        rows: list[Any] = transaction.where(resource.kind, project_uuid=project_uuid)
        if rows:
            named = ", ".join(row.uuid for row in rows[:MOST_NAMED])
            more = f" and {len(rows) - MOST_NAMED} more" if len(rows) > MOST_NAMED else ""
            yield f"{len(rows)} {singular}{'s' if len(rows) > 1 else ''} ({named}{more})"


def moved_along(transaction: Transaction, row: Any) -> Iterator[Row]:
    """What belongs to a row, and goes with it to its project."""
    for kind, name in OWNED[type(row)]:
        for owned in transaction.where(kind, **{name: row.uuid}):
            moved = replace(owned, project_uuid=row.project_uuid)
            yield moved
            yield from moved_along(transaction, moved)

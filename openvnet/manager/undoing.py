"""Undo: the inverse of a revision, written as a new one.

What has changed since is not lost in silence: if a later revision has touched the same rows, or
others refer to what is to go, the undoing is refused in words. By force the rows become what they
were, whatever came later; but never twice what only one may have, and no reference to nothing.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from openvnet.manager import rights
from openvnet.manager.bridging import refuse_second_bridge
from openvnet.manager.errors import Conflict, Forbidden, UnknownOperation
from openvnet.manager.leases import MACS, refuse_address_on_the_wire, refuse_mac_in_use
from openvnet.model import (
    RESOURCES,
    InterfaceNetwork,
    InterfaceSegment,
    IpLease,
    Network,
    Row,
    Token,
    attributes,
)
from openvnet.model.scalars import TEXT
from openvnet.store import log
from openvnet.store.transaction import Change, Transaction, referrers


def undo(transaction: Transaction, number: int, force: bool) -> None:
    """Bring back the rows that a revision changed; raise RequestRefused."""
    newest = transaction.number - 1
    found = dict(log.revisions(transaction.connection, number - 1, number))
    if number not in found:
        raise UnknownOperation(f"There is no revision {number}; the newest is {newest}.")
    changes = log.changes(found[number])
    if not changes:
        raise Conflict(f"Revision {number} is a restored backup, and cannot be undone.")
    changes = _own(transaction, number, changes)
    _refuse_tokens(changes)
    if not force:
        _refuse_later(transaction, number, changes)
    made = [change for change in changes if change.before is None]
    _refuse_referred(transaction, {change.uuid for change in changes}, made)
    for change in changes:
        if change.before is not None and change.after is not None:
            transaction.put(change.before)
    for change in reversed(made):
        if row := transaction.get(change.kind, change.uuid):
            transaction.delete(row)
    for change in changes:
        if change.before is not None and change.after is None:
            transaction.put(change.before)
    for change in changes:
        if change.before is not None:
            _check_references(transaction, number, change.before, force)
            _refuse_twice(transaction, change.before)


def _own(transaction: Transaction, number: int, changes: Sequence[Change]) -> list[Change]:
    """What whoever asks may hear of; what only operators may follows from it, or does not."""
    caller = transaction.rights.caller
    told = [change for change in changes if rights.is_told(caller, change)]
    if not told:
        newest = transaction.number - 1
        raise UnknownOperation(f"There is no revision {number}; the newest is {newest}.")
    hidden = (change for change in changes if not rights.is_told(caller, change))
    if not all(rights.is_operators(change) for change in hidden):
        raise Forbidden(f"Revision {number} changed what is not your project's; ask an operator.")
    return told


def _refuse_tokens(changes: Sequence[Change]) -> None:
    """Refuse to bring back a token: whoever has it must not be let in again by a slip."""
    for change in changes:
        if change.kind is Token and change.before is not None:
            raise Conflict(f"Token {change.uuid} was revoked, and stays so; make another one.")


def _refuse_later(transaction: Transaction, number: int, changes: Sequence[Change]) -> None:
    """Refuse if rows are no longer as the revision left them."""
    for change in changes:
        if transaction.get(change.kind, change.uuid) != change.after:
            later = _first_after(transaction, number, change.uuid)
            raise Conflict(
                f"{_named(change.kind, change.uuid)} was changed again by revision {later}. "
                "Undo that first, or force it, and lose what it did there."
            )


def _refuse_referred(transaction: Transaction, going: set[str], made: Sequence[Change]) -> None:
    """Refuse if others refer to what is to go: they would go with it."""
    for change in made:
        for kind, name in referrers(change.kind):
            for row in transaction.where(kind, **{name: change.uuid}):
                if row.uuid not in going and not rights.sees(
                    transaction.rights.caller, row, transaction
                ):
                    raise Conflict(f"Another project uses {_named(change.kind, change.uuid)} now.")
                if row.uuid not in going:
                    raise Conflict(
                        f"{_named(kind, row.uuid)} has come since, and cannot be without "
                        f"{_named(change.kind, change.uuid)}. Delete it first."
                    )


def _check_references(transaction: Transaction, number: int, row: Row, force: bool) -> None:
    """Refuse a row that refers to nothing, or to what is no longer as it was."""
    for name, kind, uuid in _references(row):
        current = transaction.get(kind, uuid)
        if current is None:
            raise Conflict(
                f"{_named(kind, uuid)} is no longer there, and {_named(type(row), row.uuid)} "
                f"cannot be without it ({name})."
            )
        then = None if force else _then(transaction, number, current)
        if then is not None and _essence(then) != _essence(current):
            later = _first_after(transaction, number, uuid)
            raise Conflict(
                f"{_named(kind, uuid)}, which {_named(type(row), row.uuid)} refers to, was changed "
                f"by revision {later}. Undo that first, or force it."
            )


def _refuse_twice(transaction: Transaction, row: Row) -> None:
    """Refuse what another has by now, an address or a LAN, where the database would not see it."""
    if isinstance(row, MACS):
        refuse_mac_in_use(transaction, row)
    if isinstance(row, IpLease) and (network := transaction.get(Network, row.network_uuid)):
        refuse_address_on_the_wire(transaction, row, network)
    if isinstance(row, InterfaceNetwork | InterfaceSegment):
        refuse_second_bridge(transaction, row)


def _references(row: Row) -> Iterator[tuple[str, type[Any], str]]:
    by_prefix = {resource.prefix: resource.kind for resource in RESOURCES}
    for name, attribute in attributes(type(row)).items():
        value = getattr(row, name)
        if attribute.type.refers_to and value:
            yield name, by_prefix[attribute.type.refers_to], value


def _then(transaction: Transaction, number: int, current: Row) -> Row | None:
    """What a row was right after a revision, if it was changed later."""
    if number == transaction.number - 1:
        return None
    for _, lines in log.revisions(
        transaction.connection, number, transaction.number - 1, (type(current),), current.uuid
    ):
        for line in lines:
            if line.change and line.change.uuid == current.uuid:
                return line.change.before
    return None


def _essence(row: Row) -> list[Any]:
    """All of a row but names for people, on which nothing depends."""
    declared = attributes(type(row)).items()
    return [getattr(row, name) for name, attribute in declared if attribute.type is not TEXT]


def _first_after(transaction: Transaction, number: int, uuid: str) -> int:
    found = log.revisions(transaction.connection, number, transaction.number - 1, (), uuid)
    touching = (n for n, lines in found if any(c.uuid == uuid for c in log.changes(lines)))
    return next(touching, number)


def _named(kind: type[Any], uuid: str) -> str:
    return f"{next(r.singular for r in RESOURCES if r.kind is kind)} {uuid}"

"""Uuids: which one a new resource gets, and finding the one that is meant."""

import secrets
import string
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, TypeVar

from openvnet.manager import rights
from openvnet.manager.errors import DuplicateUuid, InvalidArgument, InvalidUuid, UnknownUuid
from openvnet.model import RESOURCES, Resource, attributes
from openvnet.store.transaction import Transaction

R = TypeVar("R")

LETTERS = string.ascii_lowercase + string.digits
LENGTH = 8
"""Letters of a uuid that nobody chose."""

MOST_AT_ONCE = 500
"""Uuids that are looked up in one query."""

NEIGHBOURS = 50
"""Uuids on either side, in the alphabet, among which the one that was meant is looked for."""

_BY_PREFIX = {resource.prefix: resource for resource in RESOURCES}
_BY_KIND = {resource.kind: resource for resource in RESOURCES}


def allotted_uuid(transaction: Transaction, kind: type[Any], given: str | None = None) -> str:
    """The uuid of a new row: the given one, or one of 36^8 that is free."""
    resource = _BY_KIND[kind]
    if given is None:
        return free_uuid(transaction, resource)
    _check_form(resource, given)
    if transaction.get(kind, given) is not None:
        raise DuplicateUuid(f"uuid {given}: there is such {resource.one} already.")
    return given


def free_uuid(transaction: Transaction, resource: Resource) -> str:
    """A uuid that names nothing."""
    while True:
        uuid = _drawn_uuid(resource)
        if transaction.get(resource.kind, uuid) is None:
            return uuid


def _drawn_uuid(resource: Resource) -> str:
    letters = "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
    return f"{resource.prefix}-{letters}"


def free_uuids(transaction: Transaction, kind: type[Any], count: int) -> list[str]:
    """Several that name nothing."""
    free: set[str] = set()
    while len(free) < count:
        drawn = {_drawn_uuid(_BY_KIND[kind]) for _ in range(min(count - len(free), MOST_AT_ONCE))}
        free |= drawn - {row.uuid for row in transaction.among(kind, "uuid", drawn)}
    return list(free)


def found(transaction: Transaction, kind: type[R], uuid: str, name: str = "uuid") -> R:
    """The row with a uuid. `name` is the parameter that gave it, for the refusal."""
    row = transaction.get(kind, uuid)
    if row is None or not rights.sees(transaction.rights.caller, row, transaction):  # type: ignore[arg-type]
        resource = _BY_KIND[kind]
        _check_form(resource, uuid, name)
        subject = resource.singular if name == "uuid" else name
        raise UnknownUuid(_unknown(transaction, resource, f"{subject} {uuid}", uuid))
    return row


def referred_kind(prefix: str) -> type[Any]:
    """The class of the rows whose uuids have a prefix."""
    return _BY_PREFIX[prefix].kind


def refuse_twin(
    transaction: Transaction, row: Any, parent: str, besides: Sequence[str] = ()
) -> None:
    """Refuse a row below a parent that says what another one there says already.

    A database never counts values as equal that are none; here they are.
    """
    told = {name: getattr(row, name) for name in attributes(type(row)) if name not in besides}
    for other in transaction.where(type(row), **{parent: told[parent]}):
        if all(getattr(other, name) == value for name, value in told.items() if name != "uuid"):
            singular = _BY_KIND[type(row)].singular
            raise InvalidArgument(f"{told[parent]} has such a {singular} already: {other.uuid}.")


def _check_form(resource: Resource, uuid: str, name: str = "uuid") -> None:
    try:
        attributes(resource.kind)["uuid"].type.read(uuid)
    except ValueError as error:
        raise InvalidUuid(f"{name} {uuid}: {error}.") from None


def _unknown(transaction: Transaction, resource: Resource, subject: str, uuid: str) -> str:
    sentence = f"{subject} does not exist"
    known = _seen(transaction, resource, transaction.neighbours(resource.kind, uuid, NEIGHBOURS))
    nearest = get_close_matches(uuid, known, n=1)
    return f"{sentence}; did you mean {nearest[0]}?" if nearest else f"{sentence}."


def _seen(transaction: Transaction, resource: Resource, uuids: Sequence[str]) -> list[str]:
    """Those that exist for whoever asks."""
    caller = transaction.rights.caller
    if not rights.is_confined(caller):
        return list(uuids)
    rows = ((uuid, transaction.get(resource.kind, uuid)) for uuid in uuids)
    return [uuid for uuid, row in rows if row and rights.sees(caller, row, transaction)]

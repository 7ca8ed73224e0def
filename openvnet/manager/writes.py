"""Create, update, delete and the actions: one way for all resources, driven by declarations.

    values --checked--> the resource's rule --yields rows--> put, one by one --> one revision

What is special about a resource is a *rule*: a generator of the rows that a write makes or changes,
the row that was asked for first. Each row is stored before the rule goes on, so a rule may read
what it has yielded. Whatever a rule raises undoes the whole write.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from openvnet.manager.errors import InvalidArgument, MissingArgument, UnknownOperation
from openvnet.manager.interfaces import changed_interface, interface_rows
from openvnet.manager.leases import attached, ip_lease_rows, moved_mac_lease, released
from openvnet.manager.names import allotted_uuid, found, referred_kind
from openvnet.manager.networks import network_rows
from openvnet.manager.ports import port_rows, ports_that_match
from openvnet.model import (
    RESOURCES,
    Interface,
    InterfacePort,
    IpLease,
    MacLease,
    Network,
    Resource,
    Row,
    attributes,
)
from openvnet.model.operations import change, creation
from openvnet.model.resource import Attribute
from openvnet.store.transaction import Transaction
from openvnet.wire.messages import Request

Values = Mapping[str, Any]
Creation = Callable[[Transaction, Values], Iterator[Row]]
Rule = Callable[[Transaction, Any, Values], Iterator[Row]]

CREATIONS: Mapping[type[Any], Creation] = {
    Network: network_rows,
    Interface: interface_rows,
    InterfacePort: port_rows,
    IpLease: ip_lease_rows,
}
CHANGES: Mapping[type[Any], Rule] = {Interface: changed_interface, MacLease: moved_mac_lease}
ACTIONS: Mapping[tuple[type[Any], str], Rule] = {
    (IpLease, "attach"): attached,
    (IpLease, "release"): released,
}

TYPES = {"boolean": bool, "integer": int, "IPv4 address": int, "MAC address": int}
"""What the values of each scalar are in rows, where that is not text."""

COLLECTIONS = {resource.collection: resource for resource in RESOURCES}


def written(transaction: Transaction, request: Request) -> list[Row]:
    """Do what a request asks for; return the rows that it made, changed or deleted.

    Raise RequestRefused.
    """
    resource = resource_of(request)
    if request.verb == "create":
        return [create(transaction, resource, _with_parent(resource, request))]
    if request.verb == "delete":
        return delete(transaction, resource, request)
    row = found(transaction, resource.kind, request.uuid or "")
    if request.verb == "update":
        return [update(transaction, resource, row, request.values)]
    return [act(transaction, resource, row, request)]


def resource_of(request: Request) -> Resource:
    """The resource that a request is about."""
    resource = COLLECTIONS.get(request.collection)
    if resource is None:
        raise UnknownOperation(f"There is no resource called {request.collection}.")
    return resource


def create(transaction: Transaction, resource: Resource, values: Values) -> Row:
    """Make a resource, and what comes with it."""
    declared = creation(resource)
    if resource.parent:
        declared[resource.parent] = attributes(resource.kind)[resource.parent]
    named = {name: value for name, value in values.items() if value is not None}
    given = _checked(transaction, resource, declared, named)
    for name, attribute in declared.items():
        if attribute.required and name not in given:
            raise MissingArgument(f"{name} is required to create {resource.one}.")
    given["uuid"] = allotted_uuid(transaction, resource.kind, given.get("uuid"))
    rule = CREATIONS.get(resource.kind)
    return _stored(transaction, rule(transaction, given) if rule else [resource.kind(**given)])


def update(transaction: Transaction, resource: Resource, row: Row, values: Values) -> Row:
    """Change what may be changed of a resource."""
    given = _checked(transaction, resource, change(resource), values)
    rule = CHANGES.get(resource.kind)
    return _stored(transaction, rule(transaction, row, given) if rule else [replace(row, **given)])


def act(transaction: Transaction, resource: Resource, row: Row, request: Request) -> Row:
    """Do one of the things that only this resource knows."""
    rule = ACTIONS.get((resource.kind, request.verb))
    if rule is None:
        raise UnknownOperation(f"{request.verb} is nothing that {resource.one} does.")
    declared = (resource.actions or {})[request.verb]
    given = _checked(transaction, resource, declared, request.values)
    return _stored(transaction, rule(transaction, row, given))


def delete(transaction: Transaction, resource: Resource, request: Request) -> list[Row]:
    """Delete one row, or those below a parent that have the given values."""
    rows = list(_to_delete(transaction, resource, request))
    for row in rows:
        transaction.delete(row)
    return rows


def _to_delete(transaction: Transaction, resource: Resource, request: Request) -> Iterator[Row]:
    parent = parent_uuid(transaction, resource, request)
    if request.uuid is None and resource.kind is InterfacePort and parent is not None:
        given = _checked(transaction, resource, creation(resource), request.values)
        yield from ports_that_match(transaction, parent, given)
        return
    row = found(transaction, resource.kind, request.uuid or "")
    if parent is not None and getattr(row, str(resource.parent)) != parent:
        raise InvalidArgument(f"{resource.singular} {row.uuid} is not of {parent}.")
    yield row


def parent_uuid(transaction: Transaction, resource: Resource, request: Request) -> str | None:
    """The parent that the request's path names, which exists; None if it names none."""
    if resource.parent is None or request.parent is None:
        return None
    prefix = attributes(resource.kind)[resource.parent].type.refers_to
    found(transaction, referred_kind(str(prefix)), request.parent, resource.parent)
    return request.parent


def _with_parent(resource: Resource, request: Request) -> Values:
    if resource.parent is None or request.parent is None:
        return request.values
    return {**request.values, resource.parent: request.parent}


def _stored(transaction: Transaction, rows: Iterator[Row] | list[Row]) -> Row:
    asked_for: Row | None = None
    for row in rows:
        transaction.put(row)
        asked_for = asked_for or row
    assert asked_for is not None  # noqa: S101  each rule yields the row that was asked for
    return asked_for


def _checked(
    transaction: Transaction,
    resource: Resource,
    declared: Mapping[str, Attribute],
    values: Values,
) -> dict[str, Any]:
    """The values that were given, if each is declared, of its type, and refers to what exists."""
    for name, value in values.items():
        attribute = declared.get(name)
        if attribute is None:
            raise InvalidArgument(f"{name} is nothing that can be given here for {resource.one}.")
        _check(transaction, name, attribute, value)
    return dict(values)


def _check(transaction: Transaction, name: str, attribute: Attribute, value: Any) -> None:
    refers_to = attribute.type.refers_to
    if value is None and refers_to:
        return
    if type(value) is not TYPES.get(attribute.type.name, str):
        raise InvalidArgument(f"{name} must be a {attribute.type.name}, not {value!r:.80}.")
    if refers_to and isinstance(value, str):
        found(transaction, referred_kind(refers_to), value, name)

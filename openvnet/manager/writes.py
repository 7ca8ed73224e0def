"""Create, update, delete and the actions: one way for all resources, driven by declarations.

    values --checked--> the resource's rule --yields rows--> put, one by one --> one revision

What is special about a resource is a *rule* (`rules`): a generator of the rows that a write makes
or changes, the row that was asked for first. Each row is stored before the rule goes on, so a rule
may read what it has yielded. Whatever a rule raises undoes the whole write.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from openvnet.manager.associations import FOLLOWING
from openvnet.manager.carrying import is_made, refuse_made
from openvnet.manager.errors import (
    AlreadyRelated,
    InvalidArgument,
    MissingArgument,
    UnknownOperation,
    UnknownUuid,
    UnknownValues,
)
from openvnet.manager.names import allotted_uuid, found, referred_kind
from openvnet.manager.projects import check_deletion, moved_along
from openvnet.manager.rights import check_own, check_word, check_writer
from openvnet.manager.rules import ACTIONS, CHANGES, CREATIONS, DESCRIPTIONS, Values
from openvnet.model import RESOURCES, Resource, Row, attributes
from openvnet.model.operations import change, creation, description, named_by
from openvnet.model.ownership import IN_PROJECTS, owned
from openvnet.model.resource import Attribute
from openvnet.store.transaction import Transaction
from openvnet.wire.messages import Request

TYPES = {"boolean": bool, "integer": int, "duration": int, "IPv4 address": int, "MAC address": int}
"""What the values of each scalar are in rows, where that is not text."""

COLLECTIONS = {resource.collection: resource for resource in RESOURCES}


def written(transaction: Transaction, request: Request) -> list[Row]:
    """Do what a request asks for; return the rows that it made, changed or deleted.

    Raise RequestRefused.
    """
    resource = resource_of(request)
    if request.verb == "create":
        return [create(transaction, resource, {**request.values, **_path(resource, request)})]
    if request.verb == "delete":
        return delete(transaction, resource, request)
    if request.verb == "update" and resource.kind in FOLLOWING:
        return [_made_static(transaction, resource, request)]
    row = named_row(transaction, resource, request)
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
    check_writer(transaction, resource)
    if "create" not in resource.verbs:
        raise UnknownOperation(f"{resource.one} cannot be created by itself.".capitalize())
    declared = creation(resource)
    for name in filter(None, (resource.parent, resource.related)):
        declared[name] = attributes(resource.kind)[name]
    named = {
        name: value
        for name, value in values.items()
        if value is not None and name not in resource.private
    }
    chosen = named.pop("project_uuid", None) if resource in IN_PROJECTS else None
    given = _checked(transaction, resource, declared, named)
    if resource in IN_PROJECTS:
        given["project_uuid"] = _project(transaction, declared["project_uuid"], chosen)
    for name, attribute in declared.items():
        if attribute.required and name not in given:
            raise MissingArgument(f"{name} is required to create {resource.one}.")
    row = _joining(transaction, resource, given) if resource.related else None
    if row is not None and not is_made(row):
        raise AlreadyRelated(f"{_joined(resource, row)} already.")
    given |= {name: values[name] for name in resource.private if name in values}
    given["uuid"] = allotted_uuid(transaction, resource.kind, given.get("uuid"))
    rule = CREATIONS.get(resource.kind)
    row = _stored(transaction, rule(transaction, given) if rule else [resource.kind(**given)])
    _check_project(resource, row, chosen)
    return row


def update(transaction: Transaction, resource: Resource, row: Row, values: Values) -> Row:
    """Change what may be changed of a resource."""
    _check_touching(transaction, resource, row)
    given = _checked(transaction, resource, change(resource), values)
    moved = resource in IN_PROJECTS and "project_uuid" in given
    if moved and given["project_uuid"] is None:
        raise InvalidArgument("project_uuid must name a project.")
    rule = CHANGES.get(resource.kind)
    rows = rule(transaction, row, given) if rule else [replace(row, **given)]
    changed = _stored(transaction, rows)
    if moved:
        _check_project(resource, changed, given["project_uuid"])
        for along in moved_along(transaction, changed):
            transaction.put(along)
    return changed


def act(transaction: Transaction, resource: Resource, row: Row, request: Request) -> Row:
    """Do one of the things that only this resource knows."""
    rule = ACTIONS.get((resource.kind, request.verb))
    if rule is None:
        raise UnknownOperation(f"{request.verb} is nothing that {resource.one} does.")
    _check_touching(transaction, resource, row)
    declared = {**(resource.actions or {}), **(resource.makes or {})}[request.verb]
    given = _checked(transaction, resource, declared, request.values)
    return _stored(transaction, rule(transaction, row, given))


def delete(transaction: Transaction, resource: Resource, request: Request) -> list[Row]:
    """Delete one row, or those below a parent that have the given values."""
    rows = list(_to_delete(transaction, resource, request))
    for row in rows:
        refuse_made(row)
        _check_touching(transaction, resource, row)
        check_deletion(transaction, row)
        transaction.delete(row)
    return rows


def _to_delete(transaction: Transaction, resource: Resource, request: Request) -> Iterator[Row]:
    if request.uuid or request.related:
        yield named_row(transaction, resource, request)
        return
    parent = parent_uuid(transaction, resource, request)
    given = _checked(transaction, resource, description(resource), request.values)
    describe = DESCRIPTIONS.get(resource.kind)
    wanted = describe(given) if describe else given
    rows = transaction.where(resource.kind, **{str(resource.parent): parent})
    matching = [row for row in rows if all(getattr(row, k) == v for k, v in wanted.items())]
    if not matching and is_described(resource):
        raise UnknownValues(f"{parent} has no such {resource.singular}.")
    yield from matching


def is_described(resource: Resource) -> bool:
    """Whether the values by which rows are deleted describe one row."""
    return any(attribute.required for attribute in description(resource).values())


def named_row(transaction: Transaction, resource: Resource, request: Request) -> Row:
    """The row that a request names: by its uuid, or by what it joins."""
    parent = parent_uuid(transaction, resource, request)
    if resource.related:
        return _related_row(transaction, resource, request)
    row: Row = found(transaction, resource.kind, request.uuid or "")
    if parent is not None and getattr(row, str(resource.parent)) != parent:
        raise InvalidArgument(f"{resource.singular} {row.uuid} is not of {parent}.")
    return row


def _related_row(transaction: Transaction, resource: Resource, request: Request) -> Row:
    path = _path(resource, request)
    named_by_path(transaction, resource, path)
    row = _joining(transaction, resource, path)
    if row is None:
        parent, related = path.values()
        raise UnknownUuid(f"{parent} has no {related} among its {resource.in_paths}.")
    return row


def named_by_path(transaction: Transaction, resource: Resource, path: Values) -> None:
    """Refuse a path that names what does not exist."""
    for name, uuid in path.items():
        found(transaction, named_by(resource, name).kind, uuid, name)


def _joining(transaction: Transaction, resource: Resource, values: Values) -> Row | None:
    """The row that joins two resources, if there is one."""
    by = {name: values[name] for name in (resource.parent, resource.related) if name}
    rows: list[Row] = transaction.where(resource.kind, **by)
    return rows[0] if rows else None


def _joined(resource: Resource, row: Row) -> str:
    parent, related = (getattr(row, str(name)) for name in (resource.parent, resource.related))
    return f"{parent} has {related} among its {resource.in_paths}"


def _made_static(transaction: Transaction, resource: Resource, request: Request) -> Row:
    """What an interface is part of, whether or not anything leads there, from now on or no more."""
    check_writer(transaction, resource)
    path = _path(resource, request)
    named_by_path(transaction, resource, path)
    given = _checked(transaction, resource, change(resource), request.values)
    if "static" not in given:
        raise MissingArgument("static is required: true or false.")
    old = _joining(transaction, resource, path)
    if given["static"]:
        if old:
            return old
        values = {"uuid": allotted_uuid(transaction, resource.kind), **path}
        rule = CREATIONS.get(resource.kind)
        rows = rule(transaction, values) if rule else [resource.kind(**values)]
        return _stored(transaction, rows)
    if old:
        transaction.delete(old)
    made: Row = resource.kind(uuid=old.uuid if old else "", static=False, **path)
    return made


def parent_uuid(transaction: Transaction, resource: Resource, request: Request) -> str | None:
    """The parent that the request's path names, which exists; None if it names none."""
    if resource.parent is None or request.parent is None:
        return None
    prefix = attributes(resource.kind)[resource.parent].type.refers_to
    found(transaction, referred_kind(str(prefix)), request.parent, resource.parent)
    return request.parent


def _path(resource: Resource, request: Request) -> dict[str, str]:
    """What the request's path names beside the row's own uuid, by attribute."""
    named = {resource.parent: request.parent, resource.related: request.related}
    return {name: uuid for name, uuid in named.items() if name and uuid}


def _stored(transaction: Transaction, rows: Iterator[Row] | list[Row]) -> Row:
    asked_for: Row | None = None
    for said in rows:
        row = owned(said, transaction.get)
        transaction.put(row)
        asked_for = asked_for or row
    assert asked_for is not None  # noqa: S101  each rule yields the row that was asked for
    return asked_for


def _project(transaction: Transaction, attribute: Attribute, chosen: Any) -> str:
    """The project of what is made: the one that is said, else that of who makes it."""
    if chosen is None:
        return transaction.rights.project_uuid
    _check(transaction, "project_uuid", attribute, chosen)
    return str(chosen)


def _check_project(resource: Resource, row: Any, chosen: str | None) -> None:
    """Refuse a project that is not that of what a row belongs to."""
    if chosen is not None and row.project_uuid != chosen:
        raise InvalidArgument(
            f"project_uuid {chosen}: {resource.singular} {row.uuid} belongs to "
            f"{getattr(row, str(resource.owner))}, which is of project {row.project_uuid}, and so "
            "is what belongs to it."
        )


def _check_touching(transaction: Transaction, resource: Resource, row: Row) -> None:
    """Refuse who may not write a resource, or not this one."""
    check_writer(transaction, resource)
    check_own(transaction.rights.caller, row, transaction)


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
        check_word(transaction, name, attribute.role)
        _check(transaction, name, attribute, value)
    return dict(values)


def _check(transaction: Transaction, name: str, attribute: Attribute, value: Any) -> None:
    refers_to = attribute.type.refers_to
    if value is None and (refers_to or attribute.clears):
        return
    if type(value) is not TYPES.get(attribute.type.name, str):
        raise InvalidArgument(f"{name} must be a {attribute.type.name}, not {value!r:.80}.")
    if refers_to and isinstance(value, str):
        row = found(transaction, referred_kind(refers_to), value, name)
        if not attribute.shared:
            check_own(transaction.rights.caller, row, transaction)

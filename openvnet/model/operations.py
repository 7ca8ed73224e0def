"""What can be done with each resource: the operations that its declaration implies.

REST routes, the OpenAPI description, vnctl's commands, the reference pages and the contract tests
are all made from these, so none of them can know an operation or a parameter that another lacks.
"""

from collections.abc import Iterator, Mapping

import msgspec
from msgspec.structs import replace

from openvnet.model import RESOURCES
from openvnet.model.resource import Attribute, Resource, attributes


class Operation(msgspec.Struct, frozen=True):
    """One thing that can be done with a resource, at one path with one method."""

    resource: Resource
    verb: str
    """create, list, show, update, delete, the name of an action, or of the collection of what is
    made: as in `wire.Request`."""
    method: str
    path: str
    """Words and parameters in turn: "/interfaces/{interface_uuid}/ports"."""
    parameters: Mapping[str, Attribute]
    """What may be given beside what the path names."""

    @property
    def names_one(self) -> bool:
        """Whether the path names one row: by its uuid, or by what it relates to."""
        return f"{{{self.own_name}}}" in self.path

    @property
    def own_name(self) -> str:
        """What the path calls the uuid that names one row."""
        return self.resource.related or "uuid"

    @property
    def answered(self) -> Resource:
        """The resource that it is answered with."""
        return made_by(self.resource, self.verb) or self.resource

    @property
    def by_values(self) -> bool:
        """Whether it deletes the rows that its parameters describe."""
        return self.verb == "delete" and not self.names_one

    @property
    def names_project(self) -> bool:
        """Whether a project can be named: to make something in it, or to list what is its."""
        named = self.resource.parent is None and "project_uuid" in attributes(self.resource.kind)
        return named and self.verb in ("create", "list") and not self.resource.private

    @property
    def writes(self) -> bool:
        """Whether it makes a revision."""
        return self.method != "GET"


def operations() -> Iterator[Operation]:
    """All operations on all resources."""
    for resource in RESOURCES:
        yield from operations_of(resource)


def operations_of(resource: Resource) -> Iterator[Operation]:
    """The operations on one resource."""
    every = f"{_above(resource)}/{resource.in_paths}"
    one = f"{every}/{{{resource.related or 'uuid'}}}"
    for operation in _usual(resource, every, one):
        if operation.verb in resource.verbs:
            yield operation
    for action, parameters in (resource.actions or {}).items():
        yield Operation(resource, action, "PUT", f"{one}/{action}", parameters)
    for made, parameters in (resource.makes or {}).items():
        yield Operation(resource, made, "POST", f"{one}/{made}", parameters)


def _usual(resource: Resource, every: str, one: str) -> Iterator[Operation]:
    yield Operation(
        resource, "create", "POST", one if resource.related else every, creation(resource)
    )
    yield Operation(resource, "list", "GET", every, {})
    if resource.deleted_by:
        yield Operation(resource, "delete", "DELETE", every, description(resource))
    if not resource.parent:
        yield Operation(resource, "show", "GET", one, {})
    if changes := change(resource):
        yield Operation(resource, "update", "PUT", one, changes)
    yield Operation(resource, "delete", "DELETE", one, {})


def creation(resource: Resource) -> dict[str, Attribute]:
    """What may be given on creation, by name; what the path names is not among it."""
    declared = attributes(resource.kind).items()
    own = {
        name: attribute
        for name, attribute in declared
        if attribute.create and name not in (resource.parent, resource.related)
    }
    return {**own, **(resource.parameters or {})}


def change(resource: Resource) -> dict[str, Attribute]:
    """What may be changed afterwards, by name; none of it is required."""
    declared = {**attributes(resource.kind), **(resource.parameters or {})}.items()
    return _optional({name: attribute for name, attribute in declared if attribute.update})


def description(resource: Resource) -> dict[str, Attribute]:
    """By what rows are found to be deleted, by name."""
    created = creation(resource)
    return {name: created[name] for name in resource.deleted_by}


def parent_of(resource: Resource) -> Resource | None:
    """The resource below whose path this one lives."""
    return named_by(resource, resource.parent) if resource.parent else None


def related_of(resource: Resource) -> Resource | None:
    """The resource that a relation joins to its parent."""
    return named_by(resource, resource.related) if resource.related else None


def made_by(resource: Resource, verb: str) -> Resource | None:
    """What a resource makes at that word; None if that is no such word."""
    if verb not in (resource.makes or {}):
        return None
    return next(other for other in RESOURCES if other.collection == verb)


def named_by(resource: Resource, name: str) -> Resource:
    """The resource that a uuid of this name is of, in a path or in a row."""
    if name == "uuid":
        return resource
    prefix = attributes(resource.kind)[name].type.refers_to
    return next(other for other in RESOURCES if other.prefix == prefix)


def reader_of(resource: Resource) -> str:
    """The least role that may read a resource."""
    parent = parent_of(resource)
    return resource.reader or (reader_of(parent) if parent else "viewer")


def writer_of(resource: Resource) -> str:
    """The least role that may write a resource."""
    parent = parent_of(resource)
    return resource.writer or (writer_of(parent) if parent else "member")


def parts(resource: Resource) -> list[Resource]:
    """The sub-resources, which are shown with it."""
    return [other for other in below(resource) if other.related is None]


def below(resource: Resource) -> Iterator[Resource]:
    """The sub-resources and relations that live below the path of this one."""
    return (other for other in RESOURCES if parent_of(other) is resource)


def _above(resource: Resource) -> str:
    parent = parent_of(resource)
    return f"/{parent.collection}/{{{resource.parent}}}" if parent else ""


def _optional(parameters: Mapping[str, Attribute]) -> dict[str, Attribute]:
    return {name: replace(given, required=False) for name, given in parameters.items()}

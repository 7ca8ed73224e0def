"""What can be done with each resource: the operations that its declaration implies.

REST routes, the OpenAPI description, vnctl's commands, the reference pages and the contract tests
are all made from these, so none of them can know an operation or a parameter that another lacks.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from openvnet.model import RESOURCES
from openvnet.model.resource import Attribute, Resource, attributes


@dataclass(frozen=True)
class Operation:
    """One thing that can be done with a resource, at one path with one method."""

    resource: Resource
    verb: str
    """create, list, show, update, delete, or the name of an action: as in `wire.Request`."""
    method: str
    path: str
    """Words and parameters in turn: "/interfaces/{interface_uuid}/ports"."""
    parameters: Mapping[str, Attribute]
    """What may be given beside what the path names."""

    @property
    def names_one(self) -> bool:
        """Whether the path names one resource, by its uuid."""
        return "{uuid}" in self.path

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
    every = f"{_above(resource)}/{resource.collection}"
    one = f"{every}/{{uuid}}"
    created = creation(resource)
    yield Operation(resource, "create", "POST", every, created)
    yield Operation(resource, "list", "GET", every, {})
    if resource.parent:
        yield Operation(resource, "delete", "DELETE", every, _optional(created))
    else:
        yield Operation(resource, "show", "GET", one, {})
    if changes := change(resource):
        yield Operation(resource, "update", "PUT", one, changes)
    yield Operation(resource, "delete", "DELETE", one, {})
    for action, parameters in (resource.actions or {}).items():
        yield Operation(resource, action, "PUT", f"{one}/{action}", parameters)


def creation(resource: Resource) -> dict[str, Attribute]:
    """What may be given on creation, by name; the parent is named by the path instead."""
    declared = attributes(resource.kind).items()
    own = {
        name: attribute
        for name, attribute in declared
        if attribute.create and name != resource.parent
    }
    return {**own, **(resource.parameters or {})}


def change(resource: Resource) -> dict[str, Attribute]:
    """What may be changed afterwards, by name; none of it is required."""
    declared = {**attributes(resource.kind), **(resource.parameters or {})}.items()
    return _optional({name: attribute for name, attribute in declared if attribute.update})


def parent_of(resource: Resource) -> Resource | None:
    """The resource below whose path this one lives."""
    if resource.parent is None:
        return None
    prefix = attributes(resource.kind)[resource.parent].type.refers_to
    return next(other for other in RESOURCES if other.prefix == prefix)


def _above(resource: Resource) -> str:
    parent = parent_of(resource)
    return f"/{parent.collection}/{{{resource.parent}}}" if parent else ""


def _optional(parameters: Mapping[str, Attribute]) -> dict[str, Attribute]:
    return {name: replace(given, required=False) for name, given in parameters.items()}

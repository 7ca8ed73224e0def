"""Which projects a row is of: what it says itself, or what it is below says.

What belongs to something is of that thing's project, always: an IP lease is of the project of its
interface, and moves along when that is moved.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from msgspec.structs import replace

from openvnet.model import (
    DEFAULT_PROJECT,
    RESOURCES,
    ActiveInterface,
    NetworkProject,
    Node,
    Project,
    Resource,
    Row,
    Token,
)
from openvnet.model.operations import named_by, parent_of

R = TypeVar("R")
Kind = type[Any]
Get = Callable[[Kind, str], Any]
"""Finds a row by its class and uuid; None if there is none."""

BY_KIND: Mapping[Kind, Resource] = {resource.kind: resource for resource in RESOURCES}

OWNED: Mapping[Kind, tuple[tuple[Kind, str], ...]] = {
    resource.kind: tuple(
        (other.kind, other.owner)
        for other in RESOURCES
        if other.owner and named_by(other, other.owner) is resource
    )
    for resource in RESOURCES
}
"""What may belong to a row of each class, and which attribute says so."""

_OWNERS: Mapping[Kind, tuple[str, Kind]] = {
    resource.kind: (resource.owner, named_by(resource, resource.owner).kind)
    for resource in RESOURCES
    if resource.owner
}
_PARENTS: Mapping[Kind, tuple[str, Kind]] = {
    resource.kind: (str(resource.parent), parent.kind)
    for resource in RESOURCES
    if (parent := parent_of(resource)) is not None
}
PROJECTLESS = (ActiveInterface, Node, Project, Token)
"""What is of no project although it may name one."""

IN_PROJECTS = tuple(
    resource
    for resource in RESOURCES
    if resource.parent is None and resource.kind not in PROJECTLESS
)
"""What says itself of which project it is."""


def owned(row: R, get: Get) -> R:
    """A row, of the project of what it belongs to."""
    if (owner := _OWNERS.get(type(row))) is None:
        return row
    name, kind = owner
    uuid = getattr(row, name)
    above = None if uuid is None else get(kind, uuid)
    if above is None or above.project_uuid == row.project_uuid:  # type: ignore[attr-defined]
        return row
    made: R = replace(row, project_uuid=above.project_uuid)  # type: ignore[type-var]
    return made


def without_project(row: R) -> R:
    """A row as hosts hear of it: whose it is makes no difference to a switch."""
    if getattr(row, "project_uuid", DEFAULT_PROJECT) == DEFAULT_PROJECT:
        return row
    made: R = replace(row, project_uuid=DEFAULT_PROJECT)  # type: ignore[type-var]
    return made


def project_of(row: Any, get: Get) -> str:
    """The project that a row is of; empty if it is of none, or of one that is not known."""
    kind = type(row)
    if kind in PROJECTLESS:
        return row.uuid if kind is Project else ""
    if (parent := _PARENTS.get(kind)) is None:
        return str(row.project_uuid)
    name, above = parent
    found = get(above, getattr(row, name))
    return "" if found is None else project_of(found, get)


def projects_of(before: Row | None, after: Row | None, get: Get) -> str:
    """The projects that a change of a row is of, with spaces between them."""
    return " ".join(dict.fromkeys(filter(None, _projects(before, after, get))))


def _projects(before: Row | None, after: Row | None, get: Get) -> Iterator[str]:
    for row in (before, after):
        if row is not None:
            yield project_of(row, get)
            if isinstance(row, NetworkProject):
                yield row.project_uuid

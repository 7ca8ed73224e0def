"""The API's description in OpenAPI 3.1, made from the same declarations as its routes."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import openvnet
from openvnet.api.described import (
    PROBLEM,
    REVISION,
    header,
    json,
    own_paths,
    query,
    refusals,
    revision_headers,
)
from openvnet.api.reading import LIMIT, LIST_ITEMS, OFFSET, PAGE_LIMIT, WAIT_SECONDS
from openvnet.api.routes import MOUNTS
from openvnet.api.shown import SHOWN
from openvnet.model import RESOURCES
from openvnet.model.filters import filters
from openvnet.model.operations import Operation, named_by, operations, parent_of, related_of
from openvnet.model.resource import Attribute, Resource, attributes
from openvnet.model.scalars import Scalar, uuid

Object = dict[str, Any]

DRY_RUN = "Check and answer all, and then write nothing."
SORT = (
    "Attributes with commas between them, or `created` (the revision that made it); `-` before one "
    "turns its order around."
)
PROJECT = (
    "The project, by uuid or display name, that it is made in, or whose are listed; if not given, "
    "that of the token, or all."
)
FIELDS = "What to show, by name, with commas between; all if it is not given."


@cache
def document() -> Object:
    """The whole description."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "OpenVNet",
            "version": openvnet.__version__,
            "summary": "A network hypervisor.",
        },
        "servers": [{"url": mount} for mount in MOUNTS],
        "paths": _paths(),
        "security": [{}, {"token": []}],
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Problem": PROBLEM, "Revision": REVISION}
            | {_name(of): _shown(of) for of in RESOURCES},
        },
    }


def _paths() -> Object:
    paths = own_paths()
    for operation in operations():
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return paths


def _operation(operation: Operation) -> Object:
    described: Object = {
        "operationId": f"{operation.verb}_{operation.resource.collection}{_suffix(operation)}",
        "tags": [operation.resource.collection],
        "parameters": list(_parameters(operation)),
        "summary": _summary(operation),
        "responses": {"200": _answered(operation), **refusals(_refusals(operation))},
    }
    if operation.verb == "show":
        described["responses"]["304"] = {"description": "The client has it already."}
    if operation.writes:
        body = _body(operation.parameters)
        if operation.verb == "create" and not operation.names_one:
            several = {"type": "array", "items": body, "minItems": 1, "maxItems": LIST_ITEMS}
            body = {"oneOf": [body, several]}
        described["requestBody"] = {"content": json(body)}
    return described


def _summary(operation: Operation) -> str:
    resource = operation.resource
    what = {"list": f"Every {resource.singular}", "show": f"Show {resource.one}"}
    did = f"{operation.verb.capitalize()} {resource.one}"
    if operation.answered is not resource:
        return f"Have {resource.one} make {operation.answered.one}."
    return f"{what.get(operation.verb, did)}."


def _refusals(operation: Operation) -> tuple[int, ...]:
    """The statuses with which an operation may be refused."""
    if not operation.writes:
        named = "{" in operation.path or operation.names_project
        return (404, 503) if named else (503,)
    return (404, 409, 412, 422, 503)


def _suffix(operation: Operation) -> str:
    return "_by_parameters" if operation.by_values else ""


def _parameters(operation: Operation) -> Iterator[Object]:
    resource, parent = operation.resource, parent_of(operation.resource)
    if parent is not None:
        yield _path_parameter(str(resource.parent), parent)
    if operation.names_one:
        yield _path_parameter(operation.own_name, named_by(resource, operation.own_name))
    if operation.writes:
        waiting = {"type": ["boolean", "number"], "minimum": 0, "maximum": 600}
        words = (
            f"Seconds to wait until the hosts have realised the write; true is {WAIT_SECONDS:g}."
        )
        yield query("wait", words, waiting)
        yield query("dry_run", DRY_RUN, {"type": "boolean", "default": False})
        yield header("Idempotency-Key", {"type": "string", "minLength": 1, "maxLength": 255})
    if operation.writes and "{uuid}" in operation.path:
        yield header("If-Match", {"type": "string"})
    if operation.names_project:
        yield query("project", PROJECT, {"type": "string", "maxLength": 255})
    if operation.verb == "show":
        yield header("If-None-Match", {"type": "string"})
    if operation.verb == "list":
        words = f"Items at most; {PAGE_LIMIT} if neither this nor webapi's configuration says."
        yield query("limit", words, dict(LIMIT.schema))
        yield query("offset", "Items to skip.", {**OFFSET.schema, "default": 0})
        yield query("sort", SORT, {"type": "string"})
        for name, attribute in filters(resource).items():
            yield query(name, f"Only those with this value. {attribute.doc}", _or_empty(attribute))
    if operation.verb in ("list", "show"):
        yield query("fields", FIELDS, {"type": "string"})


def _or_empty(attribute: Attribute) -> Object:
    """The value of a filter: the empty text finds what has none."""
    return {"anyOf": [_schema(attribute.type), {"const": ""}]}


def _path_parameter(name: str, of: Resource) -> Object:
    where = {"name": name, "in": "path", "required": True}
    return where | {"description": f"The {of.singular}.", "schema": dict(uuid(of.prefix).schema)}


def _body(parameters: Mapping[str, Attribute]) -> Object:
    required = [name for name, given in parameters.items() if given.required]
    schema: Object = {"type": "object", "additionalProperties": False}
    schema["properties"] = {name: _described(given) for name, given in parameters.items()}
    return schema | ({"required": required} if required else {})


def _described(attribute: Attribute) -> Object:
    return {"description": attribute.doc, **_schema(attribute.type)}


def _schema(scalar: Scalar) -> Object:
    return dict(scalar.schema)


def _answered(operation: Operation) -> Object:
    answer: Object = {"description": "Done.", "content": json(_result(operation))}
    if operation.writes:
        answer["headers"] = revision_headers()
    return answer


def _result(operation: Operation) -> Object:
    reference = _reference(operation.answered)
    if operation.by_values:
        one = any(given.required for given in operation.parameters.values())
        return reference if one else {"type": "array", "items": reference}
    if operation.verb == "delete":
        return {"type": "array", "items": {"type": "string"}}
    if operation.verb == "create" and not operation.names_one:
        return {"oneOf": [reference, {"type": "array", "items": reference}]}
    if operation.verb != "list":
        return reference
    counts = {name: {"type": "integer"} for name in ("total_count", "offset", "limit")}
    items = {"type": "array", "items": _item(operation.resource)}
    return {"type": "object", "properties": {**counts, "items": items}}


def _item(resource: Resource) -> Object:
    """An item of a list: of a relation what it leads to, and the row that leads there."""
    related = related_of(resource)
    if related is None:
        return _reference(resource)
    association = {"type": "object", "properties": {"association": _reference(resource)}}
    return {"allOf": [_reference(related), association]}


def _reference(resource: Resource) -> Object:
    return {"$ref": f"#/components/schemas/{_name(resource)}"}


def _shown(resource: Resource) -> Object:
    declared = attributes(resource.kind).items()
    properties = {name: _nullable(given) for name, given in declared}
    more = SHOWN.get(resource.collection, {}).items()
    properties |= {name: {"description": words} for name, words in more}
    return {"type": "object", "description": resource.doc, "properties": properties}


def _nullable(attribute: Attribute) -> Object:
    described = _described(attribute)
    if attribute.type.refers_to or not attribute.required:
        return {"anyOf": [described, {"type": "null"}]}
    return described


def _name(resource: Resource) -> str:
    return resource.kind.__name__

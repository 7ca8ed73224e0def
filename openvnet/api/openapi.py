"""The API's description in OpenAPI 3.1, made from the same declarations as its routes."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import openvnet
from openvnet.api.reading import LIMIT, OFFSET, PAGE_LIMIT, WAIT_SECONDS
from openvnet.api.routes import MOUNTS
from openvnet.api.shown import SHOWN
from openvnet.model import RESOURCES
from openvnet.model.operations import Operation, named_by, operations, parent_of
from openvnet.model.resource import Attribute, Resource, attributes
from openvnet.model.scalars import Scalar, uuid

Object = dict[str, Any]

RESPONSE_HEADERS = {
    "OpenVNet-Revision": "The revision of a write: its epoch, a slash, its number. "
    "Of `/nodes` and `/health`: the newest revision.",
    "OpenVNet-Realised-Milliseconds": "With `wait`: how long the hosts took.",
    "OpenVNet-Realised-Hosts": "With `wait`: a JSON list of the hosts that have realised it.",
    "OpenVNet-Lagging": "With `wait`: a JSON list of the hosts that have not; the write stands.",
    "OpenVNet-Failures": "With `wait`: a JSON list of what hosts reported as refused.",
}


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
        "components": {
            "schemas": {"Problem": _problem()} | {_name(of): _shown(of) for of in RESOURCES},
        },
    }


def _paths() -> Object:
    paths: Object = {
        "/nodes": {"get": _own("The live hosts.")},
        "/version": {"get": _own("The version of webapi.")},
        "/health": {"get": _own("Whether vnmgr answers.")},
    }
    for operation in operations():
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return paths


def _own(summary: str) -> Object:
    answer = {"description": summary, "content": _json({})}
    return {"summary": summary, "responses": {"200": answer, "default": _refused()}}


def _operation(operation: Operation) -> Object:
    described: Object = {
        "operationId": f"{operation.verb}_{operation.resource.collection}{_suffix(operation)}",
        "tags": [operation.resource.collection],
        "parameters": list(_parameters(operation)),
        "responses": {"200": _answered(operation), "default": _refused()},
    }
    if operation.parameters:
        described["requestBody"] = {"content": _json(_body(operation.parameters))}
    return described


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
        yield _query("wait", words, waiting)
    if operation.verb == "list":
        yield _query("limit", "Items at most.", {**LIMIT.schema, "default": PAGE_LIMIT})
        yield _query("offset", "Items to skip.", {**OFFSET.schema, "default": 0})


def _path_parameter(name: str, of: Resource) -> Object:
    where = {"name": name, "in": "path", "required": True}
    return where | {"description": f"The {of.singular}.", "schema": dict(uuid(of.prefix).schema)}


def _query(name: str, words: str, schema: Object) -> Object:
    return {"name": name, "in": "query", "description": words, "schema": schema}


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
    answer: Object = {"description": "Done.", "content": _json(_result(operation))}
    if operation.writes:
        answer["headers"] = {
            name: {"description": words, "schema": {"type": "string"}}
            for name, words in RESPONSE_HEADERS.items()
        }
    return answer


def _result(operation: Operation) -> Object:
    reference = {"$ref": f"#/components/schemas/{_name(operation.resource)}"}
    if operation.verb == "delete":
        return {"type": "array", "items": {"type": "string"}}
    if operation.verb != "list":
        return reference
    counts = {name: {"type": "integer"} for name in ("total_count", "offset", "limit")}
    items = {"type": "array", "items": reference}
    return {"type": "object", "properties": {**counts, "items": items}}


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


def _refused() -> Object:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": "Refused, in words.", "content": _json(schema)}


def _problem() -> Object:
    words = {name: {"type": "string"} for name in ("error", "code", "message")}
    return {"type": "object", "required": list(words), "properties": words}


def _json(schema: Object) -> Object:
    return {"application/json": {"schema": schema}}


def _name(resource: Resource) -> str:
    return resource.kind.__name__

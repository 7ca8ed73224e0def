"""What the API's description says beside the resources: headers, refusals, and paths of its own."""

from collections.abc import Iterable
from typing import Any

Object = dict[str, Any]

REQUEST_HEADERS = {
    "Idempotency-Key": "Any text of yours, at most 255 characters. A write that is repeated with "
    "it within a day is answered as the first was, and not done again.",
    "If-Match": "The ETag that the resource had when it was read: the write is done only if it "
    "has not changed since.",
    "If-None-Match": "The ETag of what the client has: if it is still so, the answer is 304.",
}

RESPONSE_HEADERS = {
    "OpenVNet-Dry-Run": "With `dry_run`: all was checked, and nothing was written.",
    "OpenVNet-Revision": "The revision of a write: its epoch, a slash, its number. "
    "Of `/nodes` and `/health`: the newest revision.",
    "OpenVNet-Changed": "`false` of a write after which all is as it was; its revision is older.",
    "OpenVNet-Realised-Milliseconds": "With `wait`: how long the hosts took.",
    "OpenVNet-Realised-Hosts": "With `wait`: a JSON list of the hosts that have realised it.",
    "OpenVNet-Lagging": "With `wait`: a JSON list of the hosts that have not; the write stands.",
    "OpenVNet-Failures": "With `wait`: a JSON list of what hosts reported as refused.",
}

STATUSES = {
    400: "Wrong, in words.",
    401: "A token is required, or it is not good any more.",
    403: "Not with this role, or from a web page of another site.",
    404: "There is no such thing.",
    409: "What is there now stands against it.",
    410: "Of another epoch: the database was made anew or restored since.",
    412: "It has changed since its ETag was read.",
    422: "The idempotency key was used for another request.",
    503: "vnmgr or its database does not answer now.",
}
"""Why a request is refused, by status."""

PROBLEM: Object = {
    "type": "object",
    "description": "Why something is refused.",
    "required": ["error", "code", "message"],
    "properties": {
        "error": {"type": "string", "description": "The kind of refusal."},
        "code": {"type": "string", "description": "Its number."},
        "message": {"type": "string", "description": "What is wrong, and what would be right."},
    },
}
_ROW = {"type": ["object", "null"]}
CHANGE: Object = {
    "type": "object",
    "properties": {
        "kind": {"type": "string", "description": "The kind of resource: `interface`."},
        "uuid": {"type": "string", "description": "Its uuid."},
        "before": {**_ROW, "description": "What it was; null if it was not there."},
        "after": {**_ROW, "description": "What it became; null if it is gone."},
    },
}
REVISION: Object = {
    "type": "object",
    "description": "What one write has done.",
    "properties": {
        "revision": {"type": "integer", "description": "Its number."},
        "time": {"type": "string", "format": "date-time", "description": "When it was written."},
        "asked_by": {"type": "string", "description": "Who asked for it, and from where."},
        "changes": {"type": "array", "items": CHANGE, "description": "What it did to each row."},
    },
}


def own_paths() -> Object:
    """The paths beside the resources."""
    revisions = {"type": "array", "items": {"$ref": "#/components/schemas/Revision"}}
    counts = {name: {"type": "integer"} for name in ("newest", "limit", "through", "before")}
    part: Object = {"type": "object", "properties": {"epoch": {"type": "string"}, **counts}}
    part["properties"]["items"] = revisions
    stream = _own("Each change as it happens, as server-sent events.", {}, _WHICH, (400, 410, 503))
    events = {"text/event-stream": {"schema": {"type": "string"}}}
    stream["responses"]["200"]["content"] = events
    return {
        "/nodes": {"get": _own(_NODES, {"type": "object"})},
        "/version": {"get": _own("The version of webapi.", {"type": "object"}, refused=())},
        "/whoami": {"get": _own("Who the token is of, and its role.", {"type": "object"})},
        "/projects/{uuid}/usage": {"get": _usage()},
        "/health": {"get": _own("Whether vnmgr and its database answer.", {"type": "object"})},
        "/changes": {"get": _own(_HISTORY, part, [*_WHICH, *_PART], (400, 410, 503))},
        "/changes/stream": {"get": stream},
        "/changes/{revision}/undo": {"post": _undo()},
        "/apply": {"post": _apply()},
        "/export": {"get": _export()},
        "/db/backup": {"get": _backup()},
        "/db/restore": {"post": _restore()},
    }


_NODES = "All nodes, live or declared, by node id, and how each fares."
_FILE = {"application/gzip": {"schema": {"type": "string", "contentMediaType": "application/gzip"}}}
_BYTES = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
_HISTORY = "The revision log: with `since` what came after it, else the newest first."
_PLACE = {"type": "string", "pattern": "^([0-9a-f]+/)?[0-9]{1,18}$"}


def _own(
    summary: str, schema: Object, parameters: Iterable[Object] = (), refused: Iterable[int] = (503,)
) -> Object:
    answer = {"description": summary, "content": json(schema)}
    described = {"summary": summary, "responses": {"200": answer, **refusals(refused)}}
    return described | ({"parameters": list(parameters)} if parameters else {})


def _undo() -> Object:
    number = {"type": "integer", "minimum": 1}
    where = {"name": "revision", "in": "path", "required": True, "schema": number}
    flags = {
        "force": "Also if later revisions have changed the same rows: they become what they were.",
        "dry_run": "Check and answer all, and then write nothing.",
    }
    words = (query(name, text, {"type": "boolean"}) for name, text in flags.items())
    done = {"type": "array", "items": CHANGE}
    summary = "Write the inverse of a revision as a new one."
    refused = (400, 403, 404, 409, 422, 503)
    key = header("Idempotency-Key", {"type": "string", "minLength": 1, "maxLength": 255})
    described = _own(summary, done, [where, *words, key], refused)
    described["responses"]["200"]["headers"] = revision_headers()
    return described


def _usage() -> Object:
    name = {"type": "string", "pattern": "^pj-[a-z0-9]{1,16}$"}
    where = {"name": "uuid", "in": "path", "required": True, "schema": name}
    number = {"type": ["integer", "null"]}
    one: Object = {"type": "object", "properties": {"resource": {"type": "string"}}}
    one["properties"] |= {"used": {"type": "integer"}, "maximum": number}
    summary = "How much a project has of each collection, and how much it may have."
    return _own(summary, {"type": "array", "items": one}, [where], (404, 503))


def _apply() -> Object:
    flags = {
        "prune": "Delete what the document does not name, of the collections that it has.",
        "replace": "Delete and make anew what cannot be changed, with all that refers to it.",
        "dry_run": "Answer what would be done, and write nothing.",
    }
    words = [query(name, text, {"type": "boolean"}) for name, text in flags.items()]
    key = header("Idempotency-Key", {"type": "string", "minLength": 1, "maxLength": 255})
    changes = {"type": "array", "items": CHANGE}
    summary = "Make everything as a document says, in one revision; only what differs is written."
    described = _own(summary, changes, [*words, key], (400, 403, 404, 409, 422, 503))
    described["requestBody"] = {"required": True, "content": json({"type": "object"})}
    described["responses"]["200"]["headers"] = revision_headers()
    return described


def _export() -> Object:
    of = query("of", "Collections and uuids, with commas between them.", {"type": "string"})
    full = query("full", "With what is as it is by default.", {"type": "boolean"})
    return _own("What there is, as a document.", {"type": "object"}, [of, full], (400, 404, 503))


def _backup() -> Object:
    history = query("history", "With the revision log.", {"type": "boolean", "default": False})
    described = _own("All rows of one revision, as a file.", {}, [history], (400, 409, 503))
    described["responses"]["200"]["content"] = _FILE
    return described


def _restore() -> Object:
    flags = {
        "replace": "Also if the database is not empty: all that is in it goes.",
        "dry_run": "Check the file, and change nothing.",
    }
    words = (
        query(name, text, {"type": "boolean", "default": False}) for name, text in flags.items()
    )
    summary = "Put a backup in place of all that there is, as a new epoch."
    described = _own(summary, {"type": "object"}, words, (400, 403, 409, 503))
    described["requestBody"] = {"required": True, "content": _BYTES}
    return described


def refusals(statuses: Iterable[int]) -> Object:
    """The responses with which something is refused; whatever can be can for lack of rights."""
    statuses = sorted({*statuses, 400, 401, 403})
    content = json({"$ref": "#/components/schemas/Problem"})
    return {str(each): {"description": STATUSES[each], "content": content} for each in statuses}


def revision_headers() -> Object:
    """What the headers of an answer to a write say."""
    return {
        name: {"description": words, "schema": {"type": "string"}}
        for name, words in RESPONSE_HEADERS.items()
    }


def query(name: str, words: str, schema: Object) -> Object:
    """A parameter of the query string."""
    return {"name": name, "in": "query", "description": words, "schema": schema}


def header(name: str, schema: Object) -> Object:
    """A header of a request."""
    where = {"name": name, "in": "header", "description": REQUEST_HEADERS[name]}
    return {**where, "schema": schema}


def json(schema: Object) -> Object:
    """A body in JSON."""
    return {"application/json": {"schema": schema}}


_WHICH = [
    query("since", "A revision: those after it, the oldest first.", _PLACE),
    query("kind", "Kinds of resources, with commas between them.", {"type": "string"}),
    query("uuid", "Of this resource, or of what refers to it.", {"type": "string"}),
]
_PART = [
    query("before", "A revision: those before it, the newest first.", _PLACE),
    query("limit", "Revisions at most.", {"type": "integer", "minimum": 1, "maximum": 1000}),
]

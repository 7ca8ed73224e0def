"""The reference page of the REST API, from the operations that webapi serves."""

from collections.abc import Iterator, Mapping
from typing import Any

from openvnet.api.described import RESPONSE_HEADERS
from openvnet.api.errors import ApiError
from openvnet.api.reading import BODY_LIMIT, LIST_ITEMS, PAGE_LIMIT, WAIT_SECONDS
from openvnet.api.shown import NODE, SHOWN, STATUS
from openvnet.manager.errors import RequestRefused
from openvnet.model import INTERFACES, RESOURCES
from openvnet.model.operations import Operation, operations_of, parent_of
from openvnet.model.resource import Attribute, Resource, attributes
from openvnet.model.scalars import Scalar

INTRODUCTION = f"""# REST API

*This page is made from the declarations of resources: change them, then run
`python docs/reference/generate.py`.*

webapi serves HTTP on `127.0.0.1:9090` and on the unix socket `webapi.sock` in its run directory,
which its own user alone may open. The resources are at `/api/1.0`, and at `/api` for clients that
name no version.

```
curl -X POST http://127.0.0.1:9090/api/1.0/networks \\
     -d uuid=nw-test1 -d display_name=testnet1 -d ipv4_network=10.100.0.0
curl http://127.0.0.1:9090/api/1.0/networks/nw-test1
curl --unix-socket /run/openvnet/webapi.sock http://localhost/api/1.0/networks
```

On the host itself nobody needs a token, unless webapi is told `require_tokens`; where others reach
it, everybody does ([who may call webapi](../install.md#who-may-call-webapi)). It is sent as
`Authorization: Bearer TOKEN`, never in the URL. Without one that is good, the answer is 401; 403,
if its role does not suffice; and what is of another project answers 404, as if it were not there
([projects and tokens](../guides/projects.md)). `project=NAME` says in which project something is
made, or of which it is listed; an idempotency key is of one token.

Web pages of other sites may not write, and browsers do not show them what they read: name the
origin of a console of yours with `--allow-origin`, also if webapi itself is reached by a name and
not by its address. (Before 1.0 every page could do both.)

## Parameters and bodies

- Parameters come in the query string, as a form, or as a body in JSON or YAML, flat
  (`{{"uuid": "nw-1"}}`) or below one name (`{{"network": {{"uuid": "nw-1"}}}}`). The body wins over
  the query string. A body has at most {BODY_LIMIT // 1024} KiB.
- A parameter that an operation does not know is refused, as is one that is given twice. (Before 1.0
  it was dropped in silence.)
- What a `PUT` does not name stays as it is; `null` or the empty text clears a reference.
- Booleans are `true`, `yes`, `y`, `t`, `1` or `false`, `no`, `n`, `f`, `0`.
- A path may end in `.json` (as without) or `.yml`, which chooses how webapi answers.
- `POST` answers with the new resource and status 200, `GET` and `PUT` with the resource, `DELETE`
  with a list of the uuids that are gone.
- A list is `{{"total_count": 3, "offset": 0, "limit": {PAGE_LIMIT}, "items": [...]}}`.

## Waiting until the network is so

Each write makes a *revision*. With `?wait=SECONDS` (`wait=true` is {WAIT_SECONDS:g} seconds) the
answer comes when every live host concerned has the revision in its switch, or when the time is
over: then `OpenVNet-Lagging` says who is late, or fell silent meanwhile. The write stands in either
case, and the status is 200. The answer's headers tell what came of it; lists are JSON in ASCII.
"""

OWN = """## Beside the resources

| Path | Answers |
|---|---|
| `GET /api/1.0/nodes` | the live hosts |
| `GET /api/1.0/whoami` | whose token it is, its role and project |
| `GET /api/1.0/projects/UUID/usage` | how much a project has, and may have |
| `GET /version` | webapi's version, and the API's |
| `GET /health` | 200 if vnmgr and its database answer, else 503 |
| `GET /openapi.json` | this API in OpenAPI 3.1 |
| `GET /api/1.0/docs` | the same as a page for people, which needs nothing from other hosts |
| `GET /api/1.0/changes` | the revision log |
| `GET /api/1.0/changes/stream` | each change as it happens |
| `POST /api/1.0/changes/REVISION/undo` | the inverse of a revision, written as a new one |
| `POST /api/1.0/apply` | what a document made different, as one revision |
| `GET /api/1.0/export` | what there is, as such a document |
| `GET /api/1.0/db/backup` | all that is in the database, as a [file](../guides/backup.md) |
| `POST /api/1.0/db/restore` | such a file in place of all that is in the database |
"""

LISTS = f"""## Lists

`limit` (at most 10,000; {PAGE_LIMIT} unless `pagination_limit` of webapi.conf says otherwise) and
`offset` choose a part; the header `Link` (RFC 8288) leads to the `next`, `prev`, `first` and `last`
one, and `total_count` says how many there are in all. Beside them:

- Every attribute is a *filter*: `?network_uuid=nw-1&mode=vif`. Values are written as answers show
  them; the empty value finds what has none. Of interfaces `network_uuid`, `ipv4_address`,
  `mac_address`, `port_name` and `owner_datapath_uuid` are, too, and find those of which any lease
  or port has the value.
- `sort=-created,display_name`: attributes, the first first, `-` before one that falls; `created` is
  the revision that made it, and the order if none is asked for. What lacks a value comes first.
- `fields=uuid,mac_address`: only these are shown, in this order; also where one is shown.

## Writing with care

- **`If-Match`**: `GET` of one resource, and every write, says its `ETag`, which is the same as long
  as nothing of it has changed (`status` is not part of it: nobody writes that). `PUT` and `DELETE`
  with `If-Match: "that"` are refused with 412 if it has. `GET` with `If-None-Match: "that"` is
  answered with 304 if it has not.
- **`Idempotency-Key`**: any text. A write that is repeated with its key within a day is answered as
  the first was, and not done again, whatever became of the connection or of vnmgr meanwhile; a key
  of another request is refused with 422. What was refused may be tried again with its key.
- **`dry_run=true`**: everything is checked and answered as it would be, and nothing is written. The
  answer has the header `OpenVNet-Dry-Run`, and no revision.
- **Lists**: a JSON list of up to {LIST_ITEMS} objects, posted to a collection, becomes one revision
  or nothing; the answer is the list of what was created. A refusal says which item it is about.

## Documents

`POST /apply` takes a JSON object of what there is to be ([its form](../guides/declarative.md)),
writes what differs as one revision, and answers the change of each row, as `/changes` does. If
nothing differs there is no revision. `prune=true` and `replace=true` say what may be deleted, and
`dry_run=true` tells the difference only. A refusal begins each of its lines with the place in the
document. `GET /export` answers such an object: `of=networks,if-1` says of what, `full=true` leaves
nothing out.

## History

`GET /changes?since=REVISION` tells what came after a revision, the oldest first; without `since`
the newest come first, and `before=REVISION` goes on from there. Each has its number, its time, who
asked for it, and what it did: every row before and after. `kind=interfaces,networks` and
`uuid=nw-1` choose; the latter also finds what refers to it. `Link` leads to the next part.

A revision is a number, or `EPOCH/NUMBER` as `OpenVNet-Revision` has it. The epoch is that of the
database; numbers of another one, which was before a restore, are refused with 410: read all anew.

`GET /changes/stream` is the same as it happens, as server-sent events (`new EventSource(...)`):
`revision` events, whose id is `EPOCH/NUMBER`. Whoever comes back with `Last-Event-ID` (or begins
with `since`) gets what it missed first. A reader that is too slow, and each one if vnmgr goes away,
gets an event `dropped` and the end of the stream, and can come back.

`POST /changes/REVISION/undo` writes the inverse of a revision as a new one, and answers what that
changed. It is refused with 409 if later revisions have changed the same rows or what they refer to;
with `force=true` they become what they were before the revision nevertheless. What others have come
to refer to stays, and what only one may have is not taken from who has it now, in any case.
"""


def page() -> Iterator[str]:
    """The page's lines."""
    yield INTRODUCTION
    yield from _headers()
    yield from _refusals()
    yield LISTS
    yield OWN
    yield "Each host of `/nodes`, by its node id:\n"
    yield from _named(NODE)
    for resource in RESOURCES:
        yield from _resource(resource)


def _headers() -> Iterator[str]:
    yield "| Header | Says |\n|---|---|"
    for name, words in RESPONSE_HEADERS.items():
        yield f"| `{name}` | {words} |"
    yield ""


def _refusals() -> Iterator[str]:
    yield "## Refusals\n"
    yield 'What is refused is answered with `{"error": ..., "code": ..., "message": ...}`; the'
    yield "message says in words what would be right.\n"
    yield "| `error` | Status | `code` | When |\n|---|---|---|---|"
    kinds: list[type[ApiError | RequestRefused]] = [
        *ApiError.__subclasses__(),
        *RequestRefused.__subclasses__(),
    ]
    by_code = {(kind.code, kind.error): kind for kind in kinds}
    for (code, error), kind in sorted(by_code.items()):
        yield f"| `{error}` | {kind.status} | {code} | {(kind.__doc__ or '').splitlines()[0]} |"
    yield ""


def _resource(resource: Resource) -> Iterator[str]:
    yield f"## {resource.collection}\n"
    yield f"{resource.doc}\n"
    for operation in operations_of(resource):
        yield from _operation(operation)
    yield "### What it looks like\n"
    yield "| Attribute | Form | Meaning |\n|---|---|---|"
    for name, attribute in attributes(resource.kind).items():
        yield f"| `{name}` | {form(attribute.type)} | {attribute.doc} |"
    for name, words in SHOWN.get(resource.collection, {}).items():
        yield f"| `{name}` | | {words} |"
    yield ""
    if resource is INTERFACES:
        yield "Each entry of `status`:\n"
        yield from _named(STATUS)


def _named(described: Mapping[str, str]) -> Iterator[str]:
    yield "| Name | Meaning |\n|---|---|"
    yield from (f"| `{name}` | {words} |" for name, words in described.items())
    yield ""


def _operation(operation: Operation) -> Iterator[str]:
    yield f"### {operation.method} {operation.path}\n"
    yield f"{_sentence(operation)}\n"
    if operation.parameters:
        yield "| Parameter | Form | Default | Meaning |\n|---|---|---|---|"
        defaults = _defaults(operation.resource) if operation.verb == "create" else {}
        for name, attribute in operation.parameters.items():
            yield _parameter(name, attribute, defaults)
        yield ""


def _sentence(operation: Operation) -> str:
    resource = operation.resource
    if operation.verb == "delete" and not operation.names_one:
        return f"Delete each {resource.singular} that the parameters describe; without any, all."
    parent = parent_of(resource)
    sentences = {
        "create": f"Create {resource.one}.",
        "list": f"List every {resource.singular}{f' of the {parent.singular}' if parent else ''}.",
        "show": f"Show {resource.one}.",
        "update": f"Change {resource.one}. What is not given stays as it is.",
        "delete": f"Delete {resource.one}, and what cannot be without it.",
    }
    return sentences.get(operation.verb, f"{operation.verb.capitalize()} {resource.one}.")


def _parameter(name: str, attribute: Attribute, defaults: Mapping[str, Any]) -> str:
    default = "required" if attribute.required else _default(defaults.get(name))
    return f"| `{name}` | {form(attribute.type)} | {default} | {attribute.doc} |"


def _defaults(resource: Resource) -> Mapping[str, Any]:
    kind = resource.kind
    names = kind.__struct_fields__[len(kind.__struct_fields__) - len(kind.__struct_defaults__) :]
    return dict(zip(names, kind.__struct_defaults__, strict=True))


def _default(value: Any) -> str:
    if value is None or value == "" or not isinstance(value, (bool, int, str)):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def form(scalar: Scalar) -> str:
    """What a value looks like, in Markdown."""
    schema = scalar.schema
    if "enum" in schema:
        return ", ".join(f"`{word}`" for word in schema["enum"])
    if "minimum" in schema:
        return f"{schema['minimum']} to {schema['maximum']}"
    if scalar.name == "uuid":
        prefix = schema["pattern"].removeprefix("^").partition("-")[0]
        return f"`{prefix}-` and 1 to 16 of `a-z0-9`"
    return scalar.name

"""The API's description as a page for people: one file, nothing from other hosts, no scripts."""

from collections.abc import Iterator
from functools import cache
from html import escape
from typing import Any

from openvnet.api.openapi import document

Object = dict[str, Any]

STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
nav a { margin-right: .8rem; white-space: nowrap; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid #8886; }
summary { cursor: pointer; padding: .2rem 0; }
code, .method { font-family: ui-monospace, monospace; }
.method { display: inline-block; width: 4.5rem; font-weight: bold; }
table { border-collapse: collapse; margin: .5rem 0 1rem 1rem; }
td, th { text-align: left; vertical-align: top; padding: .15rem .8rem .15rem 0; }
"""


@cache
def page() -> str:
    """The page."""
    return "".join(_page(document()))


def _page(api: Object) -> Iterator[str]:
    title = f"{api['info']['title']} {api['info']['version']}"
    yield '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{escape(title)}: REST API</title><style>{STYLE}</style></head><body>"
    yield f"<h1>{escape(title)}</h1><p>{escape(api['info']['summary'])} "
    yield 'The same for programs: <a href="openapi.json">openapi.json</a>.</p><nav>'
    operations = list(_operations(api))
    tags = dict.fromkeys(tag for tag, *_ in operations)
    yield from (f'<a href="#{escape(tag)}">{escape(tag)}</a>' for tag in tags)
    yield "</nav>"
    for tag in tags:
        yield f'<h2 id="{escape(tag)}">{escape(tag)}</h2>'
        for of, method, path, operation in operations:
            if of == tag:
                yield from _operation(method, path, operation)
    yield "<h2>What answers look like</h2>"
    for name, schema in api["components"]["schemas"].items():
        yield f'<details id="schema-{escape(name)}"><summary><code>{escape(name)}</code> '
        yield f"{escape(schema.get('description', ''))}</summary>"
        yield from _properties(schema)
        yield "</details>"
    yield "</body></html>"


def _operations(api: Object) -> Iterator[tuple[str, str, str, Object]]:
    for path, methods in api["paths"].items():
        for method, operation in methods.items():
            yield operation.get("tags", ["webapi"])[0], method.upper(), path, operation


def _operation(method: str, path: str, operation: Object) -> Iterator[str]:
    yield f'<details><summary><span class="method">{method}</span> <code>{escape(path)}</code> '
    yield f"{escape(operation.get('summary', ''))}</summary>"
    if parameters := operation.get("parameters"):
        rows = (
            (each["name"], each["in"], _form(each["schema"]), each.get("description", ""))
            for each in parameters
        )
        yield from _table(rows)
    for content in operation.get("requestBody", {}).get("content", {}).values():
        yield "<p>Body:</p>"
        yield from _properties(_one(content["schema"]))
    rows = ((status, "", "", each["description"]) for status, each in _responses(operation))
    yield "<p>Answers:</p>"
    yield from _table(rows)
    yield "</details>"


def _responses(operation: Object) -> list[tuple[str, Object]]:
    return list(operation["responses"].items())


def _one(schema: Object) -> Object:
    """Of a body that may be an object or a list of such, the object."""
    return schema["oneOf"][0] if "oneOf" in schema else schema


def _properties(schema: Object) -> Iterator[str]:
    required = schema.get("required", ())
    yield from _table(
        (name, "required" if name in required else "", _form(each), each.get("description", ""))
        for name, each in schema.get("properties", {}).items()
    )


def _form(schema: Object) -> str:
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(_form(each) for each in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    if "const" in schema:
        return str(schema["const"]) or "empty"
    bounds = f" {schema['minimum']} to {schema['maximum']}" if "maximum" in schema else ""
    kind = schema.get("type", "")
    words = " or ".join(kind) if isinstance(kind, list) else str(kind)
    return f"{schema.get('format') or schema.get('pattern') or words}{bounds}"


def _table(rows: Any) -> Iterator[str]:
    yield "<table>"
    for name, *cells in rows:
        below = "".join(f"<td>{escape(str(cell))}</td>" for cell in cells)
        yield f"<tr><td><code>{escape(str(name))}</code></td>{below}</tr>"
    yield "</table>"

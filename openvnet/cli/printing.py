"""What vnctl prints: the API's own words for programs, aligned columns and sentences for people."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any
from unicodedata import east_asian_width

import msgspec

from openvnet.answers import Answer, Realised
from openvnet.model import DEFAULT_PROJECT, RESOURCES
from openvnet.model.mtu import UNDERLAY

Item = Mapping[str, Any]

UNSEEN = ("id", "created_at", "updated_at", "deleted_at", "is_deleted")
"""Columns that no table shows; `-o json` has them all."""


def printed(
    answer: Answer,
    output: str,
    nothing: str = "There are none.",
    columns: Sequence[str] = (),
) -> str:
    """An answer in an output format: table, wide, json, yaml or name.

    `nothing` is what people are told of an empty list; "" is printed as nothing at all.
    """
    if output == "json":
        return answer.text.decode()
    if output == "yaml":
        return _yaml(msgspec.json.decode(answer.text))
    if output == "name":
        return "\n".join(_names(answer.body))
    return "\n".join(_for_people(answer.body, nothing, columns, output == "wide"))


def _yaml(body: Any) -> str:
    import yaml

    # Each answer is a document of its own, so that several can follow one another.
    text: str = yaml.safe_dump(body, sort_keys=False, allow_unicode=True, explicit_start=True)
    return text.removesuffix("\n")


def _items(body: Any) -> list[Any]:
    if isinstance(body, dict) and isinstance(body.get("items"), list):
        return list(body["items"])
    return list(body) if isinstance(body, list) else [body]


def _names(body: Any) -> Iterator[str]:
    for item in _items(body):
        named = item.get("uuid") or item.get("node_id") if isinstance(item, dict) else item
        yield str(named)


def _for_people(
    body: Any, nothing: str, columns: Sequence[str] = (), wide: bool = False
) -> Iterator[str]:
    if isinstance(body, dict) and "items" not in body and not columns:
        yield from one(body)
    elif items := _items(body):
        rows = [_in_a_line(item) for item in items if isinstance(item, dict)]
        yield from table(rows, columns or (_keys(rows) if wide else ()))
        yield from (str(item) for item in items if not isinstance(item, dict))
    else:
        yield nothing


def table(items: Sequence[Item], columns: Sequence[str] = ()) -> Iterator[str]:
    """Rows below a head, in columns as wide as their widest word.

    Unless columns are named, those that are empty in every row are left out, and those that say of
    every row that it is so (or is not so) as it is unless somebody says otherwise.
    """
    if not items:
        return
    told = (name for name in _keys(items) if any(_tells(item, name) for item in items))
    columns = list(columns or told)
    rows = [columns, *([_word(item.get(name)) for name in columns] for item in items)]
    widths = [max(_width(row[index]) for row in rows) for index in range(len(columns))]
    for row in rows:
        yield "  ".join(map(_padded, row, widths)).rstrip()


def _padded(word: str, width: int) -> str:
    return word + " " * (width - _width(word))


def _width(word: str) -> int:
    """The columns that a terminal needs: two for each letter of East Asia."""
    return len(word) + sum(east_asian_width(letter) in "WF" for letter in word)


def _tells(item: Item, name: str) -> bool:
    value = item.get(name)
    if name == "project_uuid":
        return value not in (None, DEFAULT_PROJECT)
    if name in ("effective_mtu", "mtu_from"):
        return name == "effective_mtu" and value != UNDERLAY
    if isinstance(value, bool):
        return value is not defaults(str(item.get("uuid")).partition("-")[0]).get(name, False)
    return _word(value) != ""


@cache
def defaults(prefix: str) -> Mapping[str, Any]:
    """What the attributes of a resource are unless somebody says otherwise."""
    kind = next((each.kind for each in RESOURCES if each.prefix == prefix), None)
    if kind is None:
        return {}
    names: tuple[str, ...] = kind.__struct_fields__
    defaults: tuple[Any, ...] = kind.__struct_defaults__
    return dict(zip(names[len(names) - len(defaults) :], defaults, strict=True))


def _in_a_line(item: Item) -> Item:
    """An item of a list: of an interface also the names of its ports, and of the hosts it is on;
    of a relation also what is said of it.
    """
    ports = [port["port_name"] for port in item.get("ports") or () if port.get("port_name")]
    hosts = [host["node_id"] for host in item.get("status") or () if host.get("node_id")]
    named = {**item, "ports": ", ".join(ports)} if "ports" in item else item
    if association := item.get("association"):
        said = {name: value for name, value in association.items() if name not in item}
        named = {**named, **{name: value for name, value in said.items() if value != item["uuid"]}}
    return {**named, "hosts": ", ".join(hosts) or "none"} if "status" in item else named


def _keys(items: Sequence[Item]) -> list[str]:
    """The names of all plain values, in the order in which they first come."""
    return list(
        dict.fromkeys(
            name
            for item in items
            for name, value in item.items()
            if name not in UNSEEN and not isinstance(value, (list, dict))
        )
    )


def one(item: Item) -> Iterator[str]:
    """One resource: a line for each value, then what hangs on it, then how it fares."""
    told = (name for name in _keys([item]) if name != "project_uuid" or _tells(item, name))
    plain = {name: _word(item.get(name)) for name in told}
    width = max(map(len, plain), default=0)
    yield from (f"{name:{width}}  {word}".rstrip() for name, word in plain.items())
    for name, below in item.items():
        if isinstance(below, list) and name != "status":
            yield from _below(name, below, item.get("uuid"))
    if "status" in item:
        yield from status(item)


def _below(name: str, items: list[Any], above: Any) -> Iterator[str]:
    """What hangs on a resource, without the columns that only repeat on which."""
    yield f"{name}:" if items else f"{name}: none"
    rows = [_without(above, item) for item in items if isinstance(item, dict)]
    yield from (f"  {line}" for line in (table(rows) if rows else map(str, items)))


def _without(above: Any, item: Item) -> Item:
    return {
        name: value
        for name, value in item.items()
        if not (name.endswith("_uuid") and value == above)
    }


def status(interface: Item) -> Iterator[str]:
    """How an interface fares, host by host."""
    yield "status:"
    for host in interface["status"]:
        yield from (f"  {line}" for line in _on_host(host))


def _on_host(host: Item) -> Iterator[str]:
    where = f"on {host['node_id']}" if host.get("node_id") else "on no host"
    if host.get("datapath_uuid"):
        where += f" ({host['datapath_uuid']})"
    if host.get("port_name"):
        where += f", port {host['port_name']}"
    if host.get("port_number") is not None:
        where += f" ({host['port_number']})"
    yield from _up_or_why_not(where, bool(host.get("up")), host.get("why") or "reason unknown")
    if host.get("realised") is not None:
        yield f"  realised revision {host['realised']}"
    if host.get("port_name"):
        counts = f"packets in {host.get('packets_in', 0)}, out {host.get('packets_out', 0)}"
        yield f"  {counts}, as the switch sees them"
    for reason, count in (host.get("drops") or {}).items():
        yield f"  dropped {count}: {reason}"


def _up_or_why_not(where: str, up: bool, why: str) -> Iterator[str]:
    if up:
        yield f"{where}: up"
        return
    first, *more = why.split("; ")
    yield f"{where}: not up:{'' if more else f' {first}'}"
    if more:
        yield from (f"  {reason}" for reason in (first, *more))


def _word(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return msgspec.json.encode(value).decode() if isinstance(value, (dict, list)) else str(value)


def realised_lines(revision: str | None, realised: Realised, changed: bool = True) -> Iterator[str]:
    """What came of waiting, for people."""
    number = (revision or "").rpartition("/")[2]
    if not changed:
        yield f"nothing has changed: all was so already, as of revision {number} or before"
        return
    if realised.hosts:
        count = f"{len(realised.hosts)} host{'s' if len(realised.hosts) > 1 else ''}"
        names = ", ".join(realised.hosts)
        took = f"{realised.milliseconds:.1f} ms"
        yield f"revision {number} is in the switch of {count} ({names}) after {took}"
    elif not realised.lagging:
        yield f"no host is concerned: revision {number} is written, and no live host carries it yet"
    if realised.lagging:
        late = "; ".join(realised.lagging)
        yield f"revision {number} stands, but is not yet realised by {late}"
    for failure in realised.failures:
        yield f"revision {number} stands, but was refused by the switch: {failure}"

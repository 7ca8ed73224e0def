"""vnctl get: one resource, alone or with everything in it on one screen."""

from collections.abc import Iterator
from typing import Any

import click
import msgspec
from msgspec.structs import replace

from openvnet.answers import Answer
from openvnet.cli.grammar import Command, dashed
from openvnet.cli.options import output_option
from openvnet.cli.session import Session
from openvnet.cli.showing import uuid_of
from openvnet.model import DEFAULT_PROJECT, RESOURCES
from openvnet.model.filters import filters
from openvnet.model.operations import operations_of
from openvnet.model.resource import Resource, attributes

Item = dict[str, Any]
_BY_PREFIX = {resource.prefix: resource for resource in RESOURCES}
Found = tuple[Resource, list[Item]]
"""Resources of a kind."""


def get() -> click.Command:
    """The command `get`."""

    @click.pass_obj
    def run(session: Session, output: str | None, kind: str, name: str, tree: bool) -> None:
        resource = _resource(kind)
        every = next(each for each in operations_of(resource) if each.verb == "list")
        uuid = uuid_of(session, every, name)
        answer = session.client.get(f"/{resource.collection}/{uuid}")
        if not tree:
            session.show(answer, output)
            return
        found = list(_referring(session, resource, answer.body))
        if session.format(output) in ("table", "wide"):
            click.echo("\n".join(tree_lines(resource, answer.body, found)))
        else:
            session.show(_whole(answer, found), output)

    words = """Show one resource, by its uuid or display name: `vnctl get network nw-1 --tree`."""
    kinds = "|".join(dashed(each.singular.lower().replace(" ", "-")) for each in _shown_alone())
    params: list[click.Parameter] = [
        click.Argument(["kind"], metavar="KIND"),
        click.Argument(["name"], metavar="NAME"),
        click.Option(["--tree"], is_flag=True, help="With everything that refers to it."),
        output_option(),
    ]
    return Command("get", callback=run, params=params, help=f"{words}\n\nKIND is one of {kinds}.")


def _shown_alone() -> list[Resource]:
    return [each for each in RESOURCES if {"show", "list"} <= _verbs(each)]


def _verbs(resource: Resource) -> set[str]:
    return {operation.verb for operation in operations_of(resource)}


def _resource(word: str) -> Resource:
    """The resource that a word names, in the singular or as its collection."""
    wanted = word.lower().replace("-", "_")
    for each in _shown_alone():
        if wanted in (each.singular.lower().replace(" ", "_"), each.collection):
            return each
    known = ", ".join(each.collection for each in _shown_alone())
    raise click.UsageError(f"There is no resource called {word}. Known are {known}.")


def _referring(session: Session, to: Resource, item: Item) -> Iterator[Found]:
    """The resources that refer to one, by kind; those that are part of another of them are not."""
    nested = set(_uuids_below(item))
    found: list[Found] = []
    for resource in _shown_alone():
        known = filters(resource).items()
        names = [name for name, each in known if each.type.refers_to == to.prefix]
        items: dict[str, Item] = {}
        for name in names:
            answer = session.client.all(f"/{resource.collection}", **{name: item["uuid"]})
            items |= {each["uuid"]: each for each in answer.body["items"]}
        found.append((resource, list(items.values())))
        for each in items.values():
            nested |= set(_uuids_below(each))
    for resource, listed in found:
        if alone := [each for each in listed if each["uuid"] not in nested]:
            yield resource, alone


def _uuids_below(item: Item) -> Iterator[str]:
    for value in item.values():
        for part in value if isinstance(value, list) else ():
            if isinstance(part, dict) and "uuid" in part:
                yield part["uuid"]
                yield from _uuids_below(part)


def _whole(answer: Answer, found: list[Found]) -> Answer:
    body = {**answer.body, **{resource.collection: items for resource, items in found}}
    return replace(answer, body=body, text=msgspec.json.encode(body))


def tree_lines(resource: Resource, item: Item, found: list[Found]) -> Iterator[str]:
    """A resource, and below it what refers to it, with what that consists of."""
    yield _line(resource, item, ())
    branches = [
        *_parts(item, item["uuid"]),
        *(_branch(each, one, item["uuid"]) for each, items in found for one in items),
    ]
    yield from _drawn(branches)


Branch = tuple[str, list[Any]]
"""A line, and what hangs on it."""


def _branch(resource: Resource, item: Item, *above: str) -> Branch:
    line = _line(resource, item, above)
    return f"{line}{_status(item)}", list(_parts(item, *above, item["uuid"]))


def _parts(item: Item, *above: str) -> Iterator[Branch]:
    """What an answer shows within a resource, without what is there twice."""
    within = [part for value in item.values() if isinstance(value, list) for part in value]
    resources = [part for part in within if isinstance(part, dict) and "uuid" in part]
    twice = {uuid for part in resources for uuid in _uuids_below(part)}
    for part in resources:
        if part["uuid"] not in twice:
            yield _branch(_BY_PREFIX[part["uuid"].partition("-")[0]], part, *above)


def _drawn(branches: list[Branch], indent: str = "") -> Iterator[str]:
    for index, (line, below) in enumerate(branches):
        is_last = index == len(branches) - 1
        yield f"{indent}{'└── ' if is_last else '├── '}{line}"
        yield from _drawn(below, f"{indent}{'    ' if is_last else '│   '}")


def _line(resource: Resource, item: Item, above: tuple[str, ...]) -> str:
    """What it is, and what tells it from others, but not what it hangs on."""
    own = (item.get(name) for name in attributes(resource.kind) if name != "uuid")
    told = (value for value in own if value is not None and not isinstance(value, bool))
    words = (str(value) for value in told if value not in ("", DEFAULT_PROJECT, *above))
    return " ".join((resource.singular, item["uuid"], *words))


def _status(item: Item) -> str:
    if "status" not in item:
        return ""
    hosts = [host["node_id"] for host in item["status"] if host.get("node_id")]
    whys = [host.get("why") or "" for host in item["status"]]
    return f": on {', '.join(hosts)}" if hosts else f": on no host: {'; '.join(whys)}"

"""vnctl show: lists and single resources, chosen, ordered, and by name as well as by uuid."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

import click

from openvnet.answers import Answer, ClientError
from openvnet.cli.session import Session
from openvnet.model.operations import Operation
from openvnet.model.resource import Resource, attributes

MOST_NAMES = 1000
"""Names among which the one that was meant is looked for."""

AS_FIELDS = {"hosts": "status"}
"""Columns that a table makes of something else that webapi shows."""


class NotNamed(ClientError):
    """Nothing, or more than one thing, has a name."""


def choosing_options() -> list[click.Option]:
    """Which part of a list, in which order, and what of each."""
    number = click.IntRange(0)
    return [
        click.Option(["--limit"], type=number, metavar="NUMBER", help="Show so many at most."),
        click.Option(["--offset"], type=number, metavar="NUMBER", help="Skip so many first."),
        click.Option(
            ["--filter", "filters"],
            multiple=True,
            metavar="FIELD=VALUE",
            help="Show only those with this value; nothing after = finds those that have none. "
            "Repeatable: all must fit.",
        ),
        click.Option(
            ["--sort"],
            metavar="FIELD[,FIELD]...",
            help="In this order; -FIELD turns it around, created is the age.",
        ),
        columns_option(),
    ]


def columns_option() -> click.Option:
    """What is shown of each."""
    words = "Show these only, in this order; in tables, JSON and YAML."
    return click.Option(["--columns"], metavar="FIELD[,FIELD]...", help=words)


def chosen(given: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a list; takes what says so out of the options given."""
    query = {
        name: given.pop(name) for name in ("limit", "offset", "sort") if given.get(name) is not None
    }
    for words in given.pop("filters", None) or ():
        name, equals, value = words.partition("=")
        if not equals:
            raise click.UsageError(f"--filter {words}: write FIELD=VALUE.")
        name = name.strip().replace("-", "_")
        if name in query:
            raise click.UsageError(f"--filter {name} is given more than once.")
        query[name] = value
    for name in ("limit", "offset", "sort"):
        given.pop(name, None)
    return query


def columns(given: dict[str, Any]) -> tuple[str, ...]:
    """The columns that are wanted; takes what says so out of the options given."""
    names = (given.pop("columns", None) or "").replace("-", "_").split(",")
    return tuple(name.strip() for name in names if name.strip())


def fields(wanted: tuple[str, ...]) -> dict[str, str]:
    """What webapi is asked to show, for these columns."""
    names = dict.fromkeys(AS_FIELDS.get(name, name) for name in wanted)
    return {"fields": ",".join(names)} if names else {}


def uuid_of(session: Session, every: Operation, word: str) -> str:
    """The uuid that a word is, or that the resource of this display name has."""
    resource = every.resource
    if re.fullmatch(f"{resource.prefix}-[a-z0-9]+", word) or not has_name(resource):
        return word
    found = session.client.get(every.path, display_name=word, fields="uuid").body["items"]
    if len(found) == 1:
        return str(found[0]["uuid"])
    if found:
        uuids = ", ".join(item["uuid"] for item in found)
        raise NotNamed(f"Several have the display name {word!r}; name one by its uuid: {uuids}.")
    known = session.client.get(every.path, fields="display_name,uuid", limit=MOST_NAMES)
    near = get_close_matches(word, list(_names(known)), n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise NotNamed(f"No {resource.singular} has the uuid or display name {word!r}.{hint}")


def has_name(resource: Resource) -> bool:
    """Whether people may give it a name."""
    return "display_name" in attributes(resource.kind)


def _names(known: Answer) -> Iterator[str]:
    for item in known.body["items"]:
        yield from filter(None, (item["display_name"], item["uuid"]))

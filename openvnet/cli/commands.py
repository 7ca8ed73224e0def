"""vnctl's commands, made from the operations that the declarations imply."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

import click
from msgspec.structs import replace

from openvnet.answers import Answer, Refused
from openvnet.cli.grammar import Command, Commands, Group, dashed
from openvnet.cli.options import (
    above_argument,
    option,
    output_option,
    own_argument,
    project_option,
    seconds_to_wait,
    wait_options,
)
from openvnet.cli.session import Session
from openvnet.cli.showing import (
    NotNamed,
    choosing_options,
    chosen,
    columns,
    fields,
    uuid_of,
)
from openvnet.model import PROJECTS
from openvnet.model.operations import (
    Operation,
    below,
    creation,
    operations_of,
    parent_of,
    related_of,
)
from openvnet.model.resource import Resource

VERBS = {"create": "add", "list": "show", "show": "show", "update": "modify", "delete": "del"}
"""The operations' names on the command line; actions keep theirs."""

ALIASES = {"delete": "del"}

RENAMED = {"network_services": {"type": "mode"}}
"""Options of `add` that have another name now: the old ones still work, with a warning."""

Given = dict[str, Any]
"""Arguments and options of a command by name; None where not given."""


def resource_group(resource: Resource) -> Group:
    """The commands of a resource, and below them those of its sub-collections."""
    commands: Commands = {
        name: partial(_command, name, found) for name, found in by_command(resource).items()
    }
    more: Commands = {
        dashed(child.in_paths): partial(resource_group, child) for child in below(resource)
    }
    for made in resource.makes or ():
        more[dashed(made)] = partial(_making_group, resource, made)
    parent = parent_of(resource)
    listed = f"{parent.prefix}-" if parent else None
    if resource is PROJECTS:
        more["usage"] = usage
    ends = resource.deletion
    aliases = {"delete": ends, "del": ends} if ends else ALIASES
    return Group(dashed(resource.in_paths), resource.doc, commands | more, aliases, listed=listed)


def _making_group(resource: Resource, made: str) -> Group:
    """The command by which a resource makes something: `lease-policies ip-leases add lp-1`."""
    found = [each for each in operations_of(resource) if each.verb == made]
    sentence = f"Have {resource.one} make {found[0].answered.one}."
    return Group(dashed(made), sentence, {"add": partial(_command, "make", found)})


def by_command(resource: Resource) -> dict[str, list[Operation]]:
    """The operations behind each command: `show` lists, and shows one."""
    found: dict[str, list[Operation]] = {}
    for operation in operations_of(resource):
        if operation.answered is not resource:
            continue
        name = VERBS.get(operation.verb, operation.verb)
        if operation.verb == "delete":
            name = resource.deletion or name
        found.setdefault(name, []).append(operation)
    return found


def _command(name: str, found: list[Operation]) -> Command:
    made = {"list": _showing, "show": _showing, "delete": _deleting}
    parameters, run = made.get(found[0].verb, _writing)(found)

    @click.pass_obj
    def callback(session: Session, /, **given: Any) -> None:
        run(session, given.pop("output"), given)

    params = [*above_argument(found[0]), *parameters, output_option()]
    return Command(name, callback=callback, params=params, help=_help(name, found))


Run = Callable[[Session, str | None, Given], None]
"""Runs a command: how to print, and what was given beside."""

Made = tuple[list[click.Parameter], Run]
"""The parameters of a command beside those that all have, and what it does."""


def _writing(found: list[Operation]) -> Made:
    (operation,) = found
    named = [own_argument(operation)] if operation.names_one else []
    options = [option(name, given) for name, given in operation.parameters.items()]
    fixed = list(_fixed_options(operation)) if operation.verb == "update" else []
    old = [
        option(name, replace(operation.parameters[new], doc=f"Deprecated: --{dashed(new)}."))
        for name, new in _renamed(operation).items()
    ]
    project = [project_option()] if operation.names_project else []
    params = [*named, *options, *old, *fixed, *project, *wait_options()]
    return params, partial(_write, operation)


def _renamed(operation: Operation) -> dict[str, str]:
    """The options that have another name now, each with that."""
    return RENAMED.get(operation.resource.collection, {}) if operation.verb == "create" else {}


def _with_new_names(operation: Operation, values: Given) -> Given:
    for old, new in _renamed(operation).items():
        if old in values:
            said = values.pop(old)
            click.echo(f"--{dashed(old)} is deprecated; say --{dashed(new)} {said}.", err=True)
            if values.setdefault(new, said) != said:
                raise click.UsageError(f"--{dashed(old)} and --{dashed(new)} are the same option.")
    return values


def _fixed_options(operation: Operation) -> Iterator[click.Option]:
    """What can only be given on creation: webapi says so better than "no such option"."""
    for name, attribute in creation(operation.resource).items():
        if name not in operation.parameters:
            yield option(name, attribute, hidden=True)


def _write(operation: Operation, session: Session, output: str | None, given: Given) -> None:
    seconds, path = seconds_to_wait(given), _path(operation, given)
    rehearsed = given.pop("dry_run")
    project = session.in_project(given) if operation.names_project else {}
    values = _with_new_names(operation, _only_given(given))
    _refuse_missing(operation, values)
    if "project_uuid" not in values:
        values |= project
    if operation.verb == "update" and not values:
        raise click.UsageError("Give at least one option that says what to change.")
    answer = session.client.write(operation.method, path, values, seconds, dry_run=rehearsed)
    session.show(answer, output)


def _deleting(found: list[Operation]) -> Made:
    one = next(each for each in found if each.names_one)
    described = [each for each in found if each.by_values]
    options = [option(name, given) for each in described for name, given in each.parameters.items()]
    return [own_argument(one, many=True), *options, *wait_options()], partial(_delete, found)


def _delete(found: list[Operation], session: Session, output: str | None, given: Given) -> None:
    seconds, uuids = seconds_to_wait(given), given.pop("uuids")
    rehearsed = given.pop("dry_run")
    nothing = f"No {found[0].resource.singular} was deleted."
    for path, values in _deletions(found, uuids, given):
        write = partial(session.client.write, dry_run=rehearsed)
        request = partial(write, "DELETE", path, values, seconds)
        _show_or_refuse(session, output, request, nothing)


def _show_or_refuse(
    session: Session,
    output: str | None,
    request: Callable[[], Answer],
    nothing: str = "",
    wanted: tuple[str, ...] = (),
) -> None:
    """Make one of several requests: one that is refused keeps nobody from the others."""
    try:
        answer = request()
    except (NotNamed, Refused) as refusal:
        session.refuse(refusal)
    else:
        session.show(answer, output, nothing, wanted)


def _deletions(
    found: list[Operation], uuids: tuple[str, ...], given: Given
) -> Iterator[tuple[str, Given]]:
    """The path and the parameters of each request to make."""
    one = next(each for each in found if each.names_one)
    described = [each for each in found if each.by_values]
    above = {"above": given.pop("above")} if "above" in given else {}
    values = _only_given(given)
    if not uuids and not described:
        raise click.UsageError(f"Name at least one {_named(one)} to delete.")
    if uuids and values:
        raise click.UsageError("Give uuids or options, not both.")
    if not uuids:
        _refuse_missing(described[0], values)
        yield _path(described[0], above), values
    for uuid in uuids:
        yield _path(one, {**above, "of": uuid}), {}


def _showing(found: list[Operation]) -> Made:
    named = [own_argument(each, many=True) for each in found if each.names_one]
    project = [project_option() for each in found if each.names_project]
    return [*named, *project, *choosing_options()], partial(_show, found)


def _show(found: list[Operation], session: Session, output: str | None, given: Given) -> None:
    uuids, wanted, query = given.pop("uuids", ()), columns(given), chosen(given)
    if uuids and query:
        raise click.UsageError("Give uuids, or which part of the list, not both.")
    every = next(each for each in found if not each.names_one)
    named = session.in_project(given)
    if every.names_project and not uuids:
        query |= named
    shown = {} if session.format(output) == "name" else fields(wanted)
    for uuid in uuids:
        one = next(each for each in found if each.names_one)
        request = partial(_show_one, session, one, every, uuid, shown)
        _show_or_refuse(session, output, request, "", wanted)
    if not uuids:
        path, client = _path(every, given), session.client
        part = "limit" in query or "offset" in query
        answer = client.get(path, **query, **shown) if part else client.all(path, **query, **shown)
        nothing = _nothing(
            every.resource,
            answer.body["total_count"],
            "None fits." if query.keys() - {"limit", "offset", "sort"} else "",
        )
        session.show(answer, output, nothing, wanted)


def _show_one(
    session: Session, one: Operation, every: Operation, word: str, shown: dict[str, str]
) -> Answer:
    """The resource that a uuid or a display name means."""
    return session.client.get(_path(one, {"of": uuid_of(session, every, word)}), **shown)


def _nothing(resource: Resource, total: int, none: str = "") -> str:
    """What is said of a list, or of a part of it, that is empty."""
    what, of, whole = resource.singular.partition(" of ")
    several = f"{what[:-1]}ies{of}{whole}" if what.endswith("y") else f"{what}s{of}{whole}"
    if total:
        return f"None of the {total} {several} is in this part of the list."
    if none:
        return none
    return f"There are no {several}."


def _path(operation: Operation, given: Given) -> str:
    """The operation's path; takes the uuids that it names out of what is given."""
    path = operation.path
    if operation.resource.parent:
        above = quote(given.pop("above"), safe="")
        path = path.replace(f"{{{operation.resource.parent}}}", above)
    if not operation.names_one:
        return path
    return path.replace(f"{{{operation.own_name}}}", quote(given.pop("of"), safe=""))


def _named(operation: Operation) -> str:
    """What the command line names: the resource, or the one that it relates to."""
    return (related_of(operation.resource) or operation.resource).singular


def usage() -> click.Command:
    """The command `projects usage`."""

    @click.pass_obj
    def run(session: Session, output: str | None, project: str) -> None:
        every = next(each for each in operations_of(PROJECTS) if each.verb == "list")
        uuid = uuid_of(session, every, project)
        session.show(session.client.get(f"/projects/{quote(uuid, safe='')}/usage"), output)

    words = "Show how much a project has of each collection, and how much it may have."
    named = click.Argument(["project"], metavar="pj-NAME")
    return Command("usage", callback=run, params=[named, output_option()], help=words)


def _only_given(given: Mapping[str, Any]) -> Given:
    return {name: value for name, value in given.items() if value is not None}


def _refuse_missing(operation: Operation, given: Given) -> None:
    missing = [
        f"  --{dashed(name)}  {attribute.doc}"
        for name, attribute in operation.parameters.items()
        if attribute.required and name not in given
    ]
    if missing:
        raise click.UsageError("\n".join(["These options are required:", *missing]))


def _help(name: str, found: list[Operation]) -> str:
    resource = found[0].resource
    sentence = {
        "make": f"Have {resource.one} make {found[0].answered.one}.",
        "add": f"Add {resource.one}.",
        "modify": f"Change {resource.one}. What is not given stays as it is.",
        "show": f"Show every {resource.singular}"
        + (", or those named." if any(each.names_one for each in found) else "."),
        "revoke": f"Revoke each {resource.singular} named: whoever has it is let in no more.",
        "del": f"Delete each {resource.singular} named"
        + (
            ", or those that the options describe; without either, all."
            if any(not each.names_one for each in found)
            else "."
        ),
    }
    return f"{sentence.get(name, f'{name.capitalize()} {resource.one}.')}\n\n{resource.doc}"

"""vnctl apply, diff and export: what there is to be, said in documents."""

import sys
from collections.abc import Container, Iterator, Sequence
from typing import Any

import click

from openvnet.answers import Answer, ClientError, Refused
from openvnet.cli.documents import DocumentError, Documents
from openvnet.cli.grammar import Command
from openvnet.cli.options import output_option, seconds_to_wait, wait_options
from openvnet.cli.printing import defaults
from openvnet.cli.session import Session
from openvnet.cli.settings import SettingsError
from openvnet.model import KINDS, RESOURCES, IpLease
from openvnet.model.documents import LINKS
from openvnet.model.operations import named_by

Change = dict[str, Any]

MOST_SHOWN = 200
"""Rows that `apply` shows; of more only the first, and how many there are."""

PATIENCE = 300.0
"""Seconds more than usual that webapi may take for a document."""

ANY = "0.0.0.0"  # noqa: S104 - what a rule says of addresses

MANY = 500
"""Resources of which one may have to wait for the answer."""

SIGNS = {
    "+": ("green", "added", "add"),
    "~": ("yellow", "changed", "change"),
    "-": ("red", "deleted", "delete"),
}

_OWNERS: dict[type[Any], str] = {**LINKS, IpLease: "interface_uuid"}
_RESOURCES = {resource.kind: resource for resource in RESOURCES}


def apply() -> click.Command:
    """The command `apply`."""

    @click.pass_obj
    def run(session: Session, /, output: str | None, **given: Any) -> None:
        documents = _read(given)
        seconds, rehearsed = seconds_to_wait(given), given["dry_run"]
        query = _query(given)
        if (given["prune"] or given["replace"]) and not (given["yes"] or rehearsed):
            _ask(session, documents, query)
        answer = _asked(session, documents, query, rehearsed, seconds)
        if session.format(output) not in ("table", "wide"):
            session.show(answer, output)
            return
        for line in _first(list(lines(answer.body))):
            click.echo(line)
        revision = "" if rehearsed else f": revision {(answer.revision or '').rpartition('/')[2]}"
        counted = counts(answer.body, done=not rehearsed)
        click.echo(f"{counted}{revision}." if answer.body else "Nothing differs.")
        session.tell(answer)

    words = """Make everything as documents say, in one revision; only what differs is written.

    FILE is YAML or JSON, - standard input, or a directory with such files. What a document does not
    name stays as it is; of what is nested, such as the addresses of an interface, what is not
    there goes. `vnctl export` shows the form.
    """
    replace = "Delete and make anew what cannot be changed, with all that refers to it."
    prune = "Delete what the documents do not name, of the collections that they have."
    params: list[click.Parameter] = [
        *_files(),
        click.Option(["--prune"], is_flag=True, help=prune),
        click.Option(["--replace"], is_flag=True, help=replace),
        click.Option(["-y", "--yes"], is_flag=True, help="Do not ask before that deletes."),
        *wait_options(),
        output_option(),
    ]
    return Command("apply", callback=run, params=params, help=words)


def diff() -> click.Command:
    """The command `diff`."""

    @click.pass_context
    def run(ctx: click.Context, /, output: str | None, **given: Any) -> None:
        session = ctx.ensure_object(Session)
        try:
            answer = _asked(session, _read(given), _query(given), rehearsed=True)
            if session.format(output) in ("table", "wide"):
                for line in lines(answer.body):
                    click.echo(line)
                click.echo(f"{counts(answer.body)}." if answer.body else "Nothing differs.")
            else:
                session.show(Answer(answer.body, answer.text, None, None), output)
        except (ClientError, SettingsError) as error:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(2)
        ctx.exit(1 if answer.body else 0)

    words = """Show what `vnctl apply` of these documents would do, and write nothing.

    Exit status: 0 nothing differs; 1 something does; 2 it could not be found out.
    """
    prune = "Show also what --prune would delete."
    replace = "Show also what --replace would delete and make anew."
    params: list[click.Parameter] = [
        *_files(),
        click.Option(["--prune"], is_flag=True, help=prune),
        click.Option(["--replace"], is_flag=True, help=replace),
        output_option(),
    ]
    return Command("diff", callback=run, params=params, help=words)


def export() -> click.Command:
    """The command `export`."""

    @click.pass_obj
    def run(session: Session, /, output: str | None, what: Sequence[str], full: bool) -> None:
        query = {"of": ",".join(_named(each) for each in what)} if what else {}
        answer = session.client.get("/export", **query, **({"full": "true"} if full else {}))
        if session.format(output) == "json":
            click.echo(answer.text)
        else:
            click.echo(dumped(answer.body), nl=False)

    words = """Show what there is as a document, which `vnctl apply` takes: all, or only some.

    WHAT is a collection, such as networks, or a uuid. In YAML; with -o json in JSON.
    """
    full = "With what is as it is by default, so that `vnctl diff` notices any change of it."
    params: list[click.Parameter] = [
        click.Argument(["what"], nargs=-1, metavar="[WHAT]..."),
        click.Option(["--full"], is_flag=True, help=full),
        output_option(),
    ]
    return Command("export", callback=run, params=params, help=words)


def _files() -> list[click.Parameter]:
    words = "A document, - for standard input, or a directory of documents. Repeatable."
    return [
        click.Option(["-f", "--file", "named"], multiple=True, metavar="FILE", help=words),
        click.Argument(["more"], nargs=-1, metavar="[FILE]..."),
    ]


def _read(given: dict[str, Any]) -> Documents:
    names = [*given.pop("named"), *given.pop("more")]
    if not names:
        raise click.UsageError("Name at least one document: -f FILE, or -f - for standard input.")
    documents = Documents()
    try:
        documents.read(names)
    except DocumentError as error:
        raise ClientError(str(error)) from None
    return documents


def _query(given: dict[str, Any]) -> dict[str, str]:
    return {name: "true" for name in ("prune", "replace") if given[name]}


def _asked(
    session: Session,
    documents: Documents,
    query: dict[str, str],
    rehearsed: bool,
    seconds: float | None = None,
) -> Answer:
    """What comes of documents; a refusal says in which file and line."""
    waits = {} if seconds is None else {"wait": str(seconds)}
    dry = {"dry_run": "true"} if rehearsed else {}
    with _Telling(documents.count()):
        try:
            return session.client.request(
                "POST",
                "/apply",
                {**query, **waits, **dry},
                documents.whole or {"networks": {}},
                PATIENCE + (seconds or 0),
            )
        except Refused as refused:
            raise ClientError(documents.located(str(refused))) from None


class _Telling:
    """Says on a terminal that work is under way, as long as it is."""

    def __init__(self, count: int) -> None:
        self._words = f"{count:,} resources ..." if count >= MANY and sys.stderr.isatty() else ""

    def __enter__(self) -> None:
        click.echo(self._words, nl=False, err=True)

    def __exit__(self, *_: object) -> None:
        click.echo("\r" + " " * len(self._words) + "\r" if self._words else "", nl=False, err=True)


def _ask(session: Session, documents: Documents, query: dict[str, str]) -> None:
    """Ask on a terminal before something is deleted; elsewhere --yes must say it."""
    answer = _asked(session, documents, query, rehearsed=True)
    gone = sum(change["after"] is None for change in answer.body)
    if not gone:
        return
    if not sys.stdin.isatty():
        raise ClientError(f"{gone} resources would be deleted. See `vnctl diff`; then say --yes.")
    for line in lines(answer.body):
        click.echo(line, err=True)
    click.confirm(f"{counts(answer.body)}. Go on?", abort=True, err=True)


def lines(changes: Sequence[Change]) -> Iterator[str]:
    """A difference for people: what is part of something stands below it."""
    by_owner: dict[tuple[str, str], list[Change]] = {}
    for change in changes:
        by_owner.setdefault(_owner(change), []).append(change)
    place = {tag: number for number, tag in enumerate(KINDS)}
    for kind, uuid in sorted(by_owner, key=lambda owner: (place[owner[0]], owner[1])):
        found = by_owner[kind, uuid]
        found.sort(key=lambda each: (place[each["kind"]], each["after"] is not None))
        own = [change for change in found if change["uuid"] == uuid]
        if not own:
            yield f"  {kind.replace('_', ' ')} {uuid}"
        for change in own:
            yield _line(change, "")
        known = {uuid, *(change["uuid"] for change in found)}
        for change in found:
            if change["uuid"] != uuid:
                yield _line(change, "    ", known)


def _line(change: Change, indent: str, known: Container[Any] = ()) -> str:
    """What is done to a row, but for what is as usual, and for the names that are `known`."""
    before, after, sign = change["before"], change["after"], _sign(change)
    row = after or before
    if sign == "~":
        names = [name for name in row if before.get(name) != after[name]]
        told = ", ".join(
            f"{name} {_word(before.get(name))} -> {_word(row[name])}" for name in names
        )
    else:
        usual = {**defaults(str(row["uuid"]).partition("-")[0]), "vni": row.get("vni")}
        above = LINKS.get(KINDS[change["kind"]]) if indent else None
        told = ", ".join(
            f"{name} {_word(value)}"
            for name, value in row.items()
            if name not in ("uuid", above) and value not in known
            if _word(value) not in ("nothing", ANY) and value != usual.get(name)
        )
    line = f"{indent}{sign} {change['kind'].replace('_', ' ')} {change['uuid']}  {told}".rstrip()
    return click.style(line, fg=SIGNS[sign][0])


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value or "nothing")


def _owner(change: Change) -> tuple[str, str]:
    """What something is shown below: itself, if it is part of nothing."""
    kind = KINDS[change["kind"]]
    name = _OWNERS.get(kind)
    row = change["after"] or change["before"]
    if name is None or not row.get(name):
        return change["kind"], change["uuid"]
    owner = named_by(_RESOURCES[kind], name).kind
    return str(owner.__struct_config__.tag), row[name]


def counts(changes: Sequence[Change], done: bool = False) -> str:
    """How much is added, changed and deleted."""
    signs = [_sign(change) for change in changes]
    words = ((signs.count(sign), SIGNS[sign]) for sign in SIGNS)
    if done:
        return ", ".join(f"{count} {word}" for count, (_, word, _) in words if count)
    return ", ".join(f"{count} to {word}" for count, (_, _, word) in words if count)


def _sign(change: Change) -> str:
    return "+" if change["before"] is None else "-" if change["after"] is None else "~"


def _first(found: Sequence[str]) -> Iterator[str]:
    yield from found[:MOST_SHOWN]
    if len(found) > MOST_SHOWN:
        yield f"... and {len(found) - MOST_SHOWN:,} more; -o json shows all"


def _named(given: str) -> str:
    """A uuid, or a collection in any spelling."""
    known = {resource.collection for resource in RESOURCES}
    collection = given.replace("-", "_")
    return collection if collection in known else given


def dumped(document: Any) -> str:
    """A document in YAML."""
    import yaml

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text: str = yaml.dump(document, Dumper=dumper, sort_keys=False, allow_unicode=True)
    return text

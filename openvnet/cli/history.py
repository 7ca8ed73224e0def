"""vnctl history, watch and undo: what was changed, what is being changed, and back again."""

from collections.abc import Iterator
from contextlib import nullcontext, suppress
from datetime import datetime
from typing import Any

import click
import msgspec

from openvnet.answers import Answer, Unreachable
from openvnet.cli.grammar import Command
from openvnet.cli.options import output_option, seconds_to_wait, wait_options
from openvnet.cli.session import Session
from openvnet.model import DEFAULT_PROJECT

Given = dict[str, Any]


def history() -> click.Command:
    """The command `history`."""

    @click.pass_obj
    def run(session: Session, /, output: str | None, **given: Any) -> None:
        query = {name: value for name, value in given.items() if value is not None}
        answer = session.client.get("/changes", **query)
        if session.format(output) not in ("table", "wide"):
            session.show(answer, output)
            return
        lines = [line for item in answer.body["items"] for line in revision_lines(item)]
        click.echo("\n".join(lines) if lines else "Nothing was changed.")

    words = """Show what was changed, the newest first: when, by whom, and every row.

    With a uuid, only what was done to that resource, and to what refers to it.
    """
    params: list[click.Parameter] = [
        click.Argument(["uuid"], required=False, metavar="[UUID]"),
        click.Option(
            ["--limit"], type=click.IntRange(1, 1000), default=20, metavar="NUMBER", help=LIMIT
        ),
        click.Option(["--since"], metavar="REVISION", help="After this one, the oldest first."),
        click.Option(["--before"], metavar="REVISION", help="Before this one."),
        click.Option(["--kind"], metavar="KIND[,KIND]...", help="Of these resources only."),
        output_option(),
    ]
    return Command("history", callback=run, params=params, help=words)


LIMIT = "Revisions at most.  [default: 20]"


def watch() -> click.Command:
    """The command `watch`."""

    @click.pass_obj
    def run(session: Session, /, output: str | None, **given: Any) -> None:
        form = session.format(output)
        query = {name: value for name, value in given.items() if value is not None}
        for told in _told(session, query):
            if form == "json":
                click.echo(msgspec.json.encode(told).decode())
            elif form == "yaml":
                session.show(Answer(told, msgspec.json.encode(told), None, None), "yaml")
            elif form == "name":
                click.echo("\n".join(change["uuid"] for change in told["changes"]))
            else:
                click.echo("\n".join(revision_lines(told)))

    words = """Show changes as they happen, until Ctrl-C.

    With a uuid, only what is done to that resource, and to what refers to it.
    """
    params: list[click.Parameter] = [
        click.Argument(["uuid"], required=False, metavar="[UUID]"),
        click.Option(["--since"], metavar="REVISION", help="Begin with what came after this one."),
        click.Option(["--kind"], metavar="KIND[,KIND]...", help="Of these resources only."),
        click.Option(
            ["--count"], type=click.IntRange(1), metavar="NUMBER", help="End after so many."
        ),
        output_option(),
    ]
    return Command("watch", callback=run, params=params, help=words)


def _told(session: Session, query: Given) -> Iterator[Any]:
    """Each revision, once, also if the stream has to be begun again."""
    left, last, begun = query.pop("count", None), "", False
    while left is None or left > 0:
        with suppress(Unreachable) if begun else nullcontext():
            for event in session.client.events("/changes/stream", query, last):
                begun, last = True, event.id or last
                if event.kind == "revision":
                    yield event.data
                    left = left - 1 if left else left
                    if left == 0:
                        return
                else:
                    click.echo(event.data.get("message", ""), err=True)
        query.pop("since", None)
        session.client.close()


def undo() -> click.Command:
    """The command `undo`."""

    @click.pass_obj
    def run(
        session: Session, /, output: str | None, revision: int, force: bool, **given: Any
    ) -> None:
        seconds, rehearsed = seconds_to_wait(given), given.pop("dry_run")
        values = {"force": True} if force else None
        path = f"/changes/{revision}/undo"
        answer = session.client.write("POST", path, values, seconds, dry_run=rehearsed)
        if session.format(output) in ("table", "wide"):
            click.echo("\n".join(line for each in answer.body for line in change_lines(each)))
            session.tell(answer)
        else:
            session.show(answer, output)

    words = """Write the inverse of a revision, as a new one: `vnctl history` tells their numbers.

    It is refused if later revisions have changed the same things, or if others need them now.
    """
    forced = "Also if later revisions have changed the same things: they become what they were."
    params: list[click.Parameter] = [
        click.Argument(["revision"], type=click.IntRange(1), metavar="REVISION"),
        click.Option(["--force"], is_flag=True, help=forced),
        *wait_options(),
        output_option(),
    ]
    return Command("undo", callback=run, params=params, help=words)


def revision_lines(told: Given) -> Iterator[str]:
    """A revision, for people."""
    when = datetime.fromisoformat(told["time"]).astimezone()
    who = f"  {told['asked_by']}" if told["asked_by"] else ""
    yield f"revision {told['revision']}  {when:%Y-%m-%d %H:%M:%S}{who}"
    for change in told["changes"]:
        yield from (f"  {line}" for line in change_lines(change))


def change_lines(change: Given) -> Iterator[str]:
    """What was done to a row, for people."""
    what = f"{change['kind'].replace('_', ' ')} {change['uuid']}"
    before, after = change["before"], change["after"]
    if before is None:
        yield f"+ {what}  {_values(after)}".rstrip()
    elif after is None:
        yield f"- {what}  {_values(before)}".rstrip()
    else:
        changed = (name for name in after if before.get(name) != after[name])
        words = (f"{name} {_word(before.get(name))} -> {_word(after[name])}" for name in changed)
        yield f"~ {what}  {', '.join(words)}"


def _values(row: Given) -> str:
    """What tells a row from others of its kind."""
    unsaid = (None, "", False, DEFAULT_PROJECT)
    told = {name: value for name, value in row.items() if value not in unsaid}
    return ", ".join(f"{name} {_word(value)}" for name, value in told.items() if name != "uuid")


def _word(value: Any) -> str:
    if value is None or value == "":
        return "nothing"
    return str(value).lower() if isinstance(value, bool) else str(value)

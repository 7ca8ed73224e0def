"""vnctl db import: the database of an OpenVNet in Ruby, checked, and carried over."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from openvnet.answers import Answer
from openvnet.cli.grammar import Command
from openvnet.cli.options import output_option
from openvnet.cli.session import Session

if TYPE_CHECKING:
    from openvnet.importing.original import Original

VARIABLE = "VNET_IMPORT_PASSWORD"


def import_command() -> click.Command:
    """The command `db import`."""

    @click.pass_obj
    def run(
        session: Session, /, address: str, commit: bool, password_file: str | None, **given: Any
    ) -> None:
        # Reading MySQL takes longer to import than all other commands take as a whole.
        from openvnet.importing.document import document
        from openvnet.importing.report import report
        from openvnet.importing.translating import translated

        time = datetime.now(UTC).isoformat(timespec="seconds")
        original = _read(address, password_file)
        made = translated(original)
        _show(session, report(original, made), given["output"])
        query = {} if commit else {"dry_run": "true"}
        answer = session.client.upload("/db/restore", query, document(made, time))
        _tell(answer, address)

    words = """Carry over all that is in the MySQL database of an earlier OpenVNet (0.7 to 0.9).

    It tells what would be carried over, and of each row that cannot be, why; nothing is written
    until --commit says so. The database here must be empty then. The other one is only read.
    """
    params: list[click.Parameter] = [
        click.Option(
            ["--from", "address"],
            required=True,
            metavar="mysql://USER@HOST:PORT/NAME",
            help="The database of the original. Its password is asked for.",
        ),
        click.Option(["--commit"], is_flag=True, help="Write it."),
        click.Option(
            ["--password-file"],
            type=click.Path(),
            help=f"A file with the password; {VARIABLE} may have it, too.",
        ),
        output_option(),
    ]
    return Command("import", callback=run, params=params, help=words)


def _read(address: str, password_file: str | None) -> "Original":
    from openvnet.importing.original import ImportFailed, read
    from openvnet.importing.original import address as parsed

    try:
        return read(parsed(address), _password(password_file))
    except ImportFailed as failure:
        raise click.ClickException(str(failure)) from None


def _password(file: str | None) -> str:
    if file is not None:
        try:
            return Path(file).read_text().rstrip("\n")
        except OSError as error:
            raise click.ClickException(f"{file}: {error.strerror}.") from None
        except UnicodeDecodeError:
            raise click.ClickException(f"{file}: it is not UTF-8.") from None
    if (given := os.environ.get(VARIABLE)) is not None:
        return given
    if not sys.stdin.isatty():
        return ""
    asked: str = click.prompt("Password", default="", hide_input=True, show_default=False, err=True)
    return asked


def _show(session: Session, told: dict[str, Any], output: str | None) -> None:
    from openvnet.importing.report import lines

    if session.format(output) in ("table", "wide"):
        click.echo("\n".join(lines(told)))
    else:
        session.show(Answer(told, msgspec.json.encode(told), None, None), output)


def _tell(answer: Answer, address: str) -> None:
    rows = answer.body["rows"]
    if answer.rehearsed:
        click.echo(f"\nNothing was written. --commit would carry over {rows} rows.", err=True)
        if there := answer.body["rows_there"]:
            click.echo(f"It would be refused: the database here has {there} rows.", err=True)
    else:
        click.echo(f"\n{rows} rows were carried over from {address}.", err=True)

"""vnctl db: the database as a whole, into a file and back."""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import click

from openvnet.answers import Refused
from openvnet.cli.grammar import Command, Group
from openvnet.cli.importing import import_command
from openvnet.cli.options import output_option
from openvnet.cli.session import Session
from openvnet.client import PIECE


def db() -> click.Group:
    """The commands `db`."""
    made = {"backup": _backup, "restore": _restore, "import": import_command}
    return Group("db", "The database as a whole: into a file, back again, from elsewhere.", made)


def _backup() -> click.Command:
    @click.pass_obj
    def run(session: Session, /, file: str | None, with_history: bool, force: bool) -> None:
        if file == "-":
            _to_stdout(session, with_history)
            return
        path = Path(file or f"openvnet-{datetime.now():%Y%m%d-%H%M%S}.backup")
        if path.exists() and not force:
            raise click.ClickException(f"{path} exists already; --force overwrites it.")
        with _whole(path) as writing:
            size, rows = _copied(session, writing, with_history)
        click.echo(f"{path}: {rows} rows, {size} bytes.")

    words = """Write all that is in the database into FILE; "-" is standard output.

    It is one revision, whatever is written meanwhile, and no matter which database it is. The file
    is there when it is whole, and only its owner can read it.
    """
    params: list[click.Parameter] = [
        click.Argument(["file"], required=False, metavar="[FILE]"),
        click.Option(["--with-history"], is_flag=True, help="With the revision log."),
        click.Option(["--force"], is_flag=True, help="Overwrite FILE."),
    ]
    return Command("backup", callback=run, params=params, help=words)


def _to_stdout(session: Session, with_history: bool) -> None:
    if sys.stdout.isatty():
        raise click.UsageError("A backup is no text for a terminal; name a file.")
    _copied(session, sys.stdout.buffer, with_history)
    sys.stdout.buffer.flush()


def _copied(session: Session, writing: IO[bytes], with_history: bool) -> tuple[int, str]:
    """Write a backup; its size, and how many rows it has."""
    query = {"history": "true"} if with_history else {}
    size = 0
    with session.client.download("/db/backup", query) as (headers, pieces), _progress() as say:
        for piece in pieces:
            writing.write(piece)
            size += len(piece)
            say(f"{size // 1024} KiB")
    return size, headers.get("OpenVNet-Rows", "?")


def _restore() -> click.Command:
    @click.pass_obj
    def run(session: Session, /, file: str, yes: bool, dry_run: bool, output: str | None) -> None:
        query = {"dry_run": "true"} if dry_run else {}
        if yes:
            query["replace"] = "true"
        try:
            answer = _sent(session, file, query)
        except Refused as refusal:
            if refusal.status != 409 or yes or not _is_asked(session, file, refusal):
                raise
            answer = _sent(session, file, {**query, "replace": "true"})
        session.show(answer, output)

    words = """Put the backup in FILE in place of all that is in the database.

    The file is checked as a whole before anything is changed. A new epoch begins: every host hears
    all of its rows anew, and keeps forwarding meanwhile.
    """
    params: list[click.Parameter] = [
        click.Argument(["file"], metavar="FILE"),
        click.Option(["--yes"], is_flag=True, help="Also if the database is not empty."),
        click.Option(["--dry-run"], is_flag=True, help="Check the file, and change nothing."),
        output_option(),
    ]
    return Command("restore", callback=run, params=params, help=words)


def _is_asked(session: Session, file: str, refusal: Refused) -> bool:
    """Ask whether all that there is may go, if somebody is there to answer."""
    if not sys.stdin.isatty():
        where = (
            f"Say --yes if {file} shall take the place of all that is in {session.client.address}."
        )
        raise click.ClickException(f"{refusal.message.partition(' Say ')[0]} {where}")
    click.echo(refusal.message.partition(" Say ")[0], err=True)
    if not click.confirm(f"Shall {file} take the place of all of it?", err=True):
        raise click.ClickException("Nothing was changed.")
    return True


def _sent(session: Session, file: str, query: dict[str, str]) -> Any:
    try:
        with Path(file).open("rb") as reading, _progress() as say:
            size = os.fstat(reading.fileno()).st_size
            return session.client.upload("/db/restore", query, _read(reading, size, say))
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror}.") from None


def _read(reading: IO[bytes], size: int, say: Any) -> Iterator[bytes]:
    done = 0
    while piece := reading.read(PIECE):
        done += len(piece)
        yield piece
        say(f"{100 * done // max(1, size)} % sent" if done < size else "checked and restored ...")


@contextmanager
def _progress() -> Iterator[Any]:
    """What says on a terminal how far it is, at most some times a second."""
    shown, last = sys.stderr.isatty(), 0.0

    def say(words: str) -> None:
        nonlocal last
        if shown and (time.monotonic() - last > 0.1 or words.endswith("...")):
            last = time.monotonic()
            click.echo(f"\r\x1b[K{words}", nl=False, err=True)

    try:
        yield say
    finally:
        if shown:
            click.echo("\r\x1b[K", nl=False, err=True)


@contextmanager
def _whole(path: Path) -> Iterator[IO[bytes]]:
    """A file that has its name only once it is written, and that only its owner may read."""
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise click.ClickException(f"{path}: {error.strerror}.") from None
    try:
        with os.fdopen(descriptor, "wb") as writing:
            yield writing
            writing.flush()
            os.fsync(writing.fileno())
        Path(name).replace(path)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        raise click.ClickException(f"{path}: {error.strerror}.") from None
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise

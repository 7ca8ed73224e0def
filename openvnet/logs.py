"""The log of each program: lines for people, or one JSON object a line for machines.

    log.info("revision %d: %s created", 7, "interface if-1", extra=Fields(revision=7, uuid="if-1"))

A change has one line in each program that it passes (webapi, vnmgr, vna), all of which begin with
its revision. What a line says in words is also there in `Fields`, which only JSON shows. It is
misused by putting a sentence together before `log` is called: a level that is off costs nothing.
"""

import functools
import logging
import re
import sys
import time
from collections.abc import Callable
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Any, Literal, TypedDict

import click
import msgspec

LEVELS = ("debug", "info", "warning", "error")
FORMATS = ("text", "json")


class Fields(TypedDict, total=False):
    """What a line may say beside its message, by the keys that JSON has; they stay as they are."""

    revision: int
    """The number of the revision that the line is about."""
    owner: str
    """What was changed: a resource and its uuid, as in `interface if-1`."""
    resource: str
    """The first half of `owner`: the singular of a resource."""
    uuid: str
    """The second half of `owner`."""
    verb: str
    """What was asked for: `create`, `update`, `delete`."""
    asked_by: str
    """Who asked: the client's address, and how it names itself."""
    host: str
    """The node id of the vna that the line is about."""
    rows: int
    """How many rows the change touches."""
    flows_added: int
    flows_removed: int
    flows_refused: int
    duration_ms: float
    """How long it took this program."""


FIELDS = tuple(Fields.__annotations__)

_SECRET = re.compile(r"(://[^\s:/@]*:)[^\s@]+@")


def without_secrets(text: str) -> str:
    """A text in which the password of each URL is three stars."""
    return _SECRET.sub(r"\1***@", text) if "://" in text else text


class _Lines(logging.Formatter):
    """Lines for people. Whoever wrote a name into a message cannot begin a line of their own."""

    def __init__(self, program: str) -> None:
        super().__init__(f"%(asctime)s %(levelname)s {program}: %(message)s")

    def formatTime(self, record: logging.LogRecord, _: str | None = None) -> str:  # noqa: N802
        return _time(record)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        record.message = _printable(record.message)
        return super().formatMessage(record)

    def format(self, record: logging.LogRecord) -> str:
        return without_secrets(super().format(record))


class _Objects(logging.Formatter):
    """JSON objects, one a line."""

    def __init__(self, program: str) -> None:
        super().__init__()
        self._program = program

    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "program": self._program,
            "message": without_secrets(_encodable(record.getMessage())),
        }
        said.update((key, record.__dict__[key]) for key in FIELDS if key in record.__dict__)
        if record.exc_info:
            said["traceback"] = without_secrets(_encodable(self.formatException(record.exc_info)))
        return msgspec.json.encode(said).decode()


def _time(record: logging.LogRecord) -> str:
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    return f"{seconds}.{int(record.msecs):03}Z"


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def _encodable(text: str) -> str:
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()


def start(
    program: str,
    format: Literal["text", "json"] = "text",
    level: str = "info",
    directory: Path | None = None,
) -> None:
    """Log to standard error, and to a file of the program's name in a directory if one is named.

    The file may be renamed or removed at any time, as logrotate does: it is then made anew. Raises
    OSError if it cannot be written.
    """
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if directory is not None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = directory / f"{program}.log"
        handlers.append(WatchedFileHandler(file, encoding="utf-8", errors="backslashreplace"))
    form = _Objects(program) if format == "json" else _Lines(program)
    for handler in handlers:
        handler.setFormatter(form)
    logging.basicConfig(level=level.upper(), handlers=handlers, force=True)
    logging.captureWarnings(True)
    logging.raiseExceptions = False  # A log that cannot be written stops nobody's packets.


def logged(program: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command its options about the log, and start the log before it runs."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @click.option(
            "--log-format",
            type=click.Choice(FORMATS),
            default="text",
            envvar="LOG_FORMAT",
            show_default=True,
            show_envvar=True,
            help="Lines of text, or a JSON object a line.",
        )
        @click.option(
            "--log-level",
            type=click.Choice(LEVELS, case_sensitive=False),
            default="info",
            envvar="LOG_LEVEL",
            show_default=True,
            show_envvar=True,
            help="The least that is logged.",
        )
        @click.option(
            "--log-directory",
            type=click.Path(path_type=Path, file_okay=False),
            envvar="LOG_DIRECTORY",
            show_envvar=True,
            help=f"Log also to {program}.log in this directory; it may be rotated at any time.",
        )
        @functools.wraps(command)
        def run(
            log_format: Literal["text", "json"],
            log_level: str,
            log_directory: Path | None,
            **given: Any,
        ) -> None:
            try:
                start(program, log_format, log_level, log_directory)
            except OSError as error:
                words = f"the log cannot be written: {error.filename}: {error.strerror}."
                raise click.ClickException(words) from None
            command(**given)

        return run

    return decorate

"""vnctl batch: many commands from a file or from standard input, over one connection."""

import shlex
from collections.abc import Callable, Iterator
from typing import TextIO

import click

from openvnet.cli.session import NOT_REALISED
from openvnet.cli.start import INTERRUPTED

Run = Callable[[list[str]], int]
"""Runs one command; returns its exit status."""


def run_batch(file: TextIO, run: Run, keep_going: bool) -> int:
    """Run each line; return the first exit status that is not 0.

    It stops at a command that fails, unless told to keep going, and always at Ctrl-C. A write that
    is late is no failure, as it stands.
    """
    worst = 0
    click.secho(f"BEGIN ({file.name})", fg="yellow", err=True)
    for number, line, words in _commands(file):
        click.secho(f"> {line}", fg="green", err=True)
        status = run(words)
        worst = worst or status
        if status not in (0, NOT_REALISED):
            click.echo(f"{file.name}, line {number} failed.", err=True)
            if not keep_going or status == INTERRUPTED:
                return status
    click.secho("EOF", fg="yellow", err=True)
    return worst


def _lines(file: TextIO) -> Iterator[str]:
    try:
        yield from file
    except UnicodeDecodeError:
        raise click.ClickException(f"{file.name} is not UTF-8.") from None


def _commands(file: TextIO) -> Iterator[tuple[int, str, list[str]]]:
    for number, text in enumerate(_lines(file), 1):
        line = text.strip()
        if not line or line.startswith("#"):
            continue
        try:
            words = shlex.split(line, comments=True)
        except ValueError as error:
            raise click.UsageError(f"{file.name}, line {number}: {error}.") from None
        yield number, line, words[1:] if words[0] == "vnctl" else words

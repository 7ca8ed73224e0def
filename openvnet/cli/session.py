"""What the commands of one run of vnctl share: where webapi is, how to print, what was late."""

import os
import pwd
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import click

from openvnet.cli.address import webapi_address
from openvnet.cli.printing import printed, realised_lines
from openvnet.cli.settings import Settings, files, settings
from openvnet.client import Answer, Client, Realised, Refused

NOT_REALISED = 3
"""Exit status: the write stands, but a host has not realised it in time."""


@dataclass
class Session:
    """What one run of vnctl shares between its commands."""

    output: str | None = None
    """The output format that vnctl was called with."""
    lag: bool = False
    """Whether a write was not realised in time."""
    refused: bool = False
    """Whether one of several requests was refused."""
    shown: bool = False
    """Whether something was shown already."""
    connection: Client | None = None
    """Made when it is first needed: help needs none."""

    @cached_property
    def settings(self) -> Settings:
        """What the settings files say."""
        return settings(files(Path.home()))

    @property
    def client(self) -> Client:
        """The connection to webapi."""
        if self.connection is None:
            address = webapi_address(os.environ, self.settings)
            version = self.settings.version
            self.connection = Client(address, version=version, agent=f"vnctl of {_user()}")
        return self.connection

    def show(self, answer: Answer, output: str | None, nothing: str = "There are none.") -> None:
        """Print an answer as the command, vnctl or the settings ask for, in this order.

        `nothing` says in words that a list is empty. Of a write that has waited, say on stderr
        what came of it.
        """
        output = output or self.output or self.settings.output or "table"
        if self.shown and output == "table" and isinstance(answer.body, dict):
            click.echo()
        if text := printed(answer, output, nothing):
            click.echo(text)
        self.shown = True
        if answer.realised is not None:
            self._tell(answer, answer.realised)

    def refuse(self, refusal: Refused) -> None:
        """Say what was refused, where others are still to be asked for."""
        click.echo(f"Error: {refusal}", err=True)
        self.refused = True

    def _tell(self, answer: Answer, realised: Realised) -> None:
        for line in realised_lines(answer.revision, realised, answer.changed):
            click.echo(line, err=True)
        if realised.lagging or realised.failures:
            self.lag = True


def _user() -> str:
    """The user's name, for the revision log."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = str(os.getuid())
    return ascii(name).strip("'")

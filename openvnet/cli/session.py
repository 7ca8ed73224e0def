"""What the commands of one run of vnctl share: where webapi is, how to print, what was late."""

import os
import pwd
import sys
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from openvnet.answers import Answer, ClientError, Realised
from openvnet.cli.address import webapi_address
from openvnet.cli.printing import printed, realised_lines
from openvnet.cli.settings import FORMATS, Settings, SettingsError, files, settings

if TYPE_CHECKING:
    from openvnet.client import Client

NOT_REALISED = 3
"""Exit status: the write stands, but a host has not realised it in time."""


class Session(msgspec.Struct, dict=True):
    """What one run of vnctl shares between its commands."""

    output: str | None = None
    """The output format that vnctl was called with."""
    project: str | None = None
    """The project that vnctl was called with."""
    lag: bool = False
    """Whether a write was not realised in time."""
    refused: bool = False
    """Whether one of several requests was refused."""
    shown: bool = False
    """Whether something was shown already."""
    connection: "Client | None" = None
    """Made when it is first needed: help needs none."""

    @cached_property
    def settings(self) -> Settings:
        """What the settings files say."""
        return settings(files(Path.home()))

    @property
    def client(self) -> "Client":
        """The connection to webapi."""
        if self.connection is None:
            from openvnet.client import Client  # Imports HTTP and TLS, of which help needs nothing.

            address = webapi_address(os.environ, self.settings)
            version = self.settings.version
            self.connection = Client(
                address,
                version=version,
                agent=f"vnctl of {_user()}",
                token=self._token(),
                authority=os.environ.get("VNET_CA") or self.settings.authority,
            )
        return self.connection

    def _token(self) -> str:
        """What lets this user in: as the environment or the settings say."""
        if given := os.environ.get("VNET_TOKEN"):
            return given.strip()
        if self.settings.exposed:
            warning = f"Warning: others may read {self.settings.exposed}, which has your token."
            click.echo(f"{warning} Say: chmod 600 {self.settings.exposed}", err=True)
        return self.settings.token

    def in_project(self, given: dict[str, Any]) -> dict[str, str]:
        """The project that is meant, as webapi is told; takes what says so out of the options."""
        said = given.pop("project", None) or self.project or os.environ.get("VNET_PROJECT")
        named = said or self.settings.project
        return {"project": named} if named else {}

    def format(self, output: str | None) -> str:
        """How to print: as the command, vnctl, the environment or the settings say, in this order.

        If none does: a table on a terminal, and YAML for programs, as they have always read it.
        """
        said = output or self.output or _of_environment() or self.settings.output
        return said or ("table" if sys.stdout.isatty() else "yaml")

    def show(
        self,
        answer: Answer,
        output: str | None,
        nothing: str = "There are none.",
        columns: tuple[str, ...] = (),
    ) -> None:
        """Print an answer, of a table only some columns if any are named.

        `nothing` says in words that a list is empty. Of a write that has waited, say on stderr
        what came of it.
        """
        output = self.format(output)
        if self.shown and output in ("table", "wide") and isinstance(answer.body, dict):
            click.echo()
        if text := printed(answer, output, nothing, columns):
            click.echo(text)
        self.shown = True
        self.tell(answer)

    def tell(self, answer: Answer) -> None:
        """Say on stderr what came of a write beside its answer."""
        if answer.rehearsed:
            click.echo("Nothing was written: this was a dry run.", err=True)
        if answer.realised is not None:
            self._tell(answer, answer.realised)

    def refuse(self, refusal: ClientError) -> None:
        """Say what was refused, where others are still to be asked for."""
        click.echo(f"Error: {refusal}", err=True)
        self.refused = True

    def _tell(self, answer: Answer, realised: Realised) -> None:
        for line in realised_lines(answer.revision, realised, answer.changed):
            click.echo(line, err=True)
        if realised.lagging or realised.failures:
            self.lag = True


def _of_environment() -> str | None:
    given = os.environ.get("VNCTL_OUTPUT")
    if given and given not in FORMATS:
        raise SettingsError(f"VNCTL_OUTPUT {given!r} must be one of {', '.join(FORMATS)}.")
    return FORMATS.get(given or "")


def _user() -> str:
    """The user's name, for the revision log."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = str(os.getuid())
    return ascii(name).strip("'")

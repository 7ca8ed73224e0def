"""How a command takes what its files say: the command line beats the environment, that the files.

@click.command()
@configured("vna", Vna, {"node_id": "node.id"})
@click.option("--node-id", default="vna")
def main(configuration: Configuration[Vna], node_id: str) -> None: ...
"""

import functools
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
import msgspec
from click.core import ParameterSource

from openvnet.configuration.files import Configuration, configuration, search
from openvnet.configuration.keys import LATER, MEANINGLESS
from openvnet.configuration.syntax import ConfigurationError

log = logging.getLogger(__name__)

Command = Callable[..., None]


def configured(
    program: str, own: type[msgspec.Struct], options: Mapping[str, str]
) -> Callable[[Command], Command]:
    """Give a command the option --config, and the argument `configuration`.

    `options` names the key of a file that sets an option unless something beats it.
    """

    def read(context: click.Context, _: click.Parameter, named: Path | None) -> None:
        try:
            found = configuration(program, own, search(named))
        except ConfigurationError as error:
            raise click.ClickException(str(error)) from None
        context.obj = found
        context.default_map = {
            option: _value(found.own, key) for option, key in options.items() if key in found.places
        }

    def decorate(command: Command) -> Command:
        @click.option(
            "--config",
            type=click.Path(path_type=Path, exists=True, file_okay=False),
            is_eager=True,
            expose_value=False,
            callback=read,
            metavar="DIRECTORY",
            help=f"Read common.conf and {program}.conf here, and nowhere else. Otherwise each is "
            "the first that is in $CONFIG_PATH, /etc/openvnet or /etc/wakame-vnet.",
        )
        @functools.wraps(command)
        def run(**given: Any) -> None:
            found: Configuration[Any] = click.get_current_context().obj
            _tell(program, found)
            command(configuration=found, **given)

        return run

    return decorate


def is_given(option: str) -> bool:
    """Whether an option of the running command is on its command line."""
    source = click.get_current_context().get_parameter_source(option)
    return source is ParameterSource.COMMANDLINE


def _value(said: object, key: str) -> Any:
    return functools.reduce(getattr, key.split("."), said)


def _tell(program: str, found: Configuration[Any]) -> None:
    for why, level, words in (
        (MEANINGLESS, logging.WARNING, "means nothing to this OpenVNet"),
        (LATER, logging.DEBUG, "is of something that OpenVNet does not do yet"),
    ):
        keys = [
            f"{key} ({found.places[key]})" for key in found.places if found.idle.get(key) == why
        ]
        if keys:
            log.log(level, "%s was told what %s: %s", program, words, ", ".join(keys))

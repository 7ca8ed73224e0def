"""`openvnet host path`: the host reaches its uplinks, also where vna is not (yet) there."""

import asyncio
from pathlib import Path

import click

from openvnet.configuration.files import configuration, search
from openvnet.configuration.keys import Vna
from openvnet.configuration.syntax import ConfigurationError
from openvnet.host.errors import HostError
from openvnet.host.switch import DEFAULT_DATABASE

config_option = click.option(
    "--config",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIRECTORY",
    help="Read vna.conf here, and nowhere else.",
)
database_option = click.option(
    "--ovsdb",
    default=DEFAULT_DATABASE,
    show_default=True,
    help="Open vSwitch's database, as unix:/path; the bridge's own socket is beside it.",
)


@click.group()
def host() -> None:
    """What this host needs for itself."""


@host.command()
@click.option("--bridge", help="The bridge of this host.  [default: as in vna.conf, else br0]")
@click.option(
    "--uplink",
    "named",
    multiple=True,
    metavar="PORT",
    help="A port of the bridge that is the host's own, and no guest's; may be given several "
    "times.  [default: as in vna.conf, else the physical NICs]",
)
@config_option
@database_option
@click.option(
    "--wait",
    type=click.FloatRange(0, 3600),
    default=10,
    show_default=True,
    metavar="SECONDS",
    help="How long Open vSwitch, the bridge and the named ports may take to be there.",
)
@click.option(
    "--if-exists",
    is_flag=True,
    help="A bridge that Open vSwitch does not have is no error, and is not waited for.",
)
def path(
    bridge: str | None,
    named: tuple[str, ...],
    config: Path | None,
    ovsdb: str,
    wait: float,
    if_exists: bool,
) -> None:
    """Let the host's own packets pass between the bridge's LOCAL port and its uplinks.

    Needs neither vna nor vnmgr: a host whose bridge is in fail mode `secure` is otherwise cut off
    from when ovs-vswitchd starts until vna does. Flows are only added, and they are vna's own:
    guests get nothing by them. Exit status 1 if anything was not as it should be.
    """
    from openvnet.host.path import write_path

    own, trouble = told(config)
    bridge, named = bridge or own.bridge, named or own.uplink
    try:
        click.echo(asyncio.run(write_path(bridge, named, ovsdb, wait, if_exists=if_exists)))
    except HostError as error:
        raise click.ClickException(f"{error} {trouble}".strip()) from None
    if trouble:
        raise click.ClickException(trouble)


def told(config: Path | None) -> tuple[Vna, str]:
    """What vna.conf says, and what is wrong with it: an error there must not cut the host off."""
    try:
        return configuration("vna", Vna, search(config)).own, ""
    except ConfigurationError as error:
        return Vna(), f"{error} Its place was taken by the defaults."

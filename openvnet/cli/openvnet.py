"""The command `openvnet`: this host, the demo, and a lab to play with."""

import signal
import sys

import click
from rich.console import Console

from openvnet.cli.host_path import host
from openvnet.cli.host_uplink import join_bridge, leave_bridge
from openvnet.cli.join import join
from openvnet.cli.lab import lab
from openvnet.cli.this_host import bundle, doctor
from openvnet.cli.this_host import status as status_here
from openvnet.cli.this_host import up as up_here
from openvnet.lab.demo import demonstrate
from openvnet.lab.errors import LabError


class _Group(click.Group):
    """Says what a lab cannot do in one line, without a traceback."""

    def invoke(self, context: click.Context) -> object:
        try:
            return super().invoke(context)
        except LabError as error:
            raise click.ClickException(str(error)) from None


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="openvnet")
def main() -> None:
    """Run OpenVNet on this host, or try it in a lab without touching this host's network."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)  # As Ctrl-C: what was built goes.


for command in (up_here, status_here, doctor, bundle, host, join, lab):
    main.add_command(command)
for command in (join_bridge, leave_bridge):
    host.add_command(command)


@main.command()
def demo() -> None:
    """Show two networks with equal addresses on real Open vSwitch, and who reaches whom."""
    sys.exit(0 if demonstrate(_console()) else 1)


def _console() -> Console:
    return Console(highlight=False)


if __name__ == "__main__":
    main()

"""`openvnet join`: this host becomes a node of a vnmgr on another machine, or gets another key."""

import os
import stat
import sys
from pathlib import Path

import click

from openvnet.host.errors import HostError
from openvnet.host.places import places

MOST_BYTES = 65536
STDIN = "-"


@click.command()
@click.argument("token", required=False)
@click.option(
    "--rotate",
    is_flag=True,
    help="No token: the key of this host is replaced by another. On vnmgr's machine, vnmgr's own.",
)
@click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="OPENVNET_STATE",
    show_envvar=True,
    help="Where vna looks for the key.  [default: /var/lib/openvnet; for a plain user "
    "$XDG_STATE_HOME/openvnet]",
)
def join(token: str | None, rotate: bool, state: Path | None) -> None:
    """Join a vnmgr on another machine, with a token of `vnctl nodes token`.

    TOKEN is the token itself, a file that holds it, or - for standard input: a command line is seen
    by all users of a machine. Only this host ever has the key that it gets; programs that run take
    it up within a second.
    """
    if rotate == (token is not None):
        raise click.UsageError("Give a token, or --rotate.")
    found = places(os.environ, os.geteuid(), state=state).state
    os.umask(0o077)
    try:
        if rotate:
            _rotate(found)
        else:
            _join(_text(str(token)), found)
    except HostError as error:
        raise click.ClickException(str(error)) from None


def _text(token: str) -> str:
    """The token, wherever it is."""
    try:
        if token == STDIN:
            return sys.stdin.read(MOST_BYTES)
        if "/" in token or Path(token).is_file():
            if not stat.S_ISREG(Path(token).stat().st_mode):
                raise click.ClickException(f"{token} is no file with a token.")
            return Path(token).read_text()[:MOST_BYTES]
    except OSError as error:
        raise click.ClickException(f"{token} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise click.ClickException("that is no text, so no token.") from None
    return token


def _join(text: str, state: Path) -> None:
    from openvnet.host import joining

    done = joining.join(text, state)
    joined = done.joined
    addresses = ", ".join(dict.fromkeys(manager.address for manager in joined.managers))
    click.echo(f"This host has joined as {joined.role} {joined.node_id} ({joined.uuid}).")
    click.echo(f"vnmgr is at {addresses}; this host's key is in {done.path}.")
    if joined.role == "webapi":
        click.echo("\nNext: `systemctl enable --now openvnet-webapi`, or `openvnet up`.")
        return
    click.echo("\nNext, unless vna runs already: `systemctl enable --now openvnet-vna`, or")
    click.echo("`openvnet up`. Its bridge must be declared, on vnmgr's side:")
    click.echo(
        f"  vnctl datapaths add --display-name {joined.node_id} --dpid DPID "
        f"--node-id {joined.node_id}"
    )
    click.echo("and `vnctl nodes` shows how it fares.")


def _rotate(state: Path) -> None:
    from openvnet.host import joining

    roles = joining.joined_roles(state)
    for role in roles:
        done = joining.renew(state, role)
        click.echo(f"{role} {done.joined.node_id} has another key, in {done.path}.")
    if roles:
        return
    if not joining.is_managers(state):
        raise HostError(f"there is no key in {state} that could be replaced; --state names another")
    directory = joining.renew_manager(state)
    click.echo(
        f"vnmgr's next key is in {directory}. It is told to all nodes, and takes the place of"
    )
    click.echo(
        "the last one when all that have joined know it; vnmgr's log says whom it waits for."
    )

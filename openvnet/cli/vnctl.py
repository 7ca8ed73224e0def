"""vnctl: draw networks from the command line.

Its commands are made from the declarations of resources. It holds no rule of the domain: what is
right, webapi says.

Exit status: 0 done; 1 refused, or webapi not reached; 2 wrong usage; 3 written, but not realised
by every host in time.
"""

import os
import sys
from typing import TextIO

import click
from msgspec.structs import replace

import openvnet
from openvnet.answers import ClientError
from openvnet.cli.batch import run_batch
from openvnet.cli.grammar import Commands, Group, Late, dashed
from openvnet.cli.options import output_option, project_option
from openvnet.cli.session import NOT_REALISED, Session
from openvnet.cli.settings import SettingsError
from openvnet.cli.start import INTERRUPTED
from openvnet.model import NODES, RESOURCES

HELP = """Draw networks: declare them here, and every host's switch follows.

The address of webapi is VNET_WEBAPI (host:port, http://host:port or unix:/path), else what
~/.vnctlrc or /etc/openvnet/vnctl.conf says, else that of your running lab, else 127.0.0.1:9090.

Exit status: 0 done; 1 refused or not reached; 2 wrong usage; 3 written, but a host lags.

\b
A first network:
  vnctl datapaths add --uuid dp-1 --display-name here --dpid 0x0000aaaaaaaaaaaa --node-id vna
  vnctl networks add --uuid nw-1 --display-name first --ipv4-network 10.100.0.0
  vnctl interfaces add --uuid if-1 --mode vif --port-name inst1 --network-uuid nw-1 \\
      --mac-address 10:54:ff:00:00:01 --ipv4-address 10.100.0.10 --wait
  vnctl interfaces show if-1
"""


LATE = (
    Late(
        "Show one resource, by its uuid or display name: `vnctl get network nw-1 --tree`.",
        *("tree", "get"),
    ),
    Late(
        "Show what was changed, the newest first: when, by whom, and every row.",
        *("history", "history"),
    ),
    Late("Show changes as they happen, until Ctrl-C.", "history", "watch"),
    Late(
        "Write the inverse of a revision, as a new one: `vnctl history` tells their numbers.",
        *("history", "undo"),
    ),
    Late(
        "The database as a whole: into a file, back again, from elsewhere.",
        *("database", "db"),
    ),
    Late(
        "Make everything as documents say, in one revision; only what differs is written.",
        *("declaring", "apply"),
    ),
    Late(
        "Show what `vnctl apply` of these documents would do, and write nothing.",
        *("declaring", "diff"),
    ),
    Late(
        "Show what there is as a document, which `vnctl apply` takes: all, or only some.",
        *("declaring", "export"),
    ),
)
"""Commands that are no resource's."""


def _namespaces() -> Commands:
    made: Commands = {}
    for resource in RESOURCES:
        if resource.parent is None:
            late = Late(resource.doc, "commands", "resource_group", (resource,))
            made[dashed(resource.collection)] = late
    made["nodes"] = Late(NODES.doc, "nodes", "nodes_group")
    made |= {late.function: late for late in LATE}
    return {**made, "batch": _batch, "completion": _completion}


def _completion() -> click.Command:
    def show(shell: str) -> None:
        from click.shell_completion import get_completion_class

        made = get_completion_class(shell)
        if made is not None:
            click.echo(made(root, {}, "vnctl", "_VNCTL_COMPLETE").source())

    words = """Print what makes a shell complete commands, options and values.

    \b
    bash  eval "$(vnctl completion bash)"              in ~/.bashrc
    zsh   eval "$(vnctl completion zsh)"               in ~/.zshrc
    fish  vnctl completion fish | source               in ~/.config/fish/config.fish
    """
    shell = click.Argument(["shell"], type=click.Choice(["bash", "zsh", "fish"]))
    return click.Command("completion", callback=show, params=[shell], help=words)


def _batch() -> click.Command:
    @click.pass_context
    def batch(ctx: click.Context, file: TextIO, keep_going: bool) -> None:
        session = ctx.ensure_object(Session)

        def run_one(words: list[str]) -> int:
            return run(words, replace(session, connection=session.client, lag=False, shown=False))

        ctx.exit(run_batch(file, run_one, keep_going))

    words = """Run commands from FILE, or from standard input: one a line, written as after vnctl.

    Blank lines and lines that begin with # are skipped. It stops at the first command that fails.
    """
    going = click.Option(
        ["-k", "--keep-going"], is_flag=True, help="Go on after a command that failed."
    )
    file = click.Argument(["file"], type=click.File(), default="-")
    return click.Command("batch", callback=batch, params=[file, going], help=words)


@click.pass_context
def _begin(ctx: click.Context, output: str | None, project: str | None) -> None:
    session = ctx.ensure_object(Session)
    session.project = project or session.project
    session.output = output or session.output


def _version_option() -> click.Option:
    def show(ctx: click.Context, _option: click.Parameter, wanted: bool) -> None:
        if wanted:
            click.echo(f"vnctl {openvnet.__version__}")
            ctx.exit()

    return click.Option(
        ["--version"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=show,
        help="Show the version and exit.",
    )


root = Group("vnctl", HELP, _namespaces())
root.callback = _begin
root.params = [output_option(), project_option(), _version_option()]


def run(words: list[str] | None, session: Session) -> int:
    """Run one command (None: that of the command line); return its exit status."""
    colour = False if os.environ.get("NO_COLOR") else None
    try:
        status = root.main(words, "vnctl", standalone_mode=False, obj=session, color=colour)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (ClientError, SettingsError) as error:
        click.echo(f"Error: {error}", err=True)
        return 1
    except OSError as error:
        click.echo(f"Error: cannot print: {error.strerror}.", err=True)
        return 1
    except UnicodeEncodeError as error:
        click.echo(f"Error: {error.object!a} is not UTF-8.", err=True)
        return 2
    except click.Abort:
        click.echo("Interrupted. A write that was under way may stand.", err=True)
        return INTERRUPTED
    if session.refused:
        return 1
    if session.lag:
        return NOT_REALISED
    return status if isinstance(status, int) else 0


def main() -> None:
    """Run vnctl."""
    sys.exit(run(None, Session()))

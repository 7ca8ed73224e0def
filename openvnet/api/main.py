"""webapi: the stateless HTTP front of vnmgr."""

import asyncio
import gc
import logging
import signal
import socket
from pathlib import Path

import click
import uvicorn
import uvloop

from openvnet import __version__
from openvnet.api.app import application
from openvnet.api.asking import asking
from openvnet.api.listening import ListenError, tcp_socket, unix_socket
from openvnet.logs import logged
from openvnet.wire.rpc import Rpc

GRACE_SECONDS = 3
"""How long open requests may take after SIGTERM."""

_LOG = logging.getLogger(__name__)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--run",
    "run_directory",
    type=click.Path(path_type=Path, file_okay=False),
    default="/run/openvnet",
    show_default=True,
    help="The directory of sockets: vnmgr's rpc.sock is in it, webapi's webapi.sock will be.",
)
@click.option(
    "--bind",
    envvar="BIND_ADDR",
    default="127.0.0.1",
    show_default=True,
    show_envvar=True,
    help="The address to listen on. There are no passwords: whoever reaches it may write networks.",
)
@click.option(
    "--port",
    envvar="PORT",
    type=click.IntRange(0, 65535),
    default=9090,
    show_default=True,
    show_envvar=True,
    help="The TCP port to listen on.",
)
@click.option(
    "--allow-origin",
    "origins",
    multiple=True,
    metavar="ORIGIN",
    help="Let web pages of this origin, such as http://console:8080, read and write. Repeatable.",
)
@click.option(
    "--patience",
    type=click.FloatRange(0.1, 600),
    default=10,
    show_default=True,
    metavar="SECONDS",
    help="How long vnmgr may take to answer; it may just be restarting.",
)
@click.version_option(__version__, prog_name="webapi")
@logged("webapi")
def main(
    run_directory: Path, bind: str, port: int, origins: tuple[str, ...], patience: float
) -> None:
    """Serve the REST API on TCP and on RUN/webapi.sock."""
    try:
        run_directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (
            tcp_socket(bind, port) as tcp,
            unix_socket(run_directory / "webapi.sock") as unix,
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        ):
            runner.run(serve(run_directory, [tcp, unix], patience, frozenset(origins)))
    except ListenError as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}.") from None


async def serve(
    run_directory: Path, sockets: list[socket.socket], patience: float, origins: frozenset[str]
) -> None:
    """Serve on these sockets, TCP first, until SIGTERM or SIGINT."""
    _end_in_peace()
    rpc = Rpc(f"ipc://{run_directory}/rpc.sock")
    config = uvicorn.Config(
        application(asking(rpc, patience), origins),
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        proxy_headers=False,
        log_config=None,
        log_level="warning",
        server_header=False,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    host, port, *_ = sockets[0].getsockname()
    _LOG.info("listening on http://%s:%s and unix:%s/webapi.sock", host, port, run_directory)
    # What was loaded stays: the collector need not look at it again and again.
    gc.collect()
    gc.freeze()
    try:
        await uvicorn.Server(config).serve(sockets)
    finally:
        rpc.close()


def _end_in_peace() -> None:
    """Uvicorn ends on these signals and then raises them again; all is done by that time."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)

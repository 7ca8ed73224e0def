"""webapi: the stateless HTTP front of vnmgr."""

import asyncio
import gc
import logging
import signal
import socket
import ssl
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import click
import uvicorn
import uvloop

from openvnet import __version__
from openvnet.api.app import application
from openvnet.api.asking import asking
from openvnet.api.changes import Changes
from openvnet.api.serving import ExposureError, Front, Safety, is_loopback, tls, tokens_required
from openvnet.configuration.files import Configuration, vnmgr_address
from openvnet.configuration.keys import Webapi
from openvnet.configuration.options import configured, is_given
from openvnet.configuration.syntax import ConfigurationError
from openvnet.listening import ListenError, tcp_socket, unix_socket
from openvnet.logs import logged
from openvnet.metrics import Metrics
from openvnet.wire.finding import Finding, vnmgr_finding
from openvnet.wire.joined import keep_managers
from openvnet.wire.keys import KeysError
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
    help="The directory of sockets: webapi's webapi.sock, and vnmgr's rpc.sock. If it is given, "
    "vnmgr is called there; otherwise vnmgr.conf may say that it is at a TCP port.",
)
@click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    default="/var/lib/openvnet",
    show_default=True,
    help="The directory with the keys of this machine, for a vnmgr at a TCP port.",
)
@click.option(
    "--bind",
    envvar="BIND_ADDR",
    default="127.0.0.1",
    show_default=True,
    show_envvar=True,
    help="The address to listen on. One that others can reach takes TLS and tokens.",
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
    "--tls-certificate",
    "certificate",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Speak TLS on the TCP port: its certificate in PEM, with those that it was signed by.",
)
@click.option(
    "--tls-key",
    "key",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The key of the certificate, in PEM.",
)
@click.option(
    "--require-tokens",
    is_flag=True,
    help="Answer only who has a token on the TCP port, also on 127.0.0.1, which all users of this "
    "machine reach. The unix socket needs none.",
)
@click.option(
    "--insecure",
    is_flag=True,
    help="Listen where others reach it without TLS and tokens: whoever reaches it may write "
    "networks, or read what others send.",
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
@configured(
    "webapi",
    Webapi,
    {
        "certificate": "tls.certificate",
        "key": "tls.key",
        "require_tokens": "require_tokens",
        "insecure": "insecure",
    },
)
def main(
    configuration: Configuration[Webapi],
    run_directory: Path,
    state: Path,
    bind: str,
    port: int,
    certificate: Path | None,
    key: Path | None,
    require_tokens: bool,
    insecure: bool,
    origins: tuple[str, ...],
    patience: float,
) -> None:
    """Serve the REST API on TCP and on RUN/webapi.sock."""
    safety = Safety(certificate, key, require_tokens, insecure)
    try:
        context, required = tls(safety), tokens_required(bind, safety)
        _tell_of_risk(bind, context, required)
        address = None if is_given("run_directory") else vnmgr_address(configuration.directories)
        find = vnmgr_finding("webapi", address, run_directory / "rpc.sock", state)
        endpoint = find()[0].endpoint
        path = run_directory / "webapi.sock"
        run_directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (
            tcp_socket(bind, port) as tcp,
            unix_socket(path) as unix,
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        ):
            calling = partial(_calling, find, state)
            host, number, *_ = tcp.getsockname()
            scheme = "https" if context else "http"
            where = f"{scheme}://{host}:{number} and unix:{path}; vnmgr is at {endpoint}"
            how = Serving(
                where,
                patience,
                frozenset(origins),
                configuration.own.pagination_limit,
                required,
                context,
            )
            runner.run(serve(calling, [tcp, unix], how))
    except (ListenError, ExposureError) as error:
        raise click.ClickException(f"webapi {error}") from None
    except (ConfigurationError, KeysError) as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}.") from None


def _calling(find: Finding, state: Path) -> Rpc:
    rpc = Rpc(find)
    rpc.keep = partial(keep_managers, state, "webapi")
    return rpc


class Serving(NamedTuple):
    """How webapi serves."""

    where: str
    """Its sockets, in words."""
    patience: float
    origins: frozenset[str]
    page_limit: int
    tokens_required: bool
    context: ssl.SSLContext | None
    """For TLS on TCP."""


def _tell_of_risk(host: str, context: ssl.SSLContext | None, required: bool) -> None:
    if is_loopback(host) or (context and required):
        return
    lacking = "TLS" if required else "tokens" if context else "TLS and tokens"
    _LOG.warning("webapi listens on %s without %s, as it was told: it is insecure", host, lacking)


async def serve(calling: Callable[[], Rpc], sockets: list[socket.socket], how: Serving) -> None:
    """Serve on these sockets until SIGTERM or SIGINT."""
    rpc = calling()
    call = asking(rpc, how.patience)
    changes = Changes(call)
    rpc.heard = changes.hear
    config = uvicorn.Config(
        application(
            call,
            how.origins,
            Metrics("webapi"),
            how.page_limit,
            changes,
            tokens_required=how.tokens_required,
        ),
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
    server = Front(config, sockets, how.context)
    _end_in_peace(server, changes)
    _LOG.info("listening on %s", how.where)
    # What was loaded stays: the collector need not look at it again and again.
    gc.collect()
    gc.freeze()
    try:
        await server.serve()
    finally:
        rpc.close()


def _end_in_peace(server: uvicorn.Server, changes: Changes) -> None:
    """End on these signals, from now on; uvicorn raises them again when all is done."""
    loop = asyncio.get_running_loop()

    def end(*_: object) -> None:
        server.should_exit = True
        # Streams never end by themselves, and would be waited for.
        loop.call_soon_threadsafe(changes.close)

    # While it serves, uvicorn has handlers of its own.
    server.handle_exit = end  # type: ignore[assignment,method-assign]

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)

"""The command `vnmgr`: opens the store, serves requests and agents, until it is told to stop."""

import asyncio
import errno
import gc
import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import click
import uvloop
import zmq
from sqlalchemy import URL

from openvnet import __version__
from openvnet.configuration.files import Configuration
from openvnet.configuration.keys import Vnmgr
from openvnet.configuration.options import configured
from openvnet.configuration.syntax import ConfigurationError
from openvnet.listening import ListenError
from openvnet.logs import logged
from openvnet.manager.following import settled
from openvnet.manager.identities import Identities
from openvnet.manager.limits import check_limit, raise_limit
from openvnet.manager.registry import Registry, told_registry
from openvnet.manager.renewal import Renewal
from openvnet.manager.replica import Replica
from openvnet.manager.requests import Requests
from openvnet.manager.sharing import Sharing
from openvnet.manager.streams import Streams
from openvnet.manager.tcp import Tcp, told_tcp
from openvnet.model import MacRangeGroup
from openvnet.scraping import metrics_option, scraped
from openvnet.store.database import opened
from openvnet.store.errors import StoreError
from openvnet.store.locking import held
from openvnet.store.places import file, place_of, server
from openvnet.store.reaching import reach
from openvnet.wire.admission import Admission
from openvnet.wire.front import Front
from openvnet.wire.keys import KeysError
from openvnet.wire.sockets import LIMITS, Limits

logger = logging.getLogger(__name__)

NO_MAC_GROUP = (
    "datapath_mac_group %s of common.conf does not exist, so what it would give a MAC address gets "
    "none until it does: vnctl mac_range_groups add --uuid %s"
)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--state",
    default=Path("/var/lib/openvnet"),
    type=click.Path(path_type=Path),
    help="Directory of the database.  [default: /var/lib/openvnet]",
)
@click.option(
    "--run",
    "run_directory",
    default=Path("/run/openvnet"),
    type=click.Path(path_type=Path),
    help="Directory of the sockets.  [default: /run/openvnet]",
)
@click.option(
    "--database",
    help="URL of the database.  [default: as the files say; SQLite in the state directory]",
)
@click.version_option(__version__, prog_name="vnmgr")
@metrics_option
@logged("vnmgr")
@configured("vnmgr", Vnmgr, {})
def main(
    configuration: Configuration[Vnmgr],
    state: Path,
    run_directory: Path,
    database: str | None,
    metrics_address: str | None,
) -> None:
    """Own the database of OpenVNet: serve webapi's requests and the agents' streams."""
    os.umask(0o077)
    raise_limit()
    try:
        for directory in (state, run_directory):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        place = database_place(configuration, state.absolute(), database)
        tcp = told_tcp(configuration, state.absolute())
        mac_group = configuration.common.datapath_mac_group
        registry = told_registry(configuration)
        run = run_directory.absolute()
        reach(place)
        uvloop.run(serve(place, run, tcp, metrics_address, mac_group, registry))
    except (ConfigurationError, KeysError, ListenError, StoreError) as failure:
        sys.exit(f"vnmgr: {failure}")
    except zmq.ZMQError as failure:
        sys.exit(f"vnmgr: the sockets in {run_directory} cannot be made: {failure.strerror}.")
    except OSError as failure:
        sys.exit(f"vnmgr: {failure.filename}: {failure.strerror}.")


def database_place(configuration: Configuration[Vnmgr], state: Path, url: str | None) -> URL:
    """Where the database is, as the command line or else the files say.

    Raise ConfigurationError and StoreError.
    """
    db = configuration.common.db
    if url is not None:
        place = place_of(url)
        if place.password:
            raise ConfigurationError(
                "--database has a password, which any user of this machine can read there; "
                "put it into the db block of common.conf."
            )
        return place
    if db.adapter == "sqlite":
        return file(state / (db.database or "openvnet.sqlite"))
    return server(
        db.adapter, db.database or "vnet", db.host, db.port, db.socket, db.user, db.password
    )


async def serve(
    place: URL,
    run_directory: Path,
    tcp: Tcp | None,
    metrics_address: str | None,
    mac_group: str | None,
    registry: Registry | None,
) -> None:
    """Serve until SIGTERM or SIGINT. Raise what `serving` raises if it cannot begin."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    failures: list[str] = []

    def fail(_: asyncio.AbstractEventLoop, failure: dict[str, Any]) -> None:
        # What is in memory may no longer be what is in the database; a new start makes it so.
        logger.critical("vnmgr stops: %s", failure["message"], exc_info=failure.get("exception"))
        failures.append(failure["message"])
        stop.set()

    loop.set_exception_handler(fail)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    gc.disable()
    with serving(place, run_directory, tcp, metrics_address, mac_group, registry):
        # What was loaded stays: the collector need not look at it again and again.
        gc.freeze()
        gc.enable()
        await stop.wait()
        logger.info("vnmgr stops.")
    if failures:
        sys.exit(1)


@contextmanager
def serving(
    place: URL | str,
    run_directory: Path,
    tcp: Tcp | None = None,
    metrics_address: str | None = None,
    mac_group: str | None = None,
    registry: Registry | None = None,
    limits: Limits = LIMITS,
) -> Iterator[None]:
    """Serve while in this context, in the running loop; `limits` are those of each agent.

    Raise StoreError, ConfigurationError, ListenError, zmq.ZMQError or OSError if it cannot begin.
    """
    with ExitStack() as closing:
        lock = held(run_directory / "vnmgr.lock", f"The directory {run_directory}")
        closing.callback(os.close, lock)
        store = opened(place)
        closing.callback(store.close)
        settled(store, mac_group)
        replica = Replica(store)
        if mac_group is not None and replica.get(MacRangeGroup, mac_group) is None:
            logger.warning(NO_MAC_GROUP, mac_group, mac_group)
        check_limit(replica)
        identities = Identities(replica, tcp.keys.machine if tcp else b"")
        admission = Admission(identities.admits) if tcp else None
        if admission:
            closing.callback(admission.close)
        front = Front(identities.refusal, limits)
        closing.callback(front.close)
        for name in ("agents.sock", "rpc.sock"):
            front.open(_endpoint(run_directory / name))
        streams = Streams(front, replica, identities)
        closing.callback(streams.close)
        if tcp:
            closing.callback(Renewal(tcp, front, tcp.open(front), streams, replica).close)
        requests = Requests(front, store, replica, streams, mac_group, identities)
        closing.callback(requests.close)
        if place_of(place).get_backend_name() != "sqlite":
            managers = tcp.managers() if tcp else ()
            closing.callback(Sharing(store, replica, streams, managers, registry).close)
        path = run_directory / "vnmgr.metrics.sock"
        closing.enter_context(scraped(requests.metrics, path, metrics_address))
        where = f"{run_directory} and at {tcp.host}:{tcp.port}" if tcp else str(run_directory)
        rows = sum(map(len, replica.state.rows.values()))
        logger.info(
            "vnmgr %s serves %s rows at revision %s of epoch %s in %s.",
            __version__,
            rows,
            store.number,
            store.epoch,
            where,
        )
        yield


def _endpoint(path: Path) -> str:
    if len(os.fsencode(path)) > zmq.IPC_PATH_MAX_LEN:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), str(path))
    return f"ipc://{path}"


if __name__ == "__main__":
    main()

"""The command `vna`: the agent of one host, in the foreground until it is told to stop."""

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import click
import uvloop

from openvnet import __version__
from openvnet.agent.agent import Agent
from openvnet.agent.announcing import announce_guests
from openvnet.agent.answering import answer
from openvnet.agent.cache import Cache
from openvnet.agent.inbox import Connected, Disconnected, Inbox, PortStatus
from openvnet.agent.measuring import measure_drops
from openvnet.agent.moving import watch_for_guests
from openvnet.agent.readings import declare_readings
from openvnet.agent.session import Keep, audit, beat, follow_ovsdb, listen_to_vnmgr
from openvnet.agent.warming import keep_warm
from openvnet.configuration.files import Configuration, vnmgr_address
from openvnet.configuration.keys import Vna
from openvnet.configuration.options import configured, is_given
from openvnet.configuration.syntax import ConfigurationError
from openvnet.listening import ListenError
from openvnet.logs import logged
from openvnet.metrics import Metrics
from openvnet.openflow.driver import Switch, listen
from openvnet.ovsdb.client import destination
from openvnet.scraping import metrics_option, scraped
from openvnet.uplinks import uplinks
from openvnet.wire.finding import vnmgr_finding
from openvnet.wire.joined import joined_path, keep_managers, read_joined
from openvnet.wire.keys import KeysError
from openvnet.wire.stream import Stream

log = logging.getLogger(__name__)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--node-id", default="vna", show_default=True, help="As in the datapath's node_id.")
@click.option(
    "--run",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("/run/openvnet"),
    show_default=True,
    help="Where vnmgr's socket is. If it is given, vnmgr is called there; otherwise vnmgr.conf may "
    "say that it is at a TCP port.",
)
@click.option(
    "--vnmgr",
    metavar="HOST:PORT",
    help="The TCP port of vnmgr; it is called there, whatever --run or vnmgr.conf say.",
)
@click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("/var/lib/openvnet"),
    show_default=True,
    help="Where the agent keeps what it knows, and the machine's keys are.",
)
@click.option(
    "--listen",
    "address",
    default="127.0.0.1:6633",
    show_default=True,
    help="Where the bridge's controller setting points.",
)
@click.option(
    "--ovsdb",
    default="unix:/run/openvswitch/db.sock",
    show_default=True,
    help="Open vSwitch's database, or an empty word for none.",
)
@click.option(
    "--uplink",
    "named",
    multiple=True,
    metavar="PORT",
    help="A port of the bridge that is the host's own, and no guest's; may be given several "
    "times, or once as an empty word for none.  [default: the physical NICs]",
)
@click.option(
    "--keep-fail-mode",
    is_flag=True,
    help="Leave the bridge's fail mode as it is. In standalone, it forwards everything "
    "everywhere 15 s after vna fell silent.",
)
@click.version_option(__version__, prog_name="vna")
@metrics_option
@logged("vna")
@configured("vna", Vna, {"node_id": "node.id", "ovsdb": "ovsdb", "named": "uplink"})
def main(
    configuration: Configuration[Vna],
    node_id: str,
    run: Path,
    vnmgr: str | None,
    state: Path,
    address: str,
    ovsdb: str,
    named: tuple[str, ...],
    keep_fail_mode: bool,
    metrics_address: str | None,
) -> None:
    """Control the Open vSwitch bridge of this host, as vnmgr says."""
    _check_database(ovsdb, "--ovsdb" if is_given("ovsdb") else configuration.place("ovsdb"))
    try:
        os.umask(0o077)
        place = _host_and_port(vnmgr, "--vnmgr") if vnmgr else None
        if not vnmgr and not is_given("run"):
            place = vnmgr_address(configuration.directories)
        find = vnmgr_finding("vna", place, run / "agents.sock", state)
        find()  # What is wrong with the keys is said before anything is opened.
        node_id = joined_as(state, node_id, configuration)
        calling = partial(Stream, find)
        with listening(address) as server:
            state.mkdir(parents=True, exist_ok=True)
            cache = Cache.open(state / f"{node_id}.cache")
            secure, own = not keep_fail_mode, uplinks(named)
            path = run / f"{node_id}.metrics.sock"
            asked = partial(scraped, path=path, address=metrics_address)
            work = _run(
                *(node_id, cache, calling, server, ovsdb, own, asked),
                keep=partial(keep_managers, state, "vna"),
                may_set_fail_mode=secure,
            )
            uvloop.run(work)
    except (ConfigurationError, KeysError, ListenError, OSError) as error:
        raise click.ClickException(str(error)) from error


def joined_as(state: Path, node_id: str, configuration: Configuration[Vna]) -> str:
    """The node id that the host has joined as, if it has; raise KeysError if another was said."""
    joined = read_joined(state, "vna")
    if joined is None:
        return node_id
    said = is_given("node_id") or "node.id" in configuration.places
    if said and node_id != joined.node_id:
        name = "--node-id" if is_given("node_id") else configuration.place("node.id")
        raise KeysError(
            f"{name} {node_id}: this host has joined as {joined.node_id} "
            f"({joined_path(state, 'vna')}). Leave that out, or join anew with a token of "
            f"`vnctl nodes token --node-id {node_id}`."
        )
    return joined.node_id


def listening(address: str) -> socket.socket:
    """A socket at which the bridge can connect already, while the agent still reads its cache.

    A bridge whose controller is gone tries again once a second; it must not come too early. Raises
    OSError if the address is taken.
    """
    host, port = _host_and_port(address, "--listen")
    try:
        return socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET
        )
    except OSError as error:
        raise OSError(f"cannot listen at {address}: {error.strerror}") from error


def _host_and_port(address: str, option: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 0xFFFF:
        words = f"{address!r} must be host:port, with a port up to 65535"
        raise click.BadParameter(words, param_hint=option)
    return host.strip("[]"), int(port)


def _check_database(address: str, name: str) -> None:
    try:
        if address:
            destination(address)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=name) from error


async def _run(
    node_id: str,
    cache: Cache,
    calling: Callable[[], Stream],
    server: socket.socket,
    ovsdb: str,
    is_uplink: Callable[[str], bool],
    asked: Callable[[Metrics], AbstractContextManager[None]],
    *,
    keep: Keep,
    may_set_fail_mode: bool,
) -> None:
    stream = calling()
    agent = Agent(
        *(node_id, cache, stream, Inbox()), needs_identities=bool(ovsdb), is_uplink=is_uplink
    )
    declare_readings(agent, stream)
    try:
        with asked(agent.metrics):
            await serve(
                *(agent, stream, server, ovsdb), keep=keep, may_set_fail_mode=may_set_fail_mode
            )
    finally:
        stream.close()
        cache.close()


async def serve(
    agent: Agent,
    stream: Stream,
    server: socket.socket,
    ovsdb: str,
    *,
    keep: Keep = lambda _: None,
    may_set_fail_mode: bool = True,
) -> None:
    """Run an agent until SIGTERM or SIGINT; raises nothing else."""
    stop = _told_to_stop()
    openflow = await listen(server, lambda switch: take_switch(agent, switch))
    log.info("vna %s listens at %s:%d", agent.node_id, *server.getsockname()[:2])
    work = [
        agent.take_turns(),
        listen_to_vnmgr(agent, stream, keep),
        beat(agent),
        audit(agent),
        keep_warm(agent),
        watch_for_guests(agent),
        announce_guests(agent),
    ]
    if ovsdb:
        work.append(follow_ovsdb(agent, ovsdb, may_set_fail_mode=may_set_fail_mode))
    tasks = [asyncio.create_task(part) for part in work]
    try:
        await asyncio.wait([stop, *tasks], return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            if task.done():
                task.result()
    finally:
        openflow.close()
        for task in tasks:
            task.cancel()
    log.info("vna %s has stopped; the switch keeps its flows", agent.node_id)


def take_switch(agent: Agent, switch: Switch) -> None:
    """A bridge has connected: bring all that it says to the agent; one connection at a time.

    A second one, of another bridge or of the same, would take what the first does for drift.
    """
    if agent.served is not None:
        log.error("bridge %s connects, but %s is controlled", switch.dpid, agent.served.dpid)
        switch.close("another connection is served")
        return
    agent.served = switch
    switch.on_port = lambda port, gone: agent.inbox.put(PortStatus(agent.port(port), gone))
    switch.on_drift = agent.found_drift
    switch.on_drops = lambda drops: measure_drops(agent.metrics, drops)
    switch.on_arrival = lambda arrival: answer(agent, switch, arrival)
    switch.on_closed = lambda reason: _lose_switch(agent, switch, reason)
    agent.inbox.put(Connected(switch))


def _lose_switch(agent: Agent, switch: Switch, reason: str) -> None:
    agent.served = None
    agent.inbox.put(Disconnected(switch, reason))


def _told_to_stop() -> asyncio.Future[None]:
    loop = asyncio.get_running_loop()
    stop: asyncio.Future[None] = loop.create_future()

    def tell() -> None:
        if not stop.done():
            stop.set_result(None)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, tell)
    return stop


if __name__ == "__main__":
    main()

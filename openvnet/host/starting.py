"""`openvnet up`: all that a host needs, under one supervisor, without a configuration file.

That is vnmgr, webapi and vna; on a host that has joined a vnmgr elsewhere, what it has joined as.
"""

import asyncio
import fcntl
import os
import re
import secrets
import signal
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from openvnet.client import Client, ClientError
from openvnet.host.bridging import Wanted, prepare_bridge
from openvnet.host.errors import HostError
from openvnet.host.joining import joined_roles
from openvnet.host.kernel import has_openvswitch
from openvnet.host.places import Places
from openvnet.host.processes import addresses, behind_port, behind_socket
from openvnet.host.saying import vna_says
from openvnet.host.supervisor import Program, Tell, supervise
from openvnet.host.switch import Bridge, read_switch
from openvnet.wire.joined import read_joined
from openvnet.wire.keys import KeysError

POLL_SECONDS = 0.1
LATE_SECONDS = 10.0
"""After so long, what is waited for is said."""

MODULES = {
    "vnmgr": "openvnet.manager.main",
    "webapi": "openvnet.api.main",
    "vna": "openvnet.agent.main",
}


class Plan(msgspec.Struct, frozen=True):
    """What is to be started, and how."""

    places: Places
    ovsdb: str
    bridge: str | None
    """To be made if it is not there; None: the bridge is somebody else's care."""
    listen: str
    """Where vna is to be found by the bridge: host:port."""
    bind: str | None = None
    """webapi's address; None: as its configuration says."""
    port: int | None = None
    node_id: str | None = None
    programs: tuple[str, ...] = tuple(MODULES)
    """What is started here."""

    @property
    def target(self) -> str:
        """The listening address as Open vSwitch names it."""
        return f"tcp:{self.listen}"


async def up(plan: Plan, tell: Tell, welcome: Tell) -> None:
    """Start all, and keep it running until SIGTERM, SIGINT or SIGHUP; raise HostError.

    `welcome` is called once, with webapi's address, when a user can go on.
    """
    with _only_one(plan.places.made()):
        _check_others(plan)
        bridge = await _bridge(plan, tell) if "vna" in plan.programs else None
        running = asyncio.create_task(
            _run([_program(plan, name) for name in plan.programs], plan, bridge, tell, welcome)
        )
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, running.cancel)
        with suppress(asyncio.CancelledError):
            await running
        tell("stopped; the switch keeps its flows")


def joined_programs(state: Path) -> tuple[str, ...]:
    """What a host that has joined needs; nothing if it has not. Raise HostError."""
    try:
        return tuple(role for role in joined_roles(state) if read_joined(state, role))
    except KeysError as error:
        raise HostError(str(error)) from None


async def _run(
    programs: list[Program], plan: Plan, bridge: Bridge | None, tell: Tell, welcome: Tell
) -> None:
    supervising = asyncio.create_task(supervise(programs, tell))
    greeting = asyncio.create_task(_greet(plan, bridge, tell, welcome))
    try:
        await asyncio.wait({supervising, greeting}, return_when=asyncio.FIRST_COMPLETED)
        if greeting.done():
            greeting.result()
        await asyncio.wait({supervising})  # Which is to be cancelled once, below.
        supervising.result()
    finally:
        for task in (greeting, supervising):
            task.cancel()
        await asyncio.gather(greeting, supervising, return_exceptions=True)


@contextmanager
def _only_one(places: Places) -> Iterator[None]:
    """Hold the lock of this command, which the kernel lets go of when the process ends."""
    path = places.run / "up.lock"
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise HostError(f"{path} cannot be written: {error.strerror}.") from None
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            pid = os.read(lock, 20).decode(errors="replace").strip()
            raise HostError(
                f"`openvnet up` runs already in {places.run}, as process {pid}. "
                "`openvnet status` shows how it fares."
            ) from None
        os.truncate(lock, 0)
        os.write(lock, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(lock)


def _check_others(plan: Plan) -> None:
    """Name whoever else is where our programs are to be, before anything is started."""
    for name, path in (("vnmgr", "rpc.sock"), ("webapi", "webapi.sock")):
        other = behind_socket(plan.places.run / path) if name in plan.programs else None
        if other:
            raise HostError(
                f"{name} runs already in {plan.places.run}, as process {other.pid}, and this "
                f"command did not start it. End it first (`systemctl stop openvnet-{name}`), or "
                "choose other directories with --run and --state."
            )
    ports = {}
    if "vna" in plan.programs:
        ports["vna"] = int(plan.listen.rpartition(":")[2]), "--listen"
    if plan.port and "webapi" in plan.programs:
        ports["webapi"] = plan.port, "--port"
    for name, (port, option) in ports.items():
        other = behind_port(port)
        if other:
            raise HostError(
                f"TCP port {port}, where {name} is to listen, is taken by process {other.pid} "
                f"({other.command or 'which you may not see'}). End that, or choose another "
                f"port with {option}."
            )


async def _bridge(plan: Plan, tell: Tell) -> Bridge | None:
    """The bridge, made if need be; None if it is somebody else's care."""
    if plan.bridge is None:
        return None
    types = (await read_switch(plan.ovsdb)).datapath_types
    in_kernel = "system" in types and has_openvswitch()
    kind = "" if in_kernel else "netdev"
    wanted = Wanted(plan.bridge, plan.target, kind, _hardware_address())
    bridge, sentences = await prepare_bridge(plan.ovsdb, wanted)
    for sentence in sentences or [f"bridge {bridge.name} is there: datapath id {bridge.dpid}"]:
        tell(sentence)
    return bridge


def _hardware_address() -> str:
    """A new MAC address, locally administered (IEEE 802, the second bit of the first byte)."""
    return ":".join(f"{byte:02x}" for byte in (0x02, *secrets.token_bytes(5)))


def _program(plan: Plan, name: str) -> Program:
    """How one of our programs is called. What is not said here, its configuration may say."""
    places = plan.places
    words: list[str] = ["--run", str(places.run), "--state", str(places.state)]
    if name == "webapi":
        words += ["--bind", plan.bind] if plan.bind else []
        words += ["--port", str(plan.port)] if plan.port is not None else []
    if name == "vna":
        words += ["--listen", plan.listen, "--ovsdb", plan.ovsdb]
        words += ["--node-id", plan.node_id] if plan.node_id else []
    program = f"from {MODULES[name]} import main; main()"
    return Program(
        name,
        (sys.executable, "-c", program, *words),
        {**os.environ, "LOG_DIRECTORY": str(places.log)},
        places.log / f"{name}.log",
    )


async def _greet(plan: Plan, bridge: Bridge | None, tell: Tell, welcome: Tell) -> None:
    """Wait until all works, declare this host's datapath, and say how to go on."""
    if "webapi" not in plan.programs:
        await _greet_follower(plan, bridge, tell, welcome)
        return
    address = f"unix:{plan.places.webapi}"
    await _until(lambda: _asked(address, "/health") is not None, "vnmgr answers", tell)
    *others, last = plan.programs
    run = f"{', '.join(others)} and {last} run" if others else f"{last} runs"
    tell(f"{run}; their logs are in {plan.places.log}")
    if "vna" in plan.programs:
        await _declare(address, bridge, tell)
    welcome(await asyncio.to_thread(_http_address, plan.places, address))


async def _greet_follower(plan: Plan, bridge: Bridge | None, tell: Tell, welcome: Tell) -> None:
    """Of a vna alone: wait until it is in sync with its vnmgr."""
    joined = await asyncio.to_thread(read_joined, plan.places.state, "vna")
    if joined is None:
        raise HostError("this host has left its vnmgr while vna was started.")
    where = ", ".join(dict.fromkeys(one.address for one in joined.managers))
    tell(f"vna runs, and nothing else: this host is node {joined.node_id} of vnmgr at {where}")
    tell(f"its log is {plan.places.log / 'vna.log'}")

    def follows() -> bool:
        said = vna_says(plan.places)
        return said is not None and said.state == "in sync"

    await _until(follows, f"vna is in sync with vnmgr at {where}", tell)
    tell("vna and its bridge are in sync; unless it is declared, type where vnctl is:")
    given = f"--dpid {bridge.dpid if bridge else 'DPID'} --node-id {joined.node_id}"
    tell(f"  vnctl datapaths add --display-name {socket.gethostname()} {given}")
    welcome("")


async def _declare(address: str, bridge: Bridge | None, tell: Tell) -> None:
    """Declare this host's datapath once its vna is in sync."""
    nodes: dict[str, Any] = {}

    def connected() -> bool:
        nodes.update(_asked(address, "/nodes") or {})
        return any(_is_ours(node, bridge) for node in nodes.values())

    await _until(connected, "vna and its bridge are in sync", tell)
    node_id, node = next(item for item in nodes.items() if _is_ours(item[1], bridge))
    tell(await asyncio.to_thread(_declared, address, node_id, node["dpid"]))


def _is_ours(node: Mapping[str, Any], bridge: Bridge | None) -> bool:
    """Whether a host is this one, and in sync; without a bridge of ours, any that has one is."""
    ours = node["dpid"] == bridge.dpid if bridge else node["dpid"] is not None
    return ours and node["state"] == "in sync"


async def _until(true: Any, what: str, tell: Tell) -> None:
    """Ask until it is so; whoever waits long is told for what."""
    loop = asyncio.get_running_loop()
    late = loop.time() + LATE_SECONDS
    while not await asyncio.to_thread(true):
        if loop.time() > late:
            tell(f"still waiting until {what}; `openvnet doctor` says what is in the way")
            late = float("inf")
        await asyncio.sleep(POLL_SECONDS)


def _asked(address: str, path: str) -> Any:
    """What webapi says at a path; None if it does not."""
    with closing(Client(address, timeout=2)) as client, suppress(ClientError):
        return client.get(path).body
    return None


def _declared(address: str, node_id: str, dpid: str) -> str:
    """Declare the datapath with this id unless there is one; say which it is."""
    with closing(Client(address, timeout=5)) as client:
        try:
            rows = client.all("/datapaths").body["items"]
            known = next((row for row in rows if row["dpid"] == dpid), None)
            if known:
                return f"this host is datapath {known['uuid']}, declared already"
            given = {"display_name": socket.gethostname(), "dpid": dpid, "node_id": node_id}
            uuid = datapath_uuid(socket.gethostname())
            if uuid and uuid not in {row["uuid"] for row in rows}:
                given["uuid"] = uuid
            made = client.write("POST", "/datapaths", given).body
        except ClientError as error:
            raise HostError(f"this host's datapath cannot be declared: {error}") from None
    return f"declared this host as datapath {made['uuid']} (dpid {dpid}, node id {node_id})"


def datapath_uuid(hostname: str) -> str | None:
    """A datapath's name made from a host's, if there is one in it."""
    letters = re.sub(r"[^a-z0-9]", "", hostname.partition(".")[0].lower())[:16]
    return f"dp-{letters}" if letters else None


def _http_address(places: Places, otherwise: str) -> str:
    """Where webapi listens on TCP, if it can be known."""
    process = behind_socket(places.webapi)
    found = addresses(process.pid) if process and process.pid else []
    if not found:
        return otherwise
    host, port = found[0]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - asked, not bound
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

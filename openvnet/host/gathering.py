"""Finds out what is known of a host. Each fact has its time, and none of it changes anything.

Facts are gathered side by side, each in a thread that nobody waits for longer than that: whatever
hangs (a switch, a disk, a database), its fact is unknown, and all others are there.
"""

import asyncio
import errno
import os
import platform
import re
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Any, TypeVar

import msgspec

import openvnet
from openvnet.client import Answer, Client, ClientError, Refused
from openvnet.host.errors import HostError
from openvnet.host.facts import Directory, Facts, Live, Software, Store, Unknown, Uplink
from openvnet.host.joining import reached
from openvnet.host.kernel import clock_is_synchronised, has_openvswitch
from openvnet.host.places import Places
from openvnet.host.processes import Process, behind_port, behind_socket, process
from openvnet.host.saying import vna_says
from openvnet.host.switch import Switch, read_switch
from openvnet.ovsdb.client import destination

FACT_SECONDS = 6.0
"""How long a fact may take."""

WORK_SECONDS = 4.0
"""How long a fact is worked at that could take any time, so that it ends by itself."""

INTERFACE_SECONDS = 2.0
"""How long interfaces are asked for, and how long one of them may take."""

STEPS = 100_000
"""Instructions of SQLite between two looks at the clock."""

T = TypeVar("T")


class Question(msgspec.Struct, frozen=True):
    """Which host, as the command line says."""

    places: Places
    ovsdb: str
    listen: str
    bridge: str
    webapi: str
    """Where webapi is, if it is not in the run directory."""


def gather(question: Question, *, with_interfaces: bool = False) -> Facts:
    """All facts; returns within little more than `FACT_SECONDS`, whatever hangs."""
    places, port = question.places, int(question.listen.rpartition(":")[2])
    address = f"unix:{places.webapi}" if places.webapi.exists() else question.webapi
    asked: dict[str, Callable[[], Any]] = {
        **{name: partial(_directory, path) for name, path in _directories(places)},
        "switch": lambda: _switch(question.ovsdb),
        "vswitchd": lambda: _vswitchd(question.ovsdb),
        "vswitchd_version": lambda: _vswitchd_version(question.ovsdb),
        "vnmgr": lambda: behind_socket(places.run / "rpc.sock"),
        "webapi": lambda: behind_socket(places.webapi),
        "vna": lambda: behind_port(port),
        "webapi_version": lambda: _version(address),
        "upstream": lambda: reached(places.state),
        "vna_says": lambda: vna_says(places),
        "live": lambda: _live(address, with_interfaces),
        "store": lambda: _store(places.database),
    }
    known = within(asked, FACT_SECONDS)
    return Facts(
        now=time.time(),
        places=places,
        ovsdb=question.ovsdb,
        listen=question.listen,
        bridge_name=question.bridge,
        software=software(),
        directories={name: known.pop(name) for name, _ in _directories(places)},
        kernel_has_openvswitch=has_openvswitch(),
        synchronised=clock_is_synchronised(),
        **known,
    )


def within(asked: dict[str, Callable[[], Any]], seconds: float) -> dict[str, Any]:
    """Call each, all at once; what is not there in time, or fails, is Unknown."""
    answers: Queue[tuple[str, Any]] = Queue()

    def ask(name: str, function: Callable[[], Any]) -> None:
        try:
            answers.put((name, function()))
        except Exception as error:  # Whatever fails, the others are to be had.
            answers.put((name, Unknown(str(error) or type(error).__name__)))

    for item in asked.items():
        Thread(target=ask, args=item, daemon=True).start()
    late = Unknown(f"it did not answer within {seconds:g} s")
    known: dict[str, Any] = dict.fromkeys(asked, late)
    deadline = time.monotonic() + seconds
    with suppress(Empty):
        for _ in asked:
            name, answer = answers.get(timeout=max(0.0, deadline - time.monotonic()))
            known[name] = answer
    return known


def software() -> Software:
    """What runs this very command."""
    return Software(
        openvnet.__version__, platform.python_version(), platform.platform(), os.geteuid()
    )


def _directories(places: Places) -> list[tuple[str, Path]]:
    return list(msgspec.structs.asdict(places).items())


def _directory(path: Path) -> Directory:
    if not path.exists():
        above = next(parent for parent in path.parents if parent.exists())
        return Directory(str(path), False, os.access(above, os.W_OK | os.X_OK))
    found = os.statvfs(path)
    return Directory(
        str(path),
        True,
        os.access(path, os.W_OK | os.X_OK),
        path.stat().st_uid,
        found.f_bavail * found.f_frsize,
        found.f_favail if found.f_files else 1,  # Some file systems do not count.
    )


def _switch(address: str) -> Switch:
    return asyncio.run(read_switch(address))


def _vswitchd(ovsdb: str) -> Process | None:
    """The daemon beside the database's socket: its pid file, and whether somebody listens."""
    with suppress(FileNotFoundError):
        pid, control = _control(ovsdb)
        if behind_socket(control):
            return process(pid)
    return None


def _vswitchd_version(ovsdb: str) -> str:
    """As in "3.1.0"; it is asked as `ovs-appctl version` does."""
    _, control = _control(ovsdb)
    with closing(socket.socket(socket.AF_UNIX)) as connection:
        connection.settimeout(WORK_SECONDS)
        connection.connect(str(control))
        connection.sendall(b'{"method":"version","params":[],"id":0}')
        said = connection.recv(4096).decode()
    found = re.search(r"\) (\d[\w.]*)", said)
    if not found:
        raise HostError(f"ovs-vswitchd says no version, but {said}")
    return found[1]


def _control(ovsdb: str) -> tuple[int, Path]:
    """The number of ovs-vswitchd and its control socket; raise FileNotFoundError, HostError."""
    socket_path = destination(ovsdb)
    if not isinstance(socket_path, str):
        raise HostError("Open vSwitch is on another host")
    beside = Path(socket_path).parent
    pid = int((beside / "ovs-vswitchd.pid").read_text())
    return pid, beside / f"ovs-vswitchd.{pid}.ctl"


def _client(address: str) -> Client:
    """A client with the token of whoever asks, if the environment has one."""
    token, authority = (os.environ.get(name, "") for name in ("VNET_TOKEN", "VNET_CA"))
    return Client(address, timeout=WORK_SECONDS, token=token, authority=authority)


def _version(address: str) -> str:
    with closing(_client(address)) as client:
        return str(client.get("/version").body["version"])


def _live(address: str, with_interfaces: bool) -> Live:
    with closing(_client(address)) as client:
        nodes = client.get("/nodes")
        datapaths = client.all("/datapaths").body["items"]
        uplinks = tuple(_uplinks(client))
        interfaces, unasked = _interfaces(client) if with_interfaces else ([], 0)
    here = {name: node for name, node in nodes.body.items() if node.get("alive", True)}
    away = {name: node for name, node in nodes.body.items() if name not in here}
    return Live(_number(nodes), here, tuple(datapaths), tuple(interfaces), unasked, away, uplinks)


def _uplinks(client: Client) -> Iterator[Uplink]:
    """The ports of interfaces of mode host, with the underlays that their addresses are in."""
    underlays = client.all("/networks", mode="physical", fields="uuid,effective_mtu")
    mtus = {network["uuid"]: network["effective_mtu"] for network in underlays.body["items"]}
    wanted = "uuid,network_uuid,ports,mac_leases"
    for interface in client.all("/interfaces", mode="host", fields=wanted).body["items"]:
        if interface["network_uuid"] in mtus:
            network_uuid = interface["network_uuid"]
            absent = tuple(_absent(interface))
            for port in interface["ports"]:
                place = port["port_name"], port["datapath_uuid"]
                yield Uplink(*place, network_uuid, mtus[network_uuid], interface["uuid"], absent)


def _absent(interface: dict[str, Any]) -> Iterator[str]:
    """The addresses that an interface leases, and that this machine has not."""
    for mac_lease in interface["mac_leases"]:
        for lease in mac_lease["ip_leases"]:
            with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
                try:
                    probe.bind((lease["ipv4_address"], 0))
                except OSError as error:
                    if error.errno == errno.EADDRNOTAVAIL:
                        yield lease["ipv4_address"]


def _number(answer: Answer) -> int | None:
    return int(answer.revision.rpartition("/")[2]) if answer.revision else None


def _interfaces(client: Client) -> tuple[list[dict[str, Any]], int]:
    """All interfaces; those that a host has with their status, for as long as there is time."""
    items = client.all("/interfaces").body["items"]
    client.timeout = INTERFACE_SECONDS
    deadline = time.monotonic() + INTERFACE_SECONDS
    shown: list[dict[str, Any]] = []
    for at, item in enumerate(items):
        if time.monotonic() > deadline:
            return shown, len(items) - at
        on_a_host = any(place.get("node_id") for place in item["status"])
        try:
            shown.append(client.get(f"/interfaces/{item['uuid']}").body if on_a_host else item)
        except Refused:
            continue  # Deleted meanwhile.
        except ClientError:
            return shown, len(items) - at
    return shown, 0


def _store(path: Path) -> Store | None:
    """The database as its file says, read only."""
    if not path.exists():
        return None
    owner = path.stat().st_uid
    try:
        with closing(read_only(path)) as connection:
            limit(connection, WORK_SECONDS)
            found = [str(line) for (line,) in connection.execute("PRAGMA quick_check(5)")]
            number, written = connection.execute(_NEWEST).fetchone() or (None, None)
    except sqlite3.OperationalError as error:
        if "interrupted" in str(error):
            raise HostError(f"checking {path} takes more than {WORK_SECONDS:g} s") from None
        raise HostError(f"{path} cannot be read: {error}") from None
    except sqlite3.DatabaseError as error:
        return Store(str(path), owner, (str(error),), None, None)
    problems = () if found == ["ok"] else tuple(found)
    seconds = written / 1e6 if written is not None else None
    return Store(str(path), owner, problems, number, seconds)


_NEWEST = "SELECT number, time FROM revisions ORDER BY number DESC LIMIT 1"


def read_only(path: Path) -> sqlite3.Connection:
    """A database that is only read: no file beside it is made either.

    SQLite makes its write-ahead log when it opens a database that has none, even to read it; that
    nobody has it open is then certain, and it is read as a file that does not change.
    """
    quiet = "" if path.with_name(f"{path.name}-wal").exists() else "&immutable=1"
    return sqlite3.connect(f"{path.as_uri()}?mode=ro{quiet}", uri=True, timeout=1)


def limit(connection: sqlite3.Connection, seconds: float) -> None:
    """Interrupt whatever takes longer from now on."""
    deadline = time.monotonic() + seconds
    connection.set_progress_handler(lambda: time.monotonic() > deadline, STEPS)

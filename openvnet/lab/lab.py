"""A running lab, as anybody sees it who may: run a command in a guest, kill a process, plug a port.

A `Lab` holds nothing but a description, which also lies in the lab's directory, so a second
terminal has the same lab with `open_lab`. `openvnet.lab.building.lab` makes one.
"""

import os
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

import msgspec

from openvnet.client import Client, ClientError
from openvnet.lab import machine, namespaces
from openvnet.lab.directory import is_alive
from openvnet.lab.environment import Environment, Host, waiting_declarations
from openvnet.lab.errors import CommandFailed, LabError
from openvnet.lab.processes import OPENFLOW_PORT, Process, processes, switch_environment
from openvnet.lab.waiting import until

_START = """
log=$1; shift
setsid "$@" </dev/null >>"$log" 2>&1 &
echo $!
"""


class Lab(msgspec.Struct, frozen=True):
    """A running lab."""

    root: str
    """Its directory."""
    owner: int
    """The process that it ends with, as seen from outside."""
    init: int
    """Process 1 of the lab, as seen from outside."""
    holders: dict[str, int]
    """The process that holds the namespaces of each host and guest, as the lab sees it."""
    environment: Environment

    @property
    def directory(self) -> Path:
        """Where its sockets, logs and databases are."""
        return Path(self.root)

    @property
    def webapi(self) -> str:
        """The address of webapi, for VNET_WEBAPI; it can be reached from outside."""
        return f"unix:{self.root}/webapi.sock"

    def command(self, place: str, command: Sequence[str]) -> list[str]:
        """The command line that runs a command in a host or guest ("" is the lab itself)."""
        return namespaces.entering(self.init, self._holder(place), command)

    def variables(self, place: str) -> dict[str, str]:
        """The environment variables that a command there needs beside its own."""
        hosts = [host for host in self.environment.hosts if host.name == place]
        switch = switch_environment(hosts[0], self.directory) if hosts else {}
        path = f"{self.root}/bin:{Path(sys.executable).parent}:{machine.PATH}"
        return {"PATH": path, "VNET_WEBAPI": self.webapi, **switch}

    def run(self, place: str, *command: str, given: str | None = None) -> str:
        """Run a command there; return what it wrote. CommandFailed if its status is not 0."""
        holder = self._holder(place)
        return namespaces.run(self.init, holder, command, given=given, extra=self.variables(place))

    def open(self, place: str, *command: str) -> "subprocess.Popen[str]":
        """Start a command there whose input and output are pipes."""
        return subprocess.Popen(
            self.command(place, command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=namespaces.environment_inside(self.variables(place)),
            text=True,
        )

    def vnctl(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run vnctl as a user would, from outside. CommandFailed if its status is not 0."""
        command = [sys.executable, "-c", "from openvnet.cli.vnctl import main; main()", *arguments]
        variables = {**os.environ, "VNET_WEBAPI": self.webapi}
        done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise CommandFailed(["vnctl", *arguments], done.returncode, done.stderr or done.stdout)
        return done

    def declare(self) -> None:
        """Declare the environment, and return when the switches have it."""
        file = self.directory / "declared"
        lines = map(shlex.join, waiting_declarations(self.environment))
        file.write_text("\n".join(lines) + "\n")
        self.vnctl("batch", str(file))
        self.settle()

    def _holder(self, place: str) -> int:
        if place == "":
            return namespaces.OUTERMOST
        if place not in self.holders:
            raise LabError(f"there is no {place!r} in this lab, but {', '.join(self.holders)}")
        return self.holders[place]

    # Processes

    @property
    def processes(self) -> dict[str, Process]:
        """What runs, or should run, by name."""
        return {each.name: each for each in processes(self.environment, self.directory)}

    def process(self, name: str) -> Process:
        """The process of this name, or the only one whose name ends so."""
        found = [
            each
            for each in self.processes.values()
            if name in (each.name, each.name.split("/")[-1])
        ]
        if len(found) != 1:
            names = ", ".join(each.name for each in found or self.processes.values())
            raise LabError(f"{name!r} is not the name of one process; there are {names}")
        return found[0]

    def log(self, name: str) -> Path:
        """Where a process writes its log."""
        return self.directory / "log" / f"{_file_name(self.process(name))}.log"

    def pid(self, name: str) -> int | None:
        """The number of a process as the lab sees it; None if it is not alive."""
        try:
            number = int(self._pid_file(name).read_text())
        except FileNotFoundError:
            return None
        return number if Path(f"/proc/{self.init}/root/proc/{number}").exists() else None

    def start(self, *names: str) -> None:
        """Start processes, and wait until they do their work."""
        for name in names:
            self.launch(name)
        for name in names:
            self.wait_until_ready(name)

    def launch(self, name: str) -> None:
        """Start a process, and do not wait for it."""
        process = self.process(name)
        if self.pid(name) is not None:
            raise LabError(f"{process.name} runs already")
        arguments = (str(self.log(name)), *process.command)
        pid = self.run(process.place, "sh", "-c", _START, "start", *arguments)
        self._pid_file(name).write_text(pid)

    def outside_pid(self, name: str) -> int | None:
        """The number of a process as everybody else sees it; None if it is not alive."""
        pid = self.pid(name)
        return None if pid is None else namespaces.outside_pid(self.init, pid)

    def kill(self, *names: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to processes, at once; return when they are gone."""
        self._signal(names, number)
        for name in names:
            until(partial(self._is_gone, name), f"{name} is gone")

    def freeze(self, *names: str) -> None:
        """Let processes do nothing, and not end either, until they are thawed."""
        self._signal(names, signal.SIGSTOP)

    def thaw(self, *names: str) -> None:
        """Let frozen processes go on."""
        self._signal(names, signal.SIGCONT)

    def _signal(self, names: Sequence[str], number: signal.Signals) -> None:
        for pid in [pid for name in names if (pid := self.outside_pid(name))]:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def _is_gone(self, name: str) -> bool:
        return self.pid(name) is None

    def stop(self, *names: str) -> None:
        """End processes as an orderly system does."""
        self.kill(*names, number=signal.SIGTERM)

    def restart(self, *names: str) -> None:
        """`kill -9`, and start again."""
        self.kill(*names)
        self.start(*names)

    def wait_until_ready(self, name: str) -> None:
        """Return when a process does its work; LabError with the end of its log if it does not."""
        process = self.process(name)
        ready = _READY[process.name.split("/")[-1]]
        try:
            until(lambda: self._lives(process) and ready(self, process), f"{process.name} is ready")
        except LabError as error:
            raise LabError(f"{error}. {self._end_of_log(process)}") from None

    def _lives(self, process: Process) -> bool:
        if self.pid(process.name) is not None:
            return True
        raise LabError(f"{process.name} has ended")

    def _end_of_log(self, process: Process) -> str:
        log = self.log(process.name)
        lines = log.read_text(errors="replace").splitlines()[-15:]
        return "\n".join((f"The end of {log}:", *lines))

    def _pid_file(self, name: str) -> Path:
        return self.directory / "pid" / _file_name(self.process(name))

    # The switch

    def now(self) -> Environment:
        """The environment as it is by now: each guest on the host that its cable leads to."""
        if len(self.environment.hosts) == 1:
            return self.environment
        links = {
            host.name: self.run(host.name, "ip", "-brief", "link", "show", "type", "veth")
            for host in self.environment.hosts
        }
        hosts = {
            line.partition("@")[0]: host for host, said in links.items() for line in said.split()
        }
        guests = tuple(
            msgspec.structs.replace(guest, host=hosts.get(guest.port_name, guest.host))
            for guest in self.environment.guests
        )
        return msgspec.structs.replace(self.environment, guests=guests)

    def host_of(self, guest: str) -> str:
        """The host that a guest's cable leads to now."""
        return self.now().guest(guest).host

    def plug(self, guest: str, host: str = "") -> None:
        """Plug a guest's port into the bridge of a host, by default of that where its cable is.

        If that is another one than before, it is pulled out there first: the guest moves, and
        keeps its network card, addresses and connections.
        """
        here, port = self.host_of(guest), self.environment.guest(guest).port_name
        host = self.environment.host(host or here).name
        if host != here:
            self.unplug(guest)
            holder = str(self._holder(host))
            self.run(here, "ip", "link", "set", "dev", port, "netns", holder)
            self.run(host, "ip", "link", "set", "dev", port, "addrgenmode", "none", "up")
        self.run(host, "ovs-vsctl", "--timeout=10", "--may-exist", "add-port", "br0", port)

    def unplug(self, guest: str) -> None:
        """Pull it out again."""
        here, port = self.host_of(guest), self.environment.guest(guest).port_name
        self.run(here, "ovs-vsctl", "--timeout=10", "--if-exists", "del-port", "br0", port)

    def settle(self) -> None:
        """Return when what is in the flow tables is what packets meet."""
        for host in self.environment.hosts:
            self.run(host.name, "ovs-appctl", "revalidator/wait")


def open_lab(directory: Path) -> Lab:
    """The lab that runs in a directory; LabError if none does."""
    if not is_alive(directory):
        raise LabError("no lab is running; `make lab` or `openvnet lab up` starts one")
    try:
        return msgspec.json.decode((directory / "lab.json").read_bytes(), type=Lab)
    except FileNotFoundError:
        raise LabError("the lab is being built; ask again in a moment") from None


def _file_name(process: Process) -> str:
    return process.name.replace("/", "-")


def _database_answers(lab: Lab, process: Process) -> bool:
    return _listens(lab.directory / process.place / "db.sock")


def _server_answers(lab: Lab, process: Process) -> bool:
    return _listens(lab.directory / process.name / "socket")


def _listens(path: Path) -> bool:
    """Whether a connection is taken; a socket that is only there takes none yet."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def _switch_answers(lab: Lab, process: Process) -> bool:
    """It has made the bridges that the database names, and their vna has done its part."""
    try:
        made = lab.run(process.place, "ovs-appctl", "--timeout=5", "ofproto/list")
    except CommandFailed:
        return False
    wanted = lab.run(process.place, "ovs-vsctl", "--timeout=5", "list-br")
    host = lab.environment.host(process.place)
    return made.split() == wanted.split() and (not made or _are_in_sync(lab, host))


def _manager_answers(lab: Lab, _process: Process) -> bool:
    return _listens(lab.directory / "rpc.sock") and _are_in_sync(lab, *lab.environment.hosts)


def _webapi_answers(lab: Lab, _process: Process) -> bool:
    return _nodes(lab) is not None


def _agent_is_in_sync(lab: Lab, process: Process) -> bool:
    """The switch talks to it, and vnmgr (if it lives) has heard of it.

    Not asked of OVSDB, whose `is_connected` is up to five seconds late.
    """
    if not lab.run(
        process.place, "ss", "-Htn", "state", "established", f"sport = :{OPENFLOW_PORT}"
    ):
        return False
    if lab.pid("vnmgr") is None or lab.pid("webapi") is None:
        since_start = lab.log(process.name).read_text(errors="replace").rpartition("listens at")[2]
        return "the switch has all" in since_start
    return _are_in_sync(lab, lab.environment.host(process.place))


def _are_in_sync(lab: Lab, *hosts: Host) -> bool:
    """Each vna that lives is in sync, or its switch is dead; true if there is nobody to ask."""
    if lab.pid("vnmgr") is None or lab.pid("webapi") is None:
        return True
    nodes = _nodes(lab)
    return nodes is not None and all(
        host.node_id in nodes
        and (nodes[host.node_id] == "in sync" or lab.pid(f"{host.name}/ovs-vswitchd") is None)
        for host in hosts
        if lab.pid(f"{host.name}/vna") is not None
    )


def _nodes(lab: Lab) -> dict[str, str] | None:
    """How each live agent fares, in words; None if webapi or vnmgr does not answer."""
    with closing(Client(lab.webapi, timeout=5.0)) as client, suppress(ClientError):
        nodes = client.get("/nodes").body
        return {node: found["state"] for node, found in nodes.items() if found["alive"]}
    return None


_READY = {
    "mariadb": _server_answers,
    "redis": _server_answers,
    "ovsdb-server": _database_answers,
    "ovs-vswitchd": _switch_answers,
    "vnmgr": _manager_answers,
    "webapi": _webapi_answers,
    "vna": _agent_is_in_sync,
}

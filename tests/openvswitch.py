"""A private Open vSwitch: its own database and daemon, dummy ports, one bridge named br0.

Whoever uses it needs no privilege and disturbs nobody: sockets, database and logs are in a
directory of its own, and what it started ends by its process id.
"""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"


class OpenVSwitch:
    """Open vSwitch in one directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.bridge = f"{directory}/br0.mgmt"
        """Where `ovs-ofctl` finds the bridge."""
        self._database = f"unix:{directory}/db.sock"
        self._environment = os.environ | {
            name: str(directory) for name in ("OVS_RUNDIR", "OVS_DBDIR", "OVS_LOGDIR")
        }

    def start(self) -> None:
        """Start with an empty database and the bridge."""
        self.run("ovsdb-tool", "create", f"{self.directory}/conf.db", SCHEMA)
        self._start("ovsdb-server", f"{self.directory}/conf.db", "--remote=punix:db.sock")
        self.run("ovs-vsctl", f"--db={self._database}", "--no-wait", "init")
        self.start_switch()
        self.vsctl(
            *("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy"),
            *("fail-mode=secure", "protocols=OpenFlow10,OpenFlow12,OpenFlow13"),
            *("other-config:datapath-id=0000aaaaaaaaaaaa",),
        )

    def start_switch(self) -> None:
        """Start ovs-vswitchd."""
        self._start("ovs-vswitchd", self._database, "--enable-dummy=override", "--disable-system")

    def kill(self, program: str = "ovs-vswitchd") -> None:
        """End a program as a crash does."""
        pid_file = self.directory / f"{program}.pid"
        if pid_file.exists():
            pid = int(pid_file.read_text())
            pid_file.unlink()
            os.kill(pid, signal.SIGKILL)

    def signal(self, number: signal.Signals, program: str = "ovs-vswitchd") -> None:
        """Send a signal to a program, such as one that holds it up."""
        os.kill(int((self.directory / f"{program}.pid").read_text()), number)

    def connect(self, controller: str, bridge: str = "br0") -> None:
        """Point a bridge to a controller."""
        self.vsctl(
            *("set-controller", bridge, controller, "--", "set", "controller", bridge),
            *("max_backoff=1000", "inactivity_probe=0"),
        )

    def vsctl(self, *arguments: str) -> str:
        """Run `ovs-vsctl` and wait until the switch has done it."""
        return self.run("ovs-vsctl", f"--db={self._database}", "--timeout=10", *arguments)

    def ofctl(self, command: str, *arguments: str) -> str:
        """Run an `ovs-ofctl` command on the bridge, as somebody else would."""
        return self.run("ovs-ofctl", "-O", "OpenFlow13", command, self.bridge, *arguments)

    def dump(self, *arguments: str) -> list[str]:
        """The bridge's flows as `ovs-ofctl` prints them, without what changes by itself, sorted."""
        flows = self.ofctl("dump-flows", "--no-stats", *arguments).splitlines()
        return sorted(flow.strip() for flow in flows)

    def appctl(self, *arguments: str) -> str:
        """Run `ovs-appctl` on the daemon."""
        return self.run("ovs-appctl", *arguments)

    def add_port(self, name: str, number: int) -> None:
        """Add a dummy port with a number."""
        self.vsctl(
            *("add-port", "br0", name, "--", "set", "interface", name),
            *("type=dummy", f"ofport_request={number}"),
        )

    def plug(self, name: str, bridge: str = "br0", *more: str) -> None:
        """Add a dummy port with whatever number it gets, and with more columns."""
        columns = ("--", "set", "interface", name, "type=dummy", *more)
        self.vsctl("add-port", bridge, name, *columns)

    def popen(self, *command: str) -> "subprocess.Popen[str]":
        """Start a program of Open vSwitch's here, to read what it prints."""
        return subprocess.Popen(
            command,
            cwd=self.directory,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,  # Where ovs-ofctl prints what it monitors.
            text=True,
        )

    def run(self, *command: str, stdin: str | None = None) -> str:
        """Run a program of Open vSwitch's here; returns what it prints."""
        ended = subprocess.run(
            command,
            cwd=self.directory,
            env=self._environment,
            input=stdin,
            text=True,
            capture_output=True,
            check=False,
        )
        assert ended.returncode == 0, f"{' '.join(command)}: {ended.stderr}"
        return ended.stdout

    def _start(self, program: str, *arguments: str) -> None:
        self.run(
            *(program, *arguments, "--detach", "--no-chdir", f"--pidfile={program}.pid"),
            *(f"--log-file={program}.log", "-vconsole:off", "-vsyslog:off"),
        )


@contextmanager
def open_vswitch() -> Iterator[OpenVSwitch]:
    """A running one, gone afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="ovs-"))  # A socket's path must be short.
    switch = OpenVSwitch(directory)
    try:
        switch.start()
        yield switch
    finally:
        switch.kill("ovs-vswitchd")
        switch.kill("ovsdb-server")
        shutil.rmtree(directory)

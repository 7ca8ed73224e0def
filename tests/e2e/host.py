"""A host of a newcomer's own: Open vSwitch is installed, OpenVNet too, and nothing is set up.

It has its own /etc, /run, /var/lib and /var/log (what is written there, nobody else sees), its own
network, and it ends with the block, however that ends. Commands are typed into bash there.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from openvnet.lab import machine, namespaces
from openvnet.lab.directory import claim_temporary

PROGRAMS = {
    "vnmgr": "openvnet.manager.main",
    "webapi": "openvnet.api.main",
    "vna": "openvnet.agent.main",
    "vnctl": "openvnet.cli.vnctl",
    "openvnet": "openvnet.cli.openvnet",
}
ROOT = Path(__file__).parents[2]

_SET_UP = """
mkdir "$1/etc"
cp -a /etc/. "$1/etc" 2>"$1/not-copied" || true
rm -rf "$1/etc/openvnet" "$1/etc/wakame-vnet" "$1/etc/openvswitch"
mount --bind "$1/etc" /etc
for place in /var/lib /var/log /run; do mount -t tmpfs none $place; done
mkdir /run/openvswitch /var/log/openvswitch /etc/openvswitch
ip link set lo up
ip link add eth0 type veth peer name wire
ip link set wire up
ip address add 192.168.100.2/24 dev eth0
ip link set eth0 up
"""

_START_SWITCH = """
cd /run/openvswitch
log() { echo "--log-file=/var/log/openvswitch/$1.log -vconsole:off -vsyslog:off"; }
ovsdb-tool create /etc/openvswitch/conf.db /usr/share/openvswitch/vswitch.ovsschema
ovsdb-server /etc/openvswitch/conf.db --remote=punix:/run/openvswitch/db.sock --no-chdir \
    --detach --pidfile=/run/openvswitch/ovsdb-server.pid $(log ovsdb-server)
ovs-vsctl --no-wait init
ovs-vswitchd unix:/run/openvswitch/db.sock --no-chdir --disable-system \
    --detach --pidfile=/run/openvswitch/ovs-vswitchd.pid $(log ovs-vswitchd)
"""
"""As Debian's package does at boot, but for the kernel's module."""


class Host:
    """The host. `directory` is outside; `bin` in it is first in the commands' PATH."""

    def __init__(self, init: int, directory: Path) -> None:
        self._init, self.directory = init, directory
        self._environment = {
            "HOME": "/root",
            "LANG": "C.UTF-8",
            "PATH": f"{directory}/bin:{machine.PATH}",
            "PYTHONPATH": str(ROOT),
            "VNCTL_OUTPUT": "table",  # as on a terminal
        }

    def run(self, command: str, *, within: Path | None = None) -> tuple[int, str]:
        """Type a command; returns its exit status, and what it printed until it ended.

        What it leaves running in the background may go on.
        """
        with tempfile.TemporaryFile("w+") as printed:
            script = ("bash", "-c", f'cd "{within or self.directory}"; {command}')
            done = subprocess.run(
                namespaces.entering(self._init, namespaces.OUTERMOST, script),
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                check=False,
            )
            printed.seek(0)
            return done.returncode, printed.read()

    def does(self, command: str, **more: Path) -> str:
        """Type a command that must succeed; returns what it printed."""
        status, printed = self.run(command, **more)
        assert status == 0, f"{command}\n{printed}"
        return printed


def _install(directory: Path) -> None:
    """The commands of OpenVNet, which are known by their names."""
    (directory / "bin").mkdir()
    for name, module in PROGRAMS.items():
        path = directory / "bin" / name
        path.write_text(f"#!{sys.executable}\nfrom {module} import main\nmain()\n")
        path.chmod(0o755)


@contextmanager
def host() -> Iterator[Host]:
    """A host until the end of the block."""
    machine.check()
    directory, lock = claim_temporary()
    try:
        unshare = namespaces.raise_walls(directory, lock)
        try:
            made = Host(namespaces.init_of(unshare), directory)
            _install(directory)
            made.does(f"set -e -- {directory}; {_SET_UP}")
            made.does(f"set -e; {_START_SWITCH}")
            yield made
        finally:
            unshare.communicate()
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        os.close(lock)

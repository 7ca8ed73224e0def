"""A copy of this machine to install things on: what is done to it, nobody sees, and it goes away.

An overlay over the root directory, in mount, process and network namespaces that end with whoever
asked for them. Needs root: the maintainer scripts of packages make users.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from openvnet.lab.namespaces import init_of

ROOT = Path(__file__).parents[2]

_SET_UP = """
mount -t tmpfs none "$1" && cd "$1" && mkdir upper work root
mount -t overlay overlay -o lowerdir=/,upperdir=upper,workdir=work root && cd root
mount --rbind /dev dev && mount -t proc proc proc
for place in run tmp "$2"; do mount -t tmpfs none "./$place"; done
chmod 1777 tmp
ip link set lo up
exec chroot . sh -c 'echo ready; exec cat'
"""


class Machine:
    """The copy; paths are as it sees them."""

    def __init__(self, init: int, directory: Path) -> None:
        self._walls = ("nsenter", "--target", str(init), "--mount", "--net", "--pid")
        self._directory = directory
        self.root = Path(f"/proc/{init}/root")

    def start(self, *command: str, **more: int) -> "subprocess.Popen[str]":
        """Start a command there, as root."""
        return self._start("--root", "--wd", "--", *command, **more)

    def run(self, *command: str, status: int = 0) -> str:
        """Run a command there to its end; returns what it prints."""
        return _ended(self.start(*command, **_CAUGHT), status)

    def changed(self) -> set[str]:
        """The files that are there and not here, or not as here."""
        upper = f"{self._directory}/upper"
        found = self._start("--", "find", upper, "-type", "f", "-printf", "/%P\\n", **_CAUGHT)
        return set(_ended(found).splitlines())

    def _start(self, *words: str, **more: int) -> "subprocess.Popen[str]":
        command = (*self._walls, *words)
        return subprocess.Popen(command, env=_ENVIRONMENT, text=True, **more)


_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive"}
_CAUGHT = {
    "stdin": subprocess.DEVNULL,
    "stdout": subprocess.PIPE,
    "stderr": subprocess.STDOUT,
}


def _ended(running: "subprocess.Popen[str]", status: int = 0) -> str:
    printed, _ = running.communicate(timeout=120)
    assert running.returncode == status, f"{running.args}: {printed}"
    return printed


@contextmanager
def machine(directory: Path) -> Iterator[Machine]:
    """A copy of this machine, without this repository, until the end of the block."""
    kinds = ("--mount", "--net", "--pid", "--ipc", "--uts", "--fork", "--kill-child")
    set_up = ("sh", "-ec", _SET_UP, "machine", str(directory), str(ROOT))
    unshare = subprocess.Popen(
        ("unshare", *kinds, *set_up), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert unshare.stdout
        assert unshare.stdout.readline() == "ready\n"
        yield Machine(init_of(unshare), directory)
    finally:
        unshare.communicate(timeout=10)

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

_CHANGED = "/mnt"

_SET_UP = f"""
mount -t tmpfs none "$1" && cd "$1" && mkdir upper work root
mount -t overlay overlay -o lowerdir=/,upperdir=upper,workdir=work root
mount --bind upper root{_CHANGED} && cd root
mount --rbind /dev dev && mount -t proc proc proc
for place in run tmp "$2"; do mkdir -p "./$place" && mount -t tmpfs none "./$place"; done
chmod 1777 tmp
ip link set lo up
mkdir run/before
pivot_root . run/before
umount --lazy /run/before && rmdir /run/before
echo ready
exec cat
"""


class Machine:
    """The copy; paths are as it sees them."""

    def __init__(self, init: int) -> None:
        self._walls = ("nsenter", "--target", str(init), "--mount", "--net", "--pid")
        self.root = Path(f"/proc/{init}/root")

    def start(self, *command: str, **more: int) -> "subprocess.Popen[str]":
        """Start a command there, as root."""
        words = (*self._walls, "--", *command)
        return subprocess.Popen(words, env=_ENVIRONMENT, text=True, **more)

    def run(self, *command: str, status: int = 0) -> str:
        """Run a command there to its end; returns what it prints."""
        running = self.start(*command, **_CAUGHT)
        printed, _ = running.communicate(timeout=120)
        assert running.returncode == status, f"{command}: {printed}"
        return printed

    def changed(self) -> set[str]:
        """The files that are there and not here, or not as here."""
        return set(self.run("find", _CHANGED, "-type", "f", "-printf", "/%P\\n").splitlines())


_ENVIRONMENT = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "DEBIAN_FRONTEND": "noninteractive",
    "VNCTL_OUTPUT": "table",  # as on a terminal
}
_CAUGHT = {
    "stdin": subprocess.DEVNULL,
    "stdout": subprocess.PIPE,
    "stderr": subprocess.STDOUT,
}


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
        yield Machine(init_of(unshare))
    finally:
        unshare.communicate(timeout=10)

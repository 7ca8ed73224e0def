"""The walls of a lab: namespaces that end with the process that asked for them.

    owner ── unshare ── init, process 1 of the lab     user (not for root), mount, pid, network, ...
                         ├─ a sleeper for each host    network, hostname
                         └─ a sleeper for each guest   network, hostname

A *place* is the namespaces of init or of a sleeper. Init reads a pipe that only the owner can write
to. Nobody writes: the end of the pipe says that the owner is gone, even by SIGKILL, and then init
kills all that lives in the lab, removes the lab's directory, and goes. Nothing is mounted or named
outside, so there is nothing else to clean up.

Processes are numbered as the lab sees them, except init, which is numbered as the outside does.
"""

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from openvnet.lab.errors import CommandFailed
from openvnet.lab.machine import PATH, no_lab

OUTERMOST = 1
"""The holder of the place that is not a host or a guest: init."""

_INIT = Path(__file__).with_name("init.py")

_SLEEPERS = """
for name; do
    unshare --net --uts sh -c '
        hostname "$1" && ip link set lo up && echo "$1 $$" && exec sleep infinity >/dev/null 2>&1
    ' sleeper "$name" &
done
"""


def raise_walls(directory: Path, lock: int) -> "subprocess.Popen[str]":
    """Start init. It goes, and all with it, when the returned process's stdin is closed.

    It inherits the lock on the directory, so that nobody takes it before init has removed it.
    """
    command = ["unshare", "--mount", "--net", "--pid", "--ipc", "--uts", "--mount-proc"]
    command += ["--fork", "--kill-child"]
    command += [] if os.geteuid() == 0 else ["--map-root-user"]
    unshare = subprocess.Popen(
        [*command, "--", sys.executable, "-I", "-S", str(_INIT), str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=[lock],
        start_new_session=True,  # Ctrl-C is for the owner.
        env={**os.environ, "PATH": PATH},
        text=True,
    )
    if unshare.stdout is None or unshare.stdout.readline() != "ready\n":
        raise no_lab(unshare.communicate()[1].strip())
    return unshare


def init_of(unshare: "subprocess.Popen[str]") -> int:
    """The process number of init, as seen from outside."""
    children = Path(f"/proc/{unshare.pid}/task/{unshare.pid}/children").read_text()
    return int(children.split()[0])


def make_places(init: int, names: Sequence[str]) -> dict[str, int]:
    """Make a place for each name; return the number of the process that holds it."""
    output = run(init, OUTERMOST, ["sh", "-c", _SLEEPERS, "sleepers", *names])
    numbers = dict(line.split() for line in output.splitlines())
    if missing := [name for name in names if name not in numbers]:
        raise no_lab(f"there was no namespace for {', '.join(missing)}")
    return {name: int(numbers[name]) for name in names}


def entering(init: int, holder: int, command: Iterable[str]) -> list[str]:
    """The command line that runs a command in the place that a process holds."""
    wall = ["nsenter", "--target", str(init), "--mount", "--net", "--pid", "--ipc", "--uts"]
    if not _same_namespace("user", "self", init):
        wall += ["--user", "--preserve-credentials"]
    if holder == OUTERMOST:
        return [*wall, "--", *command]
    return [*wall, "--", "nsenter", "--target", str(holder), "--net", "--uts", "--", *command]


def environment_inside(extra: Mapping[str, str]) -> dict[str, str]:
    """The environment variables of a command in the lab."""
    return {**os.environ, "PATH": PATH, **extra}


def run(
    init: int,
    holder: int,
    command: Sequence[str],
    *,
    given: str | None = None,
    extra: Mapping[str, str] | None = None,
) -> str:
    """Run a command to its end and return what it wrote; CommandFailed if its status is not 0."""
    done = subprocess.run(
        entering(init, holder, command),
        input=given or "",
        capture_output=True,
        env=environment_inside(extra or {}),
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise CommandFailed(command, done.returncode, done.stderr or done.stdout)
    return done.stdout


def outside_pid(init: int, inside: int) -> int | None:
    """The number outside of a process of the lab; None if there is no such process.

    Its /proc/<number>/status lists both numbers (proc(5), NSpid).
    """
    for status in Path("/proc").glob("[0-9]*/status"):
        with suppress(OSError):
            outside, *within = _numbers(status)
            if within[-1:] == [inside] and _same_namespace("pid", outside, init):
                return outside
    return None


def _numbers(status: Path) -> list[int]:
    (line,) = (line for line in status.read_text().splitlines() if line.startswith("NSpid:"))
    return [int(word) for word in line.split()[1:]]


def _same_namespace(kind: str, one: int | str, other: int | str) -> bool:
    places = (Path(f"/proc/{process}/ns/{kind}").readlink() for process in (one, other))
    return len(set(places)) == 1

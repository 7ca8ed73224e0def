"""`openvnet up` as a process of the test's own, and what it leaves running."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from openvnet.lab.waiting import until
from tests.api.processes import ENVIRONMENT

OPENVNET = (sys.executable, "-u", "-c", "from openvnet.cli.openvnet import main; main()")
READY = "Ctrl-C ends it"


class Up:
    """A running `openvnet up`, whose words are read line by line."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.running = subprocess.Popen(
            command,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said: list[str] = []

    def says(self, words: str) -> str:
        """Read until a line with these words; the test fails if there is none."""
        assert self.running.stdout
        for line in self.running.stdout:
            self.said.append(line)
            if words in line:
                return line
        raise AssertionError("".join(self.said))

    def end(self, number: int = signal.SIGTERM, seconds: float = 10) -> int:
        """Send a signal; return the exit status once it has ended."""
        if self.running.poll() is None:
            self.running.send_signal(number)
        rest = self.running.communicate(timeout=seconds)[0]
        self.said += rest.splitlines(keepends=True)
        return self.running.returncode


def words(directory: Path, database: str) -> list[str]:
    """Options of this host's commands that keep all of it in one directory."""
    places = [f"--{name}={directory / name}" for name in ("state", "run", "log")]
    return [*places, f"--ovsdb={database}"]


@contextmanager
def up(*arguments: str, **environment: str) -> Iterator[Up]:
    """`openvnet up` with these arguments, until the end of the block."""
    running = Up((*OPENVNET, "up", *arguments), {**ENVIRONMENT, **environment})
    try:
        yield running
    finally:
        if running.running.poll() is None:
            running.running.kill()
        running.running.communicate()


def children(pid: int) -> dict[str, int]:
    """The programs that a process keeps running, by name."""
    found = {}
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        command = Path(f"/proc/{child}/cmdline").read_text()
        for name, module in (("vnmgr", "manager"), ("webapi", "api"), ("vna", "agent")):
            if f"openvnet.{module}.main" in command and "leash" not in command:
                found[name] = int(child)
    return found


def wait_for_children(pid: int, *others: int) -> dict[str, int]:
    """All three, once they run, and none of them is one of these others."""
    found: dict[str, int] = {}

    def all_run() -> bool:
        found.clear()
        found.update(children(pid))
        return len(found) == 3 and not set(others) & set(found.values())

    until(all_run, "all three programs run")
    return found


def wait_until_gone(pids: Sequence[int]) -> None:
    """Return when none of these processes is there."""
    until(lambda: not [pid for pid in pids if is_alive(pid)], "no child is left", seconds=10)


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be buried does not."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != "Z"

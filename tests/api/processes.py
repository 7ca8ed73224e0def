"""Real vnmgr and webapi processes with directories of their own, started and ended for tests."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from threading import Thread

from tests.databases import database_of

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": str(ROOT),
    "PYTHONUNBUFFERED": "1",
    "VNCTL_OUTPUT": "table",  # as on a terminal
}


def command(module: str) -> list[str]:
    """What runs the `main` of a module, as the installed commands do."""
    return [sys.executable, "-c", f"from {module} import main; main()"]


class Process:
    """A process of ours whose log is read all the time, or it would stop when the pipe is full."""

    def __init__(self, module: str, *words: str, **environment: str) -> None:
        self.running = subprocess.Popen(
            [*command(module), *words],
            env=ENVIRONMENT | environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.log: list[str] = []
        self._lines: Queue[str] = Queue()
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.running.stderr
        for line in self.running.stderr:
            self.log.append(line)
            self._lines.put(line)
        self._lines.put("")

    def says(self, words: str, seconds: float = 10) -> str:
        """Wait for a line of the log with these words; no line for so long is an error."""
        while words not in (line := self._lines.get(timeout=seconds)):
            assert line, f"ended: {''.join(self.log)}"
        return line

    def end(self) -> int:
        """End it with SIGTERM; return its exit status."""
        self.running.terminate()
        status = self.running.wait(timeout=10)
        self._reader.join()
        if self.running.stderr:
            self.running.stderr.close()
        return status


@contextmanager
def process(module: str, *words: str, says: str) -> Iterator[Process]:
    """A process, from when it says so in its log until the end of the block."""
    running = Process(module, *words)
    try:
        running.says(says)
        yield running
    finally:
        running.end()


@contextmanager
def vnmgr(run: Path) -> Iterator[Process]:
    """vnmgr with its database beside its sockets."""
    state = run / "state"
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    places = ["--run", str(run), "--state", str(state), "--config", str(run)]
    # A file of SQLite is where it is by default.
    if not (database := database_of(state)).startswith("sqlite"):
        places += ["--database", database]
    with process("openvnet.manager.main", *places, says="serves") as running:
        yield running


@contextmanager
def webapi(run: Path, *more: str) -> Iterator[Process]:
    """webapi on the unix socket of a run directory, and on a TCP port that the system chooses."""
    words = ("--run", str(run), "--config", str(run), "--port", "0", *more)
    with process("openvnet.api.main", *words, says="listening") as running:
        yield running


def vnctl(
    run: Path, *words: str, text: str | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run vnctl against the webapi of a run directory."""
    return subprocess.run(
        [*command("openvnet.cli.vnctl"), *words],
        env={**ENVIRONMENT, "VNET_WEBAPI": f"unix:{run}/webapi.sock", **environment},
        input=text,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

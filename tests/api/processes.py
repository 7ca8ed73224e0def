"""Real vnmgr and webapi processes with directories of their own, started and ended for tests."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


def command(module: str) -> list[str]:
    """What runs the `main` of a module, as the installed commands do."""
    return [sys.executable, "-c", f"from {module} import main; main()"]


@contextmanager
def process(*words: str, says: str) -> Iterator[subprocess.Popen[str]]:
    """A process of ours, from when it says so in its log until the end of the block."""
    running = subprocess.Popen(
        [*command(words[0]), *words[1:]], env=ENVIRONMENT, stderr=subprocess.PIPE, text=True
    )
    try:
        log = ""
        while says not in log:
            line = running.stderr.readline()
            assert line, f"{words[0]} ended: {log}"
            log += line
        yield running
    finally:
        stop(running)


def stop(running: subprocess.Popen[str]) -> str:
    """End a process with SIGTERM; return what it said that nobody has read."""
    if running.poll() is None:
        running.send_signal(signal.SIGTERM)
    _, said = running.communicate(timeout=10)
    return said


@contextmanager
def vnmgr(run: Path) -> Iterator[subprocess.Popen[str]]:
    """vnmgr with its database beside its sockets."""
    words = ("openvnet.manager.main", "--run", str(run), "--state", str(run / "state"))
    with process(*words, says="serves") as running:
        yield running


@contextmanager
def webapi(run: Path, *more: str) -> Iterator[subprocess.Popen[str]]:
    """webapi on the unix socket of a run directory, and on a TCP port that the system chooses."""
    words = ("openvnet.api.main", "--run", str(run), "--port", "0", *more)
    with process(*words, says="listening") as running:
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

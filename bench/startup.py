"""startup: how long a user waits for `vnctl`, from exec to exit, on a vnmgr and webapi that run.

It has its bytecode, as what pip or Debian installs has.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from compileall import compile_dir
from contextlib import ExitStack
from pathlib import Path

import openvnet
from bench.figures import Figure
from openvnet.client import Client
from tests.api.processes import vnmgr, webapi

VNCTL = str(Path(sys.executable).with_name("vnctl"))
COMMANDS = {
    "vnctl --help": (VNCTL, "--help"),
    "vnctl networks show": (VNCTL, "networks", "show"),
    "python -c pass, to compare": (sys.executable, "-c", "pass"),
}
RUNS = 16
NETWORKS = 10


def measure() -> Iterator[Figure]:
    """Milliseconds of each command, the median run and the slowest; the commands take turns."""
    compile_dir(openvnet.__path__[0], quiet=1)
    turns = list(_turns())
    for name in COMMANDS:
        milliseconds = [turn[name] for turn in turns[1:]]  # The first one fills caches.
        bar = "< 150" if name.startswith("vnctl") else ""
        yield Figure(f"startup {name}", statistics.median(milliseconds), "ms", bar)
        yield Figure(f"startup {name}, slowest", max(milliseconds), "ms")


def _turns() -> Iterator[dict[str, float]]:
    """Milliseconds of each command, once a turn."""
    with ExitStack() as running:
        directory = running.enter_context(tempfile.TemporaryDirectory(prefix="openvnet-"))
        running.enter_context(vnmgr(Path(directory)))
        running.enter_context(webapi(Path(directory)))
        address = f"unix:{directory}/webapi.sock"
        _declare(address)
        for _ in range(RUNS):
            yield {name: _run(address, *command) for name, command in COMMANDS.items()}


def _declare(address: str) -> None:
    with Client(address) as client:
        for number in range(NETWORKS):
            network = {"uuid": f"nw-{number}", "display_name": f"network {number}"}
            prefix = {"ipv4_network": f"10.{number}.0.0", "ipv4_prefix": "24"}
            client.write("POST", "/networks", network | prefix)


def _run(address: str, *command: str) -> float:
    variables = os.environ | {"VNET_WEBAPI": address}
    started = time.perf_counter()
    done = subprocess.run(command, env=variables, capture_output=True, check=False)
    ended = time.perf_counter()
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.decode()}")
    return 1000 * (ended - started)

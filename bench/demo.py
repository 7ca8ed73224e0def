"""demo: `make demo` where it has run before, from its start until it says the table is right."""

import statistics
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from bench.figures import Figure

ROOT = Path(__file__).parents[1]
RUNS = 3
SAID = "Every cell is as it must be."


def measure() -> Iterator[Figure]:
    """Seconds, the median run and the slowest, after one that may have to install something."""
    _, *seconds = [_run() for _ in range(1 + RUNS)]
    yield Figure("demo", statistics.median(seconds), "s", "< 15")
    yield Figure("demo, slowest", max(seconds), "s")


def _run() -> float:
    started = time.perf_counter()
    with subprocess.Popen(("make", "demo"), cwd=ROOT, stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout
        ended = [time.perf_counter() for line in demo.stdout if SAID in line]
    if not ended or demo.returncode != 0:
        raise RuntimeError(f"`make demo` did not say {SAID!r}")
    return ended[0] - started

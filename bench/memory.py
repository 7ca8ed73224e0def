"""memory: what vna and vnmgr hold resident, with 10,000 interfaces that are all of this host.

vnmgr has started with all rows in its database and has sent them; vna has compiled them and brought
their flows into the switch. Resident is what the kernel says it is (VmRSS), shared pages included;
the peak is since the process began (VmHWM).
"""

import time
from collections.abc import Iterator
from pathlib import Path

from bench.figures import Figure
from bench.restart import VNA, rows
from tests.api.processes import Process
from tests.system import process_of, system

SETTLE_SECONDS = 3


def measure() -> Iterator[Figure]:
    """MB (10^6 octets) of both, when vna is in sync, and then when it has started anew."""
    with system(rows()) as made:
        with process_of(made.vna(*VNA)) as agent:
            _let_settle(agent)
            yield from _figures("vna", agent.running.pid)
        yield from _figures("vnmgr", made.manager.running.pid)
        with process_of(made.vna(*VNA)) as agent:
            _let_settle(agent)
            yield from _figures("vna started anew", agent.running.pid)


def _let_settle(agent: Process) -> None:
    """Return when what is resident stays so: what coming into sync took has been let go of."""
    agent.says("in sync")
    time.sleep(SETTLE_SECONDS)


def _figures(name: str, pid: int) -> Iterator[Figure]:
    status = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    yield Figure(f"memory {name}", _megabytes(status["VmRSS"]), "MB", "< 150")
    yield Figure(f"memory {name}, peak", _megabytes(status["VmHWM"]), "MB")


def _megabytes(words: str) -> float:
    return 1024 * int(words.split()[0]) / 1e6

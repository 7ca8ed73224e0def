"""reconnect: 500 agents come back at once to a vnmgr that was killed, until all are in sync.

From vnmgr's exec: it reads 25,000 interfaces from its database, and hears 500 hellos.
"""

import time
from collections.abc import Iterator

from bench.agents import HOSTS, SYNC_SECONDS, fake_agents
from bench.figures import Figure
from bench.many_hosts import rows
from tests.system import process_of, system


def measure() -> Iterator[Figure]:
    """Seconds."""
    with system(rows(HOSTS)) as made, process_of(fake_agents(made, HOSTS)) as agents:
        agents.says("are in sync", SYNC_SECONDS)
        made.kill_vnmgr()
        started = time.perf_counter()
        made.start_vnmgr()
        agents.says("are in sync", SYNC_SECONDS)
        yield Figure(f"reconnect of {HOSTS} agents", time.perf_counter() - started, "s", "< 30")

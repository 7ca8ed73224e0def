"""restart: a vna that starts again where nothing has changed, with 10,000 interfaces of this host.

From exec until it is in sync: the switch is read, vnmgr has said all, and what is not desired is
removed. A flow monitor of our own counts each flow that anybody adds, changes or deletes meanwhile.
"""

import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench.figures import Figure
from bench.worlds import base_rows, interface_rows
from openvnet.model import Row
from tests.system import System, process_of, system

INTERFACES = 10_000
RUNS = 3
VNA = ("bench.vna_with_ports", "--ports", str(INTERFACES))


def measure() -> Iterator[Figure]:
    """Seconds to in-sync, the median run; and all flow changes in all runs."""
    with system(rows()) as made:
        with process_of(made.vna(*VNA)) as first:
            first.says("in sync")
        with _monitored(made) as changes:
            seconds = [_restart(made) for _ in range(RUNS)]
        yield Figure("restart flow changes", len(changes), "messages", "= 0")
        yield Figure("restart to in-sync", statistics.median(seconds), "s", "< 3")
        flows = len(made.ovs.dump())
        yield Figure("restart flows in the switch", flows, "flows")
        yield Figure("restart of ovs-vswitchd, flows whole again", _switch(made, flows), "s")


def rows() -> Iterator[Row]:
    yield from base_rows()
    for number in range(INTERFACES):
        yield from interface_rows(number)


def _restart(made: System) -> float:
    started = time.perf_counter()
    with process_of(made.vna(*VNA)) as agent:
        agent.says("in sync")
        return time.perf_counter() - started


def _switch(made: System, flows: int) -> float:
    """Seconds from the start of a switch that was killed until it has all its flows again."""
    with process_of(made.vna(*VNA)) as agent:
        agent.says("in sync")
        made.ovs.kill()
        started = time.perf_counter()
        made.ovs.start_switch()
        agent.says("in sync")
        seconds = time.perf_counter() - started
    if len(made.ovs.dump()) != flows:
        raise RuntimeError("the switch has not all its flows")
    return seconds


@contextmanager
def _monitored(made: System) -> Iterator[list[str]]:
    """The changes of flows while in this context, complete when it has ended."""
    changes: list[str] = []
    with made.ovs.popen("ovs-ofctl", "monitor", made.ovs.bridge, "watch:!initial") as monitor:
        _until_marked(made, monitor)
        yield changes
        changes += _until_marked(made, monitor)
        monitor.terminate()


def _until_marked(made: System, monitor: "subprocess.Popen[str]") -> list[str]:
    """What a monitor tells until it tells of a flow that comes and goes to mark this moment."""
    told: list[str] = []
    assert monitor.stdout
    made.ovs.ofctl("add-flow", f"table={MARK},priority=1,actions=drop")
    made.ovs.ofctl("del-flows", f"table={MARK}")
    for line in monitor.stdout:
        if f"table={MARK}" in line and "DELETED" in line:
            return told
        if "event=" in line and f"table={MARK}" not in line:
            told.append(line)
    raise RuntimeError("the flow monitor has ended")


MARK = 250
"""A table that nobody uses."""

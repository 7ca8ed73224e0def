"""install: all flows of 10,000 interfaces, compiled from scratch, into an empty switch.

All interfaces are in 100 networks and behind ports of this host; the ports are facts, since a
bridge with so many real ones is beyond Open vSwitch.
"""

import asyncio
import statistics
import time
from collections.abc import Iterator

from bench.figures import Figure
from bench.switch import connected
from bench.worlds import local_world
from openvnet.agent.bulk import bulk
from openvnet.compiler import Compiler
from openvnet.features import STRATA
from openvnet.pipeline.flow import Flow
from tests.openvswitch import open_vswitch

INTERFACES = 10_000
RUNS = 3


def measure() -> Iterator[Figure]:
    """Seconds from the first row to the switch's answer to the last barrier; the median run."""
    with open_vswitch() as ovs:
        runs = [asyncio.run(_install(ovs)) for _ in range(RUNS)]
    seconds, compiling, flows = (statistics.median(column) for column in zip(*runs, strict=True))
    yield Figure("install", seconds, "s", "< 2")
    yield Figure("install of that compiling", compiling, "s")
    yield Figure("install flows", flows, "flows")


async def _install(ovs) -> tuple[float, float, int]:  # type: ignore[no-untyped-def]
    ovs.ofctl("del-flows")
    world = local_world(INTERFACES)
    async with connected(ovs) as switch:
        with bulk():
            started = time.perf_counter()
            compiler = Compiler(STRATA)
            difference = compiler.apply(world)
            flows = [output for output in difference.add if isinstance(output, Flow)]
            compiled = time.perf_counter()
            written = await switch.reconcile(flows, sweep=True, ports=range(1, INTERFACES + 1))
            ended = time.perf_counter()
    if written.added != len(flows) or written.refused:
        raise RuntimeError(f"{written.added} of {len(flows)} flows were added")
    return ended - started, compiled - started, len(flows)

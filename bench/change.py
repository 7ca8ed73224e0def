"""change: from the request for an interface to its answer, when its flows are in the switch.

The way of a change, whole: HTTP, RPC, a durable commit, the agent's stream, a compilation, a
bundle, its acknowledgement, and back. 100 real ports are on this host; the other interfaces, in the
same 100 networks, belong to another datapath. The port of the measured interface is plugged before
its row is written. Worlds of 100 and of 10,000 interfaces run side by side and are asked in turn,
so that whatever else the machine does falls on both.
"""

import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack

from bench.figures import Figure, spread
from bench.worlds import NETWORKS, base_rows, interface_rows, port_name
from openvnet.model import Row
from tests.system import System, running_vna, system

LOCAL = 100
WORLDS = (100, 10_000)
LONELY = NETWORKS - 1
"""The network that has no member on this host."""

ROUNDS, BLOCK = 8, 50
"""Interfaces that are added and deleted in each world: rounds of blocks, the worlds in turn."""

MEASURED = 1_000_000
"""The number of the interface that comes and goes."""

BARS = ("< 5", "< 20")


def measure() -> Iterator[Figure]:
    """Milliseconds for each kind of change, in both worlds."""
    with ExitStack() as stack:
        systems = {size: stack.enter_context(system(_rows(size))) for size in WORLDS}
        for made in systems.values():
            _plug(made)
            stack.enter_context(running_vna(made))
            _change(made, 1)  # The first request opens connections and fills caches.
        found = _measured(systems)
    for (size, what), milliseconds in found.items():
        yield from spread(f"change {what}, {size} interfaces", milliseconds, "ms", BARS)
    small, large = (statistics.median(found[size, "interface added"]) for size in WORLDS)
    yield Figure("change ratio of the p50s of the two worlds", large / small, "times", "≤ 1.3")


def _rows(size: int) -> Iterator[Row]:
    yield from base_rows()
    for number in range(size):
        here = number < LOCAL and number % NETWORKS != LONELY
        yield from interface_rows(number, "dp-here" if here else "dp-there")


def _plug(made: System) -> None:
    """The ports of the local interfaces, and one for the interface that is measured."""
    names = [*(port_name(number) for number in range(LOCAL)), port_name(MEASURED)]
    words = (["--", "add-port", "br0", name] for name in names)
    made.ovs.vsctl(*(word for command in words for word in command))


def _measured(systems: dict[int, System]) -> dict[tuple[int, str], list[float]]:
    found: dict[tuple[int, str], list[float]] = {}
    for number in range(ROUNDS):
        order = WORLDS if number % 2 else WORLDS[::-1]
        for size in order:
            for network, what in ((1, "interface added"), (LONELY, "first of its network")):
                for _ in range(BLOCK):
                    added, deleted = _change(systems[size], network)
                    found.setdefault((size, what), []).append(added)
                    if network != LONELY:
                        found.setdefault((size, "interface deleted"), []).append(deleted)
    return dict(sorted(found.items()))


def _change(made: System, network: int) -> tuple[float, float]:
    """Add an interface, and delete it again; milliseconds of each."""
    interface = {
        "uuid": f"if-{MEASURED}",
        "mode": "vif",
        "owner_datapath_uuid": "dp-here",
        "port_name": port_name(MEASURED),
        "network_uuid": f"nw-{network}",
        "mac_address": "52:ff:00:00:00:01",
        "ipv4_address": "10.255.0.1",
    }
    added = _timed(made, "POST", "/interfaces", interface)
    deleted = _timed(made, "DELETE", f"/interfaces/if-{MEASURED}", None)
    return added, deleted


def _timed(made: System, method: str, path: str, given: dict[str, str] | None) -> float:
    started = time.perf_counter()
    answer = made.client.write(method, path, given, wait=10)
    ended = time.perf_counter()
    if not answer.realised or not answer.realised.hosts or answer.realised.lagging:
        raise RuntimeError(f"{method} {path} was not realised: {answer.realised}")
    return 1000 * (ended - started)

"""goodput: TCP between two guests of one network, over our flows and over `actions=NORMAL`.

One bridge, the same two guests, ports and offload settings throughout: only the flows are
exchanged, in one bundle, while vna is stopped so that it does not take its own back. The runs go in
pairs, ours first in one and last in the next (ABBA), so that a machine that becomes slower is slow
for both; each pair gives a ratio.
"""

import json
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from bench.figures import Figure
from openvnet.lab.building import lab
from openvnet.lab.environment import SEED, Environment, declarations
from openvnet.lab.lab import Lab

PAIRS = 13
SECONDS = 1.0
STREAM = str(Path(__file__).with_name("stream.py"))
ENVIRONMENT = msgspec.structs.replace(
    SEED,
    networks=SEED.networks[:1],
    guests=tuple(guest for guest in SEED.guests if guest.network == SEED.networks[0].name),
)


def measure() -> Iterator[Figure]:
    """The median of the ratios, and between which ones the middle half of them is."""
    with lab(ENVIRONMENT) as running:
        _declare(running, ENVIRONMENT)
        running.stop("vna")
        pairs = list(_pairs(running))
    ratios = [ours / normal for ours, normal in pairs]
    lower, median, upper = statistics.quantiles(ratios, n=4, method="inclusive")
    for name, column in zip(("ours", "actions=NORMAL"), zip(*pairs, strict=True), strict=True):
        yield Figure(f"goodput {name}", statistics.median(column) / 1e6, "Mbit/s")
    yield Figure("goodput ratio", median, "times", "≥ 0.97")
    yield Figure("goodput ratio, lower quartile", lower, "times")
    yield Figure("goodput ratio, upper quartile", upper, "times")


def _declare(running: Lab, environment: Environment) -> None:
    for arguments in declarations(environment):
        running.vnctl(*arguments, "--wait")


def _pairs(running: Lab) -> Iterator[tuple[float, float]]:
    """Bits a second with our flows and with NORMAL, in each pair."""
    ours, normal = _flows(running), "actions=NORMAL\n"
    for number in range(PAIRS + 1):
        order = (ours, normal) if number % 2 else (normal, ours)
        found = {flows: _run(running, flows) for flows in order}
        if number:  # The first pair warms up.
            yield found[ours], found[normal]
    _exchange(running, ours)
    if _flows(running) != ours:
        raise RuntimeError("the flows that were measured are not those that vna had made")


def _flows(running: Lab) -> str:
    """All flows of the bridge, as text, in an order of their own."""
    flows = running.run("host1", *_ofctl("dump-flows", "--no-stats"))
    return "".join(sorted(f"{line.strip()}\n" for line in flows.splitlines()))


def _exchange(running: Lab, flows: str) -> None:
    running.run("host1", *_ofctl("replace-flows", "--bundle"), "-", given=flows)
    running.settle()


def _ofctl(command: str, *options: str) -> tuple[str, ...]:
    return ("ovs-ofctl", "-O", "OpenFlow13", *options, command, "br0")


def _run(running: Lab, flows: str) -> float:
    """Bits a second that arrive in one connection, its start left out."""
    _exchange(running, flows)
    sender, receiver = (guest.name for guest in ENVIRONMENT.guests)
    address = ENVIRONMENT.guest(receiver).ipv4_address
    program = (sys.executable, "-I", "-S", STREAM)
    with running.open(receiver, *program, "receive", address, str(SECONDS)) as arriving:
        assert arriving.stdout
        if arriving.stdout.readline() != "ready\n":
            raise RuntimeError(f"{receiver} cannot listen at {address}")
        running.run(sender, *program, "send", address)
        return float(json.loads(arriving.stdout.read()))

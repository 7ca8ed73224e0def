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
from openvnet.lab.environment import SEED, Environment, Guest, declarations
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
    yield from ratio_figures("goodput", "actions=NORMAL", "≥ 0.97", pairs)


def _declare(running: Lab, environment: Environment) -> None:
    for arguments in declarations(environment):
        running.vnctl(*arguments, "--wait")


def _pairs(running: Lab) -> Iterator[tuple[float, float]]:
    """Bits a second with our flows and with NORMAL, in each pair."""
    sender, receiver = ENVIRONMENT.guests
    ours, normal = flows_of(running, "host1"), "actions=NORMAL\n"
    for number in range(PAIRS + 1):
        order = (ours, normal) if number % 2 else (normal, ours)
        found = {}
        for flows in order:
            exchange(running, "host1", flows)
            running.settle()
            found[flows] = bits_a_second(running, sender, receiver, SECONDS)
        if number:  # The first pair warms up.
            yield found[ours], found[normal]
    exchange(running, "host1", ours)
    if flows_of(running, "host1") != ours:
        raise RuntimeError("the flows that were measured are not those that vna had made")


def flows_of(running: Lab, host: str) -> str:
    """All flows of a host's bridge, as text, in an order of their own."""
    flows = running.run(host, *_ofctl("dump-flows", "--no-stats"))
    return "".join(sorted(f"{line.strip()}\n" for line in flows.splitlines()))


def exchange(running: Lab, host: str, flows: str) -> None:
    """Let a host's bridge have these flows and no others."""
    running.run(host, *_ofctl("replace-flows", "--bundle"), "-", given=flows)


def _ofctl(command: str, *options: str) -> tuple[str, ...]:
    return ("ovs-ofctl", "-O", "OpenFlow13", *options, command, "br0")


def bits_a_second(running: Lab, sender: Guest, receiver: Guest, seconds: float) -> float:
    """Those that arrive in one connection, its start left out."""
    address = receiver.ipv4_address
    program = (sys.executable, "-I", "-S", STREAM)
    with running.open(receiver.name, *program, "receive", address, str(seconds)) as arriving:
        assert arriving.stdout
        if arriving.stdout.readline() != "ready\n":
            raise RuntimeError(f"{receiver.name} cannot listen at {address}")
        running.run(sender.name, *program, "send", address)
        return float(json.loads(arriving.stdout.read()))


def ratio_figures(
    row: str, theirs: str, bar: str, pairs: list[tuple[float, float]]
) -> Iterator[Figure]:
    """The median of the ratios of ours to theirs, and where the middle half of them is."""
    ratios = [ours / other for ours, other in pairs]
    lower, median, upper = statistics.quantiles(ratios, n=4, method="inclusive")
    for name, column in zip(("ours", theirs), zip(*pairs, strict=True), strict=True):
        yield Figure(f"{row} {name}", statistics.median(column) / 1e6, "Mbit/s")
    yield Figure(f"{row} ratio", median, "times", bar)
    yield Figure(f"{row} ratio, lower quartile", lower, "times")
    yield Figure(f"{row} ratio, upper quartile", upper, "times")

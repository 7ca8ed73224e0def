"""What vna counts of each turn."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from openvnet.metrics import DROPS, TAKEN, TURN_SECONDS, WRITTEN, Metrics
from openvnet.openflow.driver import Written

STAGES = ("take", "compile", "bundle", "acknowledge")


def measure(metrics: Metrics, moments: Sequence[float], updates: int) -> None:
    """A turn that took so many updates; it began at the first moment, a stage ends at each."""
    for stage, (began, ended) in zip(STAGES, pairwise(moments), strict=True):
        metrics.observe(TURN_SECONDS, ended - began, stage)
    metrics.observe(TURN_SECONDS, moments[-1] - moments[0], "turn")
    if updates:
        metrics.count(TAKEN, by=updates)


def measure_flows(metrics: Metrics, written: Written) -> None:
    """What came of a write in the switch."""
    counts = written.added, written.removed, len(written.refused)
    for what, count in zip(("added", "removed", "refused"), counts, strict=True):
        if count:
            metrics.count(WRITTEN, what, by=count)


def measure_drops(metrics: Metrics, drops: Mapping[str, int]) -> None:
    """Packets that guests sent and that were dropped, by reason."""
    for reason, packets in drops.items():
        metrics.count(DROPS, reason, by=packets)

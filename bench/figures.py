"""A figure: one thing that was measured in this run, and the bar that it must reach."""

import statistics
from collections.abc import Sequence

import msgspec


class Figure(msgspec.Struct, frozen=True):
    """One line of the table and of `results.json`; its name begins with its row's."""

    figure: str
    value: float
    unit: str
    bar: str = ""
    """In words, such as "< 5"; empty where there is none."""

    @property
    def ok(self) -> bool:
        """Whether the bar is reached; true where there is none."""
        if not self.bar:
            return True
        sign, _, limit = self.bar.partition(" ")
        reached = {
            "<": self.value < float(limit),
            "≤": self.value <= float(limit),
            "≥": self.value >= float(limit),
            "=": self.value == float(limit),
        }
        return reached[sign]


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that `percent` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def spread(name: str, values: Sequence[float], unit: str, bars: tuple[str, str]) -> list[Figure]:
    """The median and the 99th percentile of values, with a bar each."""
    return [
        Figure(f"{name} p50", statistics.median(values), unit, bars[0]),
        Figure(f"{name} p99", percentile(values, 99), unit, bars[1]),
    ]

"""What each program can be asked about how it fares, for Prometheus.

    metrics = Metrics("vna")
    metrics.count(DRIFT)                          # something has happened
    metrics.observe(TURN_SECONDS, 0.004, "compile")
    metrics.read(FLOWS, lambda: len(flows))       # something is so, looked up when it is asked for
    metrics.page()                                # all of it, as Prometheus reads it

All of them are declared here, once: docs/reference/metrics.md is made of it. What must be counted
is, what can be looked up is not kept. It is misused by labels that come from outside, such as a
path that a client made up: each value of a label is kept for as long as the program runs.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from openvnet import __version__

Program = Literal["webapi", "vnmgr", "vna"]
PROGRAMS: tuple[Program, ...] = ("webapi", "vnmgr", "vna")

SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""The upper bounds of the buckets of all histograms."""

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

disable_created_metrics()  # type: ignore[no-untyped-call]  # They double the page, and say nothing.


@dataclass(frozen=True, eq=False)
class Declared:
    """One metric of one program."""

    program: Program
    name: str
    """With its unit, as in Prometheus' conventions: `_total` for a counter, `_seconds`."""
    kind: Literal["counter", "gauge", "histogram"]
    doc: str
    labels: tuple[str, ...] = ()


VERSION = tuple(
    Declared(program, f"openvnet_{program}_version", "gauge", "Always 1.", ("version",))
    for program in PROGRAMS
)

HTTP_SECONDS = Declared(
    *("webapi", "openvnet_webapi_request_seconds", "histogram"),
    "How long requests took, from their head to the last byte of their answer.",
    ("method", "status"),
)
CALL_SECONDS = Declared(
    *("webapi", "openvnet_webapi_vnmgr_seconds", "histogram"),
    "How long vnmgr took to answer; `waited` is `yes` for writes that wait for the hosts.",
    ("verb", "waited"),
)
HTTP_WAITING = Declared(
    *("webapi", "openvnet_webapi_requests_waiting", "gauge"),
    "Requests that are not answered yet.",
)
UNANSWERED = Declared(
    *("webapi", "openvnet_webapi_unanswered_total", "counter"),
    "Requests that vnmgr did not answer in time.",
)

CHANGES = Declared(
    *("vnmgr", "openvnet_vnmgr_changes_total", "counter"),
    "Writes that made a revision.",
    ("resource", "verb"),
)
REFUSED = Declared(
    *("vnmgr", "openvnet_vnmgr_refused_total", "counter"),
    "Requests that were refused, by the error that REST names.",
    ("error",),
)
MANAGER_SECONDS = Declared(
    *("vnmgr", "openvnet_vnmgr_stage_seconds", "histogram"),
    "How long a change took: `commit` it (with those that waited beside it, durably), `publish` it "
    "to the agents, `acknowledge` it by all hosts concerned (of writes that wait for them).",
    ("stage",),
)
READ_SECONDS = Declared(
    *("vnmgr", "openvnet_vnmgr_read_seconds", "histogram"),
    "How long a read took; that of an interface asks its host.",
)
MANAGER_WAITING = Declared(
    *("vnmgr", "openvnet_vnmgr_requests_waiting", "gauge"),
    "Requests that are not answered yet: reads, and writes that wait for hosts.",
)
MANAGER_REVISION = Declared(
    *("vnmgr", "openvnet_vnmgr_revision", "gauge"), "The number of the newest revision."
)
ROWS = Declared(*("vnmgr", "openvnet_vnmgr_rows", "gauge"), "Rows in the database.", ("resource",))
AGENTS = Declared(*("vnmgr", "openvnet_vnmgr_agents", "gauge"), "Agents that are live.")
IN_SYNC = Declared(
    *("vnmgr", "openvnet_vnmgr_agents_in_sync", "gauge"), "Of these, those that are in sync."
)
BROKEN = Declared(
    *("vnmgr", "openvnet_vnmgr_streams_broken_total", "counter"),
    "Streams given up since their agent did not take what it was sent; it says hello again.",
)
REFUSED_AGENTS = Declared(
    *("vnmgr", "openvnet_vnmgr_agents_refused_total", "counter"),
    "What programs with keys said that is not theirs to say: hellos as somebody else, scopes, "
    "reports, requests.",
)
SENT = Declared(
    *("vnmgr", "openvnet_vnmgr_agent_sent_revision", "gauge"),
    "The number of the newest revision that was sent to an agent.",
    ("host",),
)
ACKNOWLEDGED = Declared(
    *("vnmgr", "openvnet_vnmgr_agent_realised_revision", "gauge"),
    "The number of the newest revision that an agent has acknowledged; what lies between the two "
    "is its queue.",
    ("host",),
)
FAILURES = Declared(
    *("vnmgr", "openvnet_vnmgr_agent_failures", "gauge"),
    "Rows that an agent could not realise.",
    ("host",),
)

TAKEN = Declared(
    *("vna", "openvnet_vna_changes_total", "counter"),
    "Changes that vnmgr sent and that were taken.",
)
TURN_SECONDS = Declared(
    *("vna", "openvnet_vna_stage_seconds", "histogram"),
    "How long a turn took in which something changed, and its stages: `take` the news (the cache "
    "too), `compile`, `bundle` (what the switch takes to have the flows), `acknowledge`; `turn` "
    "is all of them.",
    ("stage",),
)
WRITTEN = Declared(
    *("vna", "openvnet_vna_flows_written_total", "counter"),
    "Flows that were written into the switch: `added`, `removed` or `refused` by it.",
    ("what",),
)
FLOWS = Declared(
    *("vna", "openvnet_vna_flows", "gauge"), "Flows that are desired and in the switch."
)
FLOWS_REFUSED = Declared(
    *("vna", "openvnet_vna_flows_refused", "gauge"),
    "Flows that are desired and that the switch refuses.",
)
DRIFT = Declared(
    *("vna", "openvnet_vna_drift_total", "counter"),
    "Flows that were found other than they should be.",
)
DROPS = Declared(
    *("vna", "openvnet_vna_dropped_packets_total", "counter"),
    "Packets that were dropped since vna began, by reason. It is read from the switch "
    "beside other things and up to a minute late; what an interface dropped in the last minute "
    "before it was deleted is missing. `vnctl interfaces show` has the numbers of now.",
    ("reason",),
)
INBOX = Declared(*("vna", "openvnet_vna_inbox", "gauge"), "News that the next turn will take.")
AGENT_STREAM = Declared(
    *("vna", "openvnet_vna_stream_waiting", "gauge"),
    "Messages of vnmgr that have come and were not read yet.",
)
AGENT_REVISION = Declared(
    *("vna", "openvnet_vna_revision", "gauge"), "The number of the newest revision heard of."
)
REALISED = Declared(
    *("vna", "openvnet_vna_realised_revision", "gauge"),
    "The number of the newest revision that is in the switch.",
)
CONNECTED = Declared(
    *("vna", "openvnet_vna_switch_connected", "gauge"), "1 while a bridge is connected."
)
HEARD = Declared(
    *("vna", "openvnet_vna_vnmgr_heard", "gauge"), "1 while vnmgr has said something lately."
)
REFUSED_HERE = Declared(
    *("vna", "openvnet_vna_refused", "gauge"),
    "Always 1, while vnmgr refuses this vna; `why` says so in words.",
    ("why",),
)
AGENT_IN_SYNC = Declared(
    *("vna", "openvnet_vna_in_sync", "gauge"),
    "1 while a bridge is connected and vnmgr has said all that this host may hear of.",
)

DECLARED: tuple[Declared, ...] = (
    *VERSION,
    *(each for each in list(globals().values()) if isinstance(each, Declared)),
)
"""All of them."""

Reading = float | Mapping[tuple[str, ...], float]
"""A number, or one for each combination of the values of the labels."""


class Metrics:
    """Those of one program. Each has its own: nothing of it is global."""

    def __init__(self, program: Program) -> None:
        self._registry = CollectorRegistry()
        self._counters: dict[Declared, Counter] = {}
        self._histograms: dict[Declared, Histogram] = {}
        # Those of each combination of labels, as to look them up is most of what counting costs.
        self._counts: dict[tuple[Declared, tuple[str, ...]], Counter] = {}
        self._observations: dict[tuple[Declared, tuple[str, ...]], Histogram] = {}
        self._readings: dict[Declared, Callable[[], Reading]] = {}
        self._registry.register(_Readings(self._readings))
        ProcessCollector(registry=self._registry)
        for version in VERSION:
            if version.program == program:
                self.read(version, lambda: {(__version__,): 1.0})

    def count(self, metric: Declared, *labels: str, by: float = 1.0) -> None:
        """Something has happened."""
        counter = self._counts.get((metric, labels))
        (counter or self._counter(metric, labels)).inc(by)

    def observe(self, metric: Declared, seconds: float, *labels: str) -> None:
        """Something took so long."""
        histogram = self._observations.get((metric, labels))
        (histogram or self._histogram(metric, labels)).observe(seconds)

    def _counter(self, metric: Declared, labels: tuple[str, ...]) -> Counter:
        if metric not in self._counters:
            self._counters[metric] = Counter(
                *(metric.name, metric.doc, metric.labels), registry=self._registry
            )
        whole = self._counters[metric]
        made = self._counts[metric, labels] = whole.labels(*labels) if labels else whole
        return made

    def _histogram(self, metric: Declared, labels: tuple[str, ...]) -> Histogram:
        if metric not in self._histograms:
            self._histograms[metric] = Histogram(
                *(metric.name, metric.doc, metric.labels), registry=self._registry, buckets=SECONDS
            )
        whole = self._histograms[metric]
        made = self._observations[metric, labels] = whole.labels(*labels) if labels else whole
        return made

    def read(self, metric: Declared, reading: Callable[[], Reading]) -> None:
        """How to look something up, each time that it is asked for; it must be quick."""
        self._readings[metric] = reading

    def page(self) -> bytes:
        """All of them in Prometheus' text format."""
        return generate_latest(self._registry)


class _Readings(Collector):
    """What is looked up."""

    def __init__(self, readings: Mapping[Declared, Callable[[], Reading]]) -> None:
        self._readings = readings

    def collect(self) -> Iterator[Metric]:
        for metric, reading in self._readings.items():
            family = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
            made = family(metric.name, metric.doc, labels=metric.labels)
            found = reading()
            values = found if isinstance(found, Mapping) else {(): found}
            for labels, value in values.items():
                made.add_metric(labels, value)
            yield made

"""The reference page of the metrics, from their declarations."""

from collections.abc import Iterator

from openvnet.metrics import DECLARED, PROGRAMS, SECONDS, Declared

INTRODUCTION = f"""# Metrics

*This page is made from the declarations of metrics: change them, then run
`python docs/reference/generate.py`.*

Each program answers `GET /metrics` in Prometheus' text format:

| program | where |
|---|---|
| `webapi` | `/metrics` beside its API, on its TCP port and on `webapi.sock` |
| `vnmgr` | `vnmgr.metrics.sock` in its run directory; on TCP with `--metrics 9105` |
| `vna` | `<node id>.metrics.sock` in its run directory; on TCP with `--metrics 9104` |

```
curl --unix-socket /run/openvnet/vna.metrics.sock http://localhost/metrics
curl http://127.0.0.1:9090/metrics
```

`--metrics PORT` serves this host only; `--metrics 0.0.0.0:9104` serves every host. There is no
password, and nothing in it names a guest's address.

Whoever asks slowly, at length or wrongly is hung up on, and disturbs nobody. The unix socket may be
opened by whoever may use `webapi.sock`. If it cannot be made, the log says so, and no more happens.

Each program also has the metrics of processes that all of Prometheus' clients have, among them
`process_resident_memory_bytes`, `process_cpu_seconds_total`, `process_start_time_seconds` and
`process_open_fds`. A counter begins with 0 when its program does, and one with labels appears when
it first counts. The buckets of histograms end at {", ".join(f"{bound:g}" for bound in SECONDS)}
seconds.

```
# How long the switch takes to have a change, for 99 of 100:
histogram_quantile(0.99, rate(openvnet_vna_stage_seconds_bucket{{stage="turn"}}[5m]))
# Hosts that lag:
openvnet_vnmgr_agent_sent_revision - openvnet_vnmgr_agent_realised_revision > 0
```
"""


def page() -> Iterator[str]:
    """The lines of the page."""
    yield INTRODUCTION
    for program in PROGRAMS:
        yield f"## {program}\n"
        yield "| metric | kind | labels | what it says |"
        yield "|---|---|---|---|"
        for metric in DECLARED:
            if metric.program == program:
                yield _line(metric)
        yield ""


def _line(metric: Declared) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    return f"| `{metric.name}` | {metric.kind} | {labels} | {metric.doc} |"

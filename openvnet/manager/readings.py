"""What vnmgr can be asked about how it fares."""

from collections.abc import Callable

from openvnet.manager.replica import Replica
from openvnet.manager.streams import Streams
from openvnet.metrics import (
    ACKNOWLEDGED,
    AGENTS,
    BROKEN,
    FAILURES,
    IN_SYNC,
    MANAGER_REVISION,
    MANAGER_WAITING,
    REFUSED_AGENTS,
    ROWS,
    SENT,
    Metrics,
)
from openvnet.model import RESOURCES
from openvnet.store.database import Store


def manager_metrics(
    store: Store, replica: Replica, streams: Streams, waiting: Callable[[], int]
) -> Metrics:
    """Those of a vnmgr; `waiting` says how many requests are not answered yet."""
    made, agents = Metrics("vnmgr"), streams.agents

    def counts() -> dict[tuple[str, ...], float]:
        rows = replica.state.rows
        return {(each.collection,): len(rows.get(each.kind, ())) for each in RESOURCES}

    made.read(MANAGER_WAITING, waiting)
    made.read(MANAGER_REVISION, lambda: store.number)
    made.read(ROWS, counts)
    made.read(AGENTS, lambda: len(agents))
    made.read(IN_SYNC, lambda: sum(agent.state == "in sync" for agent in agents.values()))
    made.read(BROKEN, lambda: streams.broken)
    made.read(REFUSED_AGENTS, lambda: streams.refusals)
    made.read(SENT, lambda: {(name,): agent.sent.number for name, agent in agents.items()})
    made.read(
        ACKNOWLEDGED,
        lambda: {(name,): a.realised.number for name, a in agents.items() if a.realised},
    )
    made.read(FAILURES, lambda: {(name,): len(a.failures) for name, a in agents.items()})
    return made

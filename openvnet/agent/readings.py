"""What vna can be asked about how it fares, beside what it counts (`agent.measuring`)."""

from openvnet.agent.agent import Agent
from openvnet.metrics import (
    AGENT_IN_SYNC,
    AGENT_REVISION,
    AGENT_STREAM,
    CONNECTED,
    DRIFT,
    FLOWS,
    FLOWS_REFUSED,
    HEARD,
    INBOX,
    REALISED,
    REFUSED_HERE,
)
from openvnet.wire.messages import Revision
from openvnet.wire.stream import Stream


def declare_readings(agent: Agent, stream: Stream) -> None:
    """Let an agent's metrics say what can be looked up."""
    read = agent.metrics.read
    read(FLOWS, lambda: agent.switch.flows if agent.switch else 0)
    read(FLOWS_REFUSED, lambda: len(agent.refused))
    read(DRIFT, lambda: agent.drift)
    read(INBOX, lambda: len(agent.inbox))
    read(AGENT_STREAM, lambda: stream.waiting)
    read(AGENT_REVISION, lambda: _number(agent.revision))
    read(REALISED, lambda: _number(agent.realised))
    read(CONNECTED, lambda: agent.switch is not None)
    read(HEARD, lambda: agent.hears_vnmgr)
    read(REFUSED_HERE, lambda: {(why,): 1 for why in (_refusal(agent, stream),) if why})
    read(AGENT_IN_SYNC, lambda: agent.switch is not None and agent.in_sync)


def _refusal(agent: Agent, stream: Stream) -> str:
    return agent.refused_by_vnmgr or stream.refusal


def _number(revision: Revision | None) -> int:
    return revision.number if revision else 0

"""The sync server: one ordered stream to each agent.

    Hello ──► Snapshot of all that its roots lead to
    Subscribe ──► Update with what that brings and takes
    a revision ──► Update to each agent that hears of it, encoded once however many hear
    a second ──► Beat to all; who was silent for too long is forgotten

What is kept of an agent is soft: it is made anew from its Hello. Whoever cannot be sent to, or says
something before its Hello, gets a `Beat` without a revision, to which it answers with a Hello.
"""

import asyncio
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from openvnet.manager.audience import Audience, Listener, News
from openvnet.manager.replica import Replica
from openvnet.manager.scopes import Key
from openvnet.manager.waiting import Waiting
from openvnet.model import Row
from openvnet.model.ownership import without_project
from openvnet.store.schema import tag
from openvnet.store.transaction import Change
from openvnet.wire.front import AGENT, Front
from openvnet.wire.messages import (
    BEAT_SECONDS,
    SILENCE_SECONDS,
    Acknowledge,
    AskStatus,
    Beat,
    Failure,
    FromAgent,
    Hello,
    InterfaceStatus,
    Removed,
    Revision,
    Scope,
    Snapshot,
    Status,
    Subscribe,
    ToAgent,
    Update,
    encode,
    read_from_agent,
)
from openvnet.wire.sockets import Frames

logger = logging.getLogger(__name__)

STATUS_SECONDS = 1.0
"""How long an agent may take to say how an interface fares."""


class Agent:
    """What is known of a live agent."""

    def __init__(self, peer: bytes, hello: Hello, sent: Revision, now: float) -> None:
        self.peer: bytes | None = peer
        """Its stream; None once that broke."""
        self.node_id = hello.node_id
        self.version = hello.version
        self.listener = Listener(hello.dpid)
        self.serial = hello.serial
        self.sent = sent
        """The newest revision sent on its stream."""
        self.realised: Revision | None = None
        self.failures: tuple[Failure, ...] = ()
        self.state = ""
        self.drift = 0
        self.heard_at = now


class Streams:
    """The agents that live, and their streams, until it is closed."""

    def __init__(self, front: Front, replica: Replica) -> None:
        self.agents: dict[str, Agent] = {}
        """By node id."""
        self.broken = 0
        """Streams that were given up since their agents did not take what they were sent."""
        self._peers: dict[bytes, Agent] = {}
        self._speaking: dict[Listener, Agent] = {}
        self._left: dict[bytes, bytes] = {}
        """Streams whose agent said hello elsewhere, or lost its place, each with the one that took
        it: while that lasts, they are not asked to say hello."""
        self._replica = replica
        self._audience = Audience(replica.state)
        self._waiting = Waiting()
        self._asks: dict[int, asyncio.Future[InterfaceStatus]] = {}
        self._asked = 0
        self._front = front
        front.hand(AGENT, self._take)
        self._loop = asyncio.get_running_loop()
        self._beaten_at = self._loop.time()
        self._next_beat = self._loop.call_later(BEAT_SECONDS, self._beat)

    def close(self) -> None:
        """Say nothing more."""
        self._next_beat.cancel()

    def publish(self, changes: Sequence[Change], number: int) -> list[Agent]:
        """Take a revision into the replica, and tell the agents; return those concerned."""
        told = self._audience.publish(changes, lambda: self._replica.apply(changes, number))
        encoded: dict[Key, Any] = {}
        for listener, news in told.items():
            self._update(self._speaking[listener], news, encoded)
        return [self._speaking[listener] for listener in told]

    def begin_anew(self) -> None:
        """All rows are others: let the agents say hello again, and hear all of them."""
        for agent in list(self.agents.values()):
            peer = agent.peer
            self._remove(agent)
            self._waiting.gone(agent.node_id)
            if peer is not None:
                self._front.send(peer, encode(Beat()))
        self._audience = Audience(self._replica.state)

    @property
    def waiting(self) -> Waiting:
        """Who waits for agents to acknowledge."""
        return self._waiting

    def behind(self, number: int) -> list[Agent]:
        """The agents that were sent a revision, and have not acknowledged it yet."""
        return [
            agent
            for agent in self.agents.values()
            if agent.sent.number >= number
            and (agent.realised is None or agent.realised.number < number)
        ]

    def hearing(self, scope: Scope) -> list[Agent]:
        """The agents that hear a scope, by node id."""
        found = (self._speaking[listener] for listener in self._audience.hearers(scope))
        return sorted(found, key=lambda agent: agent.node_id)

    async def statuses(self, interface_uuid: str) -> Mapping[str, InterfaceStatus | None]:
        """How an interface fares on each host that hears it by its port; None: did not answer."""
        agents = self.hearing(Scope("interface", interface_uuid))
        answers = await asyncio.gather(*(self._status(one, interface_uuid) for one in agents))
        return {agent.node_id: status for agent, status in zip(agents, answers, strict=True)}

    async def _status(self, agent: Agent, interface_uuid: str) -> InterfaceStatus | None:
        self._asked += 1
        number = self._asked
        answer = self._asks[number] = self._loop.create_future()
        try:
            self._send(agent, AskStatus(number, (interface_uuid,)))
            return await asyncio.wait_for(answer, STATUS_SECONDS)
        except TimeoutError:
            return None
        finally:
            del self._asks[number]

    def _take(self, messages: Sequence[Frames]) -> None:
        now = self._loop.time()
        for peer, data in messages:
            try:
                self._hear(peer, read_from_agent(data), now)
            except msgspec.DecodeError as error:
                logger.warning("A message of an agent could not be read: %s.", error)

    def _hear(self, peer: bytes, message: FromAgent, now: float) -> None:
        agent = self._peers.get(peer)
        if agent is not None:
            agent.heard_at = now
        match message:
            case Hello():
                self._greet(peer, message, now)
            case Subscribe() if agent:
                self._subscribe(agent, message)
            case Acknowledge() if agent:
                self._acknowledge(agent, message)
            case Beat() if agent:
                agent.state, agent.drift = message.state, message.drift
            case Beat() if peer not in self._left:
                self._front.send(peer, encode(Beat()))
            case Status() if agent:
                self._answer(message)

    def _greet(self, peer: bytes, hello: Hello, now: float) -> None:
        self._left.pop(peer, None)
        for other in list(self._rivals(peer, hello)):
            if other.peer not in (None, peer):
                self._left[other.peer] = peer
            self._remove(other)
            if other.node_id != hello.node_id:
                self._waiting.gone(other.node_id)
        agent = Agent(peer, hello, self._replica.revision, now)
        self.agents[agent.node_id] = self._peers[peer] = agent
        self._speaking[agent.listener] = agent
        self._audience.join(agent.listener, self._allowed(agent, hello.roots))
        rows = tuple(map(without_project, self._audience.rows(agent.listener)))
        logger.info(
            "Agent %s (%s, OpenVNet %s) said hello; it hears %s rows at revision %s.",
            agent.node_id,
            hello.dpid or "no switch",
            agent.version,
            len(rows),
            agent.sent.number,
        )
        self._send(agent, Snapshot(hello.serial, agent.sent, rows))

    def _rivals(self, peer: bytes, hello: Hello) -> Iterator[Agent]:
        """Those whose place a newcomer takes: itself, earlier, or another of the same name."""
        for other in self.agents.values():
            if other.peer == peer:
                yield other
            elif other.node_id == hello.node_id:
                logger.info("Agent %s is on a new stream; its last one is left.", other.node_id)
                yield other
            elif hello.dpid and other.listener.dpid == hello.dpid:
                logger.warning(
                    "Agents %s and %s both have datapath %s; the newer one, %s, is heard.",
                    other.node_id,
                    hello.node_id,
                    hello.dpid,
                    hello.node_id,
                )
                yield other

    def _allowed(self, agent: Agent, roots: Iterable[Scope]) -> Iterator[Scope]:
        """The roots that are an agent's: its own datapath, and ports by name."""
        for root in roots:
            if root.kind == "port" or root == Scope("datapath", agent.listener.dpid or ""):
                yield root
            else:
                logger.warning("Agent %s may not hear %s %s.", agent.node_id, root.kind, root.name)

    def _subscribe(self, agent: Agent, message: Subscribe) -> None:
        agent.serial = message.serial
        add = list(self._allowed(agent, message.add))
        self._update(agent, self._audience.listen(agent.listener, add, message.remove), {})

    def _acknowledge(self, agent: Agent, message: Acknowledge) -> None:
        if message.revision.epoch != self._replica.revision.epoch:
            return
        for failure in message.failures:
            if failure not in agent.failures:
                logger.warning("%s", failure_sentence(agent.node_id, failure))
        agent.realised, agent.failures = message.revision, message.failures
        self._waiting.acknowledged(agent.node_id, message.revision.number, message.failures)

    def _answer(self, message: Status) -> None:
        answer = self._asks.get(message.ask)
        if answer and not answer.done() and message.interfaces:
            answer.set_result(message.interfaces[0])

    def _update(self, agent: Agent, news: News, encoded: dict[Key, Any]) -> None:
        """Send what changed; `encoded` keeps the bytes of rows for the next agent."""
        for key, row in news.put.items():
            if key not in encoded:
                encoded[key] = msgspec.Raw(encode(without_project(row)))
        put: tuple[Row, ...] = tuple(encoded[key] for key in news.put)
        remove = tuple(Removed(tag(kind), uuid) for kind, uuid in news.remove)
        revision = self._replica.revision
        update = Update(agent.sent, revision, agent.serial, put, remove)
        agent.sent = revision
        self._send(agent, update)

    def _send(self, agent: Agent, message: ToAgent) -> None:
        if agent.peer is None or self._front.send(agent.peer, encode(message)):
            return
        logger.warning(
            "Agent %s does not take what it is sent; it must say hello again.", agent.node_id
        )
        self.broken += 1
        self._break(agent)

    def _break(self, agent: Agent) -> None:
        if agent.peer is not None:
            self._peers.pop(agent.peer, None)
            agent.peer = None

    def _remove(self, agent: Agent) -> None:
        self._break(agent)
        self._audience.leave(agent.listener)
        del self.agents[agent.node_id], self._speaking[agent.listener]

    def _beat(self) -> None:
        now = self._loop.time()
        self._next_beat = self._loop.call_later(BEAT_SECONDS, self._beat)
        late, self._beaten_at = now - self._beaten_at > 2 * BEAT_SECONDS, now
        for agent in list(self.agents.values()):
            # If this process was held up, what the agents said meanwhile is yet to be read.
            if now - agent.heard_at > SILENCE_SECONDS and not late:
                logger.warning(
                    "Agent %s was silent for %.1f s; it is no longer live.",
                    agent.node_id,
                    now - agent.heard_at,
                )
                self._remove(agent)
                self._waiting.gone(agent.node_id)
            else:
                self._send(agent, Beat(agent.sent))
        self._left = {left: taker for left, taker in self._left.items() if taker in self._peers}


def failure_sentence(node_id: str, failure: Failure) -> str:
    """What a host reported as refused."""
    return f"{node_id}: {failure.kind} {failure.uuid}: {failure.reason}"

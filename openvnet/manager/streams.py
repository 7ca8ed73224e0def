"""The sync server: one ordered stream to each agent.

    Hello ──► Snapshot of all that its roots lead to
    Subscribe ──► Update with what that brings and takes
    Present ──► whoever writes down where interfaces are (`on_present`)
    a revision ──► Update to each agent that hears of it, encoded once however many hear
    a second ──► Beat to all; who was silent for too long is forgotten

What is kept of an agent is soft: it is made anew from its Hello. Whoever cannot be sent to, or says
something before its Hello, gets a `Beat` without a revision, to which it answers with a Hello.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from openvnet.manager.agents import Agent, Conflict, Other, failure_sentence, taken_sentence
from openvnet.manager.audience import Audience, Listener, News
from openvnet.manager.identities import Identities, hello_refusal
from openvnet.manager.replica import Replica
from openvnet.manager.scopes import Key
from openvnet.manager.waiting import Waiting
from openvnet.model import KINDS, Datapath, Node, Row
from openvnet.model.ownership import without_project
from openvnet.store.schema import tag
from openvnet.store.transaction import Change
from openvnet.wire.admission import shown_address
from openvnet.wire.front import AGENT, Front, Sent
from openvnet.wire.joined import Manager
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
    Knows,
    Managers,
    Present,
    Refusal,
    Removed,
    Scope,
    Snapshot,
    Status,
    Subscribe,
    ToAgent,
    Update,
    encode,
    read_from_agent,
)

if TYPE_CHECKING:
    from openvnet.manager.sharing import Sharing

logger = logging.getLogger(__name__)

CLOCK_SECONDS = 30.0
"""How far an agent's clock may be from vnmgr's before it is said to be wrong."""
AGAIN_SECONDS = 5.0
"""After how long somebody who was refused is asked to say hello again: what was wrong may be
right."""

STATUS_SECONDS = 1.0
"""How long an agent may take to say how an interface fares."""


class Streams:
    """The agents that live, and their streams, until it is closed."""

    def __init__(
        self, front: Front, replica: Replica, identities: Identities | None = None
    ) -> None:
        self._identities = identities or Identities(replica)
        self.managers: tuple[Manager, ...] = ()
        """What agents with keys of their own are told of where vnmgr is."""
        self.sharing: Sharing | None = None
        """What there is to do with other vnmgr, if there may be some."""
        self.others: dict[str, Other] = {}
        """The webapis with keys of their own, by node id."""
        self.refused = 0
        """What agents said that is not theirs to say."""
        self.conflicts: dict[str, Conflict] = {}
        """Who said hello and was refused, by node id."""
        self._turned_away: dict[bytes, float] = {}
        """Streams whose hello was refused, and when (of the loop): they may say it again later."""
        self.agents: dict[str, Agent] = {}
        """By node id."""
        self.on_present: Callable[[Agent, Present], None] = lambda *_: None
        """Called with what an agent says of interfaces that are on its host."""
        self.on_gone: Callable[[Agent], None] = lambda _: None
        """Called when an agent is no longer live."""
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
        self._asks: dict[int, tuple[Agent, str, asyncio.Future[InterfaceStatus]]] = {}
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
        if any(change.kind in (Node, Datapath) for change in changes):
            self._look_who_may_stay()
        concerned = [self._speaking[each] for each in told if each in self._speaking]
        if self.sharing:
            self.sharing.published(number, concerned)
        return concerned

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
    def refusals(self) -> int:
        """What was said by those who may not, since the start."""
        return self.refused + self._front.refused

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

    def hosts(self, interface_uuid: str) -> list[Agent]:
        """The agents that hear an interface as their own host's, by node id."""
        by_port = self.hearing(Scope("interface", interface_uuid))
        return by_port or self.hearing(Scope("internal", interface_uuid))

    async def statuses(self, interface_uuid: str) -> Mapping[str, InterfaceStatus | None]:
        """How an interface fares on each host that hears it by its port; None: did not answer."""
        agents = self.hosts(interface_uuid)
        answers = await asyncio.gather(*(self._status(one, interface_uuid) for one in agents))
        return {agent.node_id: status for agent, status in zip(agents, answers, strict=True)}

    async def _status(self, agent: Agent, interface_uuid: str) -> InterfaceStatus | None:
        self._asked += 1
        number = self._asked
        answer: asyncio.Future[InterfaceStatus] = self._loop.create_future()
        self._asks[number] = agent, interface_uuid, answer
        try:
            self._send(agent, AskStatus(number, (interface_uuid,)))
            return await asyncio.wait_for(answer, STATUS_SECONDS)
        except TimeoutError:
            return None
        finally:
            del self._asks[number]

    def _take(self, messages: Sequence[Sent]) -> None:
        now = self._loop.time()
        for sent in messages:
            try:
                self._hear(sent, read_from_agent(sent.data), now)
            except msgspec.DecodeError as error:
                logger.warning("A message of an agent could not be read: %s.", error)

    def _hear(self, by: Sent, message: FromAgent, now: float) -> None:
        peer = by.peer
        agent = self._peers.get(peer)
        if agent is not None:
            agent.heard_at = now
        match message:
            case Hello():
                self._greet(by, message, now)
            case Subscribe() if agent:
                self._subscribe(agent, message)
            case Present() if agent:
                self.on_present(agent, message)
            case Acknowledge() if agent:
                self._acknowledge(agent, message)
            case Beat() if agent:
                agent.state, agent.drift = message.state, message.drift
                if message.time:
                    self._compare_clocks(agent, message.time - time.time())
            case Beat() if peer not in self._left and peer not in self._turned_away:
                self._front.send(peer, encode(Beat()))
            case Status() if agent:
                self._answer(agent, message)
            case Knows() if agent:
                agent.knows = message.managers

    def _greet(self, by: Sent, hello: Hello, now: float) -> None:
        peer = by.peer
        self._left.pop(peer, None)
        if why := self._hello_refusal(by, hello):
            self._turn_away(by, hello, why, now)
            return
        self._turned_away.pop(peer, None)
        self.conflicts.pop(hello.node_id, None)
        for other in list(self._rivals(peer, hello)):
            if other.peer not in (None, peer):
                self._left[other.peer] = peer
                self._front.send(other.peer, encode(Refusal(taken_sentence(hello, by.address))))
            self._remove(other)
            if other.node_id != hello.node_id:
                self._waiting.gone(other.node_id)
        agent = Agent(by, hello, self._replica.revision, now)
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
        self.tell_managers(agent)

    def tell_managers(self, agent: Agent) -> None:
        """Tell an agent with a key of its own where vnmgr is; a machine's own knows."""
        identity = self._identities.of(agent.key)
        if self.managers and identity and identity.node and agent.knows != self.managers:
            self._send(agent, Managers(self.managers))

    def tell_others(self) -> None:
        """Tell each webapi with a key of its own where vnmgr is."""
        for node_id, other in list(self.others.items()):
            telling = other.knows != self.managers
            if telling and not self._front.send(other.peer, encode(Managers(self.managers))):
                del self.others[node_id]

    def note_other(self, node_id: str, sent: Sent, knows: tuple[Manager, ...] | None) -> None:
        """A webapi with a key of its own has asked something, or (`knows`) keeps where vnmgr is."""
        known = self.others.get(node_id)
        kept = known.knows if known and known.peer == sent.peer else ()
        address = shown_address(sent.address)
        knows = kept if knows is None else knows
        self.others[node_id] = Other(sent.peer, address, self._loop.time(), knows)

    def known_to(self, node: Node) -> tuple[Manager, ...]:
        """The vnmgr that a node would call after a restart, as it says."""
        if node.role == "webapi":
            return self.others[node.node_id].knows if node.node_id in self.others else ()
        return self.agents[node.node_id].knows if node.node_id in self.agents else ()

    def _hello_refusal(self, by: Sent, hello: Hello) -> str:
        identity = self._identities.of(by.key)
        if why := hello_refusal(identity, hello.node_id, hello.dpid, self._replica):
            return why
        if identity is None or identity.node is None:
            return ""
        # What a node's key does not decide, who is there already does.
        for other in self.agents.values():
            same = hello.dpid is not None and other.listener.dpid == hello.dpid
            declared = self._declared(hello)
            if other.node_id != hello.node_id and same and not declared:
                return (
                    f"its switch has dpid {hello.dpid}, as that of node {other.node_id} has; two "
                    "hosts must not have the same."
                )
        return ""

    def _declared(self, hello: Hello) -> bool:
        """Whether a datapath says that it is this node's."""
        rows = self._replica.where(Datapath, dpid=hello.dpid)
        return any(row.node_id == hello.node_id for row in rows)

    def _turn_away(self, by: Sent, hello: Hello, why: str, now: float) -> None:
        """Refuse a hello; it is said once in the log, and again each time to who said it."""
        self.refused += 1
        if agent := self._peers.get(by.peer):
            self._remove(agent)
            self._waiting.gone(agent.node_id)
        where = shown_address(by.address)
        known = self.conflicts.get(hello.node_id)
        if known is None or known.why != why:
            logger.warning("Node %s at %s is refused: %s", hello.node_id, where, why)
        self.conflicts[hello.node_id] = Conflict(now, where, why)
        self._turned_away[by.peer] = now
        self._front.send(by.peer, encode(Refusal(why)))

    def _look_who_may_stay(self) -> None:
        """End the streams of those whose keys were revoked, or whose datapath is another's now."""
        for agent in list(self.agents.values()):
            identity = self._identities.of(agent.key)
            dpid = agent.listener.dpid
            why = hello_refusal(identity, agent.node_id, dpid, self._replica)
            if why:
                logger.warning("The stream of node %s is ended: %s", agent.node_id, why)
                self._send(agent, Refusal(why))
                self._remove(agent)
                self._waiting.gone(agent.node_id)

    def _compare_clocks(self, agent: Agent, ahead: float) -> None:
        """Note by how much an agent's clock is ahead; say it when it begins to be wrong."""
        if abs(ahead) > CLOCK_SECONDS >= abs(agent.clock_ahead):
            logger.warning(
                "The clock of node %s is %.0f s %s vnmgr's; changes are not affected, but times in "
                "logs are.",
                agent.node_id,
                abs(ahead),
                "ahead of" if ahead > 0 else "behind",
            )
        agent.clock_ahead = ahead

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
                self.refused += 1
                logger.warning("Agent %s may not hear %s %s.", agent.node_id, root.kind, root.name)

    def _subscribe(self, agent: Agent, message: Subscribe) -> None:
        agent.serial = message.serial
        add = list(self._allowed(agent, message.add))
        self._update(agent, self._audience.listen(agent.listener, add, message.remove), {})

    def _acknowledge(self, agent: Agent, message: Acknowledge) -> None:
        if message.revision.epoch != self._replica.revision.epoch:
            return
        failures = tuple(one for one in message.failures if self._is_its_own(agent, one))
        for failure in failures:
            if failure not in agent.failures:
                logger.warning("%s", failure_sentence(agent.node_id, failure))
        agent.realised, agent.failures = message.revision, failures
        if message.revision.number >= agent.sent.number:
            agent.behind_since = None
        self._waiting.acknowledged(agent.node_id, message.revision.number, failures)
        if self.sharing:
            self.sharing.acknowledged(agent.node_id, message.revision.number, failures)

    def _is_its_own(self, agent: Agent, failure: Failure) -> bool:
        """Whether what an agent could not realise is something that it hears of."""
        kind = KINDS.get(failure.kind)
        row = self._replica.get(kind, failure.uuid) if kind else None
        if row is None or self._audience.hears(agent.listener, row):
            return True
        self.refused += 1
        logger.warning(
            "Agent %s may not say anything of %s %s.", agent.node_id, failure.kind, failure.uuid
        )
        return False

    def _answer(self, agent: Agent, message: Status) -> None:
        """An answer to a question; one that was put to somebody else is left."""
        asked, interface_uuid, answer = self._asks.get(message.ask, (None, "", None))
        said = [one for one in message.interfaces if one.interface_uuid == interface_uuid]
        if asked is not agent or not said:
            if asked is not None:
                self.refused += 1
                logger.warning("Agent %s answers what it was not asked.", agent.node_id)
        elif answer and not answer.done():
            answer.set_result(said[0])

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
        if agent.behind_since is None:
            agent.behind_since = self._loop.time()
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
                self.on_gone(agent)
            else:
                self._send(agent, Beat(agent.sent, time=time.time()))
        away, conflicts = self._turned_away.items(), self.conflicts.items()
        self._turned_away = {peer: at for peer, at in away if now - at < AGAIN_SECONDS}
        self.conflicts = {
            node_id: one for node_id, one in conflicts if now - one.at < 3 * AGAIN_SECONDS
        }
        self._left = {left: taker for left, taker in self._left.items() if taker in self._peers}

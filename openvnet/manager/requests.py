"""The RPC server: webapi's requests, answered.

Writes that wait together are committed together; each is then published, in the order of revisions,
before its reply is sent. Reads are answered from the replica, so they see what was published.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple, TypeVar

import msgspec

from openvnet.manager.agents import Agent, failure_sentence
from openvnet.manager.answers import (
    Rows,
    answer,
    plain,
)
from openvnet.manager.applying import in_memory, is_so
from openvnet.manager.callers import (
    admitted,
    rights_of,
    told_realised,
)
from openvnet.manager.errors import RequestRefused
from openvnet.manager.guarded import Done, Rehearsed, done, etag
from openvnet.manager.history import told
from openvnet.manager.identities import Identities
from openvnet.manager.nodes import joining
from openvnet.manager.problems import problem
from openvnet.manager.readings import manager_metrics
from openvnet.manager.reads import VERBS, Reads
from openvnet.manager.replica import Replica
from openvnet.manager.retention import Retention
from openvnet.manager.rights import audience, ended, is_confined
from openvnet.manager.streams import Streams
from openvnet.manager.telling import RETENTION, tell, tell_ended
from openvnet.manager.transfers import Transfers
from openvnet.manager.waiting import Wait
from openvnet.manager.whereabouts import Place, Whereabouts, place_interfaces
from openvnet.manager.writes import is_described, resource_of
from openvnet.metrics import CHANGES, MANAGER_SECONDS, READ_SECONDS, REFUSED
from openvnet.model import (
    ACTIVE_INTERFACES,
    Rights,
    Row,
)
from openvnet.model.rights import LOCAL, NOBODY, Caller
from openvnet.store.database import Committed, Missed, Outcome, Store, Work, Write
from openvnet.store.errors import StoreError
from openvnet.store.transaction import Transaction
from openvnet.wire.admission import shown_address
from openvnet.wire.front import JOIN, REQUEST, Front, Sent
from openvnet.wire.joined import Manager
from openvnet.wire.messages import (
    News,
    Present,
    Realised,
    Reply,
    Request,
    Revision,
    encode,
    read_request,
)

logger = logging.getLogger(__name__)

T = TypeVar("T")

HEARING = ("hear", "unhear")
"""Verbs that begin and end the hearing of revisions."""


class Asked(NamedTuple):
    """A request, who asked, and when (`time.monotonic`)."""

    peer: bytes
    request: Request
    at: float
    caller: Caller = NOBODY


class Requests:
    """Answers what is asked, until it is closed."""

    def __init__(
        self,
        front: Front,
        store: Store,
        replica: Replica,
        streams: Streams,
        mac_group: str | None = None,
        identities: Identities | None = None,
    ) -> None:
        self._identities = identities or Identities(replica)
        self._store = store
        self._replica = replica
        self._streams = streams
        self._hearers: set[bytes] = set()
        """Peers that are told of each revision."""
        self._tasks: set[asyncio.Task[None]] = set()
        self.metrics = manager_metrics(store, replica, streams, lambda: len(self._tasks))
        self._transfers = Transfers(store, replica, self._begin_anew, mac_group)
        self._reads = Reads(store, replica, streams, self._transfers)
        self._mac_group = mac_group
        self._retention = Retention(replica, self._end_leases, time.time, mac_group)
        store.follow(self._follow)
        store.remember(replica)
        self._front = front
        front.hand(REQUEST, self._take)
        front.hand(JOIN, self._join)
        self._whereabouts = Whereabouts()
        streams.on_present, streams.on_gone = self._place, self._lose

    def close(self) -> None:
        """Answer no more."""
        self._transfers.close()
        self._retention.close()
        for task in self._tasks:
            task.cancel()

    def _join(self, messages: Sequence[Sent]) -> None:
        """Nodes that ask for a key of their own, one after the other: a token is good for one."""
        for asked, sent in _asked(messages, time.monotonic()):
            try:
                identity = self._identities.of(sent.key)
                request = joining(asked.request, identity, int(time.time()))
            except RequestRefused as refused:
                logger.warning("%s is refused: %s", shown_address(sent.address), refused)
                problem = refused.problem()
                self._reply(asked, Reply(asked.request.id, problem=problem))
            else:
                origin = f"{request.origin}; {shown_address(sent.address)}"
                request = msgspec.structs.replace(request, origin=origin)
                self._write([asked._replace(request=request, caller=LOCAL)])

    def _take(self, messages: Sequence[Sent]) -> None:
        noted = list(self._noted(messages))
        self._catch_up(asked.request.seen for asked in noted)
        asked = list(self._admitted(noted))
        alone = (*VERBS, *HEARING, "apply")
        self._write([one for one in asked if one.request.verb not in alone])
        for one in asked:
            if one.request.verb == "apply":
                self._soon(self._apply(one))
            elif one.request.verb in HEARING:
                self._hear(one)
            elif one.request.verb in VERBS:
                self._soon(self._read(one))

    def _admitted(self, every: Iterable[Asked]) -> Iterator[Asked]:
        """What may be asked by whoever asks it."""
        now = time.time()
        for asked in every:
            try:
                request, caller = admitted(asked.request, self._replica, now)
            except RequestRefused as refusal:
                self._reply(asked, Reply(asked.request.id, problem=refusal.problem()))
            else:
                yield asked._replace(request=request, caller=caller)

    def _noted(self, messages: Sequence[Sent]) -> Iterator[Asked]:
        """What is asked; that a webapi with a key of its own lives is noted on the way."""
        for asked, sent in _asked(messages, time.monotonic()):
            identity = self._identities.of(sent.key) if sent.key else None
            if identity is not None and identity.node is not None:
                knows = _managers(asked.request) if asked.request.verb == "knows" else None
                self._streams.note_other(identity.node.node_id, sent, knows)
            if asked.request.verb != "knows":
                yield asked

    def _catch_up(self, seen: Iterable[Revision | None]) -> None:
        """Meet what another vnmgr has told of already, before who knows that is answered."""
        epoch, number = self._store.epoch, self._store.number
        if any(one and one.epoch == epoch and one.number > number for one in seen):
            with suppress(StoreError):  # Sharing looks each second, and says why it cannot.
                self._store.catch_up()

    def _hear(self, asked: Asked) -> None:
        if asked.request.verb == "hear":
            self._hearers.add(asked.peer)
        else:
            self._hearers.discard(asked.peer)
        revision = Revision(self._store.epoch, self._store.number)
        self._reply(asked, Reply(asked.request.id, revision=revision))

    def _write(self, asked: Sequence[Asked]) -> None:
        if not asked:
            return
        now, started = int(time.time()), time.perf_counter()
        writes = [Write(self._work(one, now), one.request.origin) for one in asked]
        outcomes = self._store.commit(writes)
        self.metrics.observe(MANAGER_SECONDS, time.perf_counter() - started, "commit")
        for one, outcome in zip(asked, outcomes, strict=True):
            self._finish(one, outcome)

    def _work(self, asked: Asked, now: int) -> Work:
        request = asked.request
        work = partial(done, request=request, now=now, result=result, mac_group=self._mac_group)
        if request.verb == "apply":
            work = partial(in_memory, work=work, replica=self._replica)
        rights = rights_of(asked.caller, request, self._replica)
        return partial(_acting, work=work, rights=rights)

    async def _apply(self, asked: Asked) -> None:
        """Write what differs from a document; nothing, if nothing does."""
        request = asked.request
        try:
            keyed = bool(request.key) or bool(request.values.get("prune"))
            if (
                not keyed
                and not is_confined(asked.caller)
                and await is_so(self._replica, request.wanted)
            ):
                number = Revision(self._store.epoch, self._store.number)
                self._reply(asked, Reply(request.id, [], revision=number, changed=False))
                return
        except Exception as refusal:
            self._reply(
                asked,
                Reply(
                    request.id, problem=problem(asked.request, refusal, asked.caller, self._replica)
                ),
            )
            return
        # Nobody is beside it, so that what is in memory is what is in the database.
        self._write([asked])

    def _finish(self, asked: Asked, outcome: Outcome) -> None:
        request = asked.request
        if isinstance(outcome, Rehearsed):
            self._reply(asked, _shown(request, outcome.done.answer))
            return
        if not isinstance(outcome, Committed):
            self._reply(
                asked,
                Reply(
                    request.id, problem=problem(asked.request, outcome, asked.caller, self._replica)
                ),
            )
            return
        finished: Done = outcome.result
        concerned: list[Agent] = []
        if outcome.changes:
            started = time.perf_counter()
            concerned = self._streams.publish(outcome.changes, outcome.number)
            self._retention.change(outcome.changes)
            self.metrics.observe(MANAGER_SECONDS, time.perf_counter() - started, "publish")
            self.metrics.count(CHANGES, request.collection, request.verb)
            self._spread(outcome, request.origin)
            tell(request, outcome, time.monotonic() - asked.at)
        elif finished.repeated is not None:
            concerned = self._streams.behind(finished.repeated)
        shown = finished.answer
        if shown is None:
            shown = result(request, finished.rows, self._replica)
        number = outcome.number if finished.repeated is None else finished.repeated
        reply = msgspec.structs.replace(
            _shown(request, shown),
            revision=Revision(self._store.epoch, number),
            changed=bool(outcome.changes) or finished.repeated is not None,
        )
        if request.wait is None:
            self._reply(asked, reply)
        else:
            known = {agent.node_id: agent.failures for agent in concerned}
            sharing = self._streams.sharing
            others = sharing.others if sharing and outcome.changes else ()
            wait = self._streams.waiting.begin(number, known, others)
            if sharing and sharing.away:
                for name in others:
                    self._streams.waiting.unreachable(name)
            self._soon(self._wait(asked, reply, wait))

    def _place(self, agent: Agent, said: Present) -> None:
        """Write down where an agent says that interfaces are."""
        if agent.listener.dpid:
            places = self._whereabouts.hear(agent.listener.dpid, said, self._replica)
            self._write_places(agent, places)

    def _lose(self, agent: Agent) -> None:
        if agent.listener.dpid:
            places = self._whereabouts.gone(agent.listener.dpid, self._replica)
            self._write_places(agent, places)

    def _write_places(self, agent: Agent, places: Mapping[str, Place | None]) -> None:
        if not places:
            return
        origin = f"vna {agent.node_id}"
        work = partial(place_interfaces, places=places)
        (outcome,) = self._store.commit([Write(work, origin)])
        if not isinstance(outcome, Committed):
            logger.error("Where interfaces are was not written: %s", outcome)
        elif outcome.changes:
            self._streams.publish(outcome.changes, outcome.number)
            self.metrics.count(CHANGES, ACTIVE_INTERFACES.collection, "report")
            self._spread(outcome, origin)

    def _follow(self, missed: Missed) -> None:
        """Take over what another vnmgr wrote."""
        self._streams.publish(missed.changes, missed.number)
        self._retention.change(missed.changes)
        self._spread(missed, missed.origin)

    def _spread(self, committed: Committed | Missed, origin: str) -> None:
        """Tell of a revision whoever hears; who does not take it must ask again."""
        if not self._hearers:
            return
        number = committed.number
        entry = told(number, committed.time, origin, committed.changes)
        place = Revision(self._store.epoch, number)
        audiences = tuple(audience(change) for change in committed.changes)
        data = encode(News(number - 1, place, entry, audiences, tuple(ended(committed.changes))))
        self._hearers = {peer for peer in self._hearers if self._front.send(peer, data)}

    def _end_leases(self, work: Work) -> bool:
        """Do what retention is to do; whether that changed anything."""
        (outcome,) = self._store.commit([Write(work, RETENTION)])
        if not isinstance(outcome, Committed):
            logger.error("IP leases whose time is over could not be ended. %s", outcome)
            return False
        if outcome.changes:
            self._streams.publish(outcome.changes, outcome.number)
            self._retention.change(outcome.changes)
            self.metrics.count(CHANGES, "ip_leases", "end")
            self._spread(outcome, RETENTION)
            tell_ended(outcome)
        return bool(outcome.changes)

    def _begin_anew(self) -> None:
        """A backup was restored: all that was told of rows holds no more."""
        self._streams.begin_anew()
        self._retention.load()
        number = self._store.number
        data = encode(News(number, Revision(self._store.epoch, number), {}))
        self._hearers = {peer for peer in self._hearers if self._front.send(peer, data)}

    async def _wait(self, asked: Asked, reply: Reply, wait: Wait) -> None:
        seconds = (asked.request.wait or 0.0) - (time.monotonic() - asked.at)
        started = time.perf_counter()
        lag = await self._streams.waiting.until(wait, max(0.0, seconds))
        if lag.hosts and not lag.lagging:
            self.metrics.observe(MANAGER_SECONDS, time.perf_counter() - started, "acknowledge")
        realised = Realised(
            1000 * (time.monotonic() - asked.at),
            lag.hosts,
            tuple(self._reason(node_id, wait.number) for node_id in lag.lagging),
            tuple(failure_sentence(node_id, failure) for node_id, failure in lag.failures),
        )
        realised = told_realised(asked.caller, realised)
        self._reply(asked, msgspec.structs.replace(reply, realised=realised))

    def _reason(self, node_id: str, number: int) -> str:
        agent = self._streams.agents.get(node_id)
        if agent is None:
            return f"{node_id}: it is no longer live"
        if agent.state not in ("", "in sync"):
            return f"{node_id}: {agent.state}"
        at = agent.realised.number if agent.realised else "none yet"
        return f"{node_id}: it has not acknowledged revision {number}; its newest is {at}"

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _read(self, asked: Asked) -> None:
        try:
            shown = await self._reads.shown(asked.request, asked.caller)
            revision = self._reads.newest(asked.request)
            reply = Reply(asked.request.id, shown.result, revision=revision, etag=shown.etag)
        except Exception as refusal:
            reply = Reply(
                asked.request.id,
                problem=problem(asked.request, refusal, asked.caller, self._replica),
            )
        self.metrics.observe(READ_SECONDS, time.monotonic() - asked.at)
        self._reply(asked, reply)

    def _reply(self, asked: Asked, reply: Reply) -> None:
        if reply.problem is not None:
            self.metrics.count(REFUSED, reply.problem.error)
        self._front.send(asked.peer, encode(reply))


def _managers(request: Request) -> tuple[Manager, ...]:
    """What a webapi says that it keeps."""
    with suppress(msgspec.ValidationError):
        return msgspec.convert(request.values.get("managers"), tuple[Manager, ...])
    return ()


def _asked(messages: Sequence[Sent], now: float) -> Iterator[tuple[Asked, Sent]]:
    for sent in messages:
        try:
            yield Asked(sent.peer, read_request(sent.data), now), sent
        except msgspec.DecodeError as error:
            logger.warning("A request could not be read, and was left unanswered: %s.", error)


def result(request: Request, rows: Sequence[Row], among: Rows) -> Any:
    """What a client sees of the rows that a write asked for."""
    if request.many is not None:
        return [answer(row, among) for row in rows]
    if request.verb != "delete":
        return answer(rows[0], among)
    if request.related:
        return [request.related]
    if request.uuid:
        return [row.uuid for row in rows]
    described = is_described(resource_of(request))
    return plain(rows[0]) if described else [plain(row) for row in rows]


def _shown(request: Request, result: Any) -> Reply:
    return Reply(request.id, result, etag=etag(result) if isinstance(result, dict) else "")


def _acting(transaction: Transaction, work: Callable[[Transaction], T], rights: Rights) -> T:
    """Do something with the rights of whoever asks."""
    transaction.rights = rights
    return work(transaction)

"""The RPC server: webapi's requests, answered.

Writes that wait together are committed together; each is then published, in the order of revisions,
before its reply is sent. Reads are answered from the replica, so they see what was published.
"""

import asyncio
import logging
import time
from collections.abc import Coroutine, Iterator, Sequence
from functools import partial
from typing import Any, ClassVar, NamedTuple

import msgspec

from openvnet.logs import Fields
from openvnet.manager.answers import Answer, answer, envelope, item, plain
from openvnet.manager.associations import below
from openvnet.manager.errors import InvalidArgument, RequestRefused, Unusable
from openvnet.manager.names import found
from openvnet.manager.replica import Replica
from openvnet.manager.status import interface_status, node_answer, places
from openvnet.manager.streams import Agent, Streams, failure_sentence
from openvnet.manager.waiting import Wait
from openvnet.manager.writes import is_described, parent_uuid, resource_of, written
from openvnet.model import RESOURCES, Interface, Resource, Row, attributes
from openvnet.store.database import Committed, Outcome, Store, Write
from openvnet.store.errors import StoreError, Taken
from openvnet.wire.front import REQUEST, Front
from openvnet.wire.messages import (
    Problem,
    Realised,
    Reply,
    Request,
    Revision,
    encode,
    read_request,
)
from openvnet.wire.sockets import Frames

logger = logging.getLogger(__name__)

SLICE = 100
"""Items of a list that are made without a pause for others."""


class Asked(NamedTuple):
    """A request, who asked, and when (`time.monotonic`)."""

    peer: bytes
    request: Request
    at: float


class Requests:
    """Answers what is asked, until it is closed."""

    def __init__(self, front: Front, store: Store, replica: Replica, streams: Streams) -> None:
        self._store = store
        self._replica = replica
        self._streams = streams
        self._tasks: set[asyncio.Task[None]] = set()
        self._front = front
        front.hand(REQUEST, self._take)

    def close(self) -> None:
        """Answer no more."""
        for task in self._tasks:
            task.cancel()

    def _take(self, messages: Sequence[Frames]) -> None:
        asked = list(_asked(messages, time.monotonic()))
        self._write([one for one in asked if one.request.verb not in self._reads])
        for one in asked:
            if one.request.verb in self._reads:
                self._soon(self._read(one, self._reads[one.request.verb](self, one.request)))

    def _write(self, asked: Sequence[Asked]) -> None:
        if not asked:
            return
        writes = [Write(partial(written, request=one.request), one.request.origin) for one in asked]
        for one, outcome in zip(asked, self._store.commit(writes), strict=True):
            self._finish(one, outcome)

    def _finish(self, asked: Asked, outcome: Outcome) -> None:
        request = asked.request
        if not isinstance(outcome, Committed):
            self._reply(asked, Reply(request.id, problem=_problem(request, outcome)))
            return
        concerned: list[Agent] = []
        if outcome.changes:
            concerned = self._streams.publish(outcome.changes, outcome.number)
            if logger.isEnabledFor(logging.INFO):
                _tell(asked, outcome)
        result = self._result(request, outcome.result)
        revision = Revision(self._store.epoch, outcome.number)
        reply = Reply(request.id, result, revision=revision)
        if request.wait is None:
            self._reply(asked, reply)
        else:
            known = {agent.node_id: agent.failures for agent in concerned}
            wait = self._streams.waiting.begin(outcome.number, known)
            self._soon(self._wait(asked, reply, wait))

    async def _wait(self, asked: Asked, reply: Reply, wait: Wait) -> None:
        seconds = (asked.request.wait or 0.0) - (time.monotonic() - asked.at)
        lag = await self._streams.waiting.until(wait, max(0.0, seconds))
        realised = Realised(
            1000 * (time.monotonic() - asked.at),
            lag.hosts,
            tuple(self._reason(node_id, wait.number) for node_id in lag.lagging),
            tuple(failure_sentence(node_id, failure) for node_id, failure in lag.failures),
        )
        self._reply(asked, msgspec.structs.replace(reply, realised=realised))

    def _reason(self, node_id: str, number: int) -> str:
        agent = self._streams.agents.get(node_id)
        if agent is None:
            return f"{node_id}: it is no longer live"
        if agent.state not in ("", "in sync"):
            return f"{node_id}: {agent.state}"
        at = agent.realised.number if agent.realised else "none yet"
        return f"{node_id}: it has not acknowledged revision {number}; its newest is {at}"

    def _result(self, request: Request, rows: Sequence[Row]) -> Any:
        if request.verb != "delete":
            return answer(rows[0], self._replica)
        if request.related:
            return [request.related]
        if request.uuid:
            return [row.uuid for row in rows]
        return plain(rows[0]) if is_described(resource_of(request)) else [plain(r) for r in rows]

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _read(self, asked: Asked, reading: Coroutine[Any, Any, Any]) -> None:
        try:
            reply = Reply(asked.request.id, await reading, revision=self._newest(asked.request))
        except Exception as refusal:
            reply = Reply(asked.request.id, problem=_problem(asked.request, refusal))
        self._reply(asked, reply)

    def _newest(self, request: Request) -> Revision | None:
        """What a host that is told of by `nodes` can have at most; other reads do not say."""
        return Revision(self._store.epoch, self._store.number) if request.verb == "nodes" else None

    async def _show(self, request: Request) -> Answer:
        resource = resource_of(request)
        row = self._replica.get(resource.kind, request.uuid or "")
        if row is None:
            row = self._store.read(partial(found, kind=resource.kind, uuid=request.uuid or ""))
        shown = answer(row, self._replica)
        if isinstance(row, Interface):
            shown["status"] = await interface_status(row, self._streams, self._replica)
        return shown

    async def _list(self, request: Request) -> Answer:
        resource = resource_of(request)
        rows, total = self._page(resource, request)
        items: list[Answer] = []
        for start in range(0, len(rows), SLICE):
            items += (self._item(resource, row) for row in rows[start : start + SLICE])
            await asyncio.sleep(0)
        return envelope(items, total, request.offset, request.limit)

    def _item(self, resource: Resource, row: Row) -> Answer:
        shown = item(resource, row, self._replica)
        if isinstance(row, Interface):
            shown["status"] = places(row, self._streams, self._replica)
        return shown

    async def _nodes(self, _: Request) -> Answer:
        agents = sorted(self._streams.agents.items())
        return {node_id: node_answer(agent, self._replica) for node_id, agent in agents}

    def _page(self, resource: Resource, request: Request) -> tuple[Sequence[Row], int]:
        parent = self._store.read(partial(parent_uuid, resource=resource, request=request))
        if parent is None:
            return self._store.page(resource.kind, request.limit, request.offset)
        rows = below(resource, parent, self._replica)
        return rows[request.offset : request.offset + request.limit], len(rows)

    def _reply(self, asked: Asked, reply: Reply) -> None:
        self._front.send(asked.peer, encode(reply))

    _reads: ClassVar = {"show": _show, "list": _list, "nodes": _nodes}


def _asked(messages: Sequence[Frames], now: float) -> Iterator[Asked]:
    for peer, data in messages:
        try:
            yield Asked(peer, read_request(data), now)
        except msgspec.DecodeError as error:
            logger.warning("A request could not be read, and was left unanswered: %s.", error)


def _problem(request: Request, failure: Exception) -> Problem:
    if isinstance(failure, Taken):
        failure = InvalidArgument(taken_sentence(failure))
    if isinstance(failure, StoreError):
        logger.error("%s %s was not done. %s", request.verb, request.collection, failure)
        failure = Unusable(str(failure))
    if isinstance(failure, RequestRefused):
        return failure.problem()
    logger.error("%s %s failed.", request.verb, request.collection, exc_info=failure)
    return Problem("InternalError", "500", 500, "vnmgr failed; its log says how.")


def taken_sentence(taken: Taken) -> str:
    """Who has what only one may have."""
    declared = attributes(type(taken.row))
    values = " with ".join(
        f"{name} {declared[name].type.show(value)}" for name, value in taken.values.items()
    )
    singular = next(r.singular for r in RESOURCES if r.kind is type(taken.holder))
    interface_uuid = getattr(taken.holder, "interface_uuid", None)
    of = f" of interface {interface_uuid}" if interface_uuid else ""
    return f"{values} belongs to {singular} {taken.holder.uuid}{of} already."


def _tell(asked: Asked, committed: Committed) -> None:
    """Log what a write has done: "revision 7: interface if-inst1 created, and 3 more rows"."""
    request, rows = asked.request, committed.result
    resource, uuids = resource_of(request), ", ".join(row.uuid for row in rows)
    word = str(resource.kind.__struct_config__.tag)
    more = len(committed.changes) - len(rows)
    also = f", and {more} more rows" if more > 0 else ""
    who = f"; asked by {request.origin}" if request.origin else ""
    done = f"{request.verb.removesuffix('e')}ed"
    fields = Fields(
        revision=committed.number,
        owner=f"{word} {uuids}",
        resource=word,
        uuid=uuids,
        verb=request.verb,
        asked_by=request.origin,
        rows=len(committed.changes),
        duration_ms=round(1000 * (time.monotonic() - asked.at), 3),
    )
    sentence = "revision %d: %s %s %s%s%s"
    words = (committed.number, resource.singular, uuids, done, also, who)
    logger.info(sentence, *words, extra=fields)

"""Several vnmgr over one database: what the others write, who they are, and for whom to wait.

    a revision, here ──► "42 concerns vna1" ──Redis──► the others read the log at once
    an agent has it ──► "vna1 has 42" ──Redis──► whoever waits for it (`--wait`)
    each second ──► where I am, and how my agents fare ──Redis, for a few seconds──► `vnctl nodes`

All that must not be lost is in the database. Without Redis, or while it is away, each vnmgr looks
into the revision log once a second, and answers for its own agents; who waits is told that of the
others nothing is known.
"""

import asyncio
import logging
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from openvnet.manager.agents import Agent
from openvnet.manager.registry import PATIENCE_SECONDS, Registry
from openvnet.manager.replica import Replica
from openvnet.manager.status import node_answer
from openvnet.manager.streams import Streams
from openvnet.store.database import Store
from openvnet.store.errors import StoreError
from openvnet.wire.joined import Manager
from openvnet.wire.messages import Failure

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""How often the revision log is looked into, whatever Redis says."""
LIVE_SECONDS = 4
"""How long what a vnmgr says of itself counts."""
TWIN_SECONDS = 6.0
"""How long a node may seem to be live by two vnmgr: one that goes from one to another does."""


class Concerned(msgspec.Struct, frozen=True, tag="concerned"):
    """A vnmgr has a revision, and sent it to these nodes."""

    by: str
    number: int
    nodes: tuple[str, ...]


class Has(msgspec.Struct, frozen=True, tag="has"):
    """A node has acknowledged a revision."""

    by: str
    node_id: str
    number: int
    failures: tuple[Failure, ...]


class Here(msgspec.Struct, frozen=True):
    """A vnmgr that lives."""

    name: str
    managers: tuple[Manager, ...]
    """How it is called; nothing if it is at no TCP port."""
    nodes: dict[str, dict[str, Any]]
    """Its agents, by node id, as `vnctl nodes` shows them."""
    beat: int = 0
    """Another one each time: a Redis whose clock is set back keeps what is said for too long."""


Said = Concerned | Has


class Sharing:
    """What a vnmgr has to do with others. Use it in the loop."""

    def __init__(
        self,
        store: Store,
        replica: Replica,
        streams: Streams,
        managers: tuple[Manager, ...],
        registry: Registry | None,
    ) -> None:
        """`registry` is where Redis is, if there is one."""
        self._store, self._replica, self._streams = store, replica, streams
        self._own, self._registry = managers, registry
        self.name = managers[0].address if managers else f"vnmgr-{secrets.token_hex(3)}"
        self.others: dict[str, Here] = {}
        """The other vnmgr that live, by name."""
        self.twins: dict[str, str] = {}
        """Nodes of which there is another one by another vnmgr, and in words which."""
        self._twins_since: dict[str, float] = {}
        self._beats: dict[str, tuple[int, float]] = {}
        """The last beat of each other vnmgr, and when (of the loop) it was heard first."""
        self._number = 0
        self.away = registry is not None
        """Whether there is to be a Redis, and it is not reached."""
        self._trouble = self._unreadable = ""
        self._known: dict[str, tuple[Manager, ...]] = {}
        self._outbox: asyncio.Queue[Said] = asyncio.Queue(10_000)
        self._loop = asyncio.get_running_loop()
        self._look = self._loop.call_later(LOOK_SECONDS, self._look_again)
        self._task = self._loop.create_task(self._talk(registry)) if registry else None
        streams.sharing = self

    def close(self) -> None:
        """Have nothing to do with them any more."""
        self._look.cancel()
        if self._task:
            self._task.cancel()

    def managers(self, own: tuple[Manager, ...]) -> tuple[Manager, ...]:
        """All vnmgr that agents may call, this one first; one that is away may come back."""
        self._own = own
        return (*own, *(each for name in sorted(self._known) for each in self._known[name]))

    def elsewhere(self) -> Mapping[str, tuple[str, dict[str, Any]]]:
        """The nodes of other vnmgr by node id, each with its vnmgr's name."""
        return {
            node_id: (other.name, node)
            for other in self.others.values()
            for node_id, node in other.nodes.items()
        }

    def published(self, number: int, concerned: list[Agent]) -> None:
        """Tell the others of a revision, which they may not have yet."""
        self._say(Concerned(self.name, number, tuple(agent.node_id for agent in concerned)))

    def acknowledged(self, node_id: str, number: int, failures: tuple[Failure, ...]) -> None:
        """An agent of this vnmgr has a revision; tell whoever may wait for it elsewhere."""
        if self.others:
            self._say(Has(self.name, node_id, number, failures))

    def _say(self, said: Said) -> None:
        if self._registry and not self.away and not self._outbox.full():
            self._outbox.put_nowait(said)

    def _look_again(self) -> None:
        self._look = self._loop.call_later(LOOK_SECONDS, self._look_again)
        self._catch_up()

    def _catch_up(self) -> None:
        try:
            self._store.catch_up()
            self._unreadable = ""
        except StoreError as error:
            if str(error) != self._unreadable:
                logger.error("What other vnmgr wrote cannot be read. %s", error)
            self._unreadable = str(error)

    def _hear(self, said: Said) -> None:
        if said.by == self.name:
            return
        if isinstance(said, Has):
            self._streams.waiting.acknowledged(said.node_id, said.number, said.failures)
            return
        self._streams.waiting.reported(said.by, said.number, said.nodes)
        if said.number > self._store.number:
            self._catch_up()

    async def _talk(self, registry: Registry) -> None:
        """Talk with the others through Redis, for ever; it may come and go."""
        from redis.exceptions import RedisError

        while True:
            redis = registry.client()
            try:
                async with asyncio.TaskGroup() as talking:
                    talking.create_task(self._listen(redis))
                    talking.create_task(self._tell(redis))
                    talking.create_task(self._beat(redis))
            except* (RedisError, OSError, TimeoutError) as group:
                self._lose(registry, group.exceptions[0])
            finally:
                await redis.aclose()
            await asyncio.sleep(LOOK_SECONDS)

    def _lose(self, registry: Registry, error: BaseException) -> None:
        refusal = registry.refusal(error)
        later = "what other vnmgr write comes up to a second later"
        if refusal and refusal != self._trouble:
            logger.error(
                "Redis at %s does not let vnmgr in: %s; %s", registry.where, refusal, later
            )
        elif not self._trouble:
            logger.warning("Redis at %s is away (%s): %s", registry.where, error, later)
        self._trouble, self.away = refusal or "away", True
        for name in self.others:
            self._streams.waiting.unreachable(name)
        while not self._outbox.empty():
            self._outbox.get_nowait()

    async def _listen(self, redis: Any) -> None:
        async with redis.pubsub() as channel:
            await channel.subscribe(self._channel)
            async for message in channel.listen():
                if message["type"] == "message":
                    try:
                        self._hear(_DECODER.decode(message["data"]))
                    except msgspec.DecodeError as error:
                        logger.warning("What another vnmgr said cannot be read: %s.", error)

    async def _tell(self, redis: Any) -> None:
        while True:
            said = await self._outbox.get()
            async with asyncio.timeout(PATIENCE_SECONDS):
                await redis.publish(self._channel, _ENCODER.encode(said))

    async def _beat(self, redis: Any) -> None:
        """Say who is here, and hear who else is; within a time to live, all know."""
        while True:
            now, agents = self._loop.time(), self._streams.agents.items()
            nodes = {name: node_answer(agent, self._replica, now) for name, agent in agents}
            self._number += 1
            here = _ENCODER.encode(Here(self.name, self._own, nodes, self._number))
            async with asyncio.timeout(PATIENCE_SECONDS):
                await redis.set(f"{self._channel}:vnmgr:{self.name}", here, ex=LIVE_SECONDS)
                names = [key async for key in redis.scan_iter(f"{self._channel}:vnmgr:*")]
                said = await redis.mget(names) if names else []
            self._note([_HERE.decode(one) for one in said if one])
            await asyncio.sleep(LOOK_SECONDS)

    def _note(self, said: list[Here]) -> None:
        others = {here.name: here for here in said if here.name != self.name and self._lives(here)}
        for name in self.others.keys() - others:
            logger.warning("The vnmgr %s is no longer live.", name)
            self._streams.waiting.gone_elsewhere(name)
        for name in others.keys() - self.others:
            logger.info("The vnmgr %s is live, over the same database.", name)
        self.others = others
        self._look_for_twins()
        self._known |= {here.name: here.managers for here in others.values() if here.managers}
        if self.away:
            logger.info("Redis is reached; other vnmgr that live: %s", ", ".join(others) or "none")
            self._trouble, self.away = "", False

    def _lives(self, here: Here) -> bool:
        """Whether a vnmgr has said something new lately, by the clock that only goes forward."""
        now = self._loop.time()
        number, since = self._beats.get(here.name, (-1, now))
        if number != here.beat:
            self._beats[here.name] = here.beat, now
            return True
        return now - since < LIVE_SECONDS

    def _look_for_twins(self) -> None:
        """Note which nodes are live twice; each may be the right one, so both are heard."""
        now, found = self._loop.time(), dict(self._seen_twice())
        self._twins_since = {name: self._twins_since.get(name, now) for name in found}
        since = self._twins_since
        twins = {name: why for name, why in found.items() if now - since[name] > TWIN_SECONDS}
        for name in twins.keys() - self.twins.keys():
            logger.error("Two hosts are node %s or have its datapath id: %s", name, twins[name])
        self.twins = twins

    def _seen_twice(self) -> Iterator[tuple[str, str]]:
        elsewhere = [
            (other.name, name, node)
            for other in self.others.values()
            for name, node in other.nodes.items()
        ]
        for mine in self._streams.agents.values():
            for vnmgr, name, node in elsewhere:
                where = f"at {node['address'] or 'an unknown address'}, by vnmgr {vnmgr}"
                if name == mine.node_id:
                    yield name, f"another one is live {where}, with dpid {node['dpid'] or 'none'}"
                elif node["dpid"] is not None and node["dpid"] == mine.listener.dpid:
                    yield mine.node_id, f"{name} has the dpid {node['dpid']}, too, {where}"

    @property
    def _channel(self) -> str:
        return f"openvnet:{self._store.epoch}"


_ENCODER = msgspec.json.Encoder()
_DECODER: msgspec.json.Decoder[Said] = msgspec.json.Decoder(Said)
_HERE = msgspec.json.Decoder(Here)

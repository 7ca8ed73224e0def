"""Changes as they happen: each revision that vnmgr tells of, as server-sent events for many.

    vnmgr ── News of each revision ──► Changes ──► a queue for each reader ──► text/event-stream

A reader begins where it says (Last-Event-ID, or `since`): what it has missed comes from the
revision log, and then it hears what vnmgr tells. Nobody polls. A reader that is too slow is dropped
with a word, and so is each if vnmgr goes away or a revision was lost on the way; whoever comes back
with its Last-Event-ID misses nothing.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from math import inf
from typing import Any, NamedTuple

import msgspec

from openvnet.api.errors import InvalidArgument, Unavailable, nearest, shown
from openvnet.model import KINDS, RESOURCES
from openvnet.wire.messages import News, Problem, Reply, Request, Revision

Call = Callable[[Request], Awaitable[Reply]]

BEAT_SECONDS = 15.0
"""How often a reader is told that the stream lives, if nothing happens."""
MOST_READERS = 500
MOST_BYTES = 4 * 1024 * 1024
"""That wait for a reader; then it is dropped."""
PART = 100
"""Revisions that are read from the log at once."""

_WORDS = {
    **{resource.collection: str(resource.kind.__struct_config__.tag) for resource in RESOURCES},
    **{tag: tag for tag in KINDS},
}
"""The kinds of rows by what people call them."""


class Refusal(Exception):
    """vnmgr refused."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class Wanted(NamedTuple):
    """Which changes are wanted, and from where on."""

    epoch: str | None = None
    since: int | None = None
    before: int | None = None
    kinds: tuple[str, ...] = ()
    uuid: str = ""

    def values(self) -> dict[str, Any]:
        """What vnmgr is asked."""
        return {name: value for name, value in self._asdict().items() if value not in (None, "")}


def wanted(given: Mapping[str, Any], last: str | None = None) -> Wanted:
    """Read `since`, `before`, `kind` and `uuid`; `last`, the Last-Event-ID, beats `since`."""
    for name in given:
        if name not in ("since", "before", "kind", "uuid", "limit"):
            hint = nearest(name, ("since", "before", "kind", "uuid", "limit"))
            raise InvalidArgument(f"{shown(name)} is nothing that changes are chosen by.{hint}")
    if "since" in given and "before" in given:
        raise InvalidArgument("Give since or before, not both.")
    name, place = ("Last-Event-ID", last) if last else ("since", given.get("since"))
    epoch, since = _place(name, place)
    before_epoch, before = _place("before", given.get("before"))
    kinds = tuple(_kinds(given.get("kind", "")))
    return Wanted(epoch or before_epoch, since, before, kinds, _uuid(given.get("uuid", "")))


def _place(name: str, given: str | None) -> tuple[str | None, int | None]:
    """A revision: its number, or its epoch, a slash and its number."""
    if given is None:
        return None, None
    epoch, _, number = given.rpartition("/")
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        reason = "must be a revision: a number, or epoch/number as answers have it"
        raise InvalidArgument(f"{name} {shown(given)}: {reason}.")
    return epoch or None, int(number)


def _kinds(given: str) -> Iterator[str]:
    for word in filter(None, given.split(",")):
        if word not in _WORDS:
            hint = nearest(word, _WORDS) or f" Known are {', '.join(_WORDS)}."
            raise InvalidArgument(f"kind {shown(word)}: there is no such resource.{hint}")
        yield _WORDS[word]


def _uuid(given: str) -> str:
    if given and not (given.isascii() and given.replace("-", "").isalnum() and len(given) <= 24):
        raise InvalidArgument(f"uuid {shown(given)}: must be a uuid such as nw-test1.")
    return given


class Reader:
    """One who reads the stream, and what waits for it."""

    def __init__(self, who: Mapping[str, Any]) -> None:
        self.hears: str = who["hears"]
        """The word that stands for it among those who may hear of a change."""
        self.token: str | None = who["token_uuid"]
        self.expires_at: float | None = who["expires_at"]
        self.waiting: deque[tuple[dict[str, Any], int]] = deque()
        self.bytes = 0
        self.dropped = ""
        """Why it hears no more."""
        self.news = asyncio.Event()

    def put(self, told: dict[str, Any], size: int) -> None:
        """Let a revision wait, unless too much waits already."""
        self.waiting.append((told, size))
        self.bytes += size
        if self.bytes > MOST_BYTES:
            self.drop("You read too slowly.")
        self.news.set()

    def drop(self, why: str) -> None:
        """Tell it no more."""
        self.waiting.clear()
        self.bytes = 0
        self.dropped = why
        self.news.set()

    def seconds_left(self) -> float:
        """How long its token is good."""
        return inf if self.expires_at is None else max(0.0, self.expires_at - time.time())

    def take(self) -> list[dict[str, Any]]:
        """All that waits."""
        told = [told for told, _ in self.waiting]
        self.waiting.clear()
        self.bytes = 0
        self.news.clear()
        return told


class Changes:
    """The readers, and what vnmgr tells them."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._readers: set[Reader] = set()
        self._open = 0
        self._at: Revision | None = None
        """The newest revision that was heard; None while vnmgr is not heard."""
        self._beginning = asyncio.Lock()
        self._ended = False

    def hear(self, news: News | None) -> None:
        """Take what vnmgr tells; None: it is gone."""
        if news is None:
            self._lose("vnmgr is away.")
        elif self._at is None:
            return
        elif (self._at.epoch, self._at.number) != (news.revision.epoch, news.previous):
            self._lose("A revision was lost on the way.")
        else:
            self._at = news.revision
            if self._readers:
                size = len(msgspec.json.encode(news.told))
                for reader in list(self._readers):
                    if reader.token in news.ended:
                        reader.drop("Your token was revoked.")
                    elif told := _heard(news, reader.hears):
                        reader.put(told, size)

    def close(self) -> None:
        """End all streams."""
        self._ended = True
        self._lose("webapi ends.")

    def _lose(self, why: str) -> None:
        self._at = None
        for reader in self._readers:
            reader.drop(why)

    async def _begin(self) -> Revision:
        """Hear vnmgr, if it is not heard; the newest revision."""
        async with self._beginning:
            if self._at is None:
                reply = await self._call(Request(0, "hear"))
                if reply.revision is None:
                    raise Unavailable("vnmgr does not tell of changes; is it of an older release?")
                self._at = reply.revision
            return self._at

    async def part(self, wanted: Wanted, limit: int) -> dict[str, Any]:
        """A part of the revision log; raise Refusal."""
        reply = await self._call(Request(0, "changes", values=wanted.values(), limit=limit))
        if reply.problem:
            raise Refusal(reply.problem)
        result: dict[str, Any] = reply.result
        return result

    async def stream(self, wanted: Wanted) -> AsyncIterator[str]:
        """The events for one reader; raise Refusal or Unavailable at once if there can be none."""
        if self._open >= MOST_READERS:
            raise Unavailable(f"{MOST_READERS} streams are open already.")
        newest = await self._begin()
        if wanted.since is None:
            wanted = wanted._replace(epoch=newest.epoch, since=newest.number)
        first = await self.part(wanted, PART)
        reply = await self._call(Request(0, "whoami"))
        if reply.problem:
            raise Refusal(reply.problem)
        return self._events(wanted, first, Reader(reply.result))

    async def _events(
        self, wanted: Wanted, part: dict[str, Any], reader: Reader
    ) -> AsyncIterator[str]:
        self._open += 1
        try:
            yield f"retry: 2000\nid: {part['epoch']}/{wanted.since}\n\n"
            while True:
                for told in part["items"]:
                    yield _event(part["epoch"], _matching(told, wanted) or told)
                wanted = wanted._replace(epoch=part["epoch"], since=part["through"])
                newest = self._at or Revision(part["epoch"], part["newest"])
                if newest.number <= part["through"]:
                    break
                part = await self.part(wanted, PART)
            if self._at is None or self._ended:
                reader.drop("vnmgr is away.")
            self._readers.add(reader)
            async for text in self._live(reader, part["epoch"], wanted):
                yield text
        except (Refusal, Unavailable) as failure:
            yield _dropped(str(failure))
        finally:
            self._open -= 1
            self._readers.discard(reader)

    async def _live(self, reader: Reader, epoch: str, wanted: Wanted) -> AsyncIterator[str]:
        at = wanted.since
        while not reader.dropped:
            try:
                left = reader.seconds_left()
                async with asyncio.timeout(min(BEAT_SECONDS, left)):
                    await reader.news.wait()
            except TimeoutError:
                if left <= BEAT_SECONDS:
                    reader.drop("Your token has expired.")
                    break
                yield f": nothing new\nid: {epoch}/{at}\n\n"
            for told in reader.take():
                at = told["revision"]
                if matching := _matching(told, wanted):
                    yield _event(epoch, matching)
        yield _dropped(reader.dropped)


def _heard(news: News, hears: str) -> dict[str, Any] | None:
    """What a reader may hear of a revision; None if it is nothing."""
    if all(hears in audience for audience in news.audiences):
        whole = not any(
            len(set(audience) - {"admin", "operator"}) > 1 for audience in news.audiences
        )
        if whole:
            return news.told
    told = zip(news.told["changes"], news.audiences, strict=True)
    changes = [_side(change, hears) for change, audience in told if hears in audience]
    return {**news.told, "changes": changes} if changes else None


def _side(change: dict[str, Any], hears: str) -> dict[str, Any]:
    """A change as a project hears it: of what came from another one, or went there, its side."""
    if hears in ("admin", "operator"):
        return change
    sides = {
        name: None if (change[name] or {}).get("project_uuid", hears) != hears else change[name]
        for name in ("before", "after")
    }
    return {**change, **sides}


def _matching(told: dict[str, Any], wanted: Wanted) -> dict[str, Any] | None:
    """A revision with those changes that are wanted; None if none is."""
    changes = [
        change
        for change in told["changes"]
        if (not wanted.kinds or change["kind"] in wanted.kinds)
        and (not wanted.uuid or wanted.uuid in _named(change))
    ]
    return {**told, "changes": changes} if changes else None


def _named(change: dict[str, Any]) -> Iterator[Any]:
    yield change["uuid"]
    for row in (change["before"], change["after"]):
        yield from (row or {}).values()


def _event(epoch: str, told: dict[str, Any]) -> str:
    text = msgspec.json.encode(told).decode()
    return f"id: {epoch}/{told['revision']}\nevent: revision\ndata: {text}\n\n"


def _dropped(why: str) -> str:
    words = f"{why} Come back with your Last-Event-ID, and you miss nothing."
    return f"event: dropped\ndata: {msgspec.json.encode({'message': words}).decode()}\n\n"

"""Flows into the switch: one atomic bundle per change, and each refusal traced to its flow.

    open  add add add ... delete ...  barrier        commit
      │     ✗ errors come by xid ──────────┘ none of them fails the commit

An add that the switch refuses costs only itself: by the barrier's reply we know which were refused;
what stood at their places is deleted in the same bundle (it is not wanted any more), and the rest
is committed. If the commit itself fails, its error names the message that did it by xid: that one
is refused too and all is tried once more without it. A switch that keeps failing commits (a full
table does so for each flow beyond its limit) gets the flows one by one instead.

Open vSwitch discards a bundle that is idle for 10 s: nothing here waits for anybody but the switch.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import NamedTuple

import msgspec

from openvnet.openflow import messages
from openvnet.openflow.connection import Connection
from openvnet.openflow.desired import DesiredFlows, short
from openvnet.openflow.encoding import encode, places_of
from openvnet.openflow.errors import Refusal, UnencodableFlow
from openvnet.openflow.failures import read_error
from openvnet.pipeline.flow import Flow

FIRST_SLICE, SLICE = 32, 512
"""Flows that are encoded before the switch gets them: few at first, so that it begins early; then
twice as many each time, up to as many as may be encoded before anybody else gets a turn."""

BUNDLES = 4
"""How often a change is tried as a bundle before its flows are sent one by one."""

COLLISION = "its cookie is already that of a different flow"


class Refused(msgspec.Struct, frozen=True):
    """A flow that is not in the switch, and why, in words."""

    flow: Flow
    reason: str


class Change(msgspec.Struct, frozen=True):
    """What to do to the switch's flows."""

    add: Sequence[Flow] = ()
    delete: Collection[int] = ()
    """Cookies."""
    clear: Collection[bytes] = ()
    """Places: whatever flow is there goes."""


class Sent(NamedTuple):
    """The cookies and places, in short, of flows, in their order; 0 for those with no encoding."""

    cookies: list[int]
    places: list[int]


class FlowWriter:
    """Writes changes to one switch, one after the other; the caller sees to that."""

    def __init__(self, connection: Connection, desired: DesiredFlows) -> None:
        self.connection, self.desired = connection, desired
        self._errors: dict[int, Refusal] = {}

    def take_error(self, xid: int, body: bytes) -> None:
        """An error that answers no question, and so is about something that was written."""
        self._errors[xid] = read_error(body)

    async def write(self, change: Change) -> tuple[Refused, ...]:
        """Make a change and note it in `desired`; returns what the switch did not take."""
        refused: dict[Flow, str] = {}
        for _ in range(BUNDLES):
            if await self._bundle(change, refused):
                return tuple(Refused(*pair) for pair in refused.items())
        await self._one_by_one(change, refused)
        return tuple(Refused(*pair) for pair in refused.items())

    async def _bundle(self, change: Change, refused: dict[Flow, str]) -> bool:
        """Try once. Whether it is done; if not, `refused` has grown or the switch is in trouble."""
        add = _without(change.add, refused)
        bundle = self._take_xids(len(add) + 1)
        opened = self.connection.answer(bundle)
        self.connection.write(messages.bundle_control(bundle, bundle, messages.OPEN))
        sent = await self._send(add, bundle + 1, refused, bundle)
        collided = self.desired.collisions(*sent)
        if collided:
            refused.update((add[position], COLLISION) for position in collided)
            self.connection.write(self._control(bundle, messages.DISCARD))
            return False
        await self._send_deletions(change, sent, bundle)
        await self.connection.barrier()
        opened.result()
        self._collect(add, bundle + 1, refused)
        await self._send_deletions(Change(delete=self._stale(refused)), sent, bundle)
        if not await self._commit(bundle):
            self._collect(add, bundle + 1, refused)
            return False
        self._note(change, sent, add, refused)
        return True

    async def _commit(self, bundle: int) -> bool:
        try:
            await self.connection.ask(self._control(bundle, messages.COMMIT))
        except Refusal:
            return False
        return True

    async def _one_by_one(self, change: Change, refused: dict[Flow, str]) -> None:
        add = _without(change.add, refused)
        first = self._take_xids(len(add) + 1)
        sent = await self._send(add, first, refused)
        await self._send_deletions(change, sent)
        await self.connection.barrier()
        self._collect(add, first, refused)
        await self._send_deletions(Change(delete=self._stale(refused)), sent)
        await self.connection.barrier()
        self._note(change, sent, add, refused)

    def _take_xids(self, count: int) -> int:
        self._errors.clear()
        return self.connection.xids(count)

    def _control(self, bundle: int, kind: int) -> bytes:
        return messages.bundle_control(self.connection.xids(), bundle, kind)

    async def _send(
        self, add: Sequence[Flow], first: int, refused: dict[Flow, str], bundle: int | None = None
    ) -> Sent:
        sent = Sent([], [])
        await self._send_all(_additions(add, first, refused, sent, bundle))
        return sent

    async def _send_deletions(self, change: Change, sent: Sent, bundle: int | None = None) -> None:
        """Delete, but not what was just sent: an add with an old cookie is that flow, kept."""
        if not change.delete and not change.clear:
            return
        kept = set(sent.cookies)
        doomed = [cookie for cookie in change.delete if cookie not in kept]
        first = self.connection.xids(len(doomed) + len(change.clear))
        await self._send_all(_deletions(doomed, change.clear, first, bundle))

    async def _send_all(self, octets: Iterable[bytes]) -> None:
        """Send messages in slices, so that the switch begins while we go on, and others get on."""
        rest, size = iter(octets), FIRST_SLICE
        while part := list(islice(rest, size)):
            self.connection.write(b"".join(part))
            if len(part) == SLICE:
                await self.connection.drain()
            size = min(2 * size, SLICE)

    def _collect(self, add: Sequence[Flow], first: int, refused: dict[Flow, str]) -> None:
        for xid, error in self._errors.items():
            if first <= xid < first + len(add):
                refused.setdefault(add[xid - first], str(error))

    def _stale(self, refused: Iterable[Flow]) -> list[int]:
        """The cookies of what was wanted at the places of refused flows."""
        cookies = map(self.desired.cookie_at, places_of(refused))
        return [cookie for cookie in cookies if cookie is not None]

    def _note(
        self, change: Change, sent: Sent, add: Sequence[Flow], refused: dict[Flow, str]
    ) -> None:
        kept = set(sent.cookies) if change.delete else set()
        self.desired.drop(cookie for cookie in change.delete if cookie not in kept)
        self.desired.drop(self._stale(refused))
        for cookie, place, flow in zip(sent.cookies, sent.places, add, strict=True):
            if not refused or flow not in refused:
                self.desired.put(cookie, place, flow)


def _without(flows: Sequence[Flow], refused: dict[Flow, str]) -> Sequence[Flow]:
    return [flow for flow in flows if flow not in refused] if refused else flows


def _additions(
    flows: Sequence[Flow], first: int, refused: dict[Flow, str], sent: Sent, bundle: int | None
) -> Iterator[bytes]:
    for xid, flow in enumerate(flows, first):
        try:
            cookie, place, instructions = encode(flow)
        except UnencodableFlow as error:
            refused[flow] = str(error)
            cookie, place = 0, b""
        else:
            if bundle is None:
                yield messages.flow_add(xid, cookie, place, instructions)
            else:
                yield messages.bundled_flow_add(bundle, xid, cookie, place, instructions)
        sent.cookies.append(cookie)
        sent.places.append(short(place))


def _deletions(
    cookies: Collection[int], places: Collection[bytes], first: int, bundle: int | None
) -> Iterator[bytes]:
    by_cookie = (messages.flow_delete(first + at, cookie) for at, cookie in enumerate(cookies))
    strictly = (
        messages.flow_delete_strict(first + len(cookies) + at, place)
        for at, place in enumerate(places)
    )
    for deletion in chain(by_cookie, strictly):
        yield deletion if bundle is None else messages.bundled(bundle, deletion)

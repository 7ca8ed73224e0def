"""The flows of one bridge, made and kept as they should be.

All that writes takes turns, and nothing that is heard of meanwhile is judged before the turn ends:
what was desired when a report arrived may not be what is desired now.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

import msgspec

from openvnet.openflow import messages, replies
from openvnet.openflow.connection import Connection
from openvnet.openflow.decoding import ports_named
from openvnet.openflow.desired import DesiredFlows, short
from openvnet.openflow.drops import DropCounts
from openvnet.openflow.encoding import cookie_of, encode, place_of, places_of
from openvnet.openflow.errors import Disconnected, OpenFlowError, UnencodableFlow
from openvnet.openflow.healing import Damage, Drift, Patience, damage
from openvnet.openflow.learning import Learning
from openvnet.openflow.replies import ActualFlow, FlowUpdate
from openvnet.openflow.writing import COLLISION, SLICE, Change, FlowWriter, Refused
from openvnet.pipeline.flow import LEARNED, Flow
from openvnet.reconcile import Difference, difference

SOON_SECONDS = 0.02
"""A switch without flows has answered by then; one with many is not waited for with hands idle."""

TOLD_AT_ONCE = 64
"""Drifts that are put into words before anybody else gets a turn: there may be very many."""


class Written(msgspec.Struct, frozen=True):
    """What a write did: numbers of flows, and those that are not in the switch."""

    added: int = 0
    removed: int = 0
    refused: tuple[Refused, ...] = ()


class Wanted(NamedTuple):
    """Desired flows and their places, in short, by cookie, and those that cannot be."""

    flows: dict[int, Flow]
    places: dict[int, int]
    learning: Learning
    refused: list[Refused]


class BridgeFlows:
    """See `driver.Switch`, whose methods these are."""

    def __init__(
        self,
        connection: Connection,
        on_drift: Callable[[Drift], None],
        on_drops: Callable[[Mapping[str, int]], None],
    ) -> None:
        self._connection, self._on_drift, self._on_drops = connection, on_drift, on_drops
        self._desired = DesiredFlows()
        self._writer = FlowWriter(connection, self._desired)
        self._turn = asyncio.Lock()
        self._sweep, self._living = False, frozenset[int]()
        self._reconciled = False
        self._reports: dict[bytes, FlowUpdate] = {}
        self._reports_lost = self._port_lost = False
        self._patience = Patience()
        self._drops = DropCounts()
        self._healing: asyncio.Task[None] | None = None

    async def reconcile(
        self, desired: Iterable[Flow], sweep: bool, ports: Collection[int]
    ) -> Written:
        """Write the difference between what is desired and what the bridge has."""
        async with self._turn:
            self._sweep, self._living, self._reconciled = sweep, frozenset(ports), True
            self._desired.clear()
            asked = self._ask_flows()
            if await self._is_empty(asked):  # It has just started, so guests wait.
                self._on_drops(self._drops.more({}, ()))
                return await self._write(Change(tuple(desired)))
            wanted = await _wanted(desired)
            actual = await self._read_flows(asked)
            found = self._compare(
                wanted.flows,
                actual,
                lambda flow: wanted.learning.taught(flow) and not self._names_gone_port(flow),
            )
            self._on_drops(self._drops.more(wanted.flows, actual))
            for cookie, flow in wanted.flows.items():
                if cookie in found.present:
                    self._desired.put(cookie, wanted.places[cookie], flow)
            return await self._settle(found, actual, tuple(wanted.refused))

    async def write(self, add: Collection[Flow], remove: Collection[Flow]) -> Written:
        """Add, or replace, and remove flows; remember that."""
        async with self._turn:
            replaced = {flow.key for flow in add} if remove else set()
            doomed = with_cookies(flow for flow in remove if flow.key not in replaced)
            return await self._write(Change(tuple(add), tuple(cookie for cookie, _ in doomed)))

    async def audit(self, slice: int, of: int) -> Written:
        """Compare one slice with what is desired, and heal and report what differs."""
        async with self._turn:
            return await self._audit(slice, of)

    async def _audit(self, slice: int, of: int) -> Written:
        actual = await self._read_flows(self._ask_flows(slice, of - 1))
        desired = self._desired.slice(slice, of)
        self._on_drops(self._drops.more(desired, actual, slice, of))
        found = self._compare(desired, actual, self._desired.learning.taught)
        damages = tuple(_damages(found, actual))
        written = await self._settle(found, actual)
        await self._report(damages, written)
        return written

    async def _settle(
        self,
        found: Difference[int, Flow, ActualFlow],
        actual: Sequence[ActualFlow],
        impossible: tuple[Refused, ...] = (),
    ) -> Written:
        """Write a difference; what stands at the places of refused flows goes too."""
        written = await self._write(_change(found))
        refused = (*impossible, *written.refused)
        if refused:
            there = {flow.place for flow in actual}
            places = [place for place in places_of(each.flow for each in refused) if place in there]
            await self._write(Change(clear=[at for at in places if not self._desired.at(at)]))
        return Written(written.added, written.removed, refused)

    async def _write(self, change: Change) -> Written:
        if not change.add and not change.delete and not change.clear:
            return Written()
        refused = await self._writer.write(change)
        removed = len(change.delete) + len(change.clear)
        return Written(len(change.add) - len(refused), removed, refused)

    def _compare(
        self,
        desired: Mapping[int, Flow],
        actual: Sequence[ActualFlow],
        taught: Callable[[ActualFlow], bool],
    ) -> Difference[int, Flow, ActualFlow]:
        return difference(
            desired,
            (flow for flow in actual if not (flow.cookie & LEARNED and taught(flow))),
            lambda flow: flow.cookie if flow.proven else None,
            self._sweep,
            self._names_gone_port,
        )

    def _names_gone_port(self, flow: ActualFlow) -> bool:
        return not self._living.issuperset(ports_named(flow.place, flow.instructions))

    def _ask_flows(self, cookie: int = 0, mask: int = 0) -> "asyncio.Future[list[bytes]]":
        xid = self._connection.xids()
        answer = self._connection.answer(xid)
        self._connection.write(messages.flow_stats_request(xid, cookie, mask))
        return answer

    async def _is_empty(self, asked: "asyncio.Future[list[bytes]]") -> bool:
        await asyncio.wait({asked}, timeout=SOON_SECONDS)
        return asked.done() and not await self._read_flows(asked)

    async def _read_flows(self, asked: "asyncio.Future[list[bytes]]") -> list[ActualFlow]:
        flows: list[ActualFlow] = []
        for part in await asked:
            flows.extend(replies.read_flow_stats(part))
            await asyncio.sleep(0)
        return flows

    @property
    def count(self) -> int:
        """How many flows are desired and in the switch."""
        return len(self._desired.flows)

    # What the connection brings.

    def take_error(self, xid: int, body: bytes) -> None:
        """An error that answers no question: of something that was being written."""
        self._writer.take_error(xid, body)

    def take_updates(self, updates: Iterable[FlowUpdate]) -> None:
        """What others did. Before the first reconcile it does not matter."""
        if self._reconciled:
            self._reports.update(
                (update.flow.place, update) for update in updates if not self._is_learnt(update)
            )
            self._start_healing()

    def _is_learnt(self, update: FlowUpdate) -> bool:
        """Whether it is no more than learning, which may be very much; told while nothing is being
        written, since then what is desired is what there is.
        """
        return (
            bool(update.flow.cookie & LEARNED)
            and not self._turn.locked()
            and damage(update, self._desired) is None
        )

    def lose_updates(self) -> None:
        """There were more reports than the switch could keep."""
        self._reports_lost = self._reconciled
        self._start_healing()

    def lose_port(self, number: int) -> None:
        """A port is gone: what was learnt, or kept before the first sweep, may name it."""
        if self._reconciled and self._desired.learning:
            xid = self._connection.xids()
            self._connection.write(messages.flow_delete_learned(xid, number))
        self._living -= {number}
        self._port_lost = self._reconciled and not self._sweep
        self._start_healing()

    def stop(self) -> None:
        """The connection is gone."""
        if self._healing is not None:
            self._healing.cancel()

    def _start_healing(self) -> None:
        if self._is_work_left() and self._healing is None:
            self._healing = asyncio.get_running_loop().create_task(self._heal())

    def _is_work_left(self) -> bool:
        return bool(self._reports) or self._reports_lost or self._port_lost

    async def _heal(self) -> None:
        try:
            while self._is_work_left():
                async with self._turn:
                    await self._heal_once()
        except Disconnected:
            pass
        except OpenFlowError as error:
            self._connection.close(f"cannot heal flows: {error}")
        finally:
            self._healing = None

    async def _heal_once(self) -> None:
        if self._port_lost:
            self._port_lost = False
            actual = await self._read_flows(self._ask_flows())
            taught = self._desired.learning.taught
            await self._settle(self._compare(self._desired.flows, actual, taught), actual)
        elif self._reports_lost:
            self._reports_lost, self._reports = False, {}
            await self._audit(0, 1)
        else:
            await self._heal_reported()

    async def _heal_reported(self) -> None:
        reports, self._reports = self._reports, {}
        now = asyncio.get_running_loop().time()
        found = [damage(update, self._desired) for update in reports.values()]
        damages = [each for each in found if each and self._bears(each, now)]
        self._patience.forget(now)
        add = [each.ours for each in damages if each.ours]
        clear = [each.place for each in damages if not each.ours]
        await self._report(damages, await self._write(Change(add, clear=clear)))

    def _bears(self, each: Damage, now: float) -> bool:
        allowed = self._patience.allows(each.place, now)
        if not allowed and self._patience.leaves(each.place, now):
            self._on_drift(each.drift(healed=False))
        return allowed

    async def _report(self, damages: Iterable[Damage], written: Written) -> None:
        refused = {refused.flow for refused in written.refused}
        for number, each in enumerate(damages):
            self._on_drift(each.drift(healed=each.ours not in refused))
            if number % TOLD_AT_ONCE == TOLD_AT_ONCE - 1:
                await asyncio.sleep(0)


async def _wanted(desired: Iterable[Flow]) -> Wanted:
    wanted = Wanted({}, {}, Learning(), [])
    for number, flow in enumerate(desired):
        try:
            cookie, place, _ = encode(flow)
        except UnencodableFlow as error:
            wanted.refused.append(Refused(flow, str(error)))
            continue
        at = short(place)
        if wanted.places.setdefault(cookie, at) != at:
            wanted.refused.append(Refused(flow, COLLISION))
            continue
        wanted.flows[cookie] = flow
        wanted.learning.add(flow)
        if number % SLICE == 0:
            await asyncio.sleep(0)
    return wanted


def with_cookies(flows: Iterable[Flow]) -> Iterator[tuple[int, Flow]]:
    """Flows and their cookies, without those that cannot be encoded: no switch has them."""
    for flow in flows:
        with suppress(UnencodableFlow):
            yield cookie_of(flow), flow


def _change(found: Difference[int, Flow, ActualFlow]) -> Change:
    """Ours go by their cookie, which the switch has an index for; others by their place."""
    extra = [flow for flow, replaced in _extra(found) if not replaced]
    return Change(
        found.missing,
        tuple(flow.cookie for flow in extra if flow.proven),
        tuple(flow.place for flow in extra if not flow.proven),
    )


def _extra(found: Difference[int, Flow, ActualFlow]) -> Iterator[tuple[ActualFlow, bool]]:
    """Extra flows, and whether each is replaced by what is missing."""
    replaced = set(map(place_of, found.missing)) if found.extra else set()
    for flow in found.extra:
        yield flow, flow.place in replaced


def _damages(
    found: Difference[int, Flow, ActualFlow], actual: Sequence[ActualFlow]
) -> Iterator[Damage]:
    there = {flow.place: flow for flow in actual}
    for ours in found.missing:
        _, place, instructions = encode(ours)
        if place in there:
            yield Damage("modified", place, there[place].instructions, ours)
        else:
            yield Damage("deleted", place, instructions, ours)
    for flow, replaced in _extra(found):
        if not replaced:
            yield Damage("added", flow.place, flow.instructions, None)

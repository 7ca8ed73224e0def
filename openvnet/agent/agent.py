"""The agent of one host: news in, changes compiled, differences written, realised revisions out.

    vnmgr ──Snapshot, Update──┐                        ┌─► cache (before anything is written)
                              ├─► inbox ─► changes ─► State ─► Compiler ─► flows ─► switch
    switch ──ports, OVSDB─────┘                        └─► subscriptions ─► vnmgr
                                         Acknowledge ◄── the switch has it

One task takes turns; a turn is all news since the last one, so a burst costs one bundle. Restart,
reconnect and drift are this same path: compute what should be, read what is, write the difference.
Until it has heard from vnmgr all that it may hear of, an agent adds and repairs, but removes
nothing on the ground that a row is missing (`openflow.driver`, sweep).
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from openvnet import __version__
from openvnet.agent.bulk import MANY, bulk, give_back, shared
from openvnet.agent.cache import KINDS, Cache
from openvnet.agent.failures import failures
from openvnet.agent.guests import Guests
from openvnet.agent.inbox import (
    Connected,
    Disconnected,
    GuestHeard,
    Identities,
    Inbox,
    News,
    PortStatus,
    bridge_changes,
    effective,
    identity_changes,
    snapshot_changes,
    update_changes,
)
from openvnet.agent.measuring import measure, measure_flows
from openvnet.agent.telling import tell
from openvnet.agent.wanted import Wanted
from openvnet.compiler import Compiler, Difference, Feature, Key
from openvnet.features import STRATA
from openvnet.features.interest import Subscription
from openvnet.metrics import Metrics
from openvnet.model.facts import Bridge, Heard, Port, TunnelInterface
from openvnet.model.host import TunnelEnd
from openvnet.model.wanted import Shortfall, Tunnel, TunnelPort
from openvnet.openflow.driver import Drift, PortDescription, Switch, Written
from openvnet.openflow.errors import Disconnected as Lost
from openvnet.openflow.errors import OpenFlowError
from openvnet.pipeline.flow import Flow
from openvnet.pipeline.handlers import Handler
from openvnet.state import Changes, RowKey
from openvnet.uplinks import is_physical
from openvnet.wire.messages import (
    Acknowledge,
    Beat,
    Failure,
    FromAgent,
    Hello,
    Revision,
    Scope,
    Snapshot,
    Subscribe,
    Update,
)
from openvnet.wire.stream import Stream

log = logging.getLogger(__name__)

MOST_LINES = 20
"""Flows of one drift that the log names, at most."""

PATIENCE_SECONDS = 0.5
"""How long a switch that has connected is left as it is, so that vnmgr can say all before it is
read: a switch that is read twice is held up twice, and what it has is as good as it was before."""

RETRY_SECONDS = 1.0

TUNNEL_SECONDS = 2.0
"""How long Open vSwitch may take to make a tunnel port before others hear of what there is."""

SILENT_SECONDS = 2.0
"""How long a switch may owe an answer before it is said that it does not answer."""


class Agent:
    """What one vna knows and does. `take_turns` runs until it is cancelled."""

    def __init__(
        self,
        node_id: str,
        cache: Cache,
        stream: Stream,
        inbox: Inbox,
        *,
        needs_identities: bool,
        is_uplink: Callable[[str], bool] = is_physical,
        strata: Sequence[Sequence[Feature]] = STRATA,
    ) -> None:
        self.node_id = node_id
        self.metrics = Metrics("vna")
        self.inbox = inbox
        self.compiler = Compiler(strata)
        self.served: Switch | None = None
        """The bridge that is connected, also before a turn has heard of it."""
        self.switch: Switch | None = None
        """The same, as turns know it."""
        self.hears_vnmgr = True
        """Whether vnmgr has said something lately; it beats even if it has nothing to say."""
        self.refused_by_vnmgr = ""
        """Why vnmgr does not hear this agent, in words, if it refuses it."""
        self.drift = 0
        """Flows that were found other than they should be, since the start."""
        self._drifts: list[Drift] = []
        self.revision = cache.revision
        """The newest one that State holds."""
        self.realised: Revision | None = None
        """The newest one that is in the switch."""
        self.refused: dict[Key, str] = {}
        """Why the switch refused a flow, by the flow's key."""
        self._cache, self._stream, self._is_uplink = cache, stream, is_uplink
        self._asked = self._answered = self._greeted = 0
        self._greeting = self._lost_place = False
        self._told = ""
        """What vnmgr has been told of its state."""
        self._taken: list[Update] = []
        """What vnmgr said and this turn has taken, for the log."""
        self._read, self._read_by = False, 0.0
        self._needs_identities, self._identities_known = needs_identities, not needs_identities
        self._tunnels_by: float | None = None
        """Until when tunnel ports are waited for that are not there yet."""
        self.swept = False
        """Whether what is not desired has been removed from the connected switch."""
        self.switch_was_empty = False
        """Whether a switch had none of our flows when it connected: it has just started."""
        self.wanted = Wanted()
        self.tunnels_came = asyncio.Event()
        """Set when there are tunnels that were not there before."""
        self.guests = Guests(self.wanted, inbox, self._send)
        self.on_wanted: Callable[[], None] = lambda: None
        """Called when what OVSDB must have may have changed."""
        self._acknowledged: tuple[Revision | None, tuple[Failure, ...]] | None = None
        rows, cache.rows = shared(cache.rows), {}
        with bulk():
            self.wanted.take(self.compiler.apply(rows))

    @property
    def in_sync(self) -> bool:
        """Whether vnmgr has said all that this host may hear of, at least once."""
        return 0 < self._asked == self._answered

    @property
    def state(self) -> str:
        """How the agent fares, in words."""
        if self.switch is None:
            return "no switch is connected"
        if self.switch.silent > SILENT_SECONDS:
            return "the switch does not answer"
        if self.refused_by_vnmgr:
            return f"refused by vnmgr: {self.refused_by_vnmgr}"
        if not self.hears_vnmgr:
            return "vnmgr is silent"
        return "in sync" if self.in_sync else "waiting for vnmgr"

    async def take_turns(self) -> None:
        """Take news and realise it, for ever."""
        while True:
            try:
                await self._turn(await self.inbox.take())  # Kept by no name: it may be all rows.
            except OpenFlowError as error:
                log.warning("the switch did not take what is desired: %s", error)
                self._read = False  # What it has now must be read before more is written.
                asyncio.get_running_loop().call_later(RETRY_SECONDS, self.inbox.wake)

    def beat(self) -> None:
        """Tell vnmgr that this agent lives, and how it fares."""
        self._told = self.state
        self._send(Beat(self.revision, self._told, self.drift, time.time()))

    def refuse(self, why: str) -> None:
        """Note that vnmgr does not hear this agent; what is known stays in force."""
        if why != self.refused_by_vnmgr:
            log.error("vnmgr refuses this vna: %s What is known stays in force.", why)
        self.refused_by_vnmgr = why

    def say_hello(self) -> None:
        """Tell vnmgr who this is and what it must hear of; a snapshot will follow."""
        self._asked += 1
        self._greeted, self._greeting, self._lost_place = self._asked, True, False
        self._acknowledged = None
        self.guests.begin()
        roots = tuple(
            Scope(output.kind, output.name)
            for output in self.compiler.all()
            if isinstance(output, Subscription)
        )
        dpid = self.dpid
        log.info("hello to vnmgr: node %s, bridge %s, %d roots", self.node_id, dpid, len(roots))
        self._send(Hello(self.node_id, dpid, self.revision, self._asked, roots, __version__))

    def port(self, described: PortDescription) -> Port:
        """The fact of a port: what the switch says of it, and whether it is the host's own."""
        name = described.name
        uplink, mac_address = self._is_uplink(name), described.mac_address
        return Port(name, described.number, described.up, uplink, mac_address)

    def failures(self) -> Iterator[Failure]:
        """What is not as rows ask for, and why."""
        return failures(self.compiler, self.refused, self.wanted.of(Shortfall))

    def found_drift(self, drift: Drift) -> None:
        """Count and report a flow that somebody else changed; there may be very many at once."""
        self.drift += 1
        if not self._drifts:
            asyncio.get_running_loop().call_soon(self._tell_drifts)
        self._drifts.append(drift)

    def _tell_drifts(self) -> None:
        for drift in self._drifts[:MOST_LINES]:
            healed = "healed" if drift.healed else "left alone, since healing it does not last"
            log.warning("drift: %s in %s: %s; %s", drift.what, drift.table, drift.text, healed)
        if len(self._drifts) > MOST_LINES:
            log.warning("drift: and %d more flows", len(self._drifts) - MOST_LINES)
        self._drifts = []

    def _send(self, message: FromAgent) -> None:
        self._stream.send(message)

    async def _turn(self, news: Iterable[News]) -> None:
        laps = [time.perf_counter()]
        dpid_before = self.dpid
        changes = self._take(news)
        del news  # It may be all rows.
        self._keep(changes)
        laps.append(time.perf_counter())
        if len(changes) > MANY:
            changes = shared(changes)
            with bulk():
                difference = self.compiler.apply(changes)
        else:
            difference = self.compiler.apply(changes)
        laps.append(time.perf_counter())
        if self._lost_place or self.dpid != dpid_before:
            self.say_hello()
        else:
            self._subscribe(difference)
        wanted = self.wanted.take(difference)
        known = self.switch is not None and self.in_sync and self._identities_known
        self.guests.report(wanted, known=known)
        written = await self._realise(difference)
        if any(type(output) is Tunnel for output in wanted.add):
            self.tunnels_came.set()
        heard: Iterable[Heard] = self.compiler.state.rows.get(Heard, {}).values()
        self.guests.take(wanted, heard, realised=self.realised is not None)
        if any(type(output) is TunnelPort for output in (*wanted.add, *wanted.remove)):
            self.on_wanted()
        laps.append(time.perf_counter())
        self._acknowledge()
        laps.append(time.perf_counter())
        updates, self._taken = self._taken, []
        if changes or updates:
            measure(self.metrics, laps, len(updates))
        if written:
            measure_flows(self.metrics, written)
        tell(self.node_id, self.revision, updates, written, 1000 * (laps[-1] - laps[0]))
        if self.state != self._told:
            self.beat()
        self._tidy()

    @property
    def dpid(self) -> str | None:
        """Of the bridge that is, or was last, connected."""
        bridge = self.compiler.state.rows.get(Bridge, {}).get("bridge")
        return bridge.dpid if bridge else None

    def _take(self, news: Iterable[News]) -> Changes:
        """Fold news, in order, into the changes that make a difference."""
        changes: dict[RowKey, Any] = {}
        for one in news:
            changes.update(self._changes_of(one, changes))
        return effective(changes, self.compiler.state)

    def _changes_of(self, news: News, pending: Changes) -> Changes:
        match news:
            case Connected(switch):
                self.switch, self._read, self.swept, self.refused = switch, False, False, {}
                self._read_by = self._now() + PATIENCE_SECONDS
                asyncio.get_running_loop().call_later(PATIENCE_SECONDS, self.inbox.wake)
                log.info("bridge %s is connected, with %d ports", switch.dpid, len(switch.ports))
                ports = [self.port(port) for port in switch.ports.values()]
                return bridge_changes(switch.dpid, ports, self._known(pending))
            case Disconnected(switch, reason):
                if switch is self.switch:
                    self.switch = self.realised = None
                    log.warning("bridge %s is gone: %s", switch.dpid, reason)
            case PortStatus(port, gone):
                log.info("port %s %s", port.name, "is gone" if gone else f"is number {port.number}")
                return {(Port, port.name): None if gone else port}
            case GuestHeard(interface_uuid, gone):
                return {(Heard, interface_uuid): None if gone else Heard(interface_uuid)}
            case Identities():
                self._identities_known = True
                return identity_changes(news, self._known(pending))
            case Snapshot():
                return self._snapshot_changes(news, pending)
            case Update():
                return self._update_changes(news)
        return {}

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _known(self, pending: Changes) -> list[RowKey]:
        return [*(key for key, _ in self._kept()), *pending]

    def _kept(self) -> Iterator[tuple[RowKey, Any]]:
        """What the cache must hold: rows that vnmgr sent, and facts."""
        for kind in KINDS.values():
            for id, row in self.compiler.state.rows.get(kind, {}).items():
                yield (kind, id), row

    def _snapshot_changes(self, snapshot: Snapshot, pending: Changes) -> Changes:
        if snapshot.serial < self._greeted:
            return {}
        self._greeting = False
        self.revision, self._answered = snapshot.revision, snapshot.serial
        log.info("revision %d: all %d rows", snapshot.revision.number, len(snapshot.rows))
        return snapshot_changes(snapshot.rows, self._known(pending))

    def _update_changes(self, update: Update) -> Changes:
        if self._greeting or self._lost_place:
            return {}
        if update.previous != self.revision:
            log.warning("revision %d does not follow: asking anew", update.revision.number)
            self._lost_place = True
            return {}
        self.revision, self._answered = update.revision, update.serial
        self._taken.append(update)
        return update_changes(update.put, update.remove)

    def _keep(self, changes: Changes) -> None:
        """Put a batch into the cache; the network does not wait for a disk that is full."""
        if changes:
            try:
                self._cache.append(changes, self.revision)
            except OSError as error:
                log.error("the cache does not take revision %s: %s", self.revision, error)

    def _tidy(self) -> None:
        """Drop the past from the cache once there is much of it; when all else is done."""
        try:
            self._cache.tidy(self.revision, self._kept())
        except OSError as error:
            log.error("the cache cannot be written anew: %s", error)

    def _subscribe(self, difference: Difference) -> None:
        add = tuple(_scope(output) for output in difference.add if type(output) is Subscription)
        remove = tuple(
            _scope(output) for output in difference.remove if type(output) is Subscription
        )
        if add or remove:
            self._asked += 1
            self._send(Subscribe(self._asked, add, remove))

    async def _realise(self, difference: Difference) -> Written | None:
        """Bring a difference into the switch, or (once for each connection) all that is desired."""
        if self.switch is None:
            return None
        may_sweep = self.in_sync and self._identities_known
        if not self._read and not may_sweep and self._now() < self._read_by:
            return None
        if self._read and (self.swept or not may_sweep):
            written = await self.switch.write(_flows(difference.add), _flows(difference.remove))
        else:
            numbers = {port.number for port in self.compiler.state.rows.get(Port, {}).values()}
            desired = _flows(self.compiler.all())
            if not self._read:
                await self._limit(self.switch)
            written = await self.switch.reconcile(desired, sweep=may_sweep, ports=numbers)
            self._read, self.swept, self.refused = True, may_sweep, {}
            self.switch_was_empty |= written.added == len(desired)
            if may_sweep:
                log.info("in sync: the switch has all that is desired, and nothing else")
            else:
                log.info(
                    "the switch has all that is known; what is not stays, until vnmgr is heard"
                )
            self.on_wanted()
            self.tunnels_came.set()  # Whatever the switch had learnt may be lost.
            asyncio.get_running_loop().call_soon(give_back)  # What was read, once it is let go.
        for flow in (*difference.remove, *difference.add):
            self.refused.pop(flow.key, None)
        self.refused |= {refusal.flow.key: refusal.reason for refusal in written.refused}
        self.realised = self.revision
        return written

    async def _limit(self, switch: Switch) -> None:
        """Give the bridge the meters of what is handed to this agent, before flows do so."""
        try:
            await switch.limit(list(Handler))
        except Lost:
            raise
        except OpenFlowError as error:
            log.warning("what flows hand to vna is not limited: %s", error)

    def _acknowledge(self) -> None:
        """Tell vnmgr what is realised and what could not be, if that is news.

        A network that needs a new tunnel port is realised when the port is there.
        """
        if self.realised is None or self._awaits_tunnels():
            return
        now = self.realised, tuple(self.failures())
        if now != self._acknowledged and not self._greeting:
            self._acknowledged = now
            self._send(Acknowledge(*now))

    def _awaits_tunnels(self) -> bool:
        """Whether tunnel ports are being made, and it is too early to give up on that."""
        rows = self.compiler.state.rows
        ends, found = rows.get(TunnelEnd, {}), rows.get(TunnelInterface, {})
        awaited = {
            port.name
            for port in self.wanted.of(TunnelPort)
            if port.encapsulation not in ends
            and not (port.name in found and found[port.name].error)
        }
        if not awaited or not self._needs_identities:
            self._tunnels_by = None
            return False
        if self._tunnels_by is None:
            self._tunnels_by = self._now() + TUNNEL_SECONDS
            asyncio.get_running_loop().call_later(TUNNEL_SECONDS, self.inbox.wake)
        return self._now() < self._tunnels_by


def _scope(subscription: Subscription) -> Scope:
    return Scope(subscription.kind, subscription.name)


def _flows(outputs: Iterable[Any]) -> list[Flow]:
    return [output for output in outputs if type(output) is Flow]

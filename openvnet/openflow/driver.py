"""One bridge: its ports, its flows and its counters.

A `Switch` is made for each connection and dies with it: the next one starts from what the bridge
has, whether the bridge, the agent or the wire between them was gone. Set its callbacks as soon as
`listen` hands it over, before anything is awaited; they are called from the event loop and must not
block.
"""

import asyncio
import logging
import socket
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice

from openvnet.openflow import arrivals, messages, replies
from openvnet.openflow import connection as connections
from openvnet.openflow.connection import Connection
from openvnet.openflow.encoding import NICIRA, encode_actions
from openvnet.openflow.errors import OpenFlowError
from openvnet.openflow.flows import BridgeFlows, Written, with_cookies
from openvnet.openflow.healing import Drift
from openvnet.openflow.replies import PortDescription
from openvnet.openflow.writing import Refused
from openvnet.pipeline.flow import CONTROLLER, Action, Flow
from openvnet.pipeline.handlers import Arrival, Handler

__all__ = ["Drift", "PortDescription", "Refused", "Switch", "Written", "listen"]

PIPELINED = 256
"""Requests for counters that are sent before their answers are read."""

_log = logging.getLogger(__name__)


class Switch:
    """One connected bridge. Its methods raise Disconnected once the connection is gone."""

    def __init__(self, connection: Connection) -> None:
        self.dpid = ""
        """The datapath id: `0x` and 16 hexadecimal digits."""
        self.ports: dict[str, PortDescription] = {}
        """By name, and always current."""
        self.on_port: Callable[[PortDescription, bool], None] = lambda *_: None
        """Called with each port that appears, changes or is gone (then True)."""
        self.on_drift: Callable[[Drift], None] = lambda _: None
        """Called with each thing that others did to the flows, when it was undone."""
        self.on_drops: Callable[[Mapping[str, int]], None] = lambda _: None
        """Called with packets that flows have dropped since the last time, by reason."""
        self.on_arrival: Callable[[Arrival], None] = lambda _: None
        """Called with each packet that a flow hands to the agent."""
        self.on_closed: Callable[[str], None] = lambda _: None
        """Called once, with the reason in words."""
        self._connection = connection
        self._flows = BridgeFlows(
            connection, lambda drift: self.on_drift(drift), lambda drops: self.on_drops(drops)
        )

    async def reconcile(
        self, desired: Iterable[Flow], sweep: bool, ports: Collection[int]
    ) -> Written:
        """Make the bridge's flows the desired ones, writing only the difference.

        With `sweep`, all others are removed. Without (while the agent knows only part of what is
        desired), of the others only those go that match or send to a port not among `ports`, the
        numbers of the bridge's ports, or to one that is gone later. From then on, what others
        change is undone and reported.
        """
        return await self._flows.reconcile(desired, sweep, ports)

    async def write(self, add: Collection[Flow], remove: Collection[Flow]) -> Written:
        """Add (or replace) flows and remove others, in one bundle: all of it or, but for the
        flows that the switch refuses, nothing. Sends nothing for nothing.
        """
        return await self._flows.write(add, remove)

    async def audit(self, slice: int, of: int) -> Written:
        """Compare the `slice`th of `of` parts (a power of two) with what is desired, and heal it.

        A dump of all flows holds up the switch; one of 64 parts of 100,000 does so for some 10 ms.
        """
        return await self._flows.audit(slice, of)

    async def limit(self, handlers: Collection[Handler]) -> None:
        """Let the bridge have the meters of handlers, writing only what differs.

        Raises OpenFlowError if it cannot.
        """
        meters = await self._meters()
        for handler in handlers:
            if meters.get(handler) != handler.packets:
                command = messages.METER_MODIFY if handler in meters else messages.METER_ADD
                xid = self._connection.xids()
                meter = messages.meter_mod(xid, command, handler, handler.packets)
                self._connection.write(meter)
        meters = await self._meters()
        if missing := [each.name for each in handlers if meters.get(each) != each.packets]:
            raise OpenFlowError(f"it does not take the meters of {', '.join(missing)}")

    async def _meters(self) -> dict[int, int | None]:
        asked = messages.meter_config_request(self._connection.xids())
        parts = await self._connection.ask(asked)
        return dict(meter for part in parts for meter in arrivals.read_meters(part))

    def send_packet(self, packet: bytes, actions: Iterable[Action], port: int = CONTROLLER) -> None:
        """Let the switch do something with a packet of ours, as if it had come by a port.

        Nobody hears what came of it.
        """
        xid = self._connection.xids()
        self._connection.write(messages.packet_out(xid, encode_actions(actions), packet, port))

    async def counters(self, flows: Iterable[Flow]) -> dict[Flow, int]:
        """Packets that each flow has matched; without those that are not in the switch."""
        counted: dict[Flow, int] = {}
        rest = iter(with_cookies(flows))
        while batch := list(islice(rest, PIPELINED)):
            asked = self._ask_counters([cookie for cookie, _ in batch])
            for (_, flow), answer in zip(batch, asked, strict=True):
                counted.update((flow, found.packets) for found in _flows_of(await answer))
        return counted

    def _ask_counters(self, cookies: Sequence[int]) -> Sequence["asyncio.Future[list[bytes]]"]:
        xid = self._connection.xids(len(cookies))
        answers = [self._connection.answer(xid + at) for at in range(len(cookies))]
        requests = (
            messages.flow_stats_request(xid + at, cookie, messages.ALL_BITS)
            for at, cookie in enumerate(cookies)
        )
        self._connection.write(b"".join(requests))
        return answers

    @property
    def silent(self) -> float:
        """For how many seconds the switch has said nothing, though it owes an answer."""
        return self._connection.silent

    @property
    def flows(self) -> int:
        """How many flows are desired and in the switch."""
        return self._flows.count

    async def port_counters(self, number: int) -> tuple[int, int]:
        """Packets that came from a port, and that went to it; 0 and 0 if there is no such port."""
        asked = messages.port_stats_request(self._connection.xids(), number)
        for part in await self._connection.ask(asked):
            for _, received, sent in replies.read_port_stats(part):
                return received, sent
        return 0, 0

    def close(self, reason: str) -> None:
        """End the connection; the bridge will connect anew."""
        self._connection.close(reason)

    # What the connection brings.

    async def handshake(self) -> None:
        """Become the bridge's controller, and learn its ports; one round trip."""
        early: list[tuple[int, int, bytes]] = []
        self._connection.on_message = lambda *message: early.append(message)
        self._connection.on_closed = self._close
        features, ports, monitor = self._introduce()
        self.dpid = replies.read_features((await features)[0])
        for part in await ports:
            self.ports.update((port.name, port) for port in replies.read_ports(part))
        await monitor
        for message in early:
            self._take(*message)
        self._connection.on_message = self._take

    def _introduce(self) -> list["asyncio.Future[list[bytes]]"]:
        xid = self._connection.xids(6)
        answers = [self._connection.answer(xid + at) for at in range(3)]
        self._connection.write(
            messages.message(messages.FEATURES_REQUEST, xid)
            + messages.port_descriptions_request(xid + 1)
            + messages.flow_monitor_request(xid + 2)
            + messages.set_config(xid + 3)
            + messages.set_packet_in_format(xid + 4)
            + messages.message(messages.BARRIER_REQUEST, xid + 5)
        )
        return answers

    def _take(self, kind: int, xid: int, body: bytes) -> None:
        if kind == messages.ERROR:
            self._flows.take_error(xid, body)
        elif kind == messages.PORT_STATUS:
            self._take_port(*replies.read_port_status(body))
        elif kind == messages.MULTIPART_REPLY:
            self._take_multipart(body)
        elif kind == messages.EXPERIMENTER:
            experimenter, what, rest = replies.read_experimenter(body)
            if (experimenter, what) == (NICIRA, messages.PACKET_IN2):
                self.on_arrival(arrivals.read_packet_in(rest))
            elif (experimenter, what) == (messages.ONF, messages.MONITOR_RESUMED):
                self._flows.lose_updates()

    def _take_port(self, port: PortDescription, gone: bool) -> None:
        if gone:
            self.ports.pop(port.name, None)
            self._flows.lose_port(port.number)
        else:
            self.ports[port.name] = port
        self.on_port(port, gone)

    def _take_multipart(self, body: bytes) -> None:
        part = replies.read_multipart(body)
        if part.kind == messages.EXPERIMENTER_STATS:
            self._flows.take_updates(replies.read_flow_updates(part.body))

    def _close(self, reason: str) -> None:
        self._flows.stop()
        self.on_closed(reason)


async def connect(path: str) -> Switch:
    """A bridge by the unix socket of its management: as somebody beside its controller.

    Raises OSError if nobody is there, and OpenFlowError.
    """
    switch = Switch(await connections.connect(path))
    await switch.handshake()
    return switch


def _flows_of(parts: Iterable[bytes]) -> Iterator[replies.ActualFlow]:
    for part in parts:
        yield from replies.read_flow_stats(part)


async def listen(
    address: tuple[str, int] | str | socket.socket, on_switch: Callable[[Switch], None]
) -> asyncio.Server:
    """Wait for bridges at a TCP host and port, at the path of a unix socket, or on a socket.

    Calls `on_switch` with each one that has connected and introduced itself.
    """
    greeting: set[asyncio.Task[None]] = set()

    async def greet(connection: Connection) -> None:
        switch = Switch(connection)
        try:
            await switch.handshake()
        except OpenFlowError as error:
            _log.warning("a bridge connected and failed: %s", error)
            connection.close(str(error))
        else:
            if not connection.closed:
                on_switch(switch)

    def on_open(connection: Connection) -> None:
        task = asyncio.get_running_loop().create_task(greet(connection))
        greeting.add(task)
        task.add_done_callback(greeting.discard)

    return await connections.listen(address, on_open)

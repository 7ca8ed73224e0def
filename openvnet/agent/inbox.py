"""The one way into an agent: what vnmgr says and what the switch says, in the order it came.

Whoever has news puts it here and goes on; the agent's one task takes all that has come since it
last looked, so that a burst costs one bundle. The functions below turn news into changes of rows.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from openvnet.model import KINDS, Row
from openvnet.model.facts import BondMember, Bridge, Port, PortIdentity, TunnelInterface
from openvnet.openflow.driver import Switch
from openvnet.state import Changes, RowKey, State
from openvnet.wire.messages import Removed, Snapshot, Update


class Connected(NamedTuple):
    """The bridge has connected."""

    switch: Switch


class Disconnected(NamedTuple):
    """A bridge's connection is gone."""

    switch: Switch
    reason: str


class PortStatus(NamedTuple):
    """A port has come, changed or gone."""

    port: Port
    gone: bool


class Identities(NamedTuple):
    """What OVSDB says of ports by name, all of it."""

    iface_ids: Mapping[str, str]
    bonds: Mapping[str, str]
    tunnels: Mapping[str, str]
    """Ports with the names of tunnels', each with what is wrong with it."""


class GuestHeard(NamedTuple):
    """A guest that was to move here has sent something here; or (gone) that is known to all."""

    interface_uuid: str
    gone: bool


News = GuestHeard | Connected | Disconnected | PortStatus | Identities | Snapshot | Update


class Inbox:
    """News in order, taken all at once."""

    def __init__(self) -> None:
        self._news: list[News] = []
        self._waiting = asyncio.Event()

    def put(self, news: News) -> None:
        """Add news; never waits."""
        self._news.append(news)
        self._waiting.set()

    def __len__(self) -> int:
        return len(self._news)

    async def take(self) -> list[News]:
        """All news since the last call, at least one."""
        await self._waiting.wait()
        self._waiting.clear()
        news, self._news = self._news, []
        return news

    def wake(self) -> None:
        """Let `take` return even if there is no news."""
        self._waiting.set()


def bridge_changes(dpid: str, ports: Iterable[Port], known: Iterable[RowKey]) -> Changes:
    """A switch as it is when it connects: its ports, and none of those known before."""
    here: dict[RowKey, Any] = {(Port, port.name): port for port in ports}
    return {**_gone(known, (Port,)), (Bridge, "bridge"): Bridge(dpid), **here}


def identity_changes(found: Identities, known: Iterable[RowKey]) -> Changes:
    """All that OVSDB says of ports now."""
    here: dict[RowKey, Any] = {
        **{(PortIdentity, name): PortIdentity(name, id) for name, id in found.iface_ids.items()},
        **{(BondMember, name): BondMember(name, bond) for name, bond in found.bonds.items()},
        **{(TunnelInterface, name): TunnelInterface(name, e) for name, e in found.tunnels.items()},
    }
    return {**_gone(known, (PortIdentity, BondMember, TunnelInterface)), **here}


def snapshot_changes(rows: Iterable[Row], known: Iterable[RowKey]) -> Changes:
    """A snapshot: what is not in it does not exist."""
    here: dict[RowKey, Any] = {(type(row), row.uuid): row for row in rows}
    return {**_gone(known, tuple(KINDS.values())), **here}


def _gone(known: Iterable[RowKey], kinds: tuple[type, ...]) -> Changes:
    return dict.fromkeys(key for key in known if key[0] in kinds)


def update_changes(put: Iterable[Row], remove: Iterable[Removed]) -> Changes:
    """An update's rows."""
    gone: dict[RowKey, Any] = {(KINDS[removed.kind], removed.uuid): None for removed in remove}
    return {**gone, **{(type(row), row.uuid): row for row in put}}


def effective(changes: Changes, state: State) -> Changes:
    """Those changes that make a difference."""
    return {
        (kind, id): row
        for (kind, id), row in changes.items()
        if state.rows.get(kind, {}).get(id) != row
    }

"""Guests that come to this host and leave it: vnmgr is told, and what listens or speaks for them.

Here ──────────► Present, to vnmgr ◄── speaks ── a guest that was awaited, and has sent something
  └── awaited ─► `agent.moving` listens for it              └─► Heard, until the rows say so
Announcement ──► `agent.announcing`, once the switch has the guest's flows
"""

import asyncio
from collections.abc import Callable, Hashable, Iterable

from openvnet.agent.inbox import GuestHeard, Inbox
from openvnet.agent.wanted import Wanted
from openvnet.compiler import Difference
from openvnet.model.facts import Heard
from openvnet.model.wanted import Announcement, Here
from openvnet.wire.messages import Presence, Present


class Guests:
    """What an agent says of guests, and what it has yet to do for them."""

    def __init__(self, wanted: Wanted, inbox: Inbox, send: Callable[[Present], None]) -> None:
        self.awaited = asyncio.Event()
        """Set when there are guests that are bound here, and known to be elsewhere."""
        self.unannounced: dict[Hashable, Announcement] = {}
        """Those that have come and are not announced yet, by key."""
        self.came = asyncio.Event()
        """Set when there are some, and the switch has their flows."""
        self._wanted, self._inbox, self._send = wanted, inbox, send
        self._told = False
        """Whether vnmgr has been told of all that are here, since the last hello."""

    def begin(self) -> None:
        """Take vnmgr to know nothing of them: it is greeted anew."""
        self._told = False

    def report(self, wanted: Difference, *, known: bool) -> None:
        """Tell vnmgr which are here: all of them once they are known, then news."""
        if self._told:
            here = [output for output in wanted.add if type(output) is Here]
            gone = {output.interface_uuid for output in wanted.remove if type(output) is Here}
            gone -= {output.interface_uuid for output in here}
            if here or gone:
                self._send(Present(_presences(here), tuple(sorted(gone))))
        elif known:
            self._told = True
            self._send(Present(_presences(self._wanted.of(Here)), all=True))

    def take(self, wanted: Difference, heard: Iterable[Heard], *, realised: bool) -> None:
        """Let those that came be announced, and those that are to come be listened for."""
        for output in wanted.add:
            if type(output) is Announcement:
                self.unannounced[output.key] = output
            elif type(output) is Here and output.awaited:
                self.awaited.set()
        if self.unannounced and realised:
            self.came.set()
        self._forget(heard)

    def _forget(self, heard: Iterable[Heard]) -> None:
        """Forget of guests that they were heard here, once all know it."""
        for interface_uuid in (each.interface_uuid for each in heard):
            here = self._wanted.get(Here, ("here", interface_uuid))
            if here is None or not here.awaited:
                self._inbox.put(GuestHeard(interface_uuid, gone=True))

    def speaks(self, here: Here) -> None:
        """Take a guest to be on this host from now on, and tell vnmgr."""
        self._inbox.put(GuestHeard(here.interface_uuid, gone=False))
        if self._told:
            self._send(Present((Presence(here.interface_uuid, here.port_name, speaks=True),)))


def _presences(here: Iterable[Here]) -> tuple[Presence, ...]:
    return tuple(Presence(one.interface_uuid, one.port_name) for one in here)

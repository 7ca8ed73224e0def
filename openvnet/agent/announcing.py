"""Announcing guests that have come: now, and once more, since a frame may be lost (RFC 5227, 3).

Hundreds may come at once, as after a switch has started: they are announced a few at a time, so
that neither the agent nor the LAN is held up.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Hashable, Iterator
from contextlib import suppress

from openvnet.agent.agent import Agent
from openvnet.features.announcing import announced
from openvnet.model.scalars import show_ipv4, show_mac
from openvnet.model.wanted import Announcement
from openvnet.openflow.errors import Disconnected

AGAIN_SECONDS = 2.0
"""Between the two announcements of a guest (ANNOUNCE_INTERVAL)."""

BURST, PAUSE_SECONDS = 10, 0.05
"""So many are sent at once, and then none for so long."""

log = logging.getLogger(__name__)

Repeats = deque[tuple[float, Announcement]]
"""What is to be sent again, and when; the earliest first."""


async def announce_guests(agent: Agent) -> None:
    """Announce guests as they come, for ever."""
    now, repeats = asyncio.get_running_loop().time, Repeats()
    while True:
        with suppress(TimeoutError):
            async with asyncio.timeout_at(repeats[0][0] if repeats else None):
                await agent.guests.came.wait()
        sent = 0
        for told in due(agent.guests.unannounced, repeats, now()):
            _announce(agent, told)
            sent += 1
        if not agent.guests.unannounced:
            agent.guests.came.clear()
        if sent == BURST:
            await asyncio.sleep(PAUSE_SECONDS)


def due(
    first: dict[Hashable, Announcement], repeats: Repeats, now: float
) -> Iterator[Announcement]:
    """What is to be sent now, no more than a burst; those that have not been sent yet go first."""
    for _ in range(BURST):
        if first:
            told = first.pop(next(iter(first)))
            repeats.append((now + AGAIN_SECONDS, told))
            yield told
        elif repeats and repeats[0][0] <= now:
            yield repeats.popleft()[1]


def _announce(agent: Agent, told: Announcement) -> None:
    if agent.switch is None or not agent.wanted.has(told):
        return
    frame, actions = announced(told)
    with suppress(Disconnected):
        agent.switch.send_packet(frame, actions, told.port)
        addresses = show_mac(told.mac_address), show_ipv4(told.ipv4_address)
        log.debug("announced %s, %s, behind port %d", *addresses, told.port)

"""Guests that move here while they run: a guest is here from its first frame on.

Until then it is bound here, silent, and known to be on another host. Flows hand the first frame to
vna (`features.moving`). Some that they do not know may be the first, so the counters of its port
are asked for many times a second, which lasts as long as a migration does and no longer.
"""

import asyncio

from openvnet.agent.agent import Agent
from openvnet.model.host import Attachment
from openvnet.model.wanted import Here
from openvnet.openflow.errors import OpenFlowError

WATCH_SECONDS = 0.05


async def watch_for_guests(agent: Agent) -> None:
    """Tell vnmgr of guests that are heard here, and are known to be elsewhere; for ever."""
    received: dict[str, int] = {}
    while True:
        awaited = [here for here in agent.wanted.of(Here) if here.awaited]
        if not awaited:
            received.clear()
            agent.guests.awaited.clear()
            await agent.guests.awaited.wait()
            continue
        for here in awaited:
            count = await _received(agent, here)
            if count is not None and count > received.setdefault(here.interface_uuid, count):
                agent.guests.speaks(here)
        await asyncio.sleep(WATCH_SECONDS)


def guest_spoke(agent: Agent, interface_uuid: str) -> None:
    """Note that a guest has sent something here."""
    here = agent.wanted.get(Here, ("here", interface_uuid))
    if here is not None and here.awaited:
        agent.guests.speaks(here)


async def _received(agent: Agent, here: Here) -> int | None:
    """How many packets have come from a guest's port; None if that cannot be said."""
    attachment = agent.compiler.state.rows.get(Attachment, {}).get(here.interface_uuid)
    if agent.switch is None or attachment is None:
        return None
    try:
        count, _ = await agent.switch.port_counters(attachment.number)
    except OpenFlowError:
        return None
    return count

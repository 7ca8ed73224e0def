"""Keeping tunnels warm: the first packet to a host shall not wait until Open vSwitch asks for it.

Open vSwitch that makes tunnels in userspace does not send a packet whose way on the underlay it
does not know: it drops it, asks by ARP, and only then sends others. So it is given a packet to drop
as soon as a tunnel is desired, and again now and then, since it forgets what it has not used for a
while. Where the kernel makes the tunnels, these packets get there, which does no harm: they are of
tunnel number 0, which is no network's, and are dropped.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress

from openvnet.agent.agent import Agent
from openvnet.model.wanted import Tunnel
from openvnet.openflow.driver import Switch
from openvnet.openflow.errors import Disconnected
from openvnet.pipeline.fields import tun_dst, tun_id, tun_src
from openvnet.pipeline.flow import Output, write

WARM_SECONDS = 60.0
"""Open vSwitch forgets after fifteen minutes."""

SOON_SECONDS = 0.5
"""After this the first packet is repeated, and then after twice as long, and so on: its question,
or the answer, may have been lost, or Open vSwitch did not know the routes of a new underlay yet."""

PACKET = bytes.fromhex("0200000000ff 0200000000fe 88b5").ljust(60, b"\0")
"""Of the EtherType that is there for experiments (IEEE 802), from nobody to nobody."""


async def keep_warm(agent: Agent) -> None:
    """Warm tunnels as they come, and all of them now and then, for ever."""
    pause = WARM_SECONDS
    while True:
        try:
            async with asyncio.timeout(pause):
                await agent.tunnels_came.wait()
            agent.tunnels_came.clear()
            pause = SOON_SECONDS
        except TimeoutError:
            pause = min(2 * pause, WARM_SECONDS)
        if agent.switch is not None and agent.swept:
            with suppress(Disconnected):  # The agent is told in its next turn.
                warm(agent.switch, agent.wanted.of(Tunnel))


def warm(switch: Switch, tunnels: Iterable[Tunnel]) -> None:
    """Send a packet that means nothing through each tunnel."""
    for tunnel in tunnels:
        way = write(tun_src, tunnel.source), write(tun_dst, tunnel.address), write(tun_id, 0)
        switch.send_packet(PACKET, (*way, Output(tunnel.port)))

"""A private Open vSwitch for figures, and our driver's connection to it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from openvnet.openflow.driver import Switch, listen
from tests.openvswitch import OpenVSwitch


@asynccontextmanager
async def connected(ovs: OpenVSwitch) -> AsyncIterator[Switch]:
    """The switch, connected to this process as its controller."""
    arrived: asyncio.Future[Switch] = asyncio.get_running_loop().create_future()
    server = await listen(("127.0.0.1", 0), arrived.set_result)
    port = server.sockets[0].getsockname()[1]
    await asyncio.to_thread(ovs.connect, f"tcp:127.0.0.1:{port}")
    switch = await asyncio.wait_for(arrived, 10)
    try:
        yield switch
    finally:
        server.close()
        switch.close("measured")

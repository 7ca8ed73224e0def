"""The driver and a real bridge, connected; what the driver reports can be awaited."""

import asyncio
import functools
from contextlib import asynccontextmanager

import uvloop

from openvnet.openflow.driver import listen
from openvnet.pipeline.fields import eth_dst, in_port
from openvnet.pipeline.flow import Flow, Goto, Output, match
from openvnet.pipeline.tables import Table


def in_loop(scenario):
    """A test that is a coroutine, in the event loop that vna has."""

    @functools.wraps(scenario)
    def run(*arguments, **named):
        uvloop.run(asyncio.wait_for(scenario(*arguments, **named), 30))

    return run


class Agent:
    """Switches as they connect, and what the newest one reports."""

    def __init__(self):
        self.switches, self.drifts, self.ports, self.ends = (asyncio.Queue() for _ in range(4))
        self.connected = set()

    def take(self, switch):
        switch.on_drift = self.drifts.put_nowait
        switch.on_port = lambda port, gone: self.ports.put_nowait((port, gone))
        switch.on_closed = lambda reason: self.end(switch, reason)
        self.connected.add(switch)
        self.switches.put_nowait(switch)

    def end(self, switch, reason):
        self.connected.discard(switch)
        self.ends.put_nowait(reason)

    async def switch(self):
        """The next one that connects."""
        return await self.switches.get()


@asynccontextmanager
async def agent_of(ovs):
    agent = Agent()
    path = f"{ovs.directory}/controller"
    server = await listen(path, agent.take)
    ovs.connect(f"unix:{path}")
    try:
        yield agent
    finally:
        server.close()
        for switch in agent.connected:
            switch.close("the test is over")
        while agent.connected:
            await agent.ends.get()


def security(port):
    return Flow(Table.PORT_SECURITY, 100, match(in_port(port)), (Goto(Table.L2_LOOKUP),))


def delivery(mac, port):
    return Flow(Table.L2_LOOKUP, 100, match(eth_dst(mac)), (Output(port),))


def some_flows(count):
    return [delivery(mac, 1 + mac % 200) for mac in range(count)]

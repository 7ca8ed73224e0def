"""A row that cannot be realised costs itself only, and is reported to whoever wrote it."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from openvnet.agent.agent import Agent
from openvnet.agent.cache import Cache
from openvnet.agent.inbox import Inbox
from openvnet.agent.main import listening, serve
from openvnet.features import STRATA
from openvnet.model import Interface
from openvnet.model.host import Attachment
from openvnet.pipeline.fields import in_port
from openvnet.pipeline.flow import Flow, Goto, match
from openvnet.pipeline.tables import Table
from openvnet.wire.stream import Stream
from tests.drivers.bridge import in_loop
from tests.openvswitch import open_vswitch
from tests.vnmgr import DPID, house, ip, mac

pytestmark = pytest.mark.ovs

BAD = "if-2"


def raising(interface, _):
    """A feature with a defect that one row brings out."""
    if interface.uuid == BAD:
        raise ZeroDivisionError("nobody thought of this")
    yield from ()


def refused(attachment, _):
    """A feature of which the switch refuses a flow: a packet cannot go back."""
    if attachment.interface_uuid == BAD:
        back = (Goto(Table.PORT_SECURITY),)
        yield Flow(Table.L2_LOOKUP, 77, match(in_port(attachment.number)), back)


@asynccontextmanager
async def agent_with(feature, directory, ovs):
    """A vna in this loop with one feature more, in sync with its vnmgr and its switch."""
    with listening("127.0.0.1:0") as server:
        ovs.connect(f"tcp:127.0.0.1:{server.getsockname()[1]}")
        stream, cache = Stream(f"ipc://{directory}/agents.sock"), Cache.open(directory / "cache")
        strata = (*STRATA[:-1], (*STRATA[-1], feature))
        agent = Agent("vna", cache, stream, Inbox(), needs_identities=False, strata=strata)
        swept = asyncio.Event()
        agent.on_wanted = swept.set
        serving = asyncio.create_task(serve(agent, stream, server, ""))
        try:
            await asyncio.wait_for(swept.wait(), 10)
            yield agent
        finally:
            serving.cancel()
            await asyncio.wait([serving])
            if agent.switch:
                agent.switch.close("the test is over")
            stream.close()
            cache.close()


CASES = [
    ((Interface, raising), "interface if-2: ZeroDivisionError: nobody thought of this"),
    ((Attachment, refused), "interface if-2: the switch refused a flow"),
]


@pytest.mark.parametrize(("feature", "words"), CASES, ids=["raises", "refused"])
@in_loop
async def test_it_is_reported_to_the_writer_and_costs_its_own_row_only(tmp_path, feature, words):
    with open_vswitch() as ovs, house(tmp_path) as made:
        for number in (1, 2, 3):
            ovs.add_port(f"vm{number}", number)
        async with agent_with(feature, tmp_path, ovs):
            await made.call.create("datapaths", display_name="d", dpid=DPID, node_id="vna")
            await made.call.create("networks", uuid="nw-1", ipv4_network=ip("10.0.0.0"))
            for number in (1, 2, 3):
                reply = await written(made, number)
                assert reply.problem is None
                assert reply.realised.hosts == ("vna",)
                failed = " ".join(reply.realised.failures)
                assert (words in failed) == (number == 2), reply.realised
                assert ovs.dump(f"table=0,in_port={number}")
            reply = await made.call.reply("delete", "interfaces", BAD, wait=5)
            assert reply.realised.failures == ()


async def written(made, number):
    values = {
        "uuid": f"if-{number}",
        "mode": "vif",
        "port_name": f"vm{number}",
        "network_uuid": "nw-1",
        "mac_address": mac(number),
        "ipv4_address": ip("10.0.0.0") + number,
    }
    return await made.call.reply("create", "interfaces", values=values, wait=5)

"""Several vnmgr over one database, with Redis, without it, and while it is away."""

import asyncio
import time
from contextlib import ExitStack, asynccontextmanager

import msgspec
from redis import Redis

from openvnet.configuration.keys import LiveNodes
from openvnet.manager.main import serving
from openvnet.manager.registry import Registry
from openvnet.manager.sharing import LOOK_SECONDS, Here
from openvnet.wire.messages import Request
from tests.databases import server
from tests.vnmgr import DPID, OTHER_DPID, House, guest, ip


@asynccontextmanager
async def two(tmp_path, database, registry=None):
    """Two of them, each with an agent of a datapath of its own; a network is declared."""
    with ExitStack() as closing:
        houses = []
        for name in ("one", "other"):
            (tmp_path / name).mkdir()
            closing.enter_context(serving(database, tmp_path / name, None, None, None, registry))
            houses.append(closing.enter_context(housed(tmp_path / name)))
        one, other = houses
        for uuid, dpid, node_id in (("dp-1", DPID, "vna"), ("dp-2", OTHER_DPID, "vnb")):
            await one.call.create(
                "datapaths", uuid=uuid, display_name=uuid, dpid=dpid, node_id=node_id
            )
        await other.call.create("networks", uuid="nw-1", ipv4_network=ip("10.102.0.0"))
        near = await one.ears("vm1", node_id="vna", dpid=DPID)
        far = await other.ears("vm2", node_id="vnb", dpid=OTHER_DPID)
        yield one, other, near, far


class housed:  # noqa: N801 - a context
    def __init__(self, directory):
        self._closing = ExitStack()
        self._house = House(directory, self._closing)

    def __enter__(self):
        return self._house

    def __exit__(self, *_):
        self._closing.close()


async def until(true, what, seconds=8):
    deadline = time.monotonic() + seconds
    while not await true():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.02)


def test_without_redis_another_vnmgrs_agents_have_a_change_within_a_second_or_so(tmp_path, mariadb):
    async def within():
        async with two(tmp_path, mariadb.database()) as (one, other, _, far):
            await guest(one, 2)
            await far.until(lambda: "if-2" in far.uuids())
            # Who has been told of a revision need not wait for it.
            made = await one.call.reply("create", "networks", values={"ipv4_network": 0})
            asked = Request(0, "show", "networks", made.result["uuid"], seen=made.revision)
            assert (await other.call.rpc.ask(asked)).problem is None

    asyncio.run(within())


def test_who_waits_waits_for_the_agents_of_all_vnmgr_and_is_told_when_redis_is_away(
    tmp_path, mariadb
):
    async def within():
        with server("redis") as redis:
            registry = Registry(LiveNodes(port=redis.port))
            async with two(tmp_path, mariadb.database(), registry) as (one, other, _, far):

                async def known():
                    return (await one.call("nodes"))["vnb"]["alive"]

                await until(known, "the other vnmgr is known")
                assert (await one.call("nodes"))["vnb"]["vnmgr"].startswith("vnmgr-")
                await guest(one, 1)
                values = {
                    "uuid": "if-2",
                    "mode": "vif",
                    "port_name": "vm2",
                    "network_uuid": "nw-1",
                    "mac_address": 0x525400000002,
                    "ipv4_address": ip("10.102.0.2"),
                }
                reply = await one.call.reply("create", "interfaces", values=values, wait=5)
                assert (reply.realised.hosts, reply.realised.lagging) == (("vna", "vnb"), ())
                milliseconds = 0.0
                for name in "abc":
                    asked = {"values": {"display_name": name}, "wait": 5}
                    reply = await one.call.reply("update", "interfaces", "if-2", **asked)
                    assert (reply.realised.hosts, reply.realised.lagging) == (("vnb",), ())
                    milliseconds += reply.realised.milliseconds
                assert milliseconds < 2000 * LOOK_SECONDS, "each would wait for a look of its own"
                assert "if-2" in far.uuids()
                twins = [await each.ears(node_id="twin", dpid=None) for each in (one, other)]
                beating = [asyncio.create_task(twin.beat()) for twin in twins]
                redis.kill()

                async def said():
                    changed = {"display_name": str(time.monotonic())}
                    reply = await one.call.reply(
                        "update", "interfaces", "if-2", values=changed, wait=0.5
                    )
                    return any("vnmgr" in each for each in reply.realised.lagging)

                await until(said, "who waits is told")
                await other.call("delete", "interfaces", "if-2")
                await far.until(lambda: "if-2" not in far.uuids())
                redis.start()
                # As one that died is kept by a Redis whose clock was set back.
                _keep_for_ever(redis, reply.revision.epoch)

                async def whole():
                    changed = {"display_name": str(time.monotonic())}
                    reply = await one.call.reply(
                        "update", "networks", "nw-1", values=changed, wait=2
                    )
                    return not reply.realised.lagging

                await until(whole, "all is as before")

                async def told():
                    found = [(await each.call("nodes"))["twin"]["twin"] for each in (one, other)]
                    return all("another one is live" in each for each in found)

                await until(told, "both say that there are two of it", seconds=12)
                nodes = await one.call("nodes")
                assert [name for name in nodes if nodes[name]["twin"]] == ["twin"]
                for task in beating:
                    task.cancel()

    asyncio.run(within())


def _keep_for_ever(redis, epoch):
    with Redis(port=redis.port) as client:
        ghost = msgspec.json.encode(Here("ghost", (), {}, beat=7))
        client.set(f"openvnet:{epoch}:vnmgr:ghost", ghost)

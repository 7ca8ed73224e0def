"""Where interfaces are whose ports do not say it, as vnmgr writes down what hosts report."""

import asyncio

from openvnet.model import ActiveInterface
from openvnet.wire.messages import Presence, Present
from tests.vnmgr import OTHER_DPID, furnished, guest, house, in_house


async def two_hosts(here, **more):
    """A second datapath, a guest that may be on either, and both agents."""
    await here.call.create(
        "datapaths", uuid="dp-2", display_name="two", dpid=OTHER_DPID, node_id="vnb"
    )
    await guest(here, 1, **more)
    one = await here.ears("vm1")
    return one, await here.ears("vm1", node_id="vnb", dpid=OTHER_DPID)


def places(ears):
    rows = [row for (kind, _), row in ears.rows.items() if kind is ActiveInterface]
    return [(row.interface_uuid, row.datapath_uuid, row.port_name) for row in rows]


def says(ears, *put, remove=(), all=False, speaks=False):
    ears.stream.send(Present(tuple(Presence(uuid, "vm1", speaks) for uuid in put), remove, all))


@in_house
async def test_what_a_host_reports_is_written_and_of_two_the_one_that_heard_the_guest_wins(here):
    one, two = await two_hosts(here)
    says(one, all=True)
    says(one, "if-1")
    await one.until(lambda: places(one) == [("if-1", "dp-1", "vm1")])
    says(two, "if-1")
    await here.call("update", "interfaces", "if-1", values={"display_name": "x"}, wait=5)
    assert places(one) == [("if-1", "dp-1", "vm1")]
    says(two, "if-1", speaks=True)
    await one.until(lambda: places(one) == [("if-1", "dp-2", "vm1")])
    (shown,) = (await here.call("list", "active_interfaces"))["items"]
    assert (shown["interface_uuid"], shown["datapath_uuid"]) == ("if-1", "dp-2")
    says(two, remove=("if-1",))
    await one.until(lambda: places(one) == [("if-1", "dp-1", "vm1")])
    says(one, remove=("if-1",))
    await one.until(lambda: places(one) == [])


@in_house
async def test_what_a_host_says_on_coming_back_is_no_news(here):
    one, two = await two_hosts(here)
    says(one, "if-1", all=True)
    says(two, "if-1", speaks=True)
    await one.until(lambda: places(one) == [("if-1", "dp-2", "vm1")])
    number = one.revision.number
    says(one, "if-1", all=True)
    says(two, "if-1", all=True)
    says(two, all=True)
    await one.until(lambda: places(one) == [("if-1", "dp-1", "vm1")])
    assert one.revision.number == number + 1


@in_house
async def test_a_host_reports_only_what_its_datapath_may_have(here):
    one, two = await two_hosts(here, owner_datapath_uuid="dp-1")
    says(two, "if-1", "if-9", all=True)
    says(one, "if-1")
    await one.until(lambda: places(one) == [("if-1", "dp-1", "vm1")])
    says(two, "if-1", remove=("if-9",))
    await here.call("update", "interfaces", "if-1", values={"display_name": "x"}, wait=5)
    assert places(one) == [("if-1", "dp-1", "vm1")]


@in_house
async def test_it_goes_with_its_interface(here):
    one, _ = await two_hosts(here)
    says(one, "if-1", all=True)
    await one.until(lambda: places(one) == [("if-1", "dp-1", "vm1")])
    await here.call("delete", "interfaces", "if-1")
    await one.until(lambda: places(one) == [])
    says(one, remove=("if-1",))
    await one.until(lambda: True)


def test_it_stays_while_its_host_is_dead_and_over_a_restart_of_vnmgr(tmp_path):
    async def within():
        async with furnished(tmp_path) as here:
            one, _ = await two_hosts(here)
            says(one, "if-1", all=True)
            await one.until(lambda: places(one) == [("if-1", "dp-1", "vm1")])
        with house(tmp_path) as here:
            two = await here.ears("vm1", node_id="vnb", dpid=OTHER_DPID)
            assert places(two) == [("if-1", "dp-1", "vm1")]
            says(two, "if-1", all=True)
            await two.until(lambda: places(two) == [("if-1", "dp-2", "vm1")])

    asyncio.run(within())

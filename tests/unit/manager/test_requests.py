"""What holds of requests whatever they are about, over RPC as webapi asks."""

import asyncio
import sqlite3

import msgspec
import pytest
import zmq

from openvnet.wire.front import AGENT, REQUEST
from openvnet.wire.messages import Request, encode
from tests.vnmgr import DPID, furnished, guest, house, in_house


@in_house
async def test_uuids_are_given_or_made_and_may_be_used_again_after_deletion(here):
    made = await here.call.create("interfaces", mode="vif")
    prefix, _, letters = made["uuid"].partition("-")
    assert prefix == "if"
    assert len(letters) == 8
    problem = await here.call.refused(
        "create", "networks", values={"uuid": "nw-1", "ipv4_network": 0}
    )
    assert (problem.error, problem.code, problem.status) == ("DuplicateUUID", "102", 400)
    await here.call("delete", "networks", "nw-1")
    assert (await here.call.create("networks", uuid="nw-1", ipv4_network=0))["uuid"] == "nw-1"


@in_house
async def test_an_unknown_uuid_is_answered_with_the_nearest_one(here):
    await here.call.create("networks", uuid="nw-test1", ipv4_network=0)
    problem = await here.call.refused("show", "networks", "nw-vest1")
    assert (problem.error, problem.code, problem.status) == ("UnknownUUIDResource", "100", 404)
    assert problem.message == "network nw-vest1 does not exist; did you mean nw-test1?"
    for verb in ("update", "delete"):
        assert await here.call.refused(verb, "networks", "nw-vest1") == problem
    values = {"network_uuid": "nw-vest1", "ipv4_address": 1}
    referring = await here.call.refused("create", "ip_leases", values=values)
    assert (referring.error, referring.status) == (problem.error, 404)
    assert referring.message == "network_uuid nw-vest1 does not exist; did you mean nw-test1?"
    problem = await here.call.refused("show", "datapaths", "dp-nothinglike")
    assert problem.message == "datapath dp-nothinglike does not exist."


@in_house
async def test_a_uuid_of_another_resource_is_refused_as_such(here):
    problem = await here.call.refused("show", "networks", "if-1")
    assert (problem.error, problem.code, problem.status) == ("InvalidUUID", "101", 400)
    assert problem.message == "uuid if-1: must be nw- and 1 to 16 lower-case letters and digits."
    values = {"network_uuid": "if-1", "ipv4_address": 1}
    problem = await here.call.refused("create", "ip_leases", values=values)
    assert problem.message.startswith("network_uuid if-1: must be nw-")


@pytest.mark.parametrize(
    ("verb", "collection", "uuid", "values", "error", "words"),
    [
        (
            "create",
            "datapaths",
            None,
            {"dpid": DPID, "node_id": "x"},
            "MissingArgument",
            "display_name",
        ),
        ("create", "networks", None, {"ipv4_network": 0, "vni": 5}, "ArgumentError", "vni"),
        ("create", "networks", None, {"ipv4_network": "10.0.0.0"}, "ArgumentError", "IPv4 address"),
        ("create", "networks", None, {"ipv4_network": True}, "ArgumentError", "IPv4 address"),
        ("update", "networks", "nw-1", {"ipv4_network": 0}, "ArgumentError", "ipv4_network"),
        ("update", "networks", "nw-1", {"display_name": None}, "ArgumentError", "display_name"),
        ("explode", "networks", "nw-1", {}, "UnknownResource", "explode"),
        ("list", "nets", None, {}, "UnknownResource", "nets"),
    ],
)
def test_what_is_not_declared_is_refused(tmp_path, verb, collection, uuid, values, error, words):
    async def within():
        async with furnished(tmp_path) as here:
            problem = await here.call.refused(verb, collection, uuid, values=values)
            assert problem.error == error
            assert words in problem.message

    asyncio.run(within())


@in_house
async def test_lists_are_paged_in_the_order_of_creation(here):
    for letter in "dacb":
        await here.call.create("interfaces", uuid=f"if-{letter}", mode="vif")
    await here.call("update", "interfaces", "if-d", values={"display_name": "first"})
    page = await here.call("list", "interfaces", limit=2, offset=1)
    assert (page["total_count"], page["offset"], page["limit"]) == (4, 1, 2)
    assert [item["uuid"] for item in page["items"]] == ["if-a", "if-c"]


@in_house
async def test_a_write_that_changes_nothing_makes_no_revision(here):
    first = await here.call.reply("update", "networks", "nw-1", values={"display_name": "same"})
    again = await here.call.reply("update", "networks", "nw-1", values={"display_name": "same"})
    assert again.revision == first.revision


def test_all_is_as_it_was_after_a_new_start(tmp_path):
    async def within():
        async with furnished(tmp_path) as here:
            made = await guest(here, 1)
            await here.call("update", "interfaces", "if-1", values={"display_name": "one"})
            before = await here.call("list", "interfaces")
            revision = (await here.call.reply("delete", "networks", "nw-2")).revision
        with house(tmp_path) as here:
            assert await here.call("list", "interfaces") == before
            assert made["uuid"] == before["items"][0]["uuid"]
            more = (await here.call.reply("delete", "networks", "nw-1")).revision
            assert (more.epoch, more.number) == (revision.epoch, revision.number + 1)

    asyncio.run(within())


@pytest.mark.sqlite
@in_house
async def test_a_fault_of_ours_costs_its_own_request_only(here):
    beyond = {"interface_uuid": "if-1", "mac_address": 2**63}  # which SQLite does not hold
    replies = await asyncio.gather(
        here.call.reply("create", "interfaces", values={"uuid": "if-1", "mode": "vif"}),
        here.call.reply("create", "mac_leases", values=beyond),
        here.call.reply("create", "interfaces", values={"uuid": "if-2", "mode": "vif"}),
    )
    problem = replies[1].problem
    assert (problem.error, problem.status) == ("InternalError", 500)
    assert (await here.call("list", "interfaces"))["total_count"] == 2


@pytest.mark.sqlite
@in_house
async def test_a_database_that_cannot_be_written_is_said_to_and_nothing_is_lost(here):
    with sqlite3.connect(here.directory / "openvnet.sqlite", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        problem = await here.call.refused("create", "interfaces", values={"mode": "vif"})
        other.execute("ROLLBACK")
    other.close()
    assert (problem.error, problem.status) == ("StoreError", 503)
    assert problem.message == "The database cannot be written: database is locked."
    assert (await here.call("list", "interfaces"))["total_count"] == 0
    await here.call("create", "interfaces", values={"mode": "vif"})


@in_house
async def test_what_cannot_be_read_is_left_unanswered_and_harms_nobody(here):
    for name, purpose in (("rpc", REQUEST), ("agents", AGENT)):
        stranger = zmq.Context.instance().socket(zmq.DEALER)
        stranger.connect(f"ipc://{here.directory}/{name}.sock")
        stranger.send(encode(Request(6, "list", "networks")))
        stranger.send_multipart([b"no purpose", encode(Request(6, "list", "networks"))])
        stranger.send_multipart([purpose, b"\xc1 rubbish"])
        stranger.send_multipart([purpose, encode({"type": "hello"})])
        stranger.send_multipart([purpose, encode(Request(7, "list", "networks"))])
        if name == "rpc":
            while not stranger.poll(0):
                await asyncio.sleep(0)
            assert msgspec.msgpack.decode(stranger.recv())["id"] == 7
        stranger.close(linger=0)
    assert (await here.call("list", "networks"))["total_count"] == 2

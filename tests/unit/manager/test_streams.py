"""Agents' streams, over real sockets: what they hear, and how writes wait for them."""

import asyncio
import time

from openvnet.model import Datapath, IpLease, MacLease
from openvnet.wire.messages import (
    Beat,
    Failure,
    InterfaceStatus,
    Revision,
    Scope,
    Snapshot,
    Status,
    Subscribe,
    Update,
)
from openvnet.wire.stream import Stream
from tests.vnmgr import DPID, OTHER_DPID, guest, house, in_house, ip, mac


def kinds(ears):
    return sorted(kind.__name__ for kind, _ in ears.rows)


def holders(ears):
    """The interfaces whose addresses an agent knows, with their MACs."""
    rows = ears.rows.values()
    return {row.interface_uuid for row in rows if isinstance(row, IpLease)} & {
        row.interface_uuid for row in rows if isinstance(row, MacLease)
    }


@in_house
async def test_a_snapshot_is_the_closure_of_the_roots_and_no_more(here):
    await guest(here, 1)
    await guest(here, 2)
    await guest(here, 3, "nw-2")
    ears = await here.ears("vm1")
    assert {"dp-1", "nw-1", "if-1"} <= ears.uuids()
    assert holders(ears) == {"if-1", "if-2"}
    assert "if-2" not in ears.uuids(), "of far interfaces, their leases are enough"
    assert not {"nw-2", "if-3"} & ears.uuids()
    assert kinds(ears) == sorted(
        ["Datapath", "Network", "Interface", "InterfacePort"] + ["MacLease", "IpLease"] * 2
    )
    assert isinstance(ears.messages[0], Snapshot)
    assert len(ears.messages) == 1


@in_house
async def test_a_row_that_leads_on_brings_all_of_it_in_one_update(here):
    ears = await here.ears("vm1")
    await guest(here, 2)
    assert ears.uuids() == {"dp-1"}
    await guest(here, 1)
    await ears.until(lambda: "if-1" in ears.uuids())
    snapshot, update = ears.messages
    assert update.previous == snapshot.revision
    assert {"nw-1", "if-1"} <= ears.uuids()
    assert holders(ears) == {"if-1", "if-2"}


@in_house
async def test_an_update_has_only_what_changed(here):
    await guest(here, 1)
    ears = await here.ears("vm1")
    await here.call("update", "networks", "nw-1", values={"display_name": "one"})
    await ears.until(lambda: len(ears.messages) == 2)
    (network,) = ears.messages[1].put
    assert (network.uuid, network.display_name) == ("nw-1", "one")
    assert ears.messages[1].remove == ()


@in_house
async def test_who_does_not_hear_of_a_revision_gets_no_message(here):
    ears = await here.ears("vm1")
    reply = await here.call.reply(
        "update", "networks", "nw-2", values={"display_name": "two"}, wait=5
    )
    assert reply.realised.hosts == reply.realised.lagging == ()
    await guest(here, 1)
    await ears.until(lambda: "if-1" in ears.uuids())
    assert ears.messages[1].previous == ears.messages[0].revision


@in_house
async def test_an_interface_port_of_another_datapath_is_neither_heard_nor_followed(here):
    await here.call.create(
        "datapaths", uuid="dp-2", display_name="two", dpid=OTHER_DPID, node_id="vnb"
    )
    ears = await here.ears("vm1")
    await guest(here, 1, owner_datapath_uuid="dp-2")
    await here.call("update", "datapaths", "dp-1", values={"display_name": "heard later"})
    await ears.until(lambda: len(ears.messages) == 2)
    assert kinds(ears) == ["Datapath"]
    await here.call("update", "interfaces", "if-1", values={"owner_datapath_uuid": "dp-1"})
    await ears.until(lambda: "if-1" in ears.uuids())
    assert "nw-1" in ears.uuids()


@in_house
async def test_a_port_named_by_an_interface_uuid_brings_that_interface(here):
    await here.call.create("interfaces", uuid="if-1", mode="vif", mac_address=mac(1))
    ears = await here.ears("if-1")
    assert kinds(ears) == ["Datapath", "Interface", "InterfacePort", "MacLease"]


@in_house
async def test_what_leaves_the_closure_is_withdrawn(here):
    made = await guest(here, 1)
    await guest(here, 2)
    ears = await here.ears("vm1")
    await here.call("delete", "ip_leases", made["ip_leases"][0]["uuid"])
    await ears.until(lambda: "nw-1" not in ears.uuids())
    assert kinds(ears) == ["Datapath", "Interface", "InterfacePort", "MacLease"]
    await here.call("delete", "interfaces", "if-1")
    await ears.until(lambda: ears.uuids() == {"dp-1"})
    await here.call("delete", "datapaths", "dp-1")
    await ears.until(lambda: not ears.rows)


@in_house
async def test_subscribing_brings_and_takes_rows_and_is_answered_even_if_it_does_neither(here):
    await guest(here, 1)
    ears = await here.ears()
    for add, remove, heard in (
        ((), (), False),
        (("vm1",), (), True),
        ((), ("vm1",), False),
        (("vm1", "vm2"), (), True),
        (("vm1",), ("vm2",), True),
    ):
        ears.serial += 1
        ears.stream.send(Subscribe(ears.serial, ports(add), ports(remove)))
        await ears.in_sync()
        assert isinstance(ears.messages[-1], Update)
        assert ("if-1" in ears.uuids()) == heard


def ports(names):
    return tuple(Scope("port", name) for name in names)


@in_house
async def test_an_agent_hears_only_its_own_datapath_and_ports(here):
    await guest(here, 1)
    ears = await here.ears(dpid=OTHER_DPID)
    ears.serial += 1
    foreign = (Scope("datapath", DPID), Scope("interface", "if-1"), Scope("network", "nw-1"))
    ears.stream.send(Subscribe(ears.serial, foreign, ()))
    await ears.in_sync()
    assert not ears.rows


@in_house
async def test_equal_rows_are_told_to_all_who_hear(here):
    await guest(here, 1)
    first = await here.ears("vm1", node_id="one")
    second = await here.ears("vm2", node_id="two", dpid=OTHER_DPID)
    reply = await here.call.reply(
        "create",
        "interfaces",
        values={
            "uuid": "if-2",
            "mode": "vif",
            "port_name": "vm2",
            "network_uuid": "nw-1",
            "mac_address": mac(2),
            "ipv4_address": ip("10.102.0.2"),
        },
        wait=5,
    )
    assert reply.realised.hosts == ("one", "two")
    assert {"if-1", "nw-1"} <= first.uuids()
    assert holders(first) == {"if-1", "if-2"}
    assert {"if-2", "nw-1"} <= second.uuids()
    assert holders(second) == {"if-1", "if-2"}


@in_house
async def test_a_write_waits_until_the_hosts_concerned_have_acknowledged(here):
    ears = await here.ears("vm1")
    await guest(here, 1)
    reply = await here.call.reply("delete", "interfaces", "if-1", wait=5)
    assert reply.realised.hosts == ("vna",)
    assert reply.realised.lagging == ()
    assert 0 < reply.realised.milliseconds < 5000
    assert ears.revision == reply.revision


@in_house
async def test_a_write_that_hosts_lag_behind_stands_and_names_them_with_the_reason(here):
    ears = await here.ears("vm1", acknowledges=False)
    values = {"uuid": "if-1", "mode": "vif", "port_name": "vm1"}
    reply = await here.call.reply("create", "interfaces", values=values, wait=0.05)
    assert reply.result["uuid"] == "if-1"
    assert reply.realised.hosts == ()
    (lagging,) = reply.realised.lagging
    number = reply.revision.number
    assert lagging == (f"vna: it has not acknowledged revision {number}; its newest is none yet")
    ears.stream.send(Beat(None, "no switch connected"))
    reply = await here.call.reply("delete", "interfaces", "if-1", wait=0.2)
    assert reply.realised.lagging == ("vna: no switch connected",)


@in_house
async def test_what_a_host_refuses_is_told_to_who_waits(here):
    ears = await here.ears("vm1")
    ears.failures = (Failure("interface", "if-1", "the switch refused a flow"),)
    values = {"uuid": "if-1", "mode": "vif", "port_name": "vm1"}
    reply = await here.call.reply("create", "interfaces", values=values, wait=5)
    assert reply.realised.hosts == ("vna",)
    assert reply.realised.failures == ("vna: interface if-1: the switch refused a flow",)
    reply = await here.call.reply(
        "update", "interfaces", "if-1", values={"display_name": "x"}, wait=5
    )
    assert reply.realised.failures == ()
    assert (await here.call("nodes"))["vna"]["failures"] == [
        "vna: interface if-1: the switch refused a flow"
    ]


@in_house
async def test_a_host_that_falls_silent_is_no_longer_waited_for(here):
    ears = await here.ears("vm1", acknowledges=False)
    values = {"uuid": "if-1", "mode": "vif", "port_name": "vm1"}
    waiting = asyncio.create_task(here.call.reply("create", "interfaces", values=values, wait=20))
    await ears.until(lambda: "if-1" in ears.uuids())
    ears.close()
    reply = await waiting
    assert (reply.realised.hosts, reply.realised.lagging) == ((), ("vna: it is no longer live",))
    assert reply.realised.milliseconds < 10_000
    assert await here.nodes() == {"vna": "not connected"}


@in_house
async def test_status_is_what_the_host_says(here):
    await guest(here, 1)
    ears = await here.ears("vm1")
    ears.answer = lambda ask: Status(
        ask.ask, tuple(InterfaceStatus(uuid, True, "", "vm1", 7, 3) for uuid in ask.interfaces)
    )
    (status,) = (await here.call("show", "interfaces", "if-1"))["status"]
    assert status["node_id"] == "vna"
    assert status["datapath_uuid"] == "dp-1"
    assert status["up"] is True
    assert (status["port_name"], status["port_number"], status["realised"]) == ("vm1", 7, 3)
    (item,) = (await here.call("list", "interfaces"))["items"]
    assert item["status"] == [{"node_id": "vna", "datapath_uuid": "dp-1"}]


@in_house
async def test_a_host_that_does_not_answer_is_said_to(here):
    await guest(here, 1)
    await here.ears("vm1")
    started = time.monotonic()
    (status,) = (await here.call("show", "interfaces", "if-1"))["status"]
    assert time.monotonic() - started < 3
    assert status["up"] is False
    assert status["why"] == "its vna did not answer in time"


@in_house
async def test_an_interface_that_is_nowhere_says_why_in_words(here):
    async def why(uuid):
        (status,) = (await here.call("show", "interfaces", uuid))["status"]
        assert status["up"] is False
        return status["why"]

    await guest(here, 1)
    assert await why("if-1") == "no live host has a port named vm1"
    await here.call("update", "interfaces", "if-1", values={"owner_datapath_uuid": "dp-1"})
    gone = "datapath dp-1 is not connected: "
    assert await why("if-1") == gone + "no vna with node id vna is alive"
    ears = await here.ears(dpid=None)
    assert await why("if-1") == gone + "vna vna is alive, but no switch is connected to it"
    ears.dpid = OTHER_DPID
    ears.hello()
    await ears.in_sync()
    assert await why("if-1") == (f"{gone}the switch of vna vna has dpid {OTHER_DPID}, not {DPID}")
    ears.dpid = DPID
    ears.hello()
    await ears.in_sync()
    assert await why("if-1") == "datapath dp-1 has no port named vm1"
    await here.call.create("interfaces", uuid="if-2", mode="vif")
    unnamed, wanted = "its port has no name, and ", "a port with external_ids:iface-id if-2"
    assert await why("if-2") == f"{unnamed}no live host has {wanted}"
    await here.call("update", "interfaces", "if-2", values={"owner_datapath_uuid": "dp-1"})
    assert await why("if-2") == f"{unnamed}datapath dp-1 has no {wanted.removeprefix('a ')}"
    await here.call("delete", "ports", parent="if-2")
    assert await why("if-2") == "it has no port"


@in_house
async def test_nodes_are_the_live_agents_and_those_that_datapaths_await(here):
    node = (await here.call("nodes"))["vna"]
    assert (node["alive"], node["state"], node["datapath_uuid"]) == (False, "not connected", "dp-1")
    ears = await here.ears()
    ears.stream.send(Beat(None, "in sync", 2))
    await here.call("show", "networks", "nw-1")
    node = (await here.call("nodes"))["vna"]
    assert node["dpid"] == DPID
    assert node["datapath_uuid"] == "dp-1"
    assert node["sent"] == node["realised"] == ears.revision.number
    assert node["lag"] == 0
    assert node["version"] == "0"


@in_house
async def test_the_newest_of_two_agents_of_one_name_or_datapath_is_heard(here):
    await guest(here, 1)
    await here.ears("vm1", node_id="vna")
    await here.ears("vm1", node_id="vna", dpid=OTHER_DPID)
    assert (await here.call("nodes"))["vna"]["dpid"] == OTHER_DPID
    await here.ears(node_id="vnb", dpid=OTHER_DPID)
    assert await here.nodes() == {"vna": "not connected", "vnb": ""}


@in_house
async def test_who_lost_its_place_to_another_does_not_take_it_back_with_a_beat(here):
    loser = await here.ears("vm1")
    winner = await here.ears("vm2")
    loser.stream.send(Beat(None, "in sync"))
    await guest(here, 2)
    await winner.until(lambda: "if-2" in winner.uuids())
    assert loser.serial == winner.serial == 1
    assert "if-2" not in loser.uuids()
    loser.hello()
    await loser.in_sync()
    await guest(here, 1)
    await loser.until(lambda: "if-1" in loser.uuids())


@in_house
async def test_who_lost_its_place_gets_it_back_when_the_other_is_gone(here):
    loser = await here.ears("vm1")
    winner = await here.ears("vm1", node_id="vnb")
    winner.close()
    async with asyncio.timeout(10):
        while loser.serial == 1:
            loser.stream.send(Beat(None, "in sync"))
            await here.call("show", "networks", "nw-1")
    await loser.in_sync()
    assert list(await here.call("nodes")) == ["vna"]


@in_house
async def test_a_stranger_is_asked_to_say_hello(here):
    stream = Stream(f"ipc://{here.directory}/agents.sock")
    try:
        assert await stream.receive() == Beat()
        stream.send(Beat(Revision("some", 5), "in sync"))
        assert await stream.receive() == Beat()
    finally:
        stream.close()


@in_house
async def test_beats_tell_the_newest_revision_sent(here):
    ears = await here.ears("vm1")
    beats = []
    take = ears._take

    def listen(message):
        if isinstance(message, Beat):
            beats.append((message.revision, ears.revision))
        take(message)

    ears._take = listen
    await guest(here, 1)
    await ears.until(lambda: len(beats) > 0)
    sent, received = beats[0]
    assert sent == received == ears.revision


def test_an_agent_finds_its_place_again_after_vnmgr_was_away(tmp_path):
    async def within():
        with house(tmp_path) as first:
            await first.call.create("networks", uuid="nw-1", ipv4_network=ip("10.102.0.0"))
            await guest(first, 1)
            ears = await first.ears("vm1")
            first._closing.pop_all()
            await first.call("update", "networks", "nw-1", values={"display_name": "b"})
            await ears.until(lambda: len(ears.messages) == 2)
            first.call.rpc.close()
        with house(tmp_path) as second:
            await second.call("update", "networks", "nw-1", values={"display_name": "c"})
            await ears.until(lambda: isinstance(ears.messages[-1], Snapshot))
            reply = await second.call.reply("delete", "interfaces", "if-1", wait=5)
            assert reply.realised.hosts == ("vna",)
            assert not ears.rows
            ears.close()

    asyncio.run(within())


def test_a_history_at_random_leaves_agents_with_what_they_would_hear_anew(tmp_path):
    async def within():
        with house(tmp_path) as here:
            await here.call.create(
                "datapaths", uuid="dp-1", display_name="one", dpid=DPID, node_id="vna"
            )
            for uuid in ("nw-1", "nw-2"):
                await here.call.create("networks", uuid=uuid, ipv4_network=ip("10.102.0.0"))
            ears = await here.ears("vm1", "vm2")
            for number in range(1, 9):
                await guest(here, number, f"nw-{1 + number % 2}")
            await asyncio.gather(
                *(here.call("delete", "interfaces", f"if-{number}") for number in (2, 4, 6))
            )
            await here.call("delete", "networks", "nw-2")
            await guest(here, 2)
            reply = await here.call.reply("delete", "interfaces", "if-8", wait=5)
            assert reply.problem is None
            anew = await here.ears("vm1", "vm2", node_id="other", dpid=None)
            known = {key: row for key, row in ears.rows.items() if key[0] is not Datapath}
            assert anew.rows == known

    asyncio.run(within())

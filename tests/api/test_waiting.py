"""--wait and status: the real vnctl, webapi and vnmgr, and agents that acknowledge or do not."""

import asyncio
import json
from contextlib import asynccontextmanager, closing
from functools import wraps

import pytest

from openvnet.api.shown import NODE, STATUS
from openvnet.wire.messages import Failure, InterfaceStatus, Status
from tests.api.processes import vnctl, webapi
from tests.vnmgr import DPID, OTHER_DPID, Ears

INTERFACE = ("--mode", "vif", "--network-uuid", "nw-w", "--owner-datapath-uuid", "dp-w")


def in_loop(test):
    @wraps(test)
    def run_it(*given, **named):
        asyncio.run(test(*given, **named))

    return run_it


@pytest.fixture(scope="module", autouse=True)
def world(client):
    client.write(
        "POST", "/networks", {"uuid": "nw-w", "display_name": "w", "ipv4_network": "10.0.0.0"}
    )
    datapath = {"uuid": "dp-w", "display_name": "w", "dpid": DPID, "node_id": "vna"}
    client.write("POST", "/datapaths", datapath)


@asynccontextmanager
async def agent(run, *ports, **more):
    """An agent that lives as long as the block: it beats."""
    with closing(Ears(run, *ports, **more)) as ears:
        beating = asyncio.create_task(ears.beat())
        yield await ears.in_sync()
        beating.cancel()


async def ctl(run, *words, status=0, **more):
    done = await asyncio.to_thread(vnctl, run, *words, **more)
    assert done.returncode == status, done.stdout + done.stderr
    return done


def guest(number):
    address = (
        "--mac-address",
        f"02:00:00:00:00:{number:02x}",
        "--ipv4-address",
        f"10.0.0.{number}",
    )
    return (*INTERFACE, *address, "--uuid", f"if-{number}", "--port-name", f"vm{number}")


@in_loop
async def test_a_write_that_was_waited_for_says_who_has_it_and_how_long_that_took(run):
    async with agent(run, "vm1"):
        done = await ctl(run, "interfaces", "add", *guest(1), "--wait")
    assert "is in the switch of 1 host (vna) after" in done.stderr
    assert done.stderr.startswith("revision ")
    assert done.stdout.startswith("uuid ")


@in_loop
async def test_a_write_that_concerns_nobody_says_so(run):
    async with agent(run, "vm2"):
        done = await ctl(run, "networks", "modify", "nw-w", "--display-name", "n", "--wait")
        assert done.stderr.startswith("no host is concerned: revision ")


@in_loop
async def test_a_write_that_changes_nothing_says_so(run):
    async with agent(run, "vm2"):
        words = ("networks", "modify", "nw-w", "--display-name", "same", "--wait")
        assert "nothing has changed" not in (await ctl(run, *words)).stderr
        assert (await ctl(run, *words)).stderr.startswith("nothing has changed: all was so")


@in_loop
async def test_a_host_that_lags_is_named_and_the_exit_status_is_3(run):
    async with agent(run, "vm3") as ears:
        ears.acknowledges = False
        done = await ctl(run, "interfaces", "add", *guest(3), "--timeout", "0.2", status=3)
        assert "stands, but is not yet realised by vna" in done.stderr
        shown = await ctl(run, "interfaces", "show", "if-3", "-o", "name")
        assert shown.stdout == "if-3\n"


@in_loop
async def test_what_a_switch_refused_is_said_and_the_exit_status_is_3(run):
    async with agent(run, "vm4") as ears:
        ears.failures = (Failure("interface", "if-4", "the table is full"),)
        done = await ctl(run, "interfaces", "add", *guest(4), "--wait", status=3)
        assert "stands, but was refused by the switch" in done.stderr
        assert "the table is full" in done.stderr


@in_loop
async def test_batch_goes_on_after_a_host_that_lags(run):
    async with agent(run, "vm5") as ears:
        ears.acknowledges = False
        add = " ".join(("interfaces", "add", *guest(5), "--timeout", "0.1", "-o", "name"))
        done = await ctl(run, "batch", text=f"{add}\ninterfaces del if-5\n", status=3)
        assert done.stdout == "if-5\nif-5\n"


@in_loop
async def test_the_status_of_an_interface_comes_from_its_host(run, client):
    await ctl(run, "interfaces", "add", *guest(6))
    fares = InterfaceStatus("if-6", True, "", "vm6", 6, 1, 12, 3, {"not its MAC address": 4})
    async with agent(run, "vm6") as ears:
        ears.answer = lambda asked: Status(asked.ask, (fares,))
        shown = (await ctl(run, "interfaces", "show", "if-6")).stdout
        assert "on vna (dp-w), port vm6 (6): up" in shown
        assert "packets in 12, out 3" in shown
        assert "dropped 4: not its MAC address" in shown
        (entry,) = client.get("/interfaces/if-6").body["status"]
        assert set(entry) == set(STATUS)
        listed = (await ctl(run, "interfaces", "show")).stdout
        assert listed.splitlines()[0].endswith("hosts")


@in_loop
async def test_an_interface_whose_host_is_not_there_says_so(run, client):
    datapath = {"uuid": "dp-x", "display_name": "x", "dpid": OTHER_DPID, "node_id": "vnx"}
    client.write("POST", "/datapaths", datapath)
    await ctl(run, "interfaces", "add", *guest(7), "--owner-datapath-uuid", "dp-x")
    shown = (await ctl(run, "interfaces", "show", "if-7")).stdout
    assert "on no host (dp-x): not up: datapath dp-x is not connected" in shown
    assert client.get("/nodes").body["vnx"]["state"] == "not connected"
    client.write("DELETE", "/datapaths/dp-x")


@in_loop
async def test_live_hosts_are_listed(run):
    async with agent(run):
        table = (await ctl(run, "nodes")).stdout
        assert table.splitlines()[1].startswith(f"vna      {DPID}")
        assert (await ctl(run, "nodes", "-o", "name")).stdout == "vna\n"
        nodes = json.loads((await ctl(run, "nodes", "-o", "json")).stdout)
        assert set(nodes) == {"vna"}
        assert set(nodes["vna"]) == set(NODE)


@in_loop
async def test_a_write_that_waits_does_not_keep_webapi_from_ending(run, tmp_path):
    (tmp_path / "rpc.sock").symlink_to(run / "rpc.sock")
    with webapi(tmp_path) as front:
        async with agent(run, "vm8") as ears:
            ears.acknowledges = False
            waiting = asyncio.create_task(
                ctl(tmp_path, "interfaces", "add", *guest(8), "--timeout", "60", status=1)
            )
            await ears.until(lambda: "if-8" in ears.uuids())
            assert await asyncio.to_thread(front.end) == 0
            assert (await waiting).stderr.startswith("Error: webapi ends.")
            assert not any("Traceback" in line for line in front.log)

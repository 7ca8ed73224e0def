"""The process vnmgr: how it starts, refuses to start, stops, and dies."""

import asyncio
import re
import signal
import socket
import stat
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from openvnet.lab.waiting import until
from openvnet.wire.messages import Request
from openvnet.wire.rpc import NoAnswer, Rpc
from tests.vnmgr import Client

ROOT = Path(__file__).parents[3]


def command(directory, *more):
    words = ("--state", directory / "state", "--run", directory / "run", *more)
    return [sys.executable, "-m", "openvnet.manager.main", *map(str, words)]


@contextmanager
def vnmgr(directory, *before):
    """The process; it ends with the block, whatever happens."""
    running = subprocess.Popen(
        [*before, *command(directory)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield running
    finally:
        running.kill()
        running.wait()
        running.stderr.close()


def refused(directory, *more):
    ended = subprocess.run(
        command(directory, *more), cwd=ROOT, capture_output=True, text=True, timeout=20, check=False
    )
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    return ended.stderr.strip().splitlines()[-1]


def asking(directory, conversation):
    """Have a conversation with the process, as soon as it listens."""
    path = directory / "run" / "rpc.sock"
    until(lambda: listens(path), "vnmgr listens", seconds=30)

    async def within():
        rpc = Rpc(f"ipc://{path}")
        try:
            return await conversation(Client(rpc))
        finally:
            rpc.close()

    return asyncio.run(within())


def listens(path):
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def count(directory):
    async def conversation(call):
        return (await call("list", "interfaces"))["total_count"]

    return asking(directory, conversation)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_cleanly_when_told_to(tmp_path, number):
    with vnmgr(tmp_path) as running:
        assert count(tmp_path) == 0
        running.send_signal(number)
        assert running.wait(timeout=10) == 0
        assert running.stderr.read().endswith("vnmgr stops.\n")


def test_it_takes_all_files_that_it_may_open_and_says_if_they_are_too_few(tmp_path):
    async def conversation(call):
        rows = [
            {"display_name": "one", "dpid": f"0x{n:016x}", "node_id": f"vna{n}"} for n in range(90)
        ]
        reply = await call.rpc.ask(Request(0, "create", "datapaths", many=tuple(rows)))
        assert reply.problem is None

    few = ("prlimit", "--nofile=64:150", "--")
    with vnmgr(tmp_path, *few) as running:
        asking(tmp_path, conversation)
        limits = Path(f"/proc/{running.pid}/limits").read_text()
        assert re.search(r"Max open files +150 +150 ", limits)
    with vnmgr(tmp_path, *few) as running:
        until_said(running, "may have 150 open files, and needs 190 for the 90 nodes")


def until_said(running, words):
    assert any(words in line for line in running.stderr), f"it ends without {words}"


def test_what_it_makes_is_its_users_alone(tmp_path):
    with vnmgr(tmp_path):
        count(tmp_path)
        made = [path for path in tmp_path.rglob("*") if path.name != "log"]
        assert {"state", "run", "agents.sock", "rpc.sock", "openvnet.sqlite"} <= {
            path.name for path in made
        }
        for path in made:
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_a_second_one_of_the_same_database_or_sockets_refuses_to_start(tmp_path):
    with vnmgr(tmp_path):
        count(tmp_path)
        assert refused(tmp_path) == (
            f"vnmgr: The directory {tmp_path}/run is in use by another vnmgr."
        )
        assert refused(tmp_path, "--run", tmp_path / "elsewhere") == (
            f"vnmgr: The database {tmp_path}/state/openvnet.sqlite is in use by another vnmgr."
        )
        assert count(tmp_path) == 0


def test_it_says_what_it_cannot_use(tmp_path):
    (tmp_path / "file").touch()
    assert refused(tmp_path, "--state", tmp_path / "file") == (
        f"vnmgr: {tmp_path}/file: File exists."
    )
    deep = tmp_path / ("d" * 100)
    assert "File name too long" in refused(tmp_path, "--run", deep)
    assert "is of a kind that is not known" in refused(tmp_path, "--database", "oracle://here/vnet")


def test_an_acknowledged_write_survives_kill_and_a_call_in_flight_fails_in_words(tmp_path):
    acknowledged = []

    async def writing(call, running):
        while True:
            made = (call("create", "interfaces", values={"mode": "vif"}) for _ in range(5))
            calls = [asyncio.create_task(each) for each in made]
            try:
                for reply in asyncio.as_completed(calls):
                    acknowledged.append((await reply)["uuid"])
                    if len(acknowledged) % 40 == 0:
                        running.kill()
            finally:
                await asyncio.gather(*calls, return_exceptions=True)

    for _ in range(3):
        with vnmgr(tmp_path) as running, pytest.raises(NoAnswer):
            asking(tmp_path, lambda call, running=running: writing(call, running))

    async def all_uuids(call):
        listed = await call("list", "interfaces", limit=10_000)
        return [item["uuid"] for item in listed["items"] if len(item["ports"]) == 1]

    with vnmgr(tmp_path):
        there = asking(tmp_path, all_uuids)
    assert len(acknowledged) >= 120
    assert set(acknowledged) <= set(there)

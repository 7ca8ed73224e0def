"""Other hosts: they join with a token, are known by their keys, renew them and lose them.

Real vnmgr, webapi, vna and commands, over TCP; the hosts differ in their state directories.
"""

import asyncio
import json
import re
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

from openvnet.client import Client
from openvnet.wire.finding import joined_places
from openvnet.wire.front import JOIN
from openvnet.wire.joined import read_joined, read_token
from openvnet.wire.keys import ClientKeys
from openvnet.wire.messages import (
    Acknowledge,
    Failure,
    Hello,
    InterfaceStatus,
    Refusal,
    Revision,
    Scope,
    Snapshot,
    Status,
)
from openvnet.wire.rpc import NoAnswer, Rpc
from openvnet.wire.stream import Stream
from tests.api.processes import ENVIRONMENT, Process, command, process, vnctl, vnmgr, webapi
from tests.system import free_port

ROW = {"display_name": "one", "dpid": "0x0000000000000001", "node_id": "vna2", "uuid": "dp-1"}
OTHER = {"display_name": "two", "dpid": "0x0000000000000002", "node_id": "vna3", "uuid": "dp-2"}


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """vnmgr at a TCP port, and a webapi beside it; two datapaths are declared."""
    here = tmp_path_factory.mktemp("nodes")
    (here / "vnmgr.conf").write_text(f"node {{ addr {{ port {free_port()} }} }}")
    with vnmgr(here) as manager, webapi(here), Client(f"unix:{here}/webapi.sock") as client:
        for row in (ROW, OTHER):
            client.write("POST", "/datapaths", row)
        yield here, client, manager


def openvnet(*words: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command("openvnet.cli.openvnet"), *words],
        env=ENVIRONMENT,
        input=text,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def token(here: Path, *words: str) -> str:
    made = vnctl(here, "nodes", "token", *words)
    assert made.returncode == 0, made.stderr
    return made.stdout


def joined(here: Path, state: Path, *words: str) -> Path:
    """A host that has joined."""
    done = openvnet("join", "-", "--state", str(state), text=token(here, *words))
    assert done.returncode == 0, done.stderr
    return state


def node(client: Client, node_id: str) -> dict:
    return client.get("/nodes").body[node_id]


@contextmanager
def vna(state: Path, *words: str):
    """A vna without a switch, which has said hello."""
    places = (f"--state={state}", f"--run={state}", f"--config={state}", "--ovsdb", "")
    listening = ("--listen", f"127.0.0.1:{free_port()}")
    agent = Process("openvnet.agent.main", *places, *listening, *words)
    try:
        yield agent
    finally:
        agent.end()


def find(state: Path, role: str = "vna"):
    return lambda: joined_places(read_joined(state, role), state)


def test_a_host_joins_is_seen_renews_its_key_loses_it_and_joins_anew(house, tmp_path):
    here, client, manager = house
    joined(here, tmp_path, "--node-id", "vna2")
    assert node(client, "vna2")["state"] == "not connected"
    with vna(tmp_path) as agent:
        agent.says("all 0 rows")
        seen = node(client, "vna2")
        assert (seen["alive"], seen["address"], seen["role"]) == (True, "127.0.0.1", "vna")
        before = read_joined(tmp_path, "vna").secret
        assert openvnet("join", "--rotate", "--state", str(tmp_path)).returncode == 0
        assert read_joined(tmp_path, "vna").secret != before
        agent.says("keys have changed")
        agent.says("all 0 rows")
        assert vnctl(here, "nodes", "revoke", "vna2").returncode == 0
        agent.says("its key was revoked")
        assert node(client, "vna2")["state"] == "revoked"
        joined(here, tmp_path, "--node-id", "vna2")
        agent.says("all 0 rows")
        assert node(client, "vna2")["alive"]
        with vna(tmp_path, "--node-id", "vna7") as wrong:
            assert "this host has joined as vna2" in wrong.says("Error")
    log = "".join(manager.log)
    assert "node node-vna2 accepted" in log
    assert "node node-vna2 renewed" in log


def test_vnmgrs_own_key_is_renewed_when_all_nodes_know_it_and_nobody_is_locked_out(house, tmp_path):
    here, _, manager = house
    for node_id in ("vna2", "vna3"):
        joined(here, tmp_path / node_id, "--node-id", node_id)
    joined(here, tmp_path / "webapi2", "--role", "webapi", "--node-id", "webapi2")
    old = (here / "state/keys/vnmgr.public").read_text()
    words = (f"--state={tmp_path}/webapi2", f"--run={tmp_path}/webapi2", "--port=0")
    with vna(tmp_path / "vna2") as first, process("openvnet.api.main", *words, says="listening"):
        first.says("all 0 rows")
        there = Client(f"unix:{tmp_path}/webapi2/webapi.sock")
        assert there.get("/health").body["vnmgr"] == "answers"
        assert openvnet("join", "--rotate", "--state", str(here / "state")).returncode == 0
        assert "vna3" in manager.says("next key waits until")
        with vna(tmp_path / "vna3"):
            manager.says("vnmgr has another key")
            first.says("all 0 rows")
        assert (here / "state/keys/vnmgr.public").read_text() != old
        assert there.get("/health").body["vnmgr"] == "answers"
        there.close()
        joined(here, tmp_path / "vna4", "--node-id", "vna4")
    for name in ("vna4", "vna3", "webapi2"):
        assert vnctl(here, "nodes", "del", f"node-{name}").returncode == 0


def refused(state: Path, text: str) -> str:
    done = openvnet("join", "-", "--state", str(state), text=text)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_token_that_is_wrong_used_or_expired_is_refused_in_words(house, tmp_path):
    here, client, _ = house
    first = token(here, "--node-id", "vna5")
    assert "mistyped" in refused(tmp_path, first[:40] + "x" + first[41:])
    assert "this is no token" in refused(tmp_path, "")
    second = token(here, "--node-id", "vna5")
    assert "does not know this token" in refused(tmp_path, first), "one counts, the newest"
    file = tmp_path / "token"
    file.write_text(second)
    assert openvnet("join", str(file), "--state", str(tmp_path)).returncode == 0
    kept = (tmp_path / "keys/vna.json").read_bytes()
    assert "was used already" in refused(tmp_path, second)
    assert (tmp_path / "keys/vna.json").read_bytes() == kept
    secret = read_token(second).secret
    history = json.dumps(client.get("/changes", limit=1000).body)
    assert secret not in history
    for file in (here / "state").glob("openvnet.sqlite*"):  # Of SQLite; servers keep theirs.
        assert secret not in file.read_bytes().decode("latin-1")
    public = client.get("/nodes/node-vna5").body["token_key"]
    client.write("PUT", "/nodes/node-vna5", {"token_key": public, "token_seconds": 0})
    assert re.search(r"expired \d+ seconds ago", refused(tmp_path, second))
    client.write("DELETE", "/nodes/node-vna5", {})
    assert "does not know this token" in refused(tmp_path, second)


def test_who_cannot_be_reached_is_said_and_a_key_that_cannot_be_kept_uses_no_token_up(
    house, tmp_path
):
    here, client, _ = house
    away = token(here, "--node-id", "vna6", "--address", f"127.0.0.1:{free_port()}")
    assert "vnmgr cannot be reached at tcp://127.0.0.1:" in refused(tmp_path, away)
    (tmp_path / "file").write_text("")
    fresh = token(here, "--node-id", "vna6")
    assert "cannot be kept" in refused(tmp_path / "file" / "below", fresh)
    assert "is good for" in node(client, "vna6")["state"]
    client.write("DELETE", "/nodes/node-vna6", {})


async def refusal(stream: Stream) -> str:
    async with asyncio.timeout(10):
        while not isinstance(message := await stream.receive(), Refusal):
            pass
    return message.why


async def greeted(stream: Stream, node_id: str, dpid: str | None, *roots: Scope) -> Snapshot:
    await stream.receive()  # There is a connection.
    stream.send(Hello(node_id, dpid, None, 1, roots, "0"))
    async with asyncio.timeout(10):
        while not isinstance(message := await stream.receive(), Snapshot):
            assert not isinstance(message, Refusal), message
    return message


def test_a_node_is_who_its_key_says_and_says_nothing_for_others(house, tmp_path):
    here, client, _ = house
    joined(here, tmp_path / "2", "--node-id", "vna2")
    joined(here, tmp_path / "3", "--node-id", "vna3", "--datapath", "dp-2")
    client.write("POST", "/interfaces", {"uuid": "if-1", "mode": "vif", "port_name": "vm1"})

    async def within():
        two, three = Stream(find(tmp_path / "2")), Stream(find(tmp_path / "3"))
        snapshot = await greeted(two, "vna2", ROW["dpid"], Scope("datapath", ROW["dpid"]))
        assert [row.uuid for row in snapshot.rows] == ["dp-1"]
        await three.receive()
        for node_id, dpid, words in (
            ("vna2", ROW["dpid"], "its key is of node vna3, and it says that it is vna2"),
            ("vna3", ROW["dpid"], "joined for datapath dp-2 with 0x0000000000000002"),
        ):
            three.send(Hello(node_id, dpid, None, 1, (), "0"))
            assert words in await refusal(three)
        assert node(client, "vna2")["alive"], "the other is not affected"
        assert "joined for datapath" in node(client, "vna3")["refused"]
        hearing = (Scope("datapath", OTHER["dpid"]), Scope("datapath", ROW["dpid"]))
        three.send(Hello("vna3", OTHER["dpid"], None, 1, hearing, "0"))
        snapshot = await greeted_again(three)
        assert [row.uuid for row in snapshot.rows] == ["dp-2"]
        three.send(Acknowledge(snapshot.revision, (Failure("interface", "if-1", "so I say"),)))
        three.send(Status(1, (InterfaceStatus("if-1", True, ""),)))
        three.send(Acknowledge(Revision("other", 7)))
        while node(client, "vna3")["realised"] is None:
            await asyncio.sleep(0)
        assert node(client, "vna3")["failures"] == []
        two.close()
        three.close()

    asyncio.run(within())


def test_a_role_may_what_it_is_for_and_a_token_only_join(house, tmp_path):
    here, _, _ = house
    joined(here, tmp_path, "--node-id", "vna2")
    joined(here, tmp_path, "--node-id", "webapi3", "--role", "webapi")
    made = read_token(token(here, "--node-id", "vna8"))
    by_token = find(tmp_path)()[0]
    keys = ClientKeys(
        client_public(made.secret), made.secret.encode(), by_token.keys.server, tmp_path
    )

    async def within():
        for where in (find(tmp_path), lambda: [by_token._replace(keys=keys)]):
            rpc = Rpc(where)
            with pytest.raises(NoAnswer, match="may not do that"):
                await rpc.call(verb="list", collection="networks")
            rpc.close()
        rpc = Rpc(find(tmp_path, "webapi"))
        assert (await rpc.call(verb="list", collection="networks")).problem is None
        rpc.close()
        stream = Stream(find(tmp_path, "webapi"))
        await stream.receive()
        stream.send(Hello("vna2", None, None, 1, (), "0"))
        assert "the role of its key is webapi" in await refusal(stream)
        stream.close()
        rpc = Rpc(find(tmp_path, "webapi"), purpose=JOIN)
        reply = await rpc.call(verb="create", collection="networks")
        assert "nothing else goes" in reply.problem.message
        rpc.close()

    asyncio.run(within())
    assert vnctl(here, "nodes", "del", "node-vna8", "node-webapi3").returncode == 0


def client_public(secret: str) -> bytes:
    from openvnet.wire.joined import public_of

    return public_of(secret).encode()


def test_two_hosts_with_one_dpid_are_told_apart_by_the_declaration(house, tmp_path):
    here, _, manager = house
    joined(here, tmp_path / "2", "--node-id", "vna2")
    joined(here, tmp_path / "9", "--node-id", "vna9")

    async def within():
        right, wrong = Stream(find(tmp_path / "2")), Stream(find(tmp_path / "9"))
        await greeted(right, "vna2", ROW["dpid"])
        await wrong.receive()
        wrong.send(Hello("vna9", ROW["dpid"], None, 1, (), "0"))
        assert "which is datapath dp-1 of node vna2" in await refusal(wrong)
        wrong.send(Hello("vna9", "0x0000000000000077", None, 2, (), "0"))
        assert isinstance(await greeted_again(wrong), Snapshot)
        right.send(Hello("vna2", "0x0000000000000077", None, 2, (), "0"))
        assert "as that of node vna9 has" in await refusal(right)
        right.close()
        wrong.close()

    asyncio.run(within())
    manager.says("two hosts must not have the same")
    assert vnctl(here, "nodes", "del", "node-vna9").returncode == 0


async def greeted_again(stream: Stream):
    async with asyncio.timeout(10):
        while not isinstance(message := await stream.receive(), (Snapshot, Refusal)):
            pass
    return message

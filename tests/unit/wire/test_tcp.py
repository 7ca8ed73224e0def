"""TCP between programs: with the keys of the machine, and for nobody without them."""

import asyncio
import os
import shutil
import stat
import subprocess
import sys
from contextlib import asynccontextmanager

import pytest
import zmq

from openvnet.wire.admission import Admission
from openvnet.wire.finding import Place
from openvnet.wire.front import AGENT, REQUEST, Front
from openvnet.wire.keys import KeysError, client_keys, server_keys
from openvnet.wire.messages import Beat, Reply, encode, read_from_agent, read_request
from openvnet.wire.rpc import NoAnswer, Rpc
from openvnet.wire.sockets import DOMAIN
from openvnet.wire.stream import Stream
from tests.ports import free_port


@asynccontextmanager
async def server(state, *, admits=True):
    """Agents are answered with a beat, requests with their uuid; yields its place and its log."""
    keys, heard = server_keys(state), []
    admission = Admission(lambda key: key == keys.machine) if admits else None
    front = Front()

    def agents(messages):
        for sent in messages:
            assert not sent.address or (sent.key, sent.address) == (keys.machine, "127.0.0.1")
            heard.append(read_from_agent(sent.data))
            front.send(sent.peer, encode(Beat(None, "heard")))

    def requests(messages):
        for sent in messages:
            heard.append(request := read_request(sent.data))
            front.send(sent.peer, encode(Reply(request.id, request.uuid)))

    endpoint = f"tcp://127.0.0.1:{free_port()}"
    front.open(endpoint, keys.secret)
    front.open(f"ipc://{state}/rpc.sock")
    front.hand(AGENT, agents)
    front.hand(REQUEST, requests)
    try:
        yield endpoint, heard
    finally:
        front.close()
        if admission:
            admission.close()


def test_agents_and_requests_share_a_port_and_each_is_answered_where_it_came_from(tmp_path):
    async def within():
        async with server(tmp_path) as (endpoint, heard):
            keys = client_keys(tmp_path)
            stream = Stream(endpoint, keys)
            calls = [Rpc(endpoint, keys), Rpc(f"ipc://{tmp_path}/rpc.sock")]
            assert await stream.receive() == Beat()
            stream.send(Beat(None, "here"))
            assert await stream.receive() == Beat(None, "heard")
            for number, rpc in enumerate(calls):
                assert (await rpc.call(verb="show", uuid=f"nw-{number}")).result == f"nw-{number}"
            assert len(heard) == 3
            for one in (stream, *calls):
                one.close()

    asyncio.run(within())


def test_of_several_vnmgr_the_next_is_called_when_one_is_gone_or_has_another_key(tmp_path):
    async def within():
        async with server(tmp_path / "one") as (stays, _):
            keys, front = client_keys(tmp_path / "one"), Front()
            front.hand(REQUEST, lambda messages: answer(front, messages))
            goes = f"tcp://127.0.0.1:{free_port()}"
            front.open(goes, server_keys(tmp_path / "one").secret)
            wrong = keys._replace(server=client_keys(tmp_path / "elsewhere").server)
            rpc = Rpc(lambda: [Place(stays, wrong), Place(stays, keys), Place(goes, keys)])
            async with asyncio.timeout(20):
                while rpc.endpoint != goes:
                    assert (await rpc.call(verb="show", uuid="nw-1")).result == "nw-1"
                    rpc.elsewhere()
                assert (await rpc.call(verb="show", uuid="nw-2")).result == "nw-2"
                front.close()
                while rpc.endpoint != stays:
                    await asyncio.sleep(0)
                assert (await rpc.call(verb="show", uuid="nw-3")).result == "nw-3"
            rpc.close()

    def answer(front, messages):
        for sent in messages:
            request = read_request(sent.data)
            front.send(sent.peer, encode(Reply(request.id, request.uuid)))

    asyncio.run(within())


def strangers(state, tmp_path):
    """Keys with which nobody comes in."""
    elsewhere = client_keys(tmp_path / "elsewhere")
    right = client_keys(state)
    yield elsewhere
    yield right._replace(public=elsewhere.public, secret=elsewhere.secret)
    yield right._replace(server=elsewhere.server)
    yield None


@pytest.mark.parametrize("which", range(4), ids=["both", "own", "vnmgr's", "none"])
def test_who_has_other_keys_or_none_gets_no_answer_and_is_not_heard(tmp_path, which, caplog):
    async def within():
        async with server(tmp_path / "state") as (endpoint, heard):
            keys = list(strangers(tmp_path / "state", tmp_path))[which]
            rpc = Rpc(endpoint, keys)
            with pytest.raises(NoAnswer, match=r"at tcp://.*(refuses this|not the vnmgr|answer)"):
                await rpc.call(verb="show", timeout=0.7)
            assert heard == []
            rpc.close()
            right = Rpc(endpoint, client_keys(tmp_path / "state"))
            assert (await right.call(verb="show", uuid="nw-1")).result == "nw-1"
            right.close()

    asyncio.run(within())
    said = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert len(said) == 1
    assert "keys" in said[0]


def test_while_nobody_says_who_may_come_in_nobody_does(tmp_path):
    async def within():
        async with server(tmp_path, admits=False) as (endpoint, heard):
            rpc = Rpc(endpoint, client_keys(tmp_path))
            with pytest.raises(NoAnswer):
                await rpc.call(verb="show", timeout=0.7)
            assert heard == []
            rpc.close()

    asyncio.run(within())


def test_a_message_that_does_not_say_what_it_is_for_is_left(tmp_path):
    async def within():
        async with server(tmp_path) as (_, heard):
            rude = zmq.Context.instance().socket(zmq.DEALER)
            rude.connect(f"ipc://{tmp_path}/rpc.sock")
            for message in ([b"x"], [b"unknown", b"x"], [AGENT, b"x", b"y"]):
                rude.send_multipart(message)
            rpc = Rpc(f"ipc://{tmp_path}/rpc.sock")
            await rpc.call(verb="show")
            assert len(heard) == 1
            rpc.close()
            rude.close(linger=0)

    asyncio.run(within())


def test_keys_are_made_once_and_are_their_users_alone(tmp_path):
    server, client = server_keys(tmp_path / "state"), client_keys(tmp_path / "state")
    assert server.machine == client.public
    assert zmq.curve_public(server.secret) == client.server
    made = sorted((tmp_path / "state").rglob("*"))
    assert [path.name for path in made] == [
        *("keys", "machine.secret", "vnmgr.public", "vnmgr.secret")
    ]
    for path in made:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


def test_whoever_comes_first_makes_the_keys_for_all(tmp_path):
    program = (
        "import sys; from pathlib import Path; from openvnet.wire.keys import client_keys\n"
        "sys.stdin.read(); print(client_keys(Path(sys.argv[1]))[:3])"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "state")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    racing = [subprocess.Popen(command, **pipes, text=True) for _ in range(6)]
    for one in racing:
        one.stdin.close()
    found = {one.stdout.read() for one in racing}
    for one in racing:
        assert one.wait() == 0
        one.stdout.close()
    assert len(found) == 1
    assert sorted(path.name for path in (tmp_path / "state").iterdir()) == ["keys"]


def test_a_directory_that_is_there_and_empty_is_filled(tmp_path):
    (tmp_path / "keys").mkdir(mode=0o700)
    assert server_keys(tmp_path).machine == client_keys(tmp_path).public


def broken(state):
    """Ways to have no keys, and the words for each."""
    keys = state / "keys"
    (keys / "machine.secret").chmod(0o604)
    yield f"{keys}/machine.secret is open to everybody on this machine; `chmod o= "
    (keys / "machine.secret").write_text("short\n")
    yield f"{keys}/machine.secret is no key."
    (keys / "machine.secret").write_bytes(b"\xff" * 40)
    yield f"{keys}/machine.secret is no key."
    (keys / "machine.secret").unlink()
    yield f"{keys}/machine.secret cannot be read: No such file or directory."
    shutil.rmtree(keys)
    keys.write_text("in the way")
    yield f"the keys in {keys} cannot be used: Not a directory."


def test_keys_that_cannot_be_used_are_refused_in_words(tmp_path):
    server_keys(tmp_path)
    for words in broken(tmp_path):
        for keys in (server_keys, client_keys):
            with pytest.raises(KeysError) as raised:
                keys(tmp_path)
            assert str(raised.value).startswith(words)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_who_may_not_read_the_keys_has_none(tmp_path):
    server_keys(tmp_path)
    program = (
        "import os, sys; from pathlib import Path; from openvnet.wire.keys import *\n"
        "os.setuid(65534)\n"
        "try: client_keys(Path(sys.argv[1]))\n"
        "except KeysError as error: print(error)"
    )
    for parent in (tmp_path, *tmp_path.parents[:2]):
        parent.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"the keys in {tmp_path}/keys cannot be used: Permission denied.\n"


def test_only_curve_and_only_our_domain_are_admitted(tmp_path):
    keys = server_keys(tmp_path)

    async def within():
        admission = Admission(lambda key: key == keys.machine)
        asker = zmq.Context.instance().socket(zmq.REQ)
        asker.connect("inproc://zeromq.zap.01")
        raw = zmq.utils.z85.decode(keys.machine)
        for domain, mechanism, more, status in (
            (DOMAIN, b"CURVE", [raw], b"200"),
            (DOMAIN, b"CURVE", [bytes(32)], b"400"),
            (b"other", b"CURVE", [raw], b"400"),
            (DOMAIN, b"NULL", [], b"400"),
            (DOMAIN, b"PLAIN", [b"user", b"password"], b"400"),
            (DOMAIN, b"GSSAPI", [raw], b"400"),
        ):
            asker.send_multipart([b"1.0", b"7", domain, b"127.0.0.1", b"", mechanism, *more])
            assert await asyncio.to_thread(asker.poll, 5000)
            assert asker.recv_multipart() == [b"1.0", b"7", status, *answer(status)]
        asker.close(linger=0)
        admission.close()

    def answer(status):
        return (b"OK", keys.machine, b"") if status == b"200" else (b"unknown key", b"", b"")

    asyncio.run(within())


def test_listening_at_an_address_of_another_machine_is_an_error(tmp_path):
    async def within():
        front = Front()
        front.open(f"ipc://{tmp_path}/rpc.sock")
        with pytest.raises(zmq.ZMQError):
            front.open("tcp://192.0.2.1:9102", server_keys(tmp_path).secret)
        front.close()

    asyncio.run(within())

"""Streams and calls over real sockets: many at once, and when the other side is away."""

import asyncio

import msgspec
import pytest
import zmq

from openvnet.wire import sockets
from openvnet.wire.messages import (
    Acknowledge,
    AskStatus,
    Beat,
    Reply,
    Revision,
    encode,
    read_from_agent,
    read_reply,
    read_request,
    read_to_agent,
)
from openvnet.wire.rpc import NoAnswer, Rpc
from openvnet.wire.sockets import listen
from openvnet.wire.stream import Stream


class Echo:
    """A server that answers each request with what it was asked about, once it may."""

    def __init__(self, endpoint):
        self.requests = []
        self.arrived = asyncio.Event()
        self.silent = False
        self.wire = listen(endpoint, self.take)

    def take(self, messages):
        for peer, _, data in messages:
            request = read_request(data)
            self.requests.append(request)
            self.arrived.set()
            if not self.silent:
                self.wire.send(peer, encode(Reply(request.id, request.uuid)))


def test_many_calls_at_once_each_get_their_own_reply(tmp_path):
    async def within():
        endpoint = f"ipc://{tmp_path}/rpc.sock"
        server, rpc = Echo(endpoint), Rpc(endpoint)
        names = [f"nw-{number}" for number in range(1000)]
        replies = await asyncio.gather(*(rpc.call(verb="show", uuid=name) for name in names))
        assert [reply.result for reply in replies] == names
        assert len(server.requests) == 1000
        rpc.close()
        server.wire.close()

    asyncio.run(within())


def test_a_call_waits_for_a_vnmgr_that_is_just_starting(tmp_path):
    async def within():
        endpoint = f"ipc://{tmp_path}/rpc.sock"
        rpc = Rpc(endpoint)
        calling = asyncio.create_task(rpc.call(verb="show", uuid="nw-1"))
        await asyncio.sleep(0)
        server = Echo(endpoint)
        assert (await calling).result == "nw-1"
        rpc.close()
        server.wire.close()

    asyncio.run(within())


def test_a_call_that_nobody_answers_says_so(tmp_path):
    async def within():
        endpoint = f"ipc://{tmp_path}/rpc.sock"
        rpc = Rpc(endpoint)
        with pytest.raises(NoAnswer, match=r"vnmgr does not answer at ipc://.*/rpc\.sock"):
            await rpc.call(verb="show", timeout=0.05)
        rpc.close()

    asyncio.run(within())


def test_a_call_fails_at_once_when_vnmgr_goes_away_before_it_answered(tmp_path):
    async def within():
        endpoint = f"ipc://{tmp_path}/rpc.sock"
        server, rpc = Echo(endpoint), Rpc(endpoint)
        server.silent = True
        calling = asyncio.create_task(rpc.call(verb="show", timeout=60))
        await server.arrived.wait()
        server.wire.close()
        with pytest.raises(NoAnswer, match="went away"):
            await calling
        again = Echo(endpoint)
        assert (await rpc.call(verb="show", uuid="nw-2")).result == "nw-2"
        rpc.close()
        again.wire.close()

    asyncio.run(within())


def test_a_reply_that_cannot_be_read_costs_no_other_call_its_own(tmp_path):
    async def within():
        endpoint = f"ipc://{tmp_path}/rpc.sock"

        def take(messages):
            for peer, _, data in messages:
                server.send(peer, b"\xc1 rubbish")
                server.send(peer, encode(Reply(read_request(data).id, "whole")))

        server, rpc = listen(endpoint, take), Rpc(endpoint)
        replies = await asyncio.gather(*(rpc.call(verb="show", timeout=5) for _ in range(10)))
        assert [reply.result for reply in replies] == ["whole"] * 10
        rpc.close()
        server.close()

    asyncio.run(within())


def test_a_stream_is_told_of_each_connection_and_keeps_messages_in_order(tmp_path):
    async def within():
        endpoint = f"ipc://{tmp_path}/agents.sock"
        heard = []
        done = asyncio.Event()

        def take(messages):
            for peer, _, data in messages:
                heard.append(read_from_agent(data))
                if len(heard) == 500:
                    for number in range(500):
                        server.send(peer, encode(AskStatus(number, ())))
                    done.set()

        server = listen(endpoint, take)
        stream = Stream(endpoint)
        assert await stream.receive() == Beat()
        sent = [Acknowledge(Revision("epoch", number)) for number in range(500)]
        assert all(stream.send(message) for message in sent)
        await done.wait()
        assert heard == sent
        assert [(await stream.receive()).ask for _ in range(500)] == list(range(500))
        server.close()
        again = listen(endpoint, take)
        assert await stream.receive() == Beat()
        stream.close()
        again.close()

    asyncio.run(within())


def test_what_is_sent_without_a_connection_is_not_kept(tmp_path):
    async def within():
        endpoint = f"ipc://{tmp_path}/agents.sock"
        stream = Stream(endpoint)
        assert not stream.send(Beat(None, "stale"))
        heard = asyncio.Queue()
        server = listen(endpoint, lambda messages: [heard.put_nowait(m[-1]) for m in messages])
        assert await stream.receive() == Beat()
        assert stream.send(Beat(None, "fresh"))
        assert read_from_agent(await heard.get()) == Beat(None, "fresh")
        stream.close()
        server.close()

    asyncio.run(within())


def test_a_new_connection_is_for_its_user_one_that_he_was_told_of(tmp_path):
    """What went out before would be answered with a second question for a Hello."""

    async def within():
        endpoint = f"ipc://{tmp_path}/agents.sock"
        heard = asyncio.Queue()
        server = listen(endpoint, lambda messages: [heard.put_nowait(m[-1]) for m in messages])
        stream = Stream(endpoint)
        async with asyncio.timeout(5):
            while not stream.waiting:
                await asyncio.sleep(0)
        assert not stream.send(Beat(None, "early"))
        assert await stream.receive() == Beat()
        assert stream.send(Beat(None, "in time"))
        assert read_from_agent(await heard.get()) == Beat(None, "in time")
        stream.close()
        server.close()

    asyncio.run(within())


def test_a_message_that_cannot_be_read_is_an_error_and_the_stream_goes_on(tmp_path):
    async def within():
        endpoint = f"ipc://{tmp_path}/agents.sock"

        def take(messages):
            for peer, *_ in messages:
                server.send(peer, b"\xc1 rubbish")
                server.send(peer, encode(AskStatus(1, ())))

        server = listen(endpoint, take)
        stream = Stream(endpoint)
        assert await stream.receive() == Beat()
        stream.send(Beat())
        with pytest.raises(msgspec.DecodeError):
            await stream.receive()
        assert await stream.receive() == AskStatus(1, ())
        stream.close()
        server.close()

    asyncio.run(within())


def test_sending_to_who_is_gone_or_full_says_no(tmp_path):
    async def within():
        endpoint = f"ipc://{tmp_path}/agents.sock"
        peers = asyncio.Queue()
        server = listen(endpoint, lambda messages: [peers.put_nowait(m[0]) for m in messages])
        assert not server.send(b"nobody", b"x")
        # A peer that connects and never reads: its socket is not on the loop.
        deaf = zmq.Context.instance().socket(zmq.DEALER)
        deaf.setsockopt(zmq.RCVHWM, 1)
        deaf.connect(endpoint)
        deaf.send(b"here")
        peer = await peers.get()
        sent = 0
        while server.send(peer, bytes(10_000)):
            sent += 1
            assert sent < 3 * sockets.HIGH_WATER
        assert not server.send(peer, b"x")
        deaf.close(linger=0)
        server.close()

    asyncio.run(within())


BROKEN = {
    "nothing": b"",
    "no MessagePack": b"\xc1",
    "no message": encode({"type": "nonsense"}),
    "of no type": encode([1, 2]),
    "not UTF-8": b"\x81\xa4type\xa2\xff\xfe",
    "nested too deeply": b"\x82\xa4type\xa4beat\xa1x" + b"\x91" * 5000 + b"\xc0",
}


@pytest.mark.parametrize("reads", [read_from_agent, read_to_agent, read_request, read_reply])
@pytest.mark.parametrize("what", BROKEN)
def test_what_cannot_be_read_is_one_kind_of_error(what, reads):
    with pytest.raises(msgspec.DecodeError):
        reads(BROKEN[what])

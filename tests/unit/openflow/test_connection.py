"""A connection over a real socket, whose other end says what the test wants."""

import asyncio
import functools
import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openvnet.openflow import messages
from openvnet.openflow.connection import BUFFERED_OCTETS, Connection
from openvnet.openflow.driver import Switch
from openvnet.openflow.errors import Disconnected, MalformedMessage, Refusal

HELLO = messages.hello(1)


class Peer:
    """The switch's end."""

    def __init__(self, connection, reader, writer):
        self.connection, self.reader, self.writer = connection, reader, writer

    def say(self, octets):
        self.writer.write(octets)

    async def hear(self):
        """The next message: kind, xid, body."""
        head = await self.reader.readexactly(8)
        body = await self.reader.readexactly(int.from_bytes(head[2:4], "big") - 8)
        return head[1], int.from_bytes(head[4:8], "big"), body


def connected(scenario):
    """A test that is a coroutine, given both ends of a connection and what it reports."""

    @functools.wraps(scenario)
    def run(**named):
        async def both_ends():
            ours, theirs = socket.socketpair()
            reports = asyncio.Queue()

            def on_open(connection):
                connection.on_message = lambda *message: reports.put_nowait(message)
                reports.put_nowait("open")

            def make():
                connection = Connection(on_open, probe_seconds=0.2)
                connection.on_closed = reports.put_nowait
                return connection

            loop = asyncio.get_running_loop()
            transport, connection = await loop.create_connection(make, sock=ours)
            reader, writer = await asyncio.open_connection(sock=theirs)
            try:
                peer = Peer(connection, reader, writer)
                await asyncio.wait_for(scenario(peer, reports, **named), 10)
            finally:
                transport.abort()
                writer.transport.abort()
                await asyncio.sleep(0)

        asyncio.run(both_ends())

    del run.__wrapped__
    return run


@connected
async def test_both_say_hello(peer, reports):
    assert await peer.hear() == (messages.HELLO, 1, HELLO[8:])
    peer.say(HELLO)
    assert await reports.get() == "open"


@connected
async def test_an_echo_is_answered(peer, reports):
    peer.say(HELLO + messages.message(messages.ECHO_REQUEST, 77, b"anyone?"))
    assert await reports.get() == "open"
    await peer.hear()
    assert await peer.hear() == (messages.ECHO_REPLY, 77, b"anyone?")


@connected
async def test_a_silent_switch_is_asked_for_an_echo_and_then_given_up(peer, reports):
    peer.say(HELLO)
    await peer.hear()
    kind, xid, _ = await peer.hear()
    assert kind == messages.ECHO_REQUEST
    peer.say(messages.message(messages.ECHO_REPLY, xid))
    assert (await peer.hear())[0] == messages.ECHO_REQUEST
    assert await reports.get() == "open"
    assert "silent" in await reports.get()
    with pytest.raises(Disconnected, match="silent"):
        peer.connection.write(HELLO)
    with pytest.raises(Disconnected, match="silent"):
        await peer.connection.drain()


@connected
async def test_answers_find_their_questions_in_any_order(peer, reports):
    peer.say(HELLO)
    assert await reports.get() == "open"
    first, second = (asyncio.ensure_future(peer.connection.barrier()) for _ in range(2))
    await peer.hear()
    (_, one, _), (_, two, _) = await peer.hear(), await peer.hear()
    peer.say(messages.message(messages.BARRIER_REPLY, two))
    await second
    assert not first.done()
    peer.say(messages.message(messages.BARRIER_REPLY, one))
    await first


@connected
async def test_the_parts_of_an_answer_come_together(peer, reports):
    peer.say(HELLO)
    assert await reports.get() == "open"
    answer = peer.connection.answer(9)
    for more, body in ((1, b"a"), (1, b"b"), (0, b"c")):
        head = bytes((0, 1, 0, more, 0, 0, 0, 0))
        peer.say(messages.message(messages.MULTIPART_REPLY, 9, head + body))
    assert await answer == [b"a", b"b", b"c"]


@connected
async def test_an_error_is_the_answer_to_its_question(peer, reports):
    peer.say(HELLO)
    assert await reports.get() == "open"
    answer = peer.connection.answer(9)
    peer.say(messages.message(messages.ERROR, 9, bytes((0, 1, 0, 6))))
    with pytest.raises(Refusal, match=r"bad len \(OFPBRC_BAD_LEN\)"):
        await answer


@connected
async def test_what_answers_nothing_is_handed_on(peer, reports):
    peer.say(HELLO + messages.message(messages.PORT_STATUS, 0, b"x"))
    assert await reports.get() == "open"
    assert await reports.get() == (messages.PORT_STATUS, 0, b"x")


@connected
async def test_whoever_waits_is_told_when_the_switch_is_gone(peer, reports):
    peer.say(HELLO)
    assert await reports.get() == "open"
    answer = peer.connection.answer(9)
    peer.writer.close()
    with pytest.raises(Disconnected, match="closed"):
        await answer
    assert "closed" in await reports.get()
    with pytest.raises(Disconnected):
        await peer.connection.answer(10)


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (messages.message(messages.ECHO_REQUEST, 1), "instead of hello"),
        (b"\1\0\0\x08\0\0\0\1", "does not offer OpenFlow 1.3"),
        (HELLO + b"\1\2\0\x08\0\0\0\1", "version 0x01"),
        (HELLO + b"\4\2\0\7\0\0\0\1", "of 7 octets"),
    ],
)
def test_nonsense_ends_the_connection(octets, why):
    @connected
    async def scenario(peer, reports):
        peer.say(octets)
        reason = await reports.get()
        assert why in (await reports.get() if reason == "open" else reason)

    scenario()


@given(st.lists(st.integers(0, 60)))
@settings(max_examples=20)
def test_messages_come_whole_however_they_were_cut(cuts):
    octets = HELLO + b"".join(
        messages.message(messages.PACKET_IN, xid, bytes(xid)) for xid in range(5)
    )

    @connected
    async def scenario(peer, reports):
        at = 0
        for end in [*sorted(cuts), len(octets)]:
            peer.connection.data_received(octets[at:end])
            at = max(at, end)
        assert await reports.get() == "open"
        for xid in range(5):
            assert await reports.get() == (messages.PACKET_IN, xid, bytes(xid))

    scenario()


@given(
    st.sampled_from(
        [messages.ERROR, messages.PORT_STATUS, messages.MULTIPART_REPLY, messages.EXPERIMENTER]
    ),
    st.binary(max_size=80),
)
@settings(max_examples=50)
def test_any_message_is_taken_or_ends_the_connection(kind, body):
    @connected
    async def scenario(peer, _):
        peer.connection.on_open = lambda _: None
        peer.connection.data_received(HELLO)
        switch = Switch(peer.connection)
        asking = asyncio.ensure_future(switch.handshake())
        await asyncio.sleep(0)
        peer.connection.data_received(messages.message(kind, 2, body))
        peer.connection.data_received(messages.message(kind, 3, body))
        peer.connection.close("the test is over")
        with pytest.raises((Disconnected, MalformedMessage, Refusal)):
            await asking

    scenario()


@connected
async def test_whoever_sends_much_waits_until_the_switch_has_read_it(peer, reports):
    peer.say(HELLO)
    assert await reports.get() == "open"
    much = 4 * BUFFERED_OCTETS
    peer.connection.write(bytes(much))
    drained = asyncio.ensure_future(peer.connection.drain())
    await peer.reader.readexactly(1000)
    assert not drained.done()
    await peer.reader.readexactly(len(HELLO) + much - 1000)
    await drained


def test_transaction_ids_begin_anew_before_they_run_out():
    connection = Connection(lambda _: None)
    assert connection.xids(10) == 1
    assert connection.xids(0xFFFFFFF0) == 11
    assert connection.xids(100) == 1

"""The client's words when what it talks to is not as it should be, and its headers."""

import socket
from contextlib import contextmanager
from threading import Thread

import pytest

from openvnet.api.answers import reply_answer
from openvnet.client import Client, Realised, Unreachable, Unreadable
from openvnet.wire.messages import Realised as Told
from openvnet.wire.messages import Reply, Revision


@contextmanager
def somebody(*answers):
    """A server that answers each connection with the next of these bytes."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            for answer in answers:
                peer, _ = server.accept()
                with peer:
                    peer.recv(4096)
                    peer.sendall(answer)

        thread = Thread(target=serve, daemon=True)
        thread.start()
        host, port = server.getsockname()
        with Client(f"{host}:{port}") as client:
            yield client
        thread.join()


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>",
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nnot found",
    ],
)
def test_what_is_not_webapi_is_said_not_to_be(answer):
    with somebody(answer) as client, pytest.raises(Unreadable, match="is not webapi"):
        client.get("/networks")


def test_a_server_that_hangs_up_is_said_not_to_answer():
    with somebody(b"") as client, pytest.raises(Unreachable, match="No webapi answers"):
        client.get("/networks")


def test_a_connection_that_was_closed_meanwhile_is_opened_again():
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    with somebody(answer, answer) as client:
        assert client.get("/a").body == {}
        assert client.get("/b").body == {}


def test_silence_is_not_waited_out():
    with socket.create_server(("127.0.0.1", 0)) as server:
        host, port = server.getsockname()
        with (
            Client(f"{host}:{port}", timeout=0.05) as client,
            pytest.raises(Unreachable, match="does not answer in time"),
        ):
            client.get("/networks")


@pytest.mark.parametrize(
    "address", ["http://", "ftp://a", "a:b", "a:99999", "", "[::1", "a..b", f"{'a' * 64}.b:9090"]
)
def test_what_is_no_address_is_refused_in_words(address):
    with pytest.raises(Unreachable, match="is not an address of webapi; it must be host:port"):
        Client(address).get("/networks")


def test_words_of_any_letters_come_through_the_headers():
    told = Told(2.5, ("vna", "ホスト"), ('"quoted", and\r\nX: y',), tuple("abc" * 10))
    response = reply_answer(Reply(1, {"uuid": "nw-1"}, None, Revision("e", 7), told), "json")
    head = b"HTTP/1.1 200 OK\r\n" + b"".join(
        name + b": " + value + b"\r\n" for name, value in response.raw_headers
    )
    with somebody(head + b"\r\n" + response.body) as client:
        answer = client.write("POST", "/networks", {}, wait=1.0)
    assert answer.revision == "e/7"
    failures = (*"abc" * 6, "a", "b", "and 10 more")
    assert answer.realised == Realised(2.5, told.hosts, told.lagging, failures)

"""webapi as a process: its sockets, its end, and vnmgr that is not there."""

import signal
import socket
import stat

import httpx
import pytest

from openvnet.client import Client, Refused, Unreachable
from tests.api.processes import Process, vnmgr, webapi


def test_it_listens_on_tcp_and_on_a_unix_socket_of_its_user_alone(tmp_path):
    with vnmgr(tmp_path), webapi(tmp_path) as running:
        address = next(line for line in running.log if "listening" in line)
        port = address.partition("http://127.0.0.1:")[2].partition(" ")[0]
        for where in (
            f"127.0.0.1:{port}",
            f"http://127.0.0.1:{port}/",
            f"unix:{tmp_path}/webapi.sock",
        ):
            with Client(where) as client:
                assert client.get("/networks").body["total_count"] == 0
        assert stat.S_IMODE((tmp_path / "webapi.sock").stat().st_mode) == 0o600


def test_the_group_of_a_directory_that_only_it_may_enter_may_open_its_socket(tmp_path):
    tmp_path.chmod(0o750)
    with webapi(tmp_path):
        assert stat.S_IMODE((tmp_path / "webapi.sock").stat().st_mode) == 0o660


def test_nobody_else_may_open_the_socket_in_a_directory_that_all_may_enter(tmp_path):
    tmp_path.chmod(0o755)
    with webapi(tmp_path):
        assert stat.S_IMODE((tmp_path / "webapi.sock").stat().st_mode) == 0o600


def test_it_ends_on_sigterm_and_leaves_no_socket(tmp_path):
    with webapi(tmp_path) as running, Client(f"unix:{tmp_path}/webapi.sock") as client:
        client.get("/version")
        assert running.end() == 0
        assert list(tmp_path.iterdir()) == []
        with pytest.raises(Unreachable, match="No webapi answers at unix:"):
            client.get("/version")


def test_it_takes_the_place_of_one_that_was_killed(tmp_path):
    with webapi(tmp_path) as running:
        running.running.send_signal(signal.SIGKILL)
        running.running.wait()
        assert (tmp_path / "webapi.sock").is_socket()
    with webapi(tmp_path), Client(f"unix:{tmp_path}/webapi.sock") as client:
        assert client.get("/version").body


def test_a_port_that_is_taken_is_said_in_one_line(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        second = Process("openvnet.api.main", "--run", str(tmp_path), "--port", str(port))
        assert second.running.wait(timeout=10) == 1
    words = f"Error: webapi cannot listen on 127.0.0.1:{port}: Address already in use.\n"
    second.end()
    assert second.log == [words]


def test_a_second_webapi_of_the_same_directory_is_refused(tmp_path):
    with webapi(tmp_path):
        second = Process("openvnet.api.main", "--run", str(tmp_path), "--port", "0")
        assert second.running.wait(timeout=10) == 1
        second.end()
        assert second.log == [
            f"Error: webapi cannot listen on {tmp_path}/webapi.sock: "
            "another process listens there.\n"
        ]
        assert (tmp_path / "webapi.sock").is_socket()


def test_without_vnmgr_it_says_so_and_with_it_goes_on(tmp_path):
    with webapi(tmp_path), Client(f"unix:{tmp_path}/webapi.sock") as client:
        with pytest.raises(Refused, match="vnmgr") as caught:
            client.get("/networks")
        assert (caught.value.error, caught.value.status) == ("Unavailable", 503)
        with vnmgr(tmp_path):
            assert client.get("/networks").body["total_count"] == 0


def test_a_vnmgr_that_is_away_is_known_at_once_and_nothing_is_left_in_doubt(tmp_path):
    socket = f"unix:{tmp_path}/webapi.sock"
    with webapi(tmp_path), Client(socket, timeout=5) as client:
        with pytest.raises(Refused) as caught:  # It may just be restarting.
            client.get("/networks")
        with pytest.raises(Refused) as again:
            client.write("POST", "/networks", {"ipv4_network": "10.0.0.0"}, wait=60)
    for refused in caught.value, again.value:
        assert refused.status == 503
        assert "is it running?" in str(refused)
        assert "not known" not in str(refused)


def test_an_open_connection_does_not_keep_it_from_ending(tmp_path):
    with (
        webapi(tmp_path) as running,
        httpx.Client(transport=httpx.HTTPTransport(uds=f"{tmp_path}/webapi.sock")) as http,
    ):
        assert http.get("http://webapi/version").status_code == 200
        assert running.end() == 0

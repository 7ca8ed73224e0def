"""The process vna: how it starts, refuses to start, and stops."""

import signal
import socket
import stat

import pytest

from tests.api.processes import Process

ANYWHERE = ("--listen", "127.0.0.1:0", "--ovsdb", "")


def vna(directory, *more):
    places = ("--state", str(directory / "state"), "--run", str(directory / "run"))
    return Process("openvnet.agent.main", *places, *ANYWHERE, *more)


def refused(directory, *more):
    """The last line of what it says; it must end by itself, in words."""
    running = vna(directory, *more)
    assert running.running.wait(timeout=20) in (1, 2)
    running.end()
    assert "Traceback" not in "".join(running.log)
    return running.log[-1].strip()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_cleanly_when_told_to(tmp_path, number):
    running = vna(tmp_path)
    running.says("listens")
    running.running.send_signal(number)
    running.says("has stopped; the switch keeps its flows")
    assert running.running.wait(timeout=10) == 0
    running.end()
    assert "Traceback" not in "".join(running.log)


def test_what_it_keeps_is_its_users_alone(tmp_path):
    running = vna(tmp_path, "--node-id", "host.of.example")
    running.says("listens")
    running.end()
    made = [tmp_path / "run", tmp_path / "state", tmp_path / "state" / "host.of.example.cache"]
    assert sorted(tmp_path.rglob("*")) == made
    for path in made:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_it_starts_with_a_cache_that_cannot_be_read(tmp_path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "vna.cache").write_bytes(b"\xff" * 1000)
    running = vna(tmp_path)
    running.says("listens")
    assert running.end() == 0


def test_it_listens_at_an_address_of_ipv6(tmp_path):
    running = vna(tmp_path, "--listen", "[::1]:0")
    assert "listens at ::1" in running.says("listens")
    assert running.end() == 0


@pytest.mark.parametrize("address", ["here", ":6633", "127.0.0.1:", "127.0.0.1:65536", "::1:²"])
def test_an_address_to_listen_at_that_is_none_is_refused(tmp_path, address):
    assert refused(tmp_path, "--listen", address) == (
        f"Error: Invalid value for --listen: {address!r} must be host:port, with a port up to 65535"
    )


@pytest.mark.parametrize("address", ["here", "unix:", "tcp:here", "tcp:here:there"])
def test_an_address_of_a_database_that_is_none_is_refused(tmp_path, address):
    assert refused(tmp_path, "--ovsdb", address) == (
        f"Error: Invalid value for --ovsdb: OVSDB address {address!r} "
        "must be unix:/path or tcp:host:port"
    )


def test_it_says_what_it_cannot_use(tmp_path):
    (tmp_path / "file").touch()
    assert "is a file" in refused(tmp_path, "--state", str(tmp_path / "file"))
    assert "Not a directory" in refused(tmp_path, "--state", str(tmp_path / "file" / "state"))
    (tmp_path / "state" / "vna.cache").mkdir(parents=True)
    assert "Is a directory" in refused(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        assert f"cannot listen at {address}: Address already in use" in refused(
            tmp_path, "--listen", address
        )

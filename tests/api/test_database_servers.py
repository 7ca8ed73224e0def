"""vnmgr and webapi over a real server that is killed, away, and back."""

import threading
from contextlib import closing, contextmanager, suppress

import pytest

from openvnet.client import Client, ClientError, Refused
from openvnet.lab.waiting import until
from openvnet.store.database import opened
from tests.api.processes import process, webapi
from tests.databases import server


@pytest.fixture(params=["mariadb", "postgresql"])
def durable(request):
    """A server that syncs to the disk, with vnmgr's tables."""
    with server(request.param, durable=True) as made:
        opened(made.url("vnet")).close()
        yield made


@contextmanager
def vnmgr(run, url, says="serves"):
    words = ("--run", str(run), "--state", f"{run}/state", "--config", str(run))
    with process("openvnet.manager.main", *words, "--database", url, says=says) as running:
        yield running


def network(number):
    return {"uuid": f"nw-{number}", "ipv4_network": "10.0.0.0", "display_name": "one"}


def test_acknowledged_writes_survive_the_death_of_the_server_and_of_vnmgr(durable, tmp_path):
    acknowledged = []

    def write(first):
        with Client(f"unix:{tmp_path}/webapi.sock") as client, suppress(ClientError):
            for number in range(first, first + 10_000):
                client.write("POST", "/networks", network(number))
                acknowledged.append(f"nw-{number}")

    url = durable.url("vnet")
    with webapi(tmp_path):
        for number, victims in enumerate((("server",), ("vnmgr",), ("vnmgr", "server"))):
            before = len(acknowledged)
            writers = [
                threading.Thread(target=write, args=(100_000 * number + 20_000 * each,))
                for each in range(2)
            ]
            with vnmgr(tmp_path, url) as manager:
                for writer in writers:
                    writer.start()
                until(lambda: len(acknowledged) > before + 20, "some are written", seconds=30)  # noqa: B023
                if "vnmgr" in victims:
                    manager.running.kill()
                if "server" in victims:
                    durable.kill()
                for writer in writers:
                    writer.join()
            if "server" in victims:
                durable.start()
    with closing(opened(url)) as store:
        there = {row.uuid for row, _ in store.rows()}
    assert set(acknowledged) <= there


def test_a_server_that_begins_after_vnmgr_is_waited_for(durable, tmp_path):
    durable.kill()
    with vnmgr(tmp_path, durable.url("vnet"), says="looked for again") as manager:
        durable.start()
        manager.says("serves")


def test_while_the_server_is_away_reads_go_on_and_writes_are_refused(tmp_path):
    with (
        server("mariadb") as mortal,
        vnmgr(tmp_path, mortal.over_tcp(mortal.database()).render_as_string()),
        webapi(tmp_path),
        Client(f"unix:{tmp_path}/webapi.sock") as client,
    ):
        client.write("POST", "/networks", network(1))
        mortal.kill()
        assert client.get("/networks").body["total_count"] == 1
        assert client.get("/networks/nw-1").body["display_name"] == "one"
        with pytest.raises(Refused, match="nw-2 does not exist; did you mean nw-1"):
            client.get("/networks/nw-2")
        for what in (
            lambda: client.write("POST", "/networks", network(2)),
            lambda: client.get("/health"),
        ):
            with pytest.raises(Refused, match="cannot be reached") as refused:
                what()
            assert refused.value.status == 503
        mortal.start()

        def written():
            with suppress(Refused):
                return client.write("POST", "/networks", network(2)).body["uuid"] == "nw-2"
            return False

        until(written, "the server is back")
        assert client.get("/networks").body["total_count"] == 2

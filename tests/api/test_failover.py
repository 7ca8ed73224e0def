"""Two vnmgr and two webapi over one database: whichever vnmgr is killed, all goes on by the other.

Real processes over TCP, with Redis. The webapis have joined, so they know where both vnmgr are.
"""

import threading
from contextlib import ExitStack
from itertools import count

import httpx
import pytest

from openvnet.client import Client, ClientError
from openvnet.host.joining import join
from openvnet.lab.waiting import until
from tests.api.processes import process, vnctl, webapi
from tests.ports import free_port

NUMBERS = count(1)
"""Of writers: each has names of its own to give."""


class House:
    """Both vnmgr, which can be killed and started, and a client of each webapi."""

    def __init__(self, directory, database, redis, closing):
        self._directory, self._database, self._redis = directory, database, redis
        self.managers = {}
        for name in ("one", "two"):
            (directory / name).mkdir()
            said = f"registry {{ port {redis.port} }}\n"
            (directory / name / "common.conf").write_text(said)
            place = f"node {{ addr {{ port {free_port()} }} }}\n"
            (directory / name / "vnmgr.conf").write_text(place)
            self.start(name)
        closing.callback(self.close)
        self.addresses = [self._joined(token, closing) for token in self._tokens()]

    def start(self, name):
        here, made = self._directory / name, ExitStack()
        words = [f"--{each}={here}" for each in ("run", "state", "config")]
        asked = ("openvnet.manager.main", *words, "--database", self._database)
        self.managers[name] = made.enter_context(process(*asked, says="serves")), made

    def kill(self, name):
        running, made = self.managers.pop(name)
        running.running.kill()
        made.close()

    def close(self):
        for _, made in self.managers.values():
            made.close()

    def _tokens(self):
        """For two webapis, each with the addresses of both vnmgr in it."""
        first = self._directory / "one"
        with webapi(first), Client(f"unix:{first}/webapi.sock") as client:
            until(lambda: len(client.get("/health").body["managers"]) == 2, "both are known")
            asked = ("nodes", "token", "--role", "webapi")
            return [vnctl(first, *asked, "--node-id", name).stdout for name in ("a", "b")]

    def _joined(self, token, closing):
        """Where a webapi is that has joined, and so knows both."""
        here = self._directory / join(token, self._directory / "joining").joined.node_id
        (self._directory / "joining").rename(here)
        words = [f"--{each}={here}" for each in ("run", "state", "config")]
        closing.enter_context(process("openvnet.api.main", *words, "--port=0", says="listening"))
        return f"unix:{here}/webapi.sock"


@pytest.fixture
def house(tmp_path, mariadb, redis):
    with ExitStack() as closing:
        yield House(tmp_path, mariadb.database(), redis, closing)


class Writers:
    """By each webapi one that writes, and reads what it was told is there, until it is ended."""

    def __init__(self, addresses):
        self.acknowledged = {address: [] for address in addresses}
        self.unread = []
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._write, args=(address, 10_000 * next(NUMBERS)))
            for address in addresses
        ]
        for thread in self._threads:
            thread.start()

    def _write(self, address, number):
        with Client(address) as client:
            while not self._over.is_set():
                number += 1
                row = {"uuid": f"nw-{number}", "ipv4_network": "10.0.0.0", "display_name": "one"}
                try:
                    client.write("POST", "/networks", row)
                except ClientError:
                    continue  # It may be there, or not.
                self.acknowledged[address].append(row["uuid"])
                try:
                    client.get(f"/networks/{row['uuid']}")
                except ClientError as error:
                    self.unread.append(str(error))

    def go_on(self):
        """Return when each has written some more."""
        before = {address: len(each) for address, each in self.acknowledged.items()}
        now = self.acknowledged
        until(lambda: all(len(now[each]) > before[each] + 5 for each in before), "all write")

    def end(self):
        self._over.set()
        for thread in self._threads:
            thread.join()


def test_whichever_vnmgr_is_killed_the_next_request_succeeds_and_no_acknowledged_write_is_lost(
    house,
):
    with ExitStack() as closing:
        clients = [closing.enter_context(Client(address)) for address in house.addresses]
        for victim in ("one", "two"):
            writers = Writers(house.addresses)
            closing.callback(writers.end)
            writers.go_on()
            house.kill(victim)
            for client in clients:
                assert client.get("/networks").body["total_count"] > 10
                made = [keyed(client.address, f"{victim} {client.address}") for _ in range(2)]
                assert made[0] == made[1]
            writers.go_on()
            writers.end()
            assert writers.unread == []
            for address, client in zip(house.addresses, clients, strict=True):
                there = {row["uuid"] for row in client.all("/networks").body["items"]}
                assert set(writers.acknowledged[address]) <= there
            house.start(victim)


def keyed(address, key):
    """The uuid of a network that is made once, however often it is asked for."""
    with httpx.Client(transport=httpx.HTTPTransport(uds=address.removeprefix("unix:"))) as http:
        answer = http.post(
            "http://here/api/1.0/networks",
            json={"display_name": "once", "ipv4_network": "10.0.0.0"},
            headers={"Idempotency-Key": key},
            timeout=20,
        )
    assert answer.status_code == 200, answer.text
    return answer.json()["uuid"]

"""The survival drill in short: two things go wrong at once. Its long form: `openvnet lab drill`."""

import shutil

import pytest

from openvnet.client import Client
from openvnet.lab import machine, writing
from openvnet.lab.building import lab
from openvnet.lab.drill import Fault, drill
from openvnet.lab.many import many_hosts
from openvnet.lab.waiting import until

SECONDS = 1.0
NEEDED = ("mariadbd", "redis-check-rdb")

pytestmark = pytest.mark.skipif(
    not all(shutil.which(each, path=machine.PATH) for each in NEEDED), reason="they are drilled"
)


@pytest.fixture(scope="module")
def three():
    """Three hosts, declared, with a network to write to, over MariaDB and with Redis."""
    pytest.importorskip("pymysql")
    with lab(many_hosts(3, database="mariadb")) as running:
        running.declare()
        writing.prepare(running)
        yield running


@pytest.mark.parametrize(
    "wrong",
    [
        (Fault("killed", "vnmgr"), Fault("cut", "host3")),
        (Fault("frozen", "vnmgr"), Fault("killed", "webapi")),
        (Fault("killed", "mariadb"), Fault("frozen", "redis")),
        (Fault("frozen", "mariadb"), Fault("cut", "host3")),
    ],
    ids=lambda wrong: " and ".join(map(str, wrong)),
)
def test_no_packet_and_no_acknowledged_write_is_lost_while_two_things_go_wrong(three, wrong):
    outcome = drill(three, "short", wrong, SECONDS)
    assert outcome.ok, outcome
    assert outcome.packets > 500
    assert outcome.writes > 1


def test_a_write_that_is_lost_is_noticed(three):
    written = writing.Written()
    with Client(three.webapi) as client:
        for name, number in (("if-kept", 1), ("if-lost", 2)):
            client.write("POST", "/interfaces", writing.interface(name, number), wait=10)
            written.acknowledged[name] = True
        assert list(writing.missing(three, written)) == []
        three.freeze("host2/vna")
        client.write("DELETE", "/interfaces/if-lost")
        until(lambda: len(list(writing.missing(three, written))) == 2, "the others have it")
        assert list(writing.missing(three, written)) == [
            "if-lost was added, and that is lost",
            "10.129.0.2 is known to host2",
        ]
        three.thaw("host2/vna")
        written.acknowledged["if-lost"] = False
        until(lambda: not list(writing.missing(three, written)), "host2 has it")
    writing.clear(three)

"""IP leases that end: when they are released, when deleted, and by whom."""

import asyncio
from contextlib import closing
from functools import partial

import pytest

from openvnet.manager.replica import Replica
from openvnet.manager.retention import Deadlines, Ended, deadline, end
from openvnet.model import IpLease, IpRetention, IpRetentionContainer
from openvnet.store.database import Committed, opened
from tests.databases import database_of, sqlite
from tests.unit.manager.desk import Desk
from tests.vnmgr import guest, house, in_house, ip, mac

NOW = 1_000_000


@pytest.mark.parametrize(
    ("times", "leased_at", "released_at", "expected"),
    [
        ((60, 30), 100, None, 160),
        ((60, 30), 100, 120, 150),
        ((0, 0), 100, None, 100),
        ((None, 30), 100, None, None),
        ((60, None), 100, 120, None),
        ((None, 30), 100, 120, 150),
    ],
)
def test_a_deadline_is_so_long_after_the_lease_or_its_release(
    times, leased_at, released_at, expected
):
    lease_time, grace_time = times
    container = IpRetentionContainer(uuid="irc-1", lease_time=lease_time, grace_time=grace_time)
    named = {"ip_retention_container_uuid": "irc-1", "ip_lease_uuid": "il-1"}
    retention = IpRetention(uuid="iret-1", leased_at=leased_at, released_at=released_at, **named)
    assert deadline(container, retention) == expected


@pytest.fixture
def desk(tmp_path):
    """An interface whose IP lease il-1 is in a container of 90 and 60 seconds."""
    with closing(opened(sqlite(tmp_path / "vnet.sqlite"))) as store:
        desk = Desk(store)
        desk.create("networks", uuid="nw-1", ipv4_network=ip("10.0.0.0"))
        desk.create("interfaces", uuid="if-1", mode="vif", mac_address=mac(1))
        lease = {"network_uuid": "nw-1", "ipv4_address": ip("10.0.0.1")}
        desk.create("ip_leases", uuid="il-1", interface_uuid="if-1", **lease)
        desk.create("ip_retention_containers", uuid="irc-1", lease_time=90, grace_time=60)
        desk.create("ip_retentions", "irc-1", ip_lease_uuid="il-1")
        yield desk


def later(desk, seconds):
    """What ends when so much time has gone by."""
    desk.now += seconds
    deadlines = Deadlines(desk.replica)
    due = deadlines.due(desk.now, 10)
    return ended(desk, due)


def ended(desk, due):
    outcome = desk.work(partial(end, retentions=due, mac_group=None))
    assert isinstance(outcome, Committed), outcome
    return outcome.result


def test_a_lease_is_released_and_then_deleted(desk):
    assert later(desk, 89) == Ended((), ())
    assert later(desk, 1) == Ended(("il-1",), ())
    (lease,), (retention,) = desk.rows(IpLease), desk.rows(IpRetention)
    assert (lease.interface_uuid, lease.mac_lease_uuid) == (None, None)
    assert (retention.leased_at, retention.released_at) == (NOW, NOW + 90)
    assert later(desk, 59) == Ended((), ())
    assert later(desk, 1) == Ended((), ("il-1",))
    assert desk.rows(IpLease) == desk.rows(IpRetention) == []


def test_what_is_over_already_ends_once_whoever_is_second(desk):
    desk.now += 90
    due = Deadlines(desk.replica).due(desk.now, 10)
    assert ended(desk, due) == Ended(("il-1",), ())
    number = desk.store.number
    assert ended(desk, due) == Ended((), ())
    desk.now -= 1000
    assert ended(desk, due) == Ended((), ())
    assert desk.store.number == number


def test_what_a_user_releases_is_deleted_after_its_grace_time(desk):
    desk.now += 10
    desk("release", "ip_leases", "il-1")
    assert desk.rows(IpRetention)[0].released_at == NOW + 10
    assert later(desk, 59) == Ended((), ())
    assert later(desk, 1) == Ended((), ("il-1",))


def test_the_time_of_a_lease_that_is_attached_again_begins_anew(desk):
    desk.now += 10
    desk("release", "ip_leases", "il-1")
    desk.now += 10
    desk("attach", "ip_leases", "il-1", values={"interface_uuid": "if-1"})
    (retention,) = desk.rows(IpRetention)
    assert (retention.leased_at, retention.released_at) == (NOW + 20, None)
    assert later(desk, 89) == Ended((), ())
    assert later(desk, 1) == Ended(("il-1",), ())


def test_a_container_that_is_changed_changes_when_its_leases_end(desk):
    deadlines = Deadlines(desk.replica)
    assert deadlines.next() == NOW + 90
    for values, expected in (
        ({"lease_time": 5}, NOW + 5),
        ({"lease_time": None}, None),
        ({"lease_time": 7, "grace_time": None}, NOW + 7),
    ):
        desk("update", "ip_retention_containers", "irc-1", values=values)
        assert deadlines.change(desk.changes)
        assert deadlines.next() == expected
    desk("delete", "ip_retention_containers", "irc-1")
    deadlines.change(desk.changes)
    assert deadlines.next() is None
    assert [row.interface_uuid for row in desk.rows(IpLease)] == ["if-1"]


def test_a_write_that_could_not_be_done_is_due_again(desk):
    deadlines = Deadlines(desk.replica)
    due = deadlines.due(NOW + 90, 10)
    assert deadlines.due(NOW + 90, 10) == []
    deadlines.put_back([*due, "iret-gone"])
    assert deadlines.due(NOW + 90, 10) == due


def test_deadlines_that_hold_no_more_are_let_go(desk):
    deadlines = Deadlines(desk.replica)
    (retention,) = desk.rows(IpRetention)
    for _ in range(2000):
        deadlines.put_back([retention.uuid])
    assert len(deadlines._heap) < 1100


@in_house
async def test_vnmgr_ends_leases_and_says_so(here):
    await guest(here, 1, owner_datapath_uuid="dp-1")
    ears = await here.ears("vm1")
    (lease,) = (await here.call("show", "interfaces", "if-1"))["ip_leases"]
    await here.call.create("ip_retention_containers", uuid="irc-1", lease_time=0)
    await here.call.create("ip_retentions", "irc-1", ip_lease_uuid=lease["uuid"])
    await ears.until(lambda: lease["uuid"] not in ears.uuids())
    (newest,) = (await here.call("changes", limit=1, values={}))["items"]
    assert newest["asked_by"] == "retention"
    assert {change["kind"] for change in newest["changes"]} == {"ip_lease", "ip_retention"}


def test_what_was_over_while_vnmgr_was_down_ends_when_it_is_back(tmp_path):
    async def within():
        with house(tmp_path) as here:
            await here.call.create("networks", uuid="nw-1", ipv4_network=0)
            await here.call.create("ip_leases", uuid="il-1", network_uuid="nw-1", ipv4_address=1)
            await here.call.create("ip_retention_containers", uuid="irc-1", grace_time=0)
            await here.call.create("ip_retentions", "irc-1", ip_lease_uuid="il-1")
        with closing(opened(database_of(tmp_path))) as store:
            desk = Desk(store)
            desk("update", "ip_retention_containers", "irc-1", values={"lease_time": 1})
        with house(tmp_path) as here:
            async with asyncio.timeout(10):
                while (await here.call("list", "ip_leases"))["total_count"]:
                    pass

    asyncio.run(within())


def test_a_thousand_leases_are_found_without_looking_at_them_all(desk):
    span = {"network_uuid": "nw-1", "interface_uuid": "if-1"}
    for number in range(2, 60):
        lease = desk.create("ip_leases", ipv4_address=ip("10.0.0.0") + number, **span)
        desk.now += 1
        desk.create("ip_retentions", "irc-1", ip_lease_uuid=lease.uuid)
    deadlines = Deadlines(Replica(desk.store))
    assert deadlines.next() == NOW + 90
    assert len(deadlines.due(NOW + 100, 5)) == 5
    assert len(deadlines.due(NOW + 100, 50)) == 6
    assert deadlines.next() == NOW + 101

"""Lease policies on DHCP: which address an interface gets that asks for one."""

from contextlib import closing

import pytest

from openvnet.manager.policies import requested_lease_rows
from openvnet.model import IpLease, IpRetention
from openvnet.store.database import Committed, opened
from tests.databases import sqlite
from tests.unit.manager.desk import Desk
from tests.vnmgr import ip, mac


@pytest.fixture
def desk(tmp_path):
    """A policy on DHCP with two addresses, and three interfaces of it."""
    with closing(opened(sqlite(tmp_path / "vnet.sqlite"))) as store:
        desk = Desk(store)
        desk.create("networks", uuid="nw-1", ipv4_network=ip("10.0.0.0"))
        desk.create("ip_range_groups", uuid="iprg-1")
        span = {"begin_ipv4_address": ip("10.0.0.7"), "end_ipv4_address": ip("10.0.0.8")}
        desk.create("ip_ranges", "iprg-1", **span)
        desk.create("lease_policies", uuid="lp-1", timing="dhcp")
        desk.create("lease_policy_networks", "lp-1", "nw-1", ip_range_group_uuid="iprg-1")
        desk.create("ip_retention_containers", uuid="irc-1", lease_time=60)
        desk.create("lease_policy_ip_retention_containers", "lp-1", "irc-1")
        for number in (1, 2, 3):
            uuid = f"if-{number}"
            desk.create("interfaces", uuid=uuid, mode="vif", mac_address=mac(number))
            desk.create("lease_policy_interfaces", "lp-1", uuid)
        yield desk


def asks(desk, interface_uuid):
    """What comes of a request by DHCP: the addresses, or the refusal."""

    def put(transaction):
        rows = []
        for row in requested_lease_rows(transaction, interface_uuid):
            transaction.put(row)
            rows.append(row)
        return rows

    outcome = desk.work(put)
    if not isinstance(outcome, Committed):
        return str(outcome)
    return [row.ipv4_address for row in outcome.result if isinstance(row, IpLease)]


@pytest.mark.parametrize("allocation_type", ["incremental", "decremental", "random"])
def test_what_is_leased_in_another_network_of_the_segment_is_not_free(desk, allocation_type):
    desk.create("segments", uuid="seg-1", mode="virtual")
    for uuid in ("nw-2", "nw-3"):
        named = {"uuid": uuid, "segment_uuid": "seg-1"}
        desk.create("networks", **named, mode="virtual", ipv4_network=ip("10.0.0.0"))
    desk.create("ip_leases", network_uuid="nw-3", ipv4_address=ip("10.0.0.8"))
    desk("update", "ip_range_groups", "iprg-1", values={"allocation_type": allocation_type})
    desk("delete", "lease_policy_networks", parent="lp-1", related="nw-1")
    desk.create("lease_policy_networks", "lp-1", "nw-2", ip_range_group_uuid="iprg-1")
    assert asks(desk, "if-1") == [ip("10.0.0.7")]
    assert "is exhausted" in asks(desk, "if-2")


def test_an_interface_has_no_address_until_it_asks_and_then_keeps_it(desk):
    assert desk.rows(IpLease) == []
    assert asks(desk, "if-1") == [ip("10.0.0.7")]
    (lease,) = desk.rows(IpLease)
    assert lease.interface_uuid == "if-1"
    (retention,) = desk.rows(IpRetention)
    assert (retention.ip_lease_uuid, retention.leased_at) == (lease.uuid, desk.now)
    assert asks(desk, "if-1") == [ip("10.0.0.7")]
    assert desk.rows(IpLease) == [lease]


def test_who_asks_when_nothing_is_left_is_told_so(desk):
    assert asks(desk, "if-1") == [ip("10.0.0.7")]
    assert asks(desk, "if-2") == [ip("10.0.0.8")]
    assert "lp-1 is exhausted" in asks(desk, "if-3")
    desk("delete", "lease_policy_interfaces", parent="lp-1", related="if-1")
    assert "lp-1 is exhausted" in asks(desk, "if-3")
    assert asks(desk, "if-1") == []
    desk("delete", "interfaces", "if-1")
    assert asks(desk, "if-3") == [ip("10.0.0.7")]


def test_who_had_an_address_at_once_and_lost_it_may_ask(desk):
    desk("update", "lease_policies", "lp-1", values={"timing": "immediate"})
    assert desk.rows(IpLease) == []
    desk.create("interfaces", uuid="if-4", mode="vif", mac_address=mac(4))
    desk.create("lease_policy_interfaces", "lp-1", "if-4")
    (lease,) = desk.rows(IpLease)
    desk("delete", "ip_leases", lease.uuid)
    assert asks(desk, "if-4") == [lease.ipv4_address]

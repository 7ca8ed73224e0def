"""Three hosts on two underlays: each reaches the others and vnmgr by its own uplink alone."""

import json
import re
import shutil
from contextlib import contextmanager

import pytest

from openvnet.client import Client
from openvnet.lab import machine, migrating
from openvnet.lab.building import lab
from openvnet.lab.directory import wait_until_let_go
from openvnet.lab.environment import MANAGER, MANAGER_ADDRESS, ROUTER
from openvnet.lab.errors import CommandFailed, LabError
from openvnet.lab.many import many_hosts
from openvnet.lab.reach import measured, wrong_cells
from openvnet.lab.traffic import traffic_among
from openvnet.lab.underlay import cut, mend, set_link
from openvnet.lab.waiting import until
from openvnet.lab.wire import listening
from tests.e2e.test_lab import (
    init_of,
    lab_up,
    links,
    mounts,
    namespaces_in_use,
    namespaces_of,
    openvnet,
)


def address(lab, name):
    return MANAGER_ADDRESS if name == MANAGER else lab.environment.host(name).ipv4_address


def reaches(lab, one, other):
    """Whether a host's ping is answered by another host, or by the manager."""
    try:
        lab.run(one, "ping", "-c", "1", "-W", "0.5", address(lab, other))
    except CommandFailed:
        return False
    return True


def states(lab):
    with Client(lab.webapi) as client:
        return {node: found["state"] for node, found in client.get("/nodes").body.items()}


@contextmanager
def pings(lab, one, other):
    """From a host to another, 100 a second; the block gets the numbers of those answered."""
    answered = []
    command = ("ping", "-n", "-i", "0.01", address(lab, other))
    with lab.open(
        one, "sh", "-c", '"$@" & read -r _; kill -INT $!; wait', "pings", *command
    ) as run:
        assert "bytes of data" in run.stdout.readline()
        assert "icmp_seq=1 " in run.stdout.readline()
        yield answered
        said = run.communicate()[0]
    answered += [1, *map(int, re.findall(r"icmp_seq=(\d+)", said))]


def test_every_agent_calls_vnmgr_over_its_uplink_and_is_in_sync(three):
    assert set(states(three).values()) == {"in sync"}
    assert len(states(three)) == 3
    calls = three.run(MANAGER, "ss", "-Htn", "state", "established", "sport = :9102")
    for host in three.environment.hosts:
        assert host.ipv4_address in calls
        ports = three.run(host.name, "ovs-vsctl", "list-ports", "br0").split()
        assert "eth0" in ports
        assert not (three.directory / host.name / "vna" / "keys" / "vnmgr.secret").exists()


def test_guests_reach_their_own_network_on_all_hosts_and_no_other(three):
    pings = measured(three, count=2)
    assert len(pings) == 12
    assert list(wrong_cells(three.environment, pings)) == []


def test_no_packet_is_lost_while_all_of_openvnet_is_killed_and_comes_back(three):
    ours = [name for name in three.processes if name.split("/")[-1] in ("vna", "vnmgr", "webapi")]
    with (
        pings(three, "host1", "host2") as routed,
        pings(three, "host3", "host1") as switched,
        traffic_among(three, apart=True) as guests,
    ):
        guests.let_pass(20)
        three.kill(*ours)
        guests.let_pass(50)
        three.start("vnmgr", "webapi", *(name for name in ours if name.endswith("vna")))
        guests.let_pass(50)
    for answers in (routed, switched):
        assert answers == list(range(1, len(answers) + 1))
        assert len(answers) > 50
    assert len(guests.report.streams) == 12
    assert guests.report.lost == {}, guests.report
    assert guests.report.disturbed == {}, guests.report
    assert set(states(three).values()) == {"in sync"}


def test_what_a_guest_sends_to_another_goes_to_its_host_alone(three):
    with (
        listening(three, ROUTER, "host2", "udp port 6081") as wire,
        listening(three, ROUTER, "host3", "udp port 6081") as silent,
    ):
        three.run("vm1", "ping", "-c", "2", "-i", "0.1", "-W", "5", "10.102.0.11")
        three.run("vm2", "ping", "-c", "1", "-W", "5", "10.102.0.12")
        wire.hear("seq 2, length 64")
        silent.hear("seq 1, length 64")
    assert "52:54:00:00:00:01 > 52:54:00:00:00:03" in "".join(wire.packets)
    assert "52:54:00:00:00:03" not in "".join(silent.packets)


@pytest.mark.parametrize(
    ("one", "other", "third"),
    [("host1", "host3", "host2"), ("host1", "host2", "host3"), ("host2", MANAGER, "host1")],
)
def test_a_cut_is_between_two_and_nobody_else_notices(three, one, other, third):
    cut(three, one, other)
    try:
        assert not reaches(three, one, other)
        assert reaches(three, one, third)
        assert reaches(three, third, other)
    finally:
        mend(three, one, other)
    assert reaches(three, one, other)
    with pytest.raises(LabError, match=f"nothing is cut between {one} and {other}"):
        mend(three, one, other)


def test_an_agent_that_was_cut_off_catches_up(three):
    rename = ("interfaces", "modify", "if-vm3", "--display-name")
    cut(three, "host2", MANAGER)
    try:
        with pytest.raises(CommandFailed) as late:
            three.vnctl(*rename, "while cut", "--timeout", "0.5")
        assert late.value.status == 3
    finally:
        mend(three, "host2", MANAGER)
    until(lambda: three.vnctl(*rename, "mended", "--wait").returncode == 0, "host2 catches up")


def test_a_host_whose_cable_is_pulled_out_is_named_and_nobody_else_notices(three):
    with traffic_among(three, "vm1", "vm3", apart=True) as others:
        set_link(three, "host3", up=False)
        assert not reaches(three, "host1", "host3")
        until(lambda: states(three)["vna3"] == "not connected", "vnmgr knows that host3 is silent")
        three.vnctl("interfaces", "modify", "if-vm3", "--display-name", "alone", "--wait")
        others.let_pass(20)
    assert others.report.lost == {}, others.report
    said = doctor(three, "host1")
    set_link(three, "host3", up=True)
    until(lambda: reaches(three, "host1", "host3"), "host3 is back")
    until(lambda: list(states(three).values()) == ["in sync"] * 3, "host3 has found vnmgr")
    assert "vna3 (dp-3) is silent" in said, said


def doctor(lab, host):
    """What `openvnet doctor` says there."""
    places = f"--ovsdb=unix:{lab.root}/{host}/db.sock --state={lab.root} --run={lab.root}"
    return lab.run(host, "sh", "-c", f"openvnet doctor {places} || true")


def test_a_frozen_agent_lags_and_goes_on(three):
    rename = ("interfaces", "modify", "if-vm3", "--display-name")
    three.freeze("host2/vna")
    try:
        with pytest.raises(CommandFailed) as late:
            three.vnctl(*rename, "while frozen", "--timeout", "0.5")
        assert late.value.status == 3
    finally:
        three.thaw("host2/vna")
    three.vnctl(*rename, "thawed", "--wait")


def test_what_is_on_the_wire_is_heard(three):
    with listening(three, ROUTER, "host2", "icmp") as wire:
        assert reaches(three, "host3", "host1")
        assert reaches(three, "host1", "host2")
        wire.hear("ICMP echo reply")
    assert len(wire.packets) == 2, wire.packets
    assert not any("192.168.1.13" in packet for packet in wire.packets)


def test_a_guest_is_plugged_in_elsewhere_and_keeps_its_card(three):
    before = three.run("vm3", "ip", "-brief", "address", "show", "eth0")
    three.plug("vm3", "host1")
    try:
        assert three.host_of("vm3") == "host1"
        assert three.run("vm3", "ip", "-brief", "address", "show", "eth0") == before
        until(lambda: _where(three, "if-vm3") == ["vna1"], "vm3's interface is up on its new host")
        three.settle()
        assert list(wrong_cells(three.environment, measured(three, count=2))) == []
    finally:
        three.plug("vm3", "host2")
    assert three.host_of("vm3") == "host2"
    until(lambda: _where(three, "if-vm3") == ["vna2"], "vm3's interface is up at home again")


def test_a_live_migration_has_the_port_on_both_hosts_until_the_old_one_is_forgotten(three):
    def hosts_with_port():
        return [
            host.name
            for host in three.environment.hosts
            if "if-vm3" in three.run(host.name, "ovs-vsctl", "list-ports", "br0").split()
        ]

    migrating.prepare(three, "vm3", "host1")
    assert hosts_with_port() == ["host1", "host2"]
    migrating.switch_over(three, "vm3")
    migrating.forget(three, "vm3", "host2")
    assert hosts_with_port() == ["host1"]
    until(lambda: _where(three, "if-vm3") == ["vna1"], "vm3's interface is up on its new host")
    three.settle()
    assert " 0% packet loss" in three.run("vm1", "ping", "-c", "1", "-W", "5", "10.102.0.11")
    three.plug("vm3", "host2")
    assert hosts_with_port() == ["host2"]


def _where(lab, interface):
    """The agents that say that an interface is up."""
    shown = lab.vnctl("interfaces", "show", interface, "-o", "json").stdout
    return [each["node_id"] for each in json.loads(shown)["status"] if each["up"]]


def test_a_name_that_is_not_there_is_named_among_those_that_are(three):
    for wrong in (lambda: cut(three, "host1", "vm1"), lambda: set_link(three, "host9", up=False)):
        with pytest.raises(LabError, match="there are host1, host2, host3, manager"):
            wrong()
    with pytest.raises(LabError, match="but host1, host2, host3"):
        three.plug("vm1", "vm2")


@pytest.mark.skipif(
    not all(shutil.which(each, path=machine.PATH) for each in ("mariadbd", "redis-check-rdb")),
    reason="they are the databases'",
)
def test_vnmgr_of_a_lab_can_keep_its_rows_in_mariadb_and_have_a_redis():
    pytest.importorskip("pymysql")
    with lab(many_hosts(1, database="mariadb")) as running:
        running.declare()
        running.restart("mariadb", "redis")
        running.restart("vnmgr")
        assert "nw-vnet2" in running.vnctl("networks", "show").stdout
        assert states(running) == {"vna1": "in sync"}


def test_a_lab_of_many_hosts_is_drawn_and_leaves_nothing_behind_when_killed(tmp_path):
    directory = tmp_path / "lab"
    before = links(), mounts()
    with lab_up(directory, options=("--hosts", "1", "--guests", "1")) as up:
        status = openvnet(directory, "lab", "status")
        assert "╭─ host1 ─────┴" in status.stdout, status.stderr
        assert "│ └─ vm1   10.102.0.10/23" in status.stdout
        own = namespaces_of(init_of(up)) - namespaces_of("self")
        up.kill()
        up.communicate()
        wait_until_let_go(directory)

    assert not directory.exists()
    until(lambda: not own & set(namespaces_in_use()), "the lab's namespaces are gone", seconds=5)
    assert (links(), mounts()) == before

"""`openvnet up` on a private Open vSwitch without guests."""

import os
import signal
import socket
import subprocess

import pytest

from openvnet.host.bridging import Wanted, bridge_changes
from openvnet.host.joining import join
from openvnet.host.switch import switch_of
from openvnet.lab.waiting import until
from tests.api.processes import ENVIRONMENT, vnctl, vnmgr, webapi
from tests.ports import free_port
from tests.up import OPENVNET, READY, children, up, wait_for_children, wait_until_gone, words

pytestmark = pytest.mark.ovs


def database(ovs):
    return f"unix:{ovs.directory}/db.sock"


@pytest.fixture
def here(tmp_path, ovs):
    """Arguments with which `openvnet up` disturbs nobody; the bridge br0 has no controller."""
    listen = f"127.0.0.1:{free_port()}"
    return [*words(tmp_path, database(ovs)), "--listen", listen, "--port", "0"]


@pytest.fixture
def running(here):
    """`openvnet up` when it has said all; as (itself, the pids of its children)."""
    with up(*here) as running:
        running.says(READY)
        yield running, wait_for_children(running.running.pid)


def refused(*arguments, status=1):
    """What it says when it cannot begin."""
    ended = subprocess.run(
        (*OPENVNET, "up", *arguments),
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=25,
        check=False,
    )
    assert ended.returncode == status, ended.stdout
    assert "Traceback" not in ended.stdout
    return ended.stdout


def ask(tmp_path, *arguments):
    return vnctl(tmp_path / "run", *arguments)


def test_a_child_that_is_killed_is_started_again_alone(running, tmp_path):
    parent, pids = running
    for victim, pid in list(pids.items()):
        os.kill(pid, signal.SIGKILL)
        assert f"process {pid}) was killed by SIGKILL" in parent.says(victim)
        after = wait_for_children(parent.running.pid, pid)
        assert {name for name in pids if pids[name] != after[name]} == {victim}
        pids = after
    until(lambda: "in sync" in ask(tmp_path, "nodes").stdout, "all is as before")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_with_all_of_its_children(running, number, tmp_path):
    parent, pids = running
    assert parent.end(number) == 0
    assert "the switch keeps its flows" in parent.said[-1]
    wait_until_gone(list(pids.values()))
    state = [path.name for path in (tmp_path / "state").iterdir()]
    assert "openvnet.sqlite-wal" not in state, "vnmgr was not given the time to end in peace"


def test_a_host_that_has_joined_runs_a_vna_alone_and_shows_whom_it_follows(here, tmp_path):
    far = tmp_path / "far"
    far.mkdir()
    (far / "vnmgr.conf").write_text(f"node {{ addr {{ port {free_port()} }} }}")
    with vnmgr(far) as manager:
        with webapi(far):
            token = vnctl(far, "nodes", "token", "--node-id", "vna2").stdout
            where = join(token, tmp_path / "state").joined.managers[0].address
        said = refused(*here)
        assert "--port is of webapi, and this host has joined a vnmgr elsewhere as vna" in said
        alone = [word for word in here if word not in ("--port", "0")]
        with up(*alone) as running:
            assert f"node vna2 of vnmgr at {where}" in running.says("vna runs, and nothing else")
            running.says("--dpid 0x0000aaaaaaaaaaaa --node-id vna2")
            running.says(READY)
            assert list(children(running.running.pid)) == ["vna"]
            shown = status(*alone)
            assert shown.returncode == 0, shown.stdout
            assert f"at {where}, reached" in shown.stdout
            assert "vna2 (here)" in shown.stdout
            manager.running.kill()
            until(lambda: "vnmgr is silent" in status(*alone).stdout, "it is silent")
            shown = status(*alone)
            assert shown.returncode == 1
            assert f"at {where}, not reached" in shown.stdout
            assert running.end() == 0


def status(*arguments):
    return subprocess.run(
        (*OPENVNET, "status", *arguments),
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=25,
        check=False,
    )


def test_a_child_that_does_not_end_does_not_hold_it_up(running):
    parent, pids = running
    os.kill(pids["webapi"], signal.SIGSTOP)
    assert parent.end(seconds=10) == 0
    wait_until_gone(list(pids.values()))


def test_no_child_is_left_when_it_is_killed_and_what_is_declared_is_kept(running, here, tmp_path):
    parent, pids = running
    (made,) = ask(tmp_path, "datapaths", "show", "-o", "name").stdout.split()
    ask(tmp_path, "datapaths", "del", made)
    own = ("--uuid", "dp-mine", "--display-name", "mine", "--node-id", "vna")
    ask(tmp_path, "datapaths", "add", *own, "--dpid", "0x0000aaaaaaaaaaaa")
    os.kill(parent.running.pid, signal.SIGKILL)
    wait_until_gone(list(pids.values()))

    with up(*here) as again:
        assert "dp-mine, declared already" in again.says("this host is datapath")
        again.says(READY)
        assert again.end() == 0


def test_no_child_is_left_when_it_is_killed_while_it_starts(here):
    with up(*here) as starting:
        until(lambda: len(children(starting.running.pid)) > 0, "a child runs")
        pids = list(children(starting.running.pid).values())
        starting.running.kill()
        starting.running.wait()
        wait_until_gone(pids)


def test_a_second_one_says_that_there_is_a_first(running, here):
    said = refused(*here)
    assert f"runs already in {here[1].partition('=')[2]}, as process" in said
    assert f"process {running[0].running.pid}" in said
    assert "`openvnet status`" in said


@pytest.mark.usefixtures("running")
def test_the_host_is_declared_once_with_its_datapath_id(tmp_path):
    shown = ask(tmp_path, "datapaths", "show").stdout
    assert "0x0000aaaaaaaaaaaa" in shown
    assert len(shown.splitlines()) == 2


def test_a_child_that_fails_again_and_again_is_the_end_of_it(here, tmp_path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "openvnet.sqlite").write_bytes(b"this is no database" * 1000)
    said = refused(*here)
    assert "4 times in a row at once" in said
    assert "openvnet.sqlite" in said
    assert f"Its log is {tmp_path}/log/vnmgr.log" in said
    assert not subprocess.run(["pgrep", "-f", tmp_path], capture_output=True, check=False).stdout


def test_who_has_the_port_is_named(here):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = refused(*here, "--listen", f"127.0.0.1:{port}")
    assert f"TCP port {port}, where vna is to listen, is taken by process {os.getpid()}" in said
    assert "--listen" in said


def test_vnmgr_that_somebody_else_started_is_named(here, tmp_path):
    (tmp_path / "run").mkdir(mode=0o700)
    with vnmgr(tmp_path / "run") as other:
        said = refused(*here)
    assert f"vnmgr runs already in {tmp_path}/run, as process {other.running.pid}" in said


def test_without_open_vswitch_it_says_what_to_do(here, ovs):
    said = refused(*here, f"--ovsdb=unix:{ovs.directory}/nobody.sock")
    assert "Open vSwitch does not answer" in said
    assert "systemctl start openvswitch-switch" in said


def test_a_switch_that_does_not_run_is_not_waited_for_for_ever(here, ovs):
    ovs.kill("ovs-vswitchd")
    assert "ovs-vswitchd does not do it" in refused(*here, "--bridge", "br9")


def test_a_bridge_of_another_controller_is_left_alone(here, ovs):
    ovs.connect("tcp:127.0.0.1:1")
    before = ovs.vsctl("show")
    said = refused(*here)
    assert "has the controller tcp:127.0.0.1:1" in said
    assert "ovs-vsctl set-controller br0" in said
    assert ovs.vsctl("show") == before


def test_a_bridge_that_is_in_use_without_a_controller_is_left_alone(here, ovs):
    ovs.add_port("eth9", 9)
    before = ovs.vsctl("show")
    said = refused(*here)
    assert "in use without a controller; its ports: eth9" in said
    assert ovs.vsctl("show") == before


@pytest.mark.parametrize("name", ["a-name-that-is-too-long", "a/b", "a b", ""])
def test_a_bridge_that_no_link_can_be_is_a_wrong_call(here, name):
    assert "at most 15 letters" in refused(*here, "--bridge", name, status=2)


@pytest.mark.parametrize("place", ["state", "run", "log"])
def test_a_directory_that_cannot_be_made_is_named(here, tmp_path, place):
    (tmp_path / "file").write_text("in the way")
    wanted = tmp_path / "file" / place
    said = refused(*here, f"--{place}={wanted}")
    assert f"the {place} directory {wanted} cannot be made: Not a directory" in said
    assert f"--{place} names another" in said


@pytest.mark.parametrize("listen", ["6633", "127.0.0.1:0", "127.0.0.1:99999", "127.0.0.1:http"])
def test_an_address_that_is_none_is_a_wrong_call(here, listen):
    assert "must be host:port" in refused(*here, "--listen", listen, status=2)


def test_what_a_bridge_has_already_is_not_written_again():
    made = {
        "Open_vSwitch": {"o": {"datapath_types": ["netdev", "system"]}},
        "Bridge": {
            "b": {
                "name": "br0",
                "datapath_id": "0000aaaaaaaaaaaa",
                "datapath_type": "netdev",
                "fail_mode": "standalone",
                "protocols": ["OpenFlow10", "OpenFlow13"],
                "other_config": {"datapath-id": "0000aaaaaaaaaaaa"},
                "controller": "c",
                "ports": [],
            }
        },
        "Controller": {"c": {"target": "tcp:127.0.0.1:6633", "is_connected": True, "status": {}}},
    }
    wanted = Wanted("br0", "tcp:127.0.0.1:6633", "netdev", "02:00:00:00:00:01")
    assert bridge_changes(switch_of(made).bridge("br0"), wanted) == ([], [])

import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from openvnet.client import Client
from openvnet.lab.building import lab
from openvnet.lab.directory import wait_until_let_go
from openvnet.lab.environment import SEED
from openvnet.lab.errors import LabError
from openvnet.lab.lab import open_lab
from openvnet.lab.waiting import until

RUN = (sys.executable, "-u", "-m", "openvnet.cli.openvnet")
BUILT = "Ctrl-C ends it"
HALF_BUILT = "namespaces"


@contextmanager
def lab_up(directory, when=BUILT, options=()):
    """`openvnet lab up`, once it has said so much."""
    environment = os.environ | {"OPENVNET_LAB": str(directory)}
    command = (*RUN, "lab", "up", *options)
    up = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    with up:
        try:
            said = next((line for line in up.stdout if when in line), None)
            assert said, "the lab ended before it was built"
            yield up
        finally:
            up.kill()


def openvnet(directory, *arguments, given=""):
    environment = os.environ | {"OPENVNET_LAB": str(directory)}
    return subprocess.run(
        (*RUN, *arguments),
        env=environment,
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )


def namespaces_of(process):
    return {entry.readlink() for entry in Path(f"/proc/{process}/ns").iterdir()}


def namespaces_in_use():
    """Those that some process of this machine is in."""
    for entry in Path("/proc").glob("[0-9]*/ns/*"):
        try:
            yield entry.readlink()
        except OSError:
            continue  # It has ended meanwhile, or is somebody else's.


def links():
    """The network links of this machine, by number and name."""
    return socket.if_nameindex()


def mounts():
    return Path("/proc/self/mounts").read_text()


def init_of(up):
    unshare = Path(f"/proc/{up.pid}/task/{up.pid}/children").read_text().split()[0]
    return int(Path(f"/proc/{unshare}/task/{unshare}/children").read_text().split()[0])


@pytest.mark.parametrize("when", [HALF_BUILT, BUILT])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_lab_leaves_nothing_behind(tmp_path, number, when):
    directory = tmp_path / "lab"
    before = links(), mounts()
    with lab_up(directory, when) as up:
        own = namespaces_of(init_of(up)) - namespaces_of("self")
        assert own & set(namespaces_in_use())
        up.send_signal(number)
        up.communicate(timeout=60)
        wait_until_let_go(directory)

    assert not directory.exists()
    until(lambda: not own & set(namespaces_in_use()), "the lab's namespaces are gone", seconds=5)
    assert (links(), mounts()) == before
    assert up.returncode == (-signal.SIGKILL if number == signal.SIGKILL else 0)


def test_what_a_dead_lab_left_is_no_obstacle(tmp_path):
    directory = tmp_path / "lab"
    directory.mkdir()
    (directory / "lab.json").write_text("{}")

    with lab(SEED, directory, without=("vnmgr", "webapi", "vna")) as running:
        assert open_lab(directory) == running


def test_a_second_lab_says_that_there_is_a_first(tmp_path):
    with lab(SEED, tmp_path / "lab", without=("vnmgr", "webapi", "vna")):
        second = openvnet(tmp_path / "lab", "lab", "up")

    assert second.returncode == 1
    assert "A lab is running already" in second.stderr
    assert "openvnet lab down" in second.stderr


def test_without_a_lab_commands_say_how_to_start_one(tmp_path):
    status = openvnet(tmp_path / "lab", "lab", "status")

    assert status.returncode == 1
    assert "`make lab`" in status.stderr


def test_a_process_that_cannot_start_is_reported_with_its_log():
    with lab(SEED, without=("vnmgr", "webapi", "vna")) as running:
        (running.directory / "vnmgr").write_text("in the way of its directory")
        with pytest.raises(LabError, match=r"vnmgr has ended\. The end of .*/log/vnmgr\.log"):
            running.start("vnmgr")


@pytest.fixture(scope="module")
def up(tmp_path_factory):
    """The directory of a lab that was started from the command line."""
    directory = tmp_path_factory.mktemp("labs") / "lab"
    with lab_up(directory):
        yield directory


def test_a_command_runs_in_a_guest_and_its_status_is_handed_on(up):
    ping = openvnet(up, "lab", "exec", "vm1", "ping", "-c1", "10.102.0.11")
    assert ping.returncode == 0, ping.stderr
    assert "1 received" in ping.stdout

    assert openvnet(up, "lab", "exec", "vm1", "sh", "-c", "exit 7").returncode == 7


def test_a_command_runs_where_it_was_given(up):
    assert openvnet(up, "lab", "exec", "vm1", "pwd").stdout.strip() == str(Path.cwd())


def test_the_shell_of_a_guest_is_in_the_guest(up):
    shell = openvnet(up, "lab", "shell", "vm1", given="hostname; ip -br addr show eth0; exit 3\n")

    assert "vm1\n" in shell.stdout
    assert "10.102.0.10/24" in shell.stdout
    assert shell.returncode == 3


def test_the_tools_of_open_vswitch_find_the_switch_of_their_host(up):
    ports = openvnet(up, "lab", "exec", "host1", "ovs-vsctl", "list-ports", "br0").stdout.split()
    assert sorted(ports) == sorted(guest.port_name for guest in SEED.guests)


def test_a_place_that_is_not_there_is_named_among_those_that_are(up):
    nowhere = openvnet(up, "lab", "exec", "vm9", "true")
    assert nowhere.returncode == 1
    assert "'vm9'" in nowhere.stderr
    assert "vm1, vm2" in nowhere.stderr


@pytest.mark.parametrize("port", ["vm3", "if-bvixz40n"])
def test_tcpdump_shows_what_passes_a_port(up, port):
    environment = os.environ | {"OPENVNET_LAB": str(up)}
    command = (*RUN, "lab", "tcpdump", port, "-c", "2", "icmp")
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as tcpdump:
        assert any("listening on if-bvixz40n" in line for line in tcpdump.stderr)
        openvnet(up, "lab", "exec", "vm1", "ping", "-c1", "10.102.0.11")
        seen = tcpdump.communicate()[0]

    assert "10.102.0.10 > 10.102.0.11: ICMP echo request" in seen
    assert "10.102.0.11 > 10.102.0.10: ICMP echo reply" in seen


def test_processes_are_killed_and_started_from_another_terminal(up):
    assert openvnet(up, "lab", "kill", "vna").returncode == 0
    assert "not running" in openvnet(up, "lab", "status").stdout

    assert openvnet(up, "lab", "start", "vna").returncode == 0
    assert "not running" not in openvnet(up, "lab", "status").stdout

    again = openvnet(up, "lab", "start", "vna")
    assert again.returncode == 1
    assert "host1/vna runs already" in again.stderr


@pytest.mark.parametrize("name", ["vna", "vnmgr", "webapi", "ovs-vswitchd"])
def test_what_was_started_works_at_once(seed, name):
    seed.restart(name)
    with Client(seed.webapi) as client:
        nodes = client.get("/nodes").body
    assert {node: found["state"] for node, found in nodes.items()} == {
        host.node_id: "in sync" for host in seed.environment.hosts
    }


def test_a_lab_is_ended_from_another_terminal(tmp_path):
    directory = tmp_path / "lab"
    with lab_up(directory) as up:
        assert openvnet(directory, "lab", "down").returncode == 0
        assert not directory.exists()
        assert up.wait() == 0

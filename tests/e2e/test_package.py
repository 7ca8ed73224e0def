"""`make deb`: built, installed on a copy of this machine, used as the units' users, removed."""

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from openvnet.lab.namespaces import init_of as child_of
from openvnet.lab.waiting import until
from tests.e2e import units
from tests.e2e.machine import ROOT, machine

PROGRAMS = ("vna", "vnmgr", "webapi", "vnctl", "openvnet")
SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
OPEN_VSWITCH = f"""
mkdir /run/openvswitch
umask 022
ovsdb-tool create /run/ovs.db {SCHEMA}
ovsdb-server /run/ovs.db --remote=punix:/run/openvswitch/db.sock --detach --no-chdir --pidfile
ovs-vsctl --no-wait init
ovs-vswitchd --detach --no-chdir --pidfile --enable-dummy=override --disable-system
"""
MANUALS = "/var/cache/man/"
LEFT = ("/var/lib/dpkg/", MANUALS, "/var/log/", "/etc/", "/var/lib/systemd/")
"""Where dpkg and its triggers write."""

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="dpkg makes users, for which it must be root"),
    pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="this is no Debian"),
    pytest.mark.skipif(
        not Path("/usr/bin/systemd-socket-activate").exists(), reason="systemd is not installed"
    ),
]


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The package, built."""
    command = ("packaging/build-deb", tmp_path_factory.mktemp("deb"))
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return Path(built.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def host(package, tmp_path_factory):
    """A machine on which it is installed."""
    with machine(tmp_path_factory.mktemp("machine")) as made:
        shutil.copy(package, made.root / "tmp" / "openvnet.deb")
        made.run("dpkg", "--install", "/tmp/openvnet.deb")
        yield made


@pytest.fixture(scope="module")
def running(host):  # noqa: ARG001 - they end before it does
    """The processes of our units, in the order in which they were started."""
    processes = []
    yield processes
    end(processes)


@pytest.fixture(scope="module")
def served(host, running):
    """The machine with Open vSwitch and all our units running."""
    host.run("sh", "-ec", OPEN_VSWITCH)
    running.append(units.listen(host, "openvnet-ovsdb.socket"))
    for program in ("vnmgr", "webapi", "vna"):
        running.append(units.start(host, f"openvnet-{program}.service"))
    return host


def end(processes):
    """As systemd does: SIGTERM for the program, which is the child of what entered the machine."""
    while processes:
        process = processes.pop()
        os.kill(child_of(process), signal.SIGTERM)
        assert process.wait(timeout=10) in (0, -signal.SIGTERM)  # Both are clean to systemd.


def commands():
    """The commands of the page on installing, as root types them."""
    page = (ROOT / "docs" / "install.md").read_text()
    (block,) = re.findall(r"```console\n(.*?)```", page, re.DOTALL)
    return [line.removeprefix("$ ").removeprefix("sudo ") for line in block.splitlines()]


def log(host, program):
    file = host.root / "var/log/openvnet" / f"{program}.log"
    return file.read_text() if file.exists() else ""


@pytest.mark.parametrize("program", PROGRAMS)
def test_each_program_is_there(host, program):
    assert "1." in host.run(program, "--version")
    assert "Usage:" in host.run(program, "-h")


def test_its_units_are_enabled_also_by_the_names_of_the_original(host):
    units_of_systemd = host.root / "etc/systemd/system"
    for name in ("vnmgr", "webapi", "vna"):
        assert (units_of_systemd / f"vnet-{name}.service").is_symlink()
        assert (
            units_of_systemd / "openvnet.target.wants" / f"openvnet-{name}.service"
        ).is_symlink()
    assert (units_of_systemd / "multi-user.target.wants" / "openvnet.target").is_symlink()


def test_systemd_finds_no_fault_in_its_units(host):
    files = [str(each) for each in (ROOT / "packaging" / "systemd").iterdir()]
    installed = [f"/lib/systemd/system/{Path(each).name}" for each in files]
    assert host.run("systemd-analyze", "verify", "--man=yes", *installed) == ""


def test_the_first_network_of_the_page_on_installing_is_in_the_switch(served):
    until(lambda: "listening" in log(served, "webapi"), "webapi listens")
    bridge, *more = commands()
    served.run("sh", "-ec", bridge)
    until(lambda: "in sync" in log(served, "vna"), "vna is in sync")
    printed = [served.run("sh", "-ec", command) for command in more]
    assert "port inst1 (1): up" in printed[-2]
    assert "10:54:ff:00:00:01" in printed[-1]
    until(lambda: "secure" in served.run("ovs-vsctl", "get-fail-mode", "br0"), "vna wrote to OVSDB")


def test_vnctl_of_a_member_of_the_group_reaches_webapi_at_its_socket(served):
    until(lambda: "listening" in log(served, "webapi"), "webapi listens")
    member = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--groups=openvnet")
    where = "VNET_WEBAPI=unix:/run/openvnet/webapi.sock"
    assert "nw-" in served.run(
        *member,
        "env",
        where,
        "vnctl",
        "networks",
        "add",
        *("--display-name", "a", "--ipv4-network", "10.0.0.0"),
    )


def test_who_is_in_no_group_of_ours_reaches_no_socket_of_ours(served):
    until(lambda: "listening" in log(served, "webapi"), "webapi listens")
    stranger = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")
    for socket in ("/run/openvnet/webapi.sock", "/run/openvnet-ovs/db.sock"):
        connect = f"import socket; socket.socket(socket.AF_UNIX).connect({socket!r})"
        assert "PermissionError" in served.run(*stranger, "python3", "-c", connect, status=1)


def test_lintian_finds_no_error(package):
    if not shutil.which("lintian"):
        pytest.skip("lintian is not installed")
    command = ("lintian", "--no-cfg", "--allow-root", "--fail-on=error", package)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_nothing_is_left_of_it_after_a_purge(host, running):
    end(running)  # Which prerm does where there is systemd.
    for place in ("/var/lib", "/var/log", "/run"):
        host.run("install", "-D", "/dev/null", f"{place}/openvnet/something")
    host.run("openvnet", "--version")

    host.run("dpkg", "--remove", "openvnet")

    assert not (host.root / "usr/lib/openvnet").exists()
    assert (host.root / "etc/openvnet/vna.conf").exists()
    assert (host.root / "var/lib/openvnet/something").exists()

    host.run("dpkg", "--purge", "openvnet")

    left = [file for file in host.changed() if not file.startswith(MANUALS)]
    assert [file for file in left if not file.startswith(LEFT) or "openvnet" in file] == []
    assert not (host.root / "run/openvnet").exists()
    assert "openvnet" not in (host.root / "etc/passwd").read_text()
    assert "openvnet" not in (host.root / "etc/group").read_text()

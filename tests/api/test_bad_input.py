"""Bad input and bad places: refused in words, with a status that is not 0, and nothing half done.

A row of the tables is a mistake that people make, and what they must be told.
"""

import os
import re
import shutil
import socket
import sqlite3
import subprocess
import tempfile
from pathlib import Path

import pytest

from openvnet.lab.waiting import until
from tests.api.processes import ENVIRONMENT, Process, command, vnctl, vnmgr, webapi

NETWORK = ("--ipv4-network", "10.0.0.0", "--ipv4-prefix", "24")
GUEST = ("--mode", "vif", "--network-uuid", "nw-one")

MISTAKES = {
    "malformed MAC": (
        (*GUEST, "--mac-address", "52:54:00:zz:00:09", "--ipv4-address", "10.0.0.9"),
        ("mac_address", "52:54:00:zz:00:09", "must be a MAC address"),
    ),
    "address outside its network": (
        (*GUEST, "--mac-address", "52:54:00:00:00:09", "--ipv4-address", "10.0.1.9"),
        ("ipv4_address 10.0.1.9", "nw-one", "10.0.0.0/24"),
    ),
    "duplicate MAC": (
        (*GUEST, "--mac-address", "52:54:00:00:00:01", "--ipv4-address", "10.0.0.9"),
        ("mac_address 52:54:00:00:00:01", "if-one"),
    ),
    "duplicate address": (
        (*GUEST, "--mac-address", "52:54:00:00:00:09", "--ipv4-address", "10.0.0.1"),
        ("ipv4_address 10.0.0.1", "if-one"),
    ),
    "duplicate uuid": (("--uuid", "if-one", "--mode", "vif"), ("uuid if-one", "already")),
    "unknown uuid": (
        ("--mode", "vif", "--owner-datapath-uuid", "dp-onne"),
        ("owner_datapath_uuid dp-onne", "did you mean dp-one?"),
    ),
    "wrong prefix of a uuid": (("--uuid", "nw-nine", "--mode", "vif"), ("nw-nine", "must be if-")),
    "unknown word": (("--mode", "viff"), ("mode", "viff", "vif")),
}

OTHER_MISTAKES = {
    "wrong prefix": (
        ("networks", "add", "--ipv4-network", "10.0.0.7", "--ipv4-prefix", "24"),
        ("ipv4_network 10.0.0.7", "10.0.0.0 would be right"),
    ),
    "prefix beyond 32": (
        ("networks", "add", "--ipv4-network", "10.0.0.0", "--ipv4-prefix", "33"),
        ("prefix", "33", "1", "32"),
    ),
    "bad dpid": (
        ("datapaths", "add", "--display-name", "x", "--node-id", "x", "--dpid", "0xnone"),
        ("dpid", "0xnone", "16 hexadecimal digits"),
    ),
    "unknown option": (
        ("networks", "add", *NETWORK, "--display-nam", "x"),
        ("--display-nam", "--display-name"),
    ),
    "unknown command": (("netwroks", "show"), ("netwroks", "networks")),
}


@pytest.fixture(scope="module")
def filled(run):
    """The run directory, with one guest on one network."""
    for words in (
        ("datapaths", "add", "--uuid", "dp-one", "--display-name", "d", *DPID),
        ("networks", "add", "--uuid", "nw-one", *NETWORK),
        ("interfaces", "add", "--uuid", "if-one", *GUEST, *ADDRESSES),
    ):
        done = vnctl(run, *words)
        assert done.returncode == 0, done.stderr
    return run


DPID = ("--dpid", "0xa", "--node-id", "vna")
ADDRESSES = ("--mac-address", "52:54:00:00:00:01", "--ipv4-address", "10.0.0.1")


def everything(client):
    """All rows."""
    kinds = ("datapaths", "networks", "interfaces", "mac_leases", "ip_leases")
    return [client.get(f"/{kind}").body["items"] for kind in kinds]


def is_refused(run, client, words, told):
    before = everything(client)
    done = vnctl(run, *words)
    assert done.returncode in (1, 2), done.stdout
    assert "Traceback" not in done.stderr
    for word in told:
        assert word in done.stderr
    assert before[0]
    assert everything(client) == before


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_an_interface(filled, client, mistake):
    words, told = MISTAKES[mistake]
    is_refused(filled, client, ("interfaces", "add", *words), told)


@pytest.mark.parametrize("mistake", OTHER_MISTAKES)
def test_a_mistake_elsewhere(filled, client, mistake):
    is_refused(filled, client, *OTHER_MISTAKES[mistake])


PROGRAMS = {
    "vnmgr": "openvnet.manager.main",
    "webapi": "openvnet.api.main",
    "vna": "openvnet.agent.main",
}


def ended(program, *words, before=()):
    """The exit status and the words of a program that cannot begin."""
    done = subprocess.run(
        [*before, *command(PROGRAMS[program]), *words],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert done.returncode != 0
    return done.stderr


def places(directory):
    return ("--run", f"{directory}", "--state", f"{directory}/state", "--config", f"{directory}")


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_configuration_that_cannot_be_read(program, tmp_path):
    (tmp_path / f"{program}.conf").mkdir()
    told = ended(program, "--run", f"{tmp_path}", "--config", f"{tmp_path}")
    assert f"{tmp_path}/{program}.conf" in told


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_configuration_with_a_mistake(program, tmp_path):
    (tmp_path / f"{program}.conf").write_text("node {\n  idd 'x'\n}\n")
    told = ended(program, "--run", f"{tmp_path}", "--config", f"{tmp_path}")
    assert f"{tmp_path}/{program}.conf, line 2, column 3" in told


def test_a_port_that_is_taken(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        run = ("--run", f"{tmp_path}", "--config", f"{tmp_path}")
        for words in (
            ("webapi", *run, "--port", f"{port}"),
            ("vna", *places(tmp_path), "--listen", f"127.0.0.1:{port}", "--ovsdb", ""),
        ):
            told = ended(*words)
            assert f"{port}" in told
            assert "in use" in told


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
@pytest.mark.parametrize("program", ["vnmgr", "vna"])
def test_no_rights_to_its_directories(program):
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--")
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        told = ended(program, *places(directory), before=nobody)
    assert f"{directory}/" in told
    assert "ermission denied" in told


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_no_rights_to_webapi(filled):
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--")
    done = subprocess.run(
        [*nobody, *command("openvnet.cli.vnctl"), "networks", "show"],
        env={**ENVIRONMENT, "VNET_WEBAPI": f"unix:{filled}/webapi.sock", "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "ermission denied" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_open_vswitch_vna_says_what_it_looks_for_and_ends_in_peace(tmp_path):
    database = f"unix:{tmp_path}/nobody.sock"
    running = Process("openvnet.agent.main", *places(tmp_path), "--ovsdb", database)
    try:
        assert database in running.says("OVSDB at")
    finally:
        assert running.end() == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="a small disk needs a mount")
@pytest.mark.sqlite
def test_a_disk_that_is_full_refuses_writes_and_keeps_what_there_is(tmp_path):
    state = tmp_path / "state"
    state.mkdir()
    small = 'mount -t tmpfs -o size=5m none "$0" && exec "$@"'
    vnmgr_words = [*command("openvnet.manager.main"), *places(tmp_path)]
    log = (tmp_path / "log").open("w")
    running = subprocess.Popen(
        ["unshare", "--mount", "sh", "-c", small, f"{state}", *vnmgr_words],
        env=ENVIRONMENT,
        stderr=log,
    )
    try:
        until(lambda: "serves" in (tmp_path / "log").read_text(), "vnmgr serves", seconds=30)
        with webapi(tmp_path):
            written, refused = [], None
            for number in range(5):
                done = vnctl(tmp_path, "batch", text=_batch(number))
                written += re.findall(r"^uuid +(\S+)", done.stdout, re.MULTILINE)
                if done.returncode:
                    refused = done
                    break
            assert refused is not None
            assert "is full" in refused.stderr
            kept = vnctl(tmp_path, "networks", "show", "-o", "name", "--limit", "1000").stdout
            assert len(written) > 10
            assert set(written) == set(kept.split())
    finally:
        running.terminate()
        assert running.wait(timeout=10) == 0
        log.close()


def _batch(number):
    name = "x" * 250
    return "\n".join(
        f"networks add --uuid nw-{number}x{each} --display-name {name} --ipv4-network 10.0.0.0"
        for each in range(200)
    )


@pytest.mark.sqlite
def test_a_database_that_somebody_else_has_locked_refuses_and_then_goes_on(tmp_path):
    add = ("networks", "add", "--uuid", "nw-one", *NETWORK)
    with vnmgr(tmp_path), webapi(tmp_path):
        locked = sqlite3.connect(tmp_path / "state/openvnet.sqlite", isolation_level=None)
        locked.execute("BEGIN IMMEDIATE")
        done = vnctl(tmp_path, *add)
        assert (done.returncode, "locked" in done.stderr) == (1, True)
        locked.execute("ROLLBACK")
        locked.close()
        assert vnctl(tmp_path, "networks", "show", "-o", "name").stdout.split() == []
        assert vnctl(tmp_path, *add).returncode == 0


@pytest.mark.sqlite
def test_a_database_that_is_corrupt_is_not_served(tmp_path):
    with vnmgr(tmp_path):
        pass
    database = tmp_path / "state/openvnet.sqlite"
    whole = database.read_bytes()
    database.write_bytes(b"no database" * 1000)
    told = ended("vnmgr", *places(tmp_path))
    assert f"{database}" in told
    assert database.read_bytes() == b"no database" * 1000
    for beside in tmp_path.glob("state/openvnet.sqlite-*"):
        beside.unlink()
    shutil.copy(_written(tmp_path, whole), database)
    with vnmgr(tmp_path):
        pass


def _written(directory, octets):
    path = directory / "whole"
    path.write_bytes(octets)
    return path

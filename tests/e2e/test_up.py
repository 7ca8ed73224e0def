"""`openvnet up` on a host with Open vSwitch and two guests, and nothing else."""

import os
import re
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from openvnet.lab.building import lab
from openvnet.lab.environment import Environment, Guest, Host, Network, declarations
from openvnet.lab.errors import CommandFailed, LabError
from openvnet.lab.waiting import until
from tests.e2e.test_plain_user import NOBODY, becoming
from tests.openvswitch import open_vswitch
from tests.ports import free_port
from tests.test_guides import HOST as HOST_GUIDE
from tests.test_guides import pattern, steps
from tests.up import OPENVNET, READY, Up, words

OURS = ("vnmgr", "webapi", "vna")
HOST = Host("host1", "dp-host1", "0000aaaaaaaaaaaa", "vna", "02:01:00:00:00:01")
TWO_GUESTS = Environment(
    hosts=(HOST,),
    networks=(Network("first", "nw-first", "10.100.0.0", 24),),
    guests=tuple(
        Guest(f"vm{n}", "host1", "first", f"if-vm{n}", f"vm{n}", f"52:54:00:00:00:0{n}", address)
        for n, address in ((1, "10.100.0.11"), (2, "10.100.0.12"))
    ),
)


@pytest.fixture(scope="module")
def bare():
    """A host whose Open vSwitch has no bridge."""
    with lab(TWO_GUESTS, without=OURS) as running:
        running.run("host1", "ovs-vsctl", "del-br", "br0")
        yield running


def options(host):
    places = words(host.directory, f"unix:{host.root}/host1/db.sock")
    return [*places, f"--run={host.root}"]


def on_host(host, *arguments):
    return host.command("host1", (*OPENVNET, *arguments))


@contextmanager
def running_on(host, command, variables):
    """`openvnet up` on a host of a lab, until the end of the block."""
    running = Up(host.command("host1", command), variables)
    try:
        yield running
    finally:
        host.run("host1", "sh", "-c", "pkill -9 -f '[c]li.openvnet' || true")
        running.running.communicate()


def up_on(host, *arguments):
    """The same, with options that keep it in the lab's directory."""
    variables = {**os.environ, **host.variables("host1")}
    return running_on(host, (*OPENVNET, "up", *options(host), *arguments), variables)


def numbers(host, pattern):
    """The processes of a lab with this in their command line, as the lab numbers them."""
    return host.run("host1", "sh", "-c", f"pgrep -f '{pattern}' || true").split()


def is_in_sync(host):
    with suppress(CommandFailed):
        return "in sync" in host.vnctl("nodes").stdout
    return False


def reaches(host):
    return "1 received" in host.run("vm1", "sh", "-c", "ping -c 1 -W 1 10.100.0.12 || true")


def test_a_newcomer_goes_from_nothing_to_ping_and_packets_outlive_all_of_it(bare):
    with up_on(bare) as running:
        running.says("made bridge br0")
        running.says("declared this host as datapath dp-host1")
        running.says("webapi is at http://127.0.0.1:9090")
        running.says(READY)
        for guest in ("vm1", "vm2"):
            bare.plug(guest)
        _, *rows = declarations(TWO_GUESTS)
        for row in rows:
            bare.vnctl(*row)
        bare.vnctl("networks", "modify", "nw-first", "--display-name", "one", "--wait")
        bare.settle()
        assert reaches(bare)

        for module in ("manager", "api", "agent"):
            (victim,) = numbers(bare, f"[o]penvnet.{module}.main")
            bare.run("host1", "kill", "-9", victim)
            assert reaches(bare)
            running.says("was killed by SIGKILL; it starts again")
        until(lambda: is_in_sync(bare), "all is as before")

        (supervisor,) = numbers(bare, "[c]li.openvnet .*up")
        bare.run("host1", "kill", "-9", supervisor)
        until(lambda: not numbers(bare, "[o]penvnet.(manager|api|agent).main"), "no child is left")
        assert reaches(bare)

    with up_on(bare) as again:
        again.says("bridge br0 is there")
        again.says("declared already")
        again.says(READY)
        assert reaches(bare)
        (supervisor,) = numbers(bare, "[c]li.openvnet .*up")
        bare.run("host1", "kill", f"-{signal.SIGTERM.value}", supervisor)
        assert again.running.wait(timeout=10) == 0
        assert reaches(bare)


def test_a_bridge_that_open_vswitch_cannot_make_is_said_with_its_reason(bare):
    refused = subprocess.run(
        on_host(bare, "up", *options(bare), "--bridge", "lo"),
        env={**os.environ, **bare.variables("host1")},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert refused.returncode == 1
    assert "Open vSwitch cannot make bridge lo: could not open network device lo" in refused.stderr
    assert bare.run("host1", "ovs-vsctl", "list-br").split() == ["br0"]


def test_the_guide_to_a_host_goes_as_it_says(tmp_path):
    """With the page's own commands, on a host that has Open vSwitch and two guests."""
    with lab(TWO_GUESTS, without=OURS) as host:
        host.run("host1", "ovs-vsctl", "del-br", "br0")
        variables = environment_of_a_user(host, tmp_path)
        first, *others = steps(HOST_GUIDE)
        with running_on(host, ("sh", "-c", f"exec {first.command}"), variables) as running:
            running.says(READY)
            assert re.fullmatch(pattern(first.shown), "".join(running.said))
            for step in others:
                goes_as_it_says(step, host, variables)
            host.settle()
            assert reaches(host)


def environment_of_a_user(host, directory):
    """What a user's shell on a host has, so that all of it is within the lab's directory."""
    for name in ("vnctl", "openvnet"):
        words = f"from openvnet.cli.{name} import main; main()"
        (directory / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" -uc "{words}" "$@"\n')
        (directory / name).chmod(0o755)
    inside = host.variables("host1")
    inside["PATH"] = f"{directory}:{inside['PATH']}"
    inside["LOG_DIRECTORY"] = str(host.directory / "log")
    inside["OPENVNET_STATE"], inside["OPENVNET_RUN"] = f"{host.root}/state", host.root
    return {**os.environ, **inside, "HOME": str(directory)}


def goes_as_it_says(step, host, variables):
    """Type a step; what only reads is typed again until it shows what is to come about."""
    said = []

    def goes():
        typed = subprocess.run(
            host.command("host1", ("sh", "-c", f"cd {host.root}; {step.command}")),
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        said.append(typed.stdout)
        as_shown = not step.shown or re.fullmatch(pattern(step.shown), typed.stdout)
        return typed.returncode == step.status and bool(as_shown)

    try:
        until(goes, "it prints what the page shows", seconds=15 if step.only_reads else 0)
    except LabError:
        pytest.fail(f"{step.command}\n{said[-1]}")


def test_a_plain_user_has_all_of_it_in_directories_of_their_own():
    with tempfile.TemporaryDirectory(prefix="openvnet-") as name, open_vswitch() as ovs:
        home = Path(name)
        if os.geteuid() == 0:
            os.chown(home, NOBODY, NOBODY)
            ovs.directory.chmod(0o755)
            (ovs.directory / "db.sock").chmod(0o666)
        listen = f"127.0.0.1:{free_port()}"
        options = (f"--ovsdb=unix:{ovs.directory}/db.sock", "--listen", listen, "--port", "0")
        own = {name: value for name, value in os.environ.items() if name != "XDG_STATE_HOME"}
        variables = {**own, "HOME": name, "PYTHONDONTWRITEBYTECODE": "1"}
        running = Up((*becoming(home), *OPENVNET, "up", *options), variables)
        try:
            running.says(READY)
            assert (home / "openvnet/webapi.sock").is_socket()
            assert (home / ".local/state/openvnet/openvnet.sqlite").exists()
            assert "serves" in (home / ".local/state/openvnet/log/vnmgr.log").read_text()
        finally:
            assert running.end() == 0

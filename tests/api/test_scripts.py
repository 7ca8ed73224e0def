"""vnctl as scripts and impatient people use it: pipes, full disks, several names, no colour."""

import os
import pty
import signal
import socket
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.api.processes import ENVIRONMENT, command, vnctl, vnmgr, webapi


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """The run directory of a system in which nothing is declared, ever."""
    directory = tmp_path_factory.mktemp("empty")
    with vnmgr(directory), webapi(directory):
        yield directory


@pytest.fixture
def start(run, tmp_path):
    """Start vnctl without waiting for its end."""

    def call(*words, **streams):
        environment = {**ENVIRONMENT, "VNET_WEBAPI": f"unix:{run}/webapi.sock"}
        started = [*command("openvnet.cli.vnctl"), *words]
        return subprocess.Popen(started, env={**environment, "HOME": str(tmp_path)}, **streams)

    return call


@pytest.fixture
def networks(client):
    body = {"display_name": "a", "ipv4_network": "10.0.0.0"}
    return [client.write("POST", "/networks", body).body["uuid"] for _ in range(2)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["networks", "show"], "There are no networks.\n"),
        (["mac_leases", "show"], "There are no MAC leases.\n"),
        (["interfaces", "show", "--offset", "3"], "There are no interfaces.\n"),
        (["nodes"], "No host is live: no vna is connected to vnmgr.\n"),
        (["networks", "show", "-o", "name"], ""),
        (["nodes", "-o", "name"], ""),
        (["nodes", "-o", "json"], "{}\n"),
    ],
    ids=" ".join,
)
def test_what_there_is_none_of_is_named(words, said, empty):
    done = vnctl(empty, *words)
    assert (done.returncode, done.stdout, done.stderr) == (0, said, "")


def test_a_part_of_a_list_that_is_beyond_its_end_is_not_taken_for_an_empty_list(run, networks):
    said = vnctl(run, "networks", "show", "--offset", "999").stdout
    assert said.startswith("None of the ")
    assert said.endswith(" networks is in this part of the list.\n")
    assert networks


def test_ports_that_are_not_there_are_not_deleted_in_silence(run, client):
    uuid = client.write("POST", "/interfaces", {"mode": "vif"}).body["uuid"]
    done = vnctl(run, "interfaces", "ports", "del", uuid, "--port-name", "none")
    assert (done.returncode, done.stdout) == (0, "No interface port was deleted.\n")


@pytest.mark.parametrize("verb", ["del", "show"])
def test_one_that_is_not_there_keeps_nobody_from_the_others(verb, run, networks):
    first, second = networks
    done = vnctl(run, "networks", verb, first, "nw-none", second, "-o", "name")
    assert (done.returncode, done.stdout.split()) == (1, [first, second])
    assert done.stderr.startswith("Error: network nw-none does not exist")
    assert done.stderr.count("\n") == 1


def test_several_are_shown_apart(run, networks):
    blocks = vnctl(run, "networks", "show", *networks).stdout.split("\n\n")
    assert [block.split()[1] for block in blocks] == networks


def test_several_in_yaml_are_documents_of_their_own(run, networks):
    text = vnctl(run, "networks", "show", *networks, "-o", "yaml").stdout
    assert [shown["uuid"] for shown in yaml.safe_load_all(text)] == networks


@pytest.mark.parametrize("words", [["networks", "show"], ["--help"], ["--version"]], ids=" ".join)
def test_a_full_disk_is_said_in_words(words, start, networks):
    with Path("/dev/full").open("w") as full:
        running = start(*words, stdout=full, stderr=subprocess.PIPE, text=True)
        _, said = running.communicate(timeout=10)
    assert (running.returncode, said) == (1, "Error: cannot print: No space left on device.\n")
    assert networks


def test_a_batch_that_is_no_text_is_said_in_words(run, tmp_path):
    file = tmp_path / "commands"
    file.write_bytes(b"networks show\n\xff\xfe\n")
    done = vnctl(run, "batch", str(file))
    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, f"Error: {file} is not UTF-8.")


def test_a_word_that_is_no_text_is_said_in_words(start):
    running = start("networks", "show", b"\xff", stderr=subprocess.PIPE, text=True)
    _, said = running.communicate(timeout=10)
    assert (running.returncode, said) == (2, "Error: '\\udcff' is not UTF-8.\n")


@pytest.mark.parametrize("seconds", ["nan", "inf", "-1", "601", "soon"])
def test_a_timeout_is_a_number_of_seconds(seconds, run):
    done = vnctl(run, "networks", "del", "nw-none", "--timeout", seconds)
    assert done.returncode == 2
    assert "--timeout" in done.stderr.splitlines()[-1]


def test_a_pipe_closed_early_is_no_error(start, client):
    for _ in range(3):
        client.write("POST", "/networks", {"display_name": "a" * 255, "ipv4_network": "10.0.0.0"})
    reading, writing = os.pipe()
    os.close(reading)
    running = start("networks", "show", stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    _, said = running.communicate(timeout=10)
    assert said == ""


def test_ctrl_c_ends_it_in_words(start):
    running = start("batch", stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert running.stderr.readline() == "BEGIN (<stdin>)\n"
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=10)
    assert (running.returncode, said.strip()) == (
        130,
        "Interrupted. A write that was under way may stand.",
    )


def test_ctrl_c_ends_a_batch_that_was_told_to_keep_going(tmp_path):
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "webapi.sock"))
        silent.listen()
        running = subprocess.Popen(
            [*command("openvnet.cli.vnctl"), "batch", "-k"],
            env={
                **ENVIRONMENT,
                "HOME": str(tmp_path),
                "VNET_WEBAPI": f"unix:{tmp_path}/webapi.sock",
            },
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.stdin.write("networks show\nnetworks show\n")
        running.stdin.close()
        with silent.accept()[0] as asking:
            assert asking.recv(1000)
            running.send_signal(signal.SIGINT)
            said = running.stderr.read()
    assert running.wait(timeout=10) == 130
    assert said.count("> networks show") == 1
    running.stderr.close()


@pytest.mark.parametrize(("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_a_terminal_gets_colour_unless_it_wants_none(environment, coloured, run, tmp_path):
    ours, theirs = pty.openpty()
    clean = {name: value for name, value in ENVIRONMENT.items() if name != "NO_COLOR"}
    subprocess.run(
        [*command("openvnet.cli.vnctl"), "batch"],
        env={**clean, "HOME": str(tmp_path), "VNET_WEBAPI": f"unix:{run}/w.sock", **environment},
        input=b"",
        stderr=theirs,
        check=True,
        timeout=10,
    )
    assert (b"\x1b[" in os.read(ours, 1000)) is coloured
    os.close(ours)
    os.close(theirs)

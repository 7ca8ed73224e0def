"""vnctl for users of today: what it prints where, how it finds, and how it goes back."""

import json
import pty
import subprocess
from contextlib import suppress
from os import close, read

import pytest
import yaml

from tests.api.processes import ENVIRONMENT, command, vnctl


@pytest.fixture
def ctl(run, tmp_path):
    def call(*words, status=0, **environment):
        environment = {"VNCTL_OUTPUT": "table", "HOME": str(tmp_path), **environment}
        done = vnctl(run, *words, **environment)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout if status == 0 else done.stderr

    return call


@pytest.fixture(scope="module", autouse=True)
def _world(client):
    for name in ("red", "green", "twin", "twin"):
        values = {"display_name": name, "ipv4_network": "10.0.0.0"}
        named = {} if name == "twin" else {"uuid": f"nw-{name}"}
        client.write("POST", "/networks", {**values, **named})
    for number in (1, 2):
        values = {"uuid": f"if-{number}", "mode": "vif", "display_name": f"vm{number}"}
        lease = {"network_uuid": "nw-red", "ipv4_address": f"10.0.0.{number}"}
        mac = {"mac_address": f"02:00:00:00:00:0{number}", "port_name": f"inst{number}"}
        client.write("POST", "/interfaces", {**values, **lease, **mac})


def test_programs_get_yaml_and_people_a_table(run, ctl, tmp_path):
    assert yaml.safe_load(ctl("networks", "show", "nw-red", VNCTL_OUTPUT=""))["uuid"] == "nw-red"
    ours, theirs = pty.openpty()
    words = [*command("openvnet.cli.vnctl"), "networks", "show", "nw-red"]
    environment = {
        **ENVIRONMENT,
        "VNCTL_OUTPUT": "",
        "VNET_WEBAPI": f"unix:{run}/webapi.sock",
        "HOME": str(tmp_path),
    }
    subprocess.run(words, env=environment, stdout=theirs, check=True)
    close(theirs)
    printed = b""
    with suppress(OSError):
        while piece := read(ours, 65536):
            printed += piece
    close(ours)
    assert printed.decode().startswith("uuid           nw-red\r\n")


def test_a_wrong_format_in_the_environment_is_named(ctl):
    assert "VNCTL_OUTPUT 'tabel' must be one of" in ctl(
        "networks", "show", VNCTL_OUTPUT="tabel", status=1
    )


def test_a_list_is_filtered_sorted_and_cut_to_columns(ctl):
    words = ("interfaces", "show", "--filter", "network-uuid=nw-red", "--sort", "-created")
    assert ctl(*words, "--columns", "uuid,mac_address,hosts") == (
        "uuid  mac_address        hosts\n"
        "if-2  02:00:00:00:00:02  none\n"
        "if-1  02:00:00:00:00:01  none\n"
    )
    items = json.loads(ctl(*words, "--columns", "uuid", "-o", "json"))["items"]
    assert items == [{"uuid": "if-2"}, {"uuid": "if-1"}]
    assert ctl(*words, "--filter", "port_name=inst1", "-o", "name") == "if-1\n"
    assert ctl("interfaces", "show", "--filter", "port_name=inst9") == "None fits.\n"
    assert "Did you mean network_uuid?" in ctl(
        "interfaces", "show", "--filter", "netwrk_uuid=nw-1", status=1
    )
    assert "write FIELD=VALUE" in ctl("interfaces", "show", "--filter", "mode", status=2)


def test_a_wide_table_has_all_columns(ctl):
    head = ctl("interfaces", "show", "-o", "wide").splitlines()[0].split()
    assert {"enable_routing", "display_name", "hosts"} <= set(head)
    assert "enable_routing" not in ctl("interfaces", "show").splitlines()[0]


def test_what_has_a_name_is_shown_by_it(ctl):
    assert ctl("networks", "show", "red", "-o", "name") == "nw-red\n"
    assert "Did you mean green?" in ctl("networks", "show", "gren", status=1)
    assert "Several have the display name 'twin'" in ctl("networks", "show", "twin", status=1)


def test_a_tree_is_everything_on_one_screen(ctl):
    lines = ctl("get", "network", "red", "--tree").splitlines()
    assert lines[0].startswith("network nw-red red virtual 10.0.0.0")
    assert [line[4:].split()[:2] for line in lines if line[:3] in ("├──", "└──")] == [
        ["interface", "if-1"],
        ["interface", "if-2"],
    ]
    assert any("MAC lease" in line and "02:00:00:00:00:01" in line for line in lines)
    assert sum("IP lease" in line for line in lines) == 2
    whole = json.loads(ctl("get", "networks", "nw-red", "--tree", "-o", "json"))
    assert [item["uuid"] for item in whole["interfaces"]] == ["if-1", "if-2"]
    assert "There is no resource called netwrk" in ctl("get", "netwrk", "x", status=2)


def test_a_rehearsal_writes_nothing(ctl):
    words = ("networks", "add", "--uuid", "nw-dry", "--ipv4-network", "10.0.0.0")
    assert ctl(*words, "--dry-run", "-o", "name") == "nw-dry\n"
    ctl("networks", "show", "nw-dry", status=1)
    assert ctl("networks", "del", "nw-red", "--dry-run") == "nw-red\n"
    assert ctl("networks", "show", "nw-red", "-o", "name") == "nw-red\n"


def test_history_is_told_and_undone(ctl):
    ctl("networks", "modify", "nw-green", "--display-name", "blue")
    newest, change = ctl("history", "--limit", "1").splitlines()
    assert change == "  ~ network nw-green  display_name green -> blue"
    number = newest.split()[1]
    assert "vnctl of" in newest
    assert ctl("undo", number, "--dry-run").strip().endswith("display_name blue -> green")
    assert ctl("undo", number) == "~ network nw-green  display_name blue -> green\n"
    assert "was changed again by revision" in ctl("undo", number, status=1)
    told = json.loads(ctl("history", "nw-green", "-o", "json"))["items"]
    assert [len(item["changes"]) for item in told] == [1, 1, 1]
    assert {change["kind"] for item in told for change in item["changes"]} == {"network"}


def test_changes_are_watched(ctl):
    ctl("networks", "add", "--uuid", "nw-seen", "--ipv4-network", "10.0.0.0")
    lines = ctl("watch", "nw-seen", "--since", "1", "--count", "1").splitlines()
    assert lines[1].startswith("  + network nw-seen")
    told = json.loads(ctl("watch", "--since", "1", "--count", "1", "-o", "json"))
    assert told["revision"] == 2
    assert "no such revision" in ctl("watch", "--since", "99999", status=1)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes(shell, ctl):
    assert "_VNCTL_COMPLETE" in ctl("completion", shell)
    words = {"COMP_WORDS": "vnctl netw", "COMP_CWORD": "1"}
    assert "networks" in ctl(_VNCTL_COMPLETE="bash_complete", **words)

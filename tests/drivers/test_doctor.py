"""`openvnet doctor`, `status` and `bundle` on a private Open vSwitch, with real trouble."""

import json
import os
import signal
import subprocess
import tarfile
import time

import pytest

from openvnet.client import Client
from openvnet.lab.waiting import until
from tests.api.processes import ENVIRONMENT
from tests.ports import free_port
from tests.up import OPENVNET, READY, children, up, words

pytestmark = pytest.mark.ovs

POWERLESS = ("setpriv", "--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all")
"""What makes root obey the modes of files."""


class Host:
    """A host in one directory: its Open vSwitch, and the options that lead there."""

    def __init__(self, directory, ovs):
        self.directory, self.ovs = directory, ovs
        self.listen = f"127.0.0.1:{free_port()}"
        self.options = [
            *words(directory, f"unix:{ovs.directory}/db.sock"),
            *("--listen", self.listen),
        ]

    def run(self, *arguments, before=(), **environment):
        """Run a command of `openvnet` here."""
        return subprocess.run(
            (*before, *OPENVNET, *arguments, *self.options),
            env={**ENVIRONMENT, **environment},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def findings(self, **how):
        """What doctor finds that must be done: words and remedy by what they are about."""
        ended = self.run("doctor", "-o", "json", **how)
        said = json.loads(ended.stdout)
        act = {}
        for finding in said["findings"]:
            if finding["state"] == "act":
                text = f"{finding['words']} {finding['remedy']}"
                act[finding["about"]] = f"{act.get(finding['about'], '')}{text}\n"
        assert (ended.returncode == 0) == said["well"] == (not act)
        return act


@pytest.fixture
def bare(tmp_path, ovs):
    """A host on which nothing of ours runs."""
    return Host(tmp_path, ovs)


@pytest.fixture
def well(tmp_path, ovs):
    """A host on which all runs, as (itself, `openvnet up`)."""
    here = Host(tmp_path, ovs)
    with up(*here.options, "--port", "0") as running:
        running.says(READY)
        until(lambda: "secure" in ovs.vsctl("get-fail-mode", "br0"), "vna has set the fail mode")
        yield here, running


def test_where_all_runs_all_is_well_and_nothing_is_changed(well):
    here, _ = well
    before = everything(here)
    ended = here.run("doctor")
    assert ended.returncode == 0, ended.stdout
    assert "All is well." in ended.stdout
    assert everything(here) == before

    shown = here.run("status")
    assert shown.returncode == 0, shown.stdout
    assert "OpenVNet is well on this host." in shown.stdout
    assert "connected to tcp:" in shown.stdout
    said = json.loads(here.run("status", "-o", "json").stdout)
    assert said["well"]
    assert said["revision"] == 1
    pids = {program["name"]: program["pid"] for program in said["programs"]}
    assert pids["vna"] == children(well[1].running.pid)["vna"]
    assert all(time.time() - program["since"] < 600 for program in said["programs"])


def everything(here):
    """The state's files and the switch; in SQLite's shared memory are its readers' locks."""
    kept = [path for path in (here.directory / "state").iterdir() if path.suffix != ".sqlite-shm"]
    written = {path.name: path.stat().st_mtime_ns for path in kept}
    shown = here.ovs.vsctl("show").splitlines()
    return written, [line for line in shown if "is_connected" not in line], here.ovs.dump()


def test_where_nothing_runs_it_says_what_to_start(bare):
    found = bare.findings()
    for name in ("vnmgr", "webapi", "vna"):
        assert "`openvnet up`" in found[name]
    shown = bare.run("status")
    assert shown.returncode == 1
    assert "vnmgr: it does not run" in shown.stdout


def test_programs_that_hang_hang_nobody(well):
    here, running = well
    pids = children(running.running.pid)
    begun = time.monotonic()
    os.kill(pids["vnmgr"], signal.SIGSTOP)
    found = here.findings()
    assert "it runs, but webapi" in found["vnmgr"]
    assert "vnmgr.log" in found["vnmgr"]
    for name in ("webapi", "vna"):
        os.kill(pids[name], signal.SIGSTOP)
    assert here.run("status").returncode == 1
    assert time.monotonic() - begun < 20
    for pid in pids.values():
        os.kill(pid, signal.SIGCONT)


def test_a_terminal_that_has_no_ticks_is_no_obstacle(bare):
    ended = bare.run("doctor", PYTHONIOENCODING="iso8859-2")
    assert ended.returncode == 1
    assert "? versions: OpenVNet" in ended.stdout


def test_a_database_of_open_vswitch_that_hangs_hangs_nobody(bare):
    pid = int((bare.ovs.directory / "ovsdb-server.pid").read_text())
    os.kill(pid, signal.SIGSTOP)
    try:
        assert "does not answer" in bare.findings()["Open vSwitch"]
    finally:
        os.kill(pid, signal.SIGCONT)


def test_an_ovs_vswitchd_that_is_gone_is_found(bare):
    bare.ovs.kill("ovs-vswitchd")
    assert "ovs-vswitchd does not run" in bare.findings()["Open vSwitch"]


def test_an_open_vswitch_that_is_gone_is_found(bare):
    bare.ovs.kill("ovsdb-server")
    assert "systemctl start openvswitch-switch" in bare.findings()["Open vSwitch"]


def test_what_is_wrong_with_a_bridge_is_found_and_the_remedies_mend_it(bare):
    ovs = bare.ovs
    ovs.vsctl("set", "bridge", "br0", "protocols=OpenFlow10", "fail_mode=standalone")
    ovs.vsctl("clear", "bridge", "br0", "other_config")
    wrong = {"protocols", "fail mode", "controller", "in-band", "datapath id"}
    found = bare.findings()
    assert wrong <= set(found)
    for about in wrong:
        for line in found[about].splitlines():
            program, *arguments = line.split("`")[1].split()
            assert program == "ovs-vsctl"
            ovs.vsctl(*arguments)
    assert not (wrong - {"controller"}) & set(bare.findings())
    assert "nobody listens there" in bare.findings()["controller"]


def test_a_missing_bridge_is_found(bare):
    bare.options += ["--bridge", "br7"]
    assert "there is no bridge br7; there are: br0" in bare.findings()["bridge"]


def test_ports_whose_frames_do_not_fit_each_other_are_found(bare):
    for name, number in (("vm1", 1), ("vm2", 2), ("vm3", 3)):
        bare.ovs.add_port(name, number)
    bare.ovs.vsctl("set", "interface", "vm3", "mtu_request=1400")
    assert "vm3 has MTU 1400, others have 1500" in bare.findings()["MTU"]


def test_flows_that_somebody_changed_are_told(well):
    here, _ = well
    here.ovs.ofctl("add-flow", "table=0,priority=7,ip,actions=drop")

    def told():
        said = json.loads(here.run("doctor", "-o", "json").stdout)["findings"]
        return any(one["about"] == "drift" and one["state"] == "note" for one in said)

    until(told, "the drift is told")


def test_a_database_that_is_damaged_is_found(well):
    here, running = well
    running.end()
    path = here.directory / "state" / "openvnet.sqlite"
    content = bytearray(path.read_bytes())
    content[4096:12288] = os.urandom(8192)
    path.write_bytes(content)
    assert "is damaged" in here.findings()["database"]


def test_a_file_that_is_no_database_is_found(bare):
    (bare.directory / "state").mkdir()
    (bare.directory / "state" / "openvnet.sqlite").write_text("not at all " * 1000)
    assert "not a database" in bare.findings()["database"]


def test_state_that_may_not_be_read_is_found(well):
    here, running = well
    running.end()
    state = here.directory / "state"
    state.chmod(0o000)
    found = here.findings(before=POWERLESS if os.geteuid() == 0 else ())
    state.chmod(0o700)
    assert "may not be written by you" in found["rights"]
    assert "openvnet.sqlite" in found["database"]


def test_a_disk_that_is_full_is_found(bare):
    state = bare.directory / "state"
    state.mkdir()
    alone = ("unshare", "--mount", *(() if os.geteuid() == 0 else ("--map-root-user",)))
    script = f'mount -t tmpfs -o size=64k none {state}; exec "$@"'
    found = bare.findings(before=(*alone, "sh", "-ec", script, "sh"))
    assert f"0 MB free in {state}" in found["disk"]


SECRET = "hunter2-and-more"


def test_a_bundle_has_what_is_needed_and_no_secret(well):
    here, _ = well
    configuration = here.directory / "conf"
    configuration.mkdir()
    text = f'db {{\n  adapter "sqlite"\n  password "{SECRET}"\n}}\n'
    (configuration / "common.conf").write_text(text)
    (configuration / "vna.key").write_text(SECRET)
    with Client(f"unix:{here.directory}/run/webapi.sock") as client:
        given = {"display_name": "for the bundle", "role": "operator"}
        token = client.write("POST", "/tokens", given).body["secret"]
    with (here.directory / "log" / "vna.log").open("a") as log:
        log.write(f"somebody wrote {SECRET} here, and token={SECRET}-2, and {token}\n")
    file = here.directory / "it.tar.gz"
    ended = here.run("bundle", str(file), CONFIG_PATH=str(configuration), VNET_TOKEN=token)
    assert ended.returncode == 0, ended.stderr
    assert file.stat().st_mode & 0o777 == 0o600

    with tarfile.open(file) as tar:
        members = {name: tar.extractfile(name).read() for name in tar.getnames()}
    for secret in (SECRET.encode(), token.encode()):
        assert not [name for name, content in members.items() if secret in content]
    assert not [name for name in members if ".key" in name]
    found = {name.partition("/")[2]: content for name, content in members.items()}
    assert json.loads(found["doctor.json"])
    assert json.loads(found["status.json"])["well"]
    assert b"openvswitch" in found["versions.txt"].lower() or b"OpenVNet" in found["versions.txt"]
    assert b"somebody wrote (left out) here" in found["log/vna.log"]
    assert b"br0" in found["ovs/show.txt"]
    assert b"cookie=" in found["ovs/br0-dump-flows.txt"]
    assert b"CREATE TABLE" in found["database/schema.sql"]
    assert json.loads(found["database/counts.json"])["datapaths"] == 1
    assert json.loads(found["database/rows.json"])["datapaths"][0]["dpid"]
    assert json.loads(found["database/revisions.json"])[0]["number"] == 1
    assert b"VNET_TOKEN=(left out)" in found["environment.txt"]
    (taken,) = (content for name, content in found.items() if name.startswith("conf/"))
    assert taken.decode() == 'db {\n  adapter "sqlite"\n  password (left out)\n}\n'
    assert b"Left out on purpose" in found["CONTENTS"]


def test_a_bundle_of_a_host_on_which_nothing_works_says_what_is_not_there(bare):
    bare.ovs.kill("ovs-vswitchd")
    bare.ovs.kill("ovsdb-server")
    file = bare.directory / "it.tar.gz"
    ended = bare.run("bundle", str(file))
    assert ended.returncode == 0, ended.stderr
    assert "ovs/show.txt: not there" in ended.stdout
    assert "database/rows.json: not there" in ended.stdout


def test_a_bundle_that_cannot_be_written_leaves_no_file(bare):
    ended = bare.run("bundle", str(bare.directory / "no" / "it.tar.gz"))
    assert ended.returncode == 1
    assert "cannot be written: No such file or directory" in ended.stderr
    full = bare.run("bundle", "/dev/full/x.tar.gz")
    assert full.returncode == 1
    assert "Traceback" not in full.stderr

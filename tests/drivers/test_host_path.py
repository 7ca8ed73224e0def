"""`openvnet host path` against a real switch: what it writes, and what it says where it cannot."""

import asyncio
import json
import subprocess
import sys

import pytest

from openvnet.pipeline.tables import Table
from openvnet.wire.messages import Acknowledge, Beat, Subscribe, Update
from tests.drivers.bridge import in_loop
from tests.drivers.running import agent_in, manager, revision
from tests.openvswitch import open_vswitch

pytestmark = pytest.mark.ovs


@pytest.fixture
def ovs():
    with open_vswitch() as ovs:
        ovs.add_port("nic1", 11)
        yield ovs


def host_path(ovs, *words, wait="0"):
    """Its exit status and what it said."""
    command = "from openvnet.cli.openvnet import main; main()"
    done = subprocess.run(
        [
            *(sys.executable, "-c", command, "host", "path", "--wait", wait),
            *("--ovsdb", f"unix:{ovs.directory}/db.sock", "--config", ovs.directory, *words),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout + done.stderr


def path_of(ovs):
    """The flows of the first table that pass anything, without their cookies."""
    flows = ovs.dump("table=0")
    own = f"dl_dst={json.loads(ovs.vsctl('get', 'interface', 'br0', 'mac_in_use'))} "
    passing = (flow.split(", ", 1)[1] for flow in flows if "actions=drop" not in flow)
    return sorted(flow.replace(own, "dl_dst=its own ") for flow in passing)


def add_bond(ovs):
    ovs.vsctl(
        *("add-bond", "br0", "bond0", "m1", "m2"),
        *("--", "set", "interface", "m1", "type=dummy", "ofport_request=21"),
        *("--", "set", "interface", "m2", "type=dummy", "ofport_request=22"),
    )


GUESTS = f"goto_table:{Table.FROM_LAN:d}"
"""Where packets go on to, for guests who are on the same LAN."""
PATH = [
    f"priority=200,in_port=11 actions=LOCAL,{GUESTS}",
    f"priority=200,in_port=LOCAL actions=output:11,{GUESTS}",
    "priority=220,in_port=11,dl_dst=its own actions=LOCAL",
]


def test_a_named_port_and_the_host_reach_each_other(ovs):
    for _ in range(2):
        said = host_path(ovs, "--uplink", "nic1")
        assert said == (0, "Bridge br0: the host's own packets pass by nic1.\n")
        assert path_of(ovs) == PATH
    assert "priority=0 actions=drop" in "\n".join(ovs.dump("table=0"))


def test_the_configuration_names_uplinks_and_the_bridge(ovs):
    ovs.vsctl("add-br", "br1", "--", "set", "bridge", "br1", "datapath_type=dummy")
    ovs.vsctl("set-fail-mode", "br1", "secure")
    ovs.vsctl("--", "add-port", "br1", "nic2", "--", "set", "interface", "nic2", "type=dummy")
    (ovs.directory / "vna.conf").write_text("bridge br1\nuplink nic2\n")
    assert host_path(ovs) == (0, "Bridge br1: the host's own packets pass by nic2.\n")
    assert host_path(ovs, "--bridge", "br0", "--uplink", "nic1")[0] == 0
    assert path_of(ovs) == PATH


def test_a_broken_configuration_is_told_and_its_place_taken_by_the_defaults(ovs):
    (ovs.directory / "vna.conf").write_text("uplink {\n")
    status, said = host_path(ovs, "--uplink", "nic1")
    assert (status, path_of(ovs)) == (1, PATH)
    assert "vna.conf" in said


def test_of_a_bond_the_first_live_member_is_sent_to(ovs):
    add_bond(ovs)
    assert host_path(ovs, *("--uplink", "nic1", "--uplink", "m1", "--uplink", "m2"))[0] == 0
    bundle = "bundle(eth_src,0,active_backup,ofport,members:21,22)"
    assert f"priority=200,in_port=LOCAL actions=output:11,{bundle},{GUESTS}" in path_of(ovs)
    status, said = host_path(ovs, "--uplink", "bond0")
    assert status == 1
    assert "it is a bond: name its members, m1 and m2" in said


def test_a_plain_switch_is_left_alone_and_one_that_waits_for_its_controller_is_not(ovs):
    ovs.vsctl("set-fail-mode", "br0", "standalone")
    before = ovs.dump()
    status, said = host_path(ovs, "--uplink", "nic1")
    assert (status, ovs.dump()) == (0, before)
    assert "plain switch" in said
    # With a probe of 0, Open vSwitch would take to being a plain switch at once, and flush.
    probe = ("--", "set", "controller", "br0", "inactivity_probe=60000")
    ovs.vsctl("set-controller", "br0", "tcp:127.0.0.1:1", *probe)
    assert host_path(ovs, "--uplink", "nic1")[0] == 0
    assert path_of(ovs) == PATH


def test_what_it_cannot_do_is_said_in_words(ovs):
    assert host_path(ovs, "--uplink", "nic9") == (
        1,
        "Error: uplink nic9 is no port of bridge br0.\n",
    )
    assert "no bridge br9; of bridges it has: br0" in host_path(ovs, "--bridge", "br9")[1]
    assert host_path(ovs, "--bridge", "br9", "--if-exists", wait="60") == (
        0,
        "Open vSwitch has no bridge br9: nothing was written.\n",
    )
    assert "must be unix:/path" in host_path(ovs, "--ovsdb", "tcp:127.0.0.1:6640")[1]
    ovs.vsctl("set", "bridge", "br0", "protocols=OpenFlow10")
    assert "does not offer OpenFlow 1.3" in host_path(ovs)[1]
    ovs.kill("ovs-vswitchd")
    assert "ovs-vswitchd does not answer at" in host_path(ovs)[1]
    ovs.kill("ovsdb-server")
    status, said = host_path(ovs)
    assert status == 1
    assert "Open vSwitch does not answer at unix:" in said


def test_without_an_uplink_it_says_so(ovs):
    assert host_path(ovs) == (
        0,
        "Bridge br0 has no uplink: nobody reaches the host through it.\n",
    )


@in_loop
async def test_vna_finds_what_was_written_as_it_would_have_it(ovs, tmp_path):
    await asyncio.to_thread(add_bond, ovs)
    words = [word for name in ("nic1", "m1", "m2") for word in ("--uplink", name)]
    await asyncio.to_thread(host_path, ovs, *words)
    before = await asyncio.to_thread(ovs.dump)
    own = {"ovsdb": f"unix:{ovs.directory}/db.sock", "is_uplink": ("nic1", "m1", "m2").__contains__}
    with manager(tmp_path) as vnmgr:
        async with agent_in(tmp_path, ovs, **own) as agent:
            await vnmgr.greets()
            while not agent.swept:
                said = await vnmgr.hears(Acknowledge, Beat, Subscribe)
                if isinstance(said, Subscribe):  # OVSDB told of the bond after the hello.
                    vnmgr.say(Update(revision(1), revision(1), said.serial))
            assert (agent.drift, await asyncio.to_thread(ovs.dump)) == (0, before)
            await asyncio.to_thread(ovs.vsctl, "del-port", "nic1")
            while "output:11" in "".join(now := await asyncio.to_thread(path_of, ovs)):
                pass
            assert len(now) == 5  # Two for each of the bond's members, and the host's.

"""A host whose only NIC is in the bridge is reached from outside, whatever is down or wrong."""

import json
import sys
from contextlib import contextmanager

import pytest

from openvnet.lab.building import lab
from openvnet.lab.environment import Environment, Guest, Host, Network
from openvnet.lab.errors import CommandFailed
from tests.e2e.talking import connection

HOST = Host("host1", "dp-test1", "0000aaaaaaaaaaaa", "vna", "02:01:00:00:00:01")
ADDRESS, OUTSIDE_MAC = "192.0.2.1", "02:02:00:00:00:02"
GUEST_MACS = {"vm1": "52:54:00:00:00:01", "vm2": "52:54:00:00:00:02"}
ENVIRONMENT = Environment(
    hosts=(HOST,),
    networks=(
        Network("outside", "nw-out", "192.0.2.0", 24),
        Network("vnet", "nw-1", "10.1.0.0", 24),
    ),
    guests=(
        Guest("outside", "host1", "outside", "", "eth0", OUTSIDE_MAC, "192.0.2.2"),
        Guest("vm1", "host1", "vnet", "if-vm1", "vm1", GUEST_MACS["vm1"], "10.1.0.1"),
        Guest("vm2", "host1", "vnet", "if-vm2", "vm2", GUEST_MACS["vm2"], "10.1.0.2"),
    ),
)
"""The port eth0 of the bridge is its uplink: what is at the cable's other end is outside."""

DECLARED = (
    ("datapaths add --uuid dp-test1 --display-name host1 --dpid 0x0000aaaaaaaaaaaa --node-id vna"),
    ("networks add --uuid nw-1 --display-name vnet --ipv4-network 10.1.0.0"),
    *(
        f"interfaces add --uuid if-{name} --mode vif --owner-datapath-uuid dp-test1 "
        f"--network-uuid nw-1 --mac-address {mac} --ipv4-address 10.1.0.{mac[-1]} "
        f"--port-name {name}"
        for name, mac in GUEST_MACS.items()
    ),
)
WRONG = (
    "interfaces add --uuid if-wrong --mode vif --owner-datapath-uuid dp-test1 --port-name eth0 "
    f"--network-uuid nw-1 --mac-address {OUTSIDE_MAC} --ipv4-address 10.1.0.9",
    "interfaces add --uuid if-wrong2 --mode vif --owner-datapath-uuid dp-test1 --port-name br0 "
    f"--network-uuid nw-1 --mac-address {HOST.mac_address} --ipv4-address 10.1.0.8",
)
"""Rows that take the host's uplink, and the host itself, for guests."""

LISTEN = """
import select, socket, sys
heard = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
heard.bind((sys.argv[1], 0))
print("ready", flush=True)
found = 0
while not (ended := select.select([sys.stdin, heard], [], [])[0]) == [sys.stdin]:
    if heard in ended:
        octets, place = heard.recvfrom(65536)
        found += b"from a guest" in octets and place[2] != socket.PACKET_OUTGOING
print(found, flush=True)
"""
MARK = """
import socket, sys
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind((sys.argv[1], 0))
wire.send(bytes.fromhex("ffffffffffff 020000000009 88b5") + b"as if from a guest" * 4)
"""
SPOOF = f"""
import itertools, socket, struct, sys
def mac(text): return bytes.fromhex(text.replace(":", ""))
own, host, outside = mac(sys.argv[1]), mac("{HOST.mac_address}"), mac("{OUTSIDE_MAC}")
here, there = socket.inet_aton("{ADDRESS}"), socket.inet_aton("192.0.2.2")
many = b"\\xff" * 6
def ipv4(source, destination):
    return struct.pack("!BBHHHBBH4s4s", 69, 0, 48, 1, 0, 64, 253, 0, source, destination)
def arp(sender, source, target):
    return struct.pack("!HHBBH6s4s6s4s", 1, 0x800, 6, 4, 1, sender, source, bytes(6), target)
own_address = socket.inet_aton("10.1.0." + sys.argv[1][-1])
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind(("eth0", 0))
for source, destination in itertools.product((own, host, outside), (host, outside, many)):
    for pair in ((here, there), (there, here), (own_address, here), (own_address, there)):
        wire.send(destination + source + b"\\x08\\x00" + ipv4(*pair) + b"from a guest" * 4)
        wire.send(destination + source + b"\\x08\\x06" + arp(source, *pair) + b"from a guest" * 4)
    for kind in (b"\\x86\\xdd", b"\\x88\\xcc", b"\\x81\\x00\\x00\\x05\\x08\\x00"):
        wire.send(destination + source + kind + b"from a guest" * 8)
"""


@pytest.fixture(scope="module")
def world():
    """Open vSwitch and vnmgr run, and nothing is declared; vna has never run."""
    with lab(ENVIRONMENT, without=("vna",)) as running:
        (running.directory / "vna.conf").write_text('uplink "eth0"\n')
        give = f"ip address add {ADDRESS}/24 dev br0; ip link set br0 up; ethtool -K br0 tx off"
        running.run("host1", "sh", "-ec", give)
        yield running


@contextmanager
def process(world, place, program, *arguments):
    with world.open(place, sys.executable, "-c", program, *arguments) as running:
        try:
            yield running
        finally:
            running.kill()


def host_answers(world):
    words = ("-c", "3", "-i", "0.05", "-W", "5", ADDRESS)
    return " 0% packet loss" in world.run("outside", "ping", *words)


def guests_get_nothing(world):
    """Whatever guests send, neither the host nor the outside hears of it."""
    with (
        process(world, "host1", LISTEN, "br0") as host,
        process(world, "outside", LISTEN, "eth0") as outside,
    ):
        for listener in (host, outside):
            assert listener.stdout.readline() == "ready\n"
        for name, mac in GUEST_MACS.items():
            world.run(name, sys.executable, "-c", SPOOF, mac)
        world.run("outside", sys.executable, "-c", MARK, "eth0")
        world.run("host1", sys.executable, "-c", MARK, "br0")
        assert host_answers(world)  # What was sent before has been dealt with by now.
        heard = [listener.communicate()[0] for listener in (host, outside)]
    return heard == ["1\n", "1\n"]  # The marks, and nothing else.


def all_is_well(world):
    return host_answers(world) and guests_get_nothing(world)


def guests_reach_each_other(world):
    world.settle()
    return " 0% packet loss" in world.run("vm1", "ping", "-c", "1", "-W", "5", "10.1.0.2")


def host_path(world):
    """What the systemd unit runs."""
    program = "from openvnet.cli.openvnet import main; main()"
    directory = world.directory
    words = (
        "host",
        "path",
        "--config",
        f"{directory}",
        "--ovsdb",
        f"unix:{directory}/host1/db.sock",
    )
    return world.run("host1", sys.executable, "-c", program, *words)


def test_a_host_is_never_cut_off(world):
    world.start("vna")
    with connection(world, "outside", "host1", ADDRESS) as said:
        assert said("vna is there, and no row is")
        assert all_is_well(world)
        assert said("and again")

        for words in (*DECLARED, *WRONG):
            world.vnctl(*words.split(), "--wait")
        assert said("rows are wrong")
        assert all_is_well(world)
        assert guests_reach_each_other(world)
        shown = json.loads(world.vnctl("interfaces", "show", "if-wrong", "-o", "json").stdout)
        assert "eth0 is an uplink of the host" in json.dumps(shown)

        world.kill("vna", "vnmgr", "webapi")
        assert said("nothing of OpenVNet runs")
        assert all_is_well(world)
        assert host_path(world) == "Bridge br0: the host's own packets pass by eth0.\n"
        assert said("the path was written where it was")

        world.restart("ovs-vswitchd")
        assert world.run("host1", "ovs-vsctl", "get-fail-mode", "br0") == "secure\n"
        with pytest.raises(CommandFailed):
            world.run("outside", "ping", "-c", "1", "-W", "0.5", ADDRESS)
        assert host_path(world) == "Bridge br0: the host's own packets pass by eth0.\n"
        assert said("ovs-vswitchd has been restarted")
        assert all_is_well(world)

        world.start("vnmgr", "webapi", "vna")
        assert said("all is back")
        assert all_is_well(world)
        assert guests_reach_each_other(world)


def test_an_uplink_that_is_pulled_out_and_plugged_in_is_one_again(world):
    if world.pid("vna") is None:
        world.start("vna")
    world.unplug("outside")
    world.plug("outside")
    assert host_answers(world)


def test_an_interface_of_mode_host_is_up_where_its_port_is(world):
    world.vnctl("interfaces", "del", "if-wrong", "--wait")
    words = "interfaces add --uuid if-eth0 --mode host --owner-datapath-uuid dp-test1"
    world.vnctl(*words.split(), "--port-name", "eth0", "--wait")
    shown = json.loads(world.vnctl("interfaces", "show", "if-eth0", "-o", "json").stdout)
    assert '"up": true' in json.dumps(shown)
    assert all_is_well(world)

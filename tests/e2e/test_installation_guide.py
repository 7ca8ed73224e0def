"""OpenVNet's installation guide, typed as it is printed, on a host of its own.

MariaDB and Redis run on the host, as its services would. It is different in two things: the start
commands (the database needs no `rake`), and `datapath_type=netdev` (there may be no kernel module).
The net-script of the bridge is what ifup makes of it.
"""

import re
import shutil
import signal
from contextlib import ExitStack

import pytest

from openvnet.lab.waiting import until
from tests.databases import FORGETFUL, MARIADB, new_data, temporary
from tests.e2e.host import host

FILES = {
    "vnmgr.conf": """
    node {
      id "vnmgr"
      addr {
        protocol "tcp"
        host "192.168.100.2"
        public ""
        port 9102
      }
    }
""",
    "vna.conf": """
    node {
      id "vna"
      addr {
        protocol "tcp"
        host "192.168.100.2"
        public ""
        port 9103
      }
    }
""",
    "webapi.conf": """
    node {
      id "webapi"
      addr {
        protocol "tcp"
        host "192.168.100.2"
        public ""
        port 9101
      }
    }
""",
    "common.conf": """
    db {
      adapter "mysql2"
      host "localhost"
      database "vnet"
      port 3306
      user "root"
      password ""
    }
""",
}

IFUP_BR0 = """
DEVICE=br0
OVS_EXTRA="
 set bridge     ${DEVICE} protocols=OpenFlow10,OpenFlow12,OpenFlow13 --
 set bridge     ${DEVICE} other_config:disable-in-band=true --
 set bridge     ${DEVICE} other-config:datapath-id=0000aaaaaaaaaaaa --
 set bridge     ${DEVICE} other-config:hwaddr=02:01:00:00:00:01 --
 set-fail-mode  ${DEVICE} standalone --
 set-controller ${DEVICE} tcp:127.0.0.1:6633
"
ovs-vsctl -- --may-exist add-br "$DEVICE" -- set bridge "$DEVICE" datapath_type=netdev -- $OVS_EXTRA
ip address add 172.16.20.41/24 dev "$DEVICE"
ip link set "$DEVICE" up
"""

DATAPATH = (
    "./bin/vnctl datapaths add --uuid dp-test1 --display-name test1 --dpid 0x0000aaaaaaaaaaaa "
    "--node-id vna"
)
NETWORK = (
    "./vnctl networks add --uuid nw-test1 --display-name testnet1 --ipv4-network 10.100.0.0 "
    "--ipv4-prefix 24 --network-mode virtual"
)
INTERFACES = (
    "./vnctl interfaces add --uuid if-inst1 --mode vif --owner-datapath-uuid dp-test1 "
    "--mac-address 10:54:ff:00:00:01 --network-uuid nw-vnet1 --ipv4-address 10.100.0.10 "
    "--port-name inst1",
    "./vnctl interfaces add --uuid if-inst2 --mode vif --owner-datapath-uuid dp-test1 "
    "--mac-address 10:54:ff:00:00:02 --network-uuid nw-vnet1 --ipv4-address 10.100.0.11 "
    "--port-name inst2",
)
GUEST = """
ip netns add inst{0}
ip link add inst{0} type veth peer name eth0 address 10:54:ff:00:00:0{0} netns inst{0}
ip -n inst{0} address add 10.100.0.1{1}/24 dev eth0
ip -n inst{0} link set eth0 up
ip link set inst{0} up
ip netns exec inst{0} ethtool -K eth0 tx off
ovs-vsctl add-port br0 inst{0}
"""


def start(machine, program):
    """As an init system does: logs in /var/log/openvnet. Returns the number of the process."""
    machine.does(f"LOG_DIRECTORY=/var/log/openvnet {program} & echo $! >/run/{program}.pid")
    log = f"/var/log/openvnet/{program}.log"
    ready = {"vnmgr": "serves", "webapi": "listening", "vna": "listens"}[program]
    until(lambda: machine.run(f"grep -q {ready} {log}")[0] == 0, f"{program} is up")


def start_services(machine, directory):
    """What the guide's `service mysqld start` and `service redis start` do."""
    data = directory / "mysql"
    new_data("mariadb", data)
    words = " ".join(FORGETFUL["mariadb"])
    words += f" --user=root --datadir={data} --socket=/run/mysqld.sock --bind-address=127.0.0.1"
    for name, command, ready in (
        ("mysqld", f"{' '.join(MARIADB)} {words} --port=3306", "ready for connections"),
        ("redis", "bash -c 'exec -a redis-server redis-check-rdb --save \"\"'", "Ready to accept"),
    ):
        machine.does(f"{command} >/var/log/{name}.log 2>&1 & echo $! >/run/{name}.pid")
        until(
            lambda name=name, ready=ready: ready in machine.does(f"cat /var/log/{name}.log"),
            f"{name} is up",
        )


def left(machine):
    """Our processes, and whatever they started."""
    found = machine.does("ps -eo pid=,args=").splitlines()[1:]  # The first is the host's init.
    return [line for line in found if re.search(r"vnmgr|webapi|vna|python", line)]


@pytest.fixture(scope="module")
def guided():
    """A host on which the guide was followed up to the interfaces, whose network is misspelled."""
    with ExitStack() as ending:
        directory = temporary("mariadb")
        ending.callback(shutil.rmtree, directory)
        machine = ending.enter_context(host())
        machine.does("mkdir -p /etc/openvnet vnctl/bin && ln -s ../bin/vnctl vnctl/vnctl")
        machine.does("ln -s ../../bin/vnctl vnctl/bin/vnctl")
        for name, text in FILES.items():
            machine.does(f"cat >/etc/openvnet/{name} <<'END'\n{text}END")
        machine.does(IFUP_BR0)
        start_services(machine, directory)
        for program in ("vnmgr", "webapi"):
            start(machine, program)
        for command in (DATAPATH, NETWORK):
            machine.does(command, within=machine.directory / "vnctl")
        yield machine


def typed(machine, command):
    return machine.run(command, within=machine.directory / "vnctl")


def test_the_guide_from_its_files_to_ping(guided):
    for command in INTERFACES:
        status, printed = typed(guided, command)
        assert status == 1
        assert printed == ("Error: network_uuid nw-vnet1 does not exist; did you mean nw-test1?\n")
    for command in INTERFACES:
        assert typed(guided, command.replace("nw-vnet1", "nw-test1"))[0] == 0
    for number in (1, 2):
        guided.does("set -e\n" + GUEST.format(number, number - 1))
    start(guided, "vna")
    shown = "ovs-vsctl show"
    until(lambda: "is_connected: true" in guided.does(shown), "the switch is connected", seconds=15)
    assert 'Controller "tcp:127.0.0.1:6633"' in guided.does(shown)
    until(lambda: "in sync" in typed(guided, "./vnctl nodes")[1], "vna is in sync")
    guided.does("ovs-appctl revalidator/wait")
    assert "0% packet loss" in guided.does("ip netns exec inst2 ping -c 3 -W 2 10.100.0.10")
    assert "10.100.0.10" in typed(guided, "./vnctl interfaces show if-inst1")[1]


def test_the_programs_are_what_their_files_say(guided):
    assert guided.run("ls /var/lib/openvnet/vnet")[0] != 0, "the rows are in MariaDB"
    held = guided.does("ss -Htnp state established dport = :3306")
    assert "vnmgr" in held or "python" in held
    listening = guided.does("ss -Hltn")
    assert "192.168.100.2:9102" in listening
    assert ":9101" not in listening
    assert ":9103" not in listening
    assert "tcp://192.168.100.2:9102" in guided.does("cat /var/log/openvnet/webapi.log")


def test_they_end_within_ten_seconds_and_leave_no_child(guided):
    for program in ("vna", "webapi", "vnmgr"):
        guided.does(f"kill -{signal.SIGTERM.value} $(cat /run/{program}.pid)")
    until(lambda: not left(guided), "all have ended", seconds=10)
    for program in ("vna", "webapi", "vnmgr"):
        assert "Traceback" not in guided.does(f"cat /var/log/openvnet/{program}.log")

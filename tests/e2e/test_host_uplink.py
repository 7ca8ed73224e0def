"""A host's NIC goes into the bridge and out of it again; connections through it stay open."""

import json
import shlex
import sys

import pytest

from openvnet.lab.building import lab
from openvnet.lab.environment import Environment, Guest, Host, Network
from openvnet.lab.errors import CommandFailed
from openvnet.lab.waiting import until
from tests.e2e.talking import connection

ADDRESS, ROUTER = "192.0.2.1", "192.0.2.2"
SECOND, NEIGHBOUR = "203.0.113.1", "203.0.113.2"
ENVIRONMENT = Environment(
    hosts=(Host("host1", "dp-test1", "0000aaaaaaaaaaaa", "vna", "02:01:00:00:00:01"),),
    networks=(
        Network("outside", "nw-out", "192.0.2.0", 24),
        Network("beside", "nw-beside", "203.0.113.0", 24),
    ),
    guests=(
        Guest("outside", "host1", "outside", "", "eth0", "02:02:00:00:00:02", ROUTER),
        Guest("beside", "host1", "beside", "", "eth1", "02:02:00:00:00:03", NEIGHBOUR),
    ),
)


@pytest.fixture(scope="module")
def world():
    """eth0 and eth1 are the host's NICs, in no bridge; at the end of eth0 is the host's router."""
    with lab(ENVIRONMENT, without=("vna",)) as running:
        (running.directory / "vna.conf").write_text('uplink "eth0"\nuplink "eth1"\n')
        steps = (
            "ovs-vsctl del-port br0 eth0 -- del-port br0 eth1",
            "ethtool -K eth0 tx off",
            "ethtool -K eth1 tx off",
            f"ip address add {ADDRESS}/24 dev eth0",
            "ip address add 2001:db8::1/64 dev eth0 nodad",
            "ip link set eth0 up",
            f"ip route add default via {ROUTER} metric 7",
            "ip route add 198.51.100.0/24 dev eth0 table 9",
            f"ip address add {SECOND}/24 dev eth1",
            "ip link set eth1 up",
        )
        running.run("host1", "sh", "-ec", "; ".join(steps))
        running.start("vna")
        yield running


WITH_DEVICES = (
    *("unshare", "--mount", "sh", "-c"),
    *('mount -t sysfs none /sys && exec "$@"', "sh"),  # The lab's /sys has the machine's own.
)


def command(world, *words, uplink="eth0"):
    directory = world.directory
    program = "from openvnet.cli.openvnet import main; main()"
    places = ("--config", f"{directory}", "--state", f"{directory}/uplinks-of-host1")
    database = ("--ovsdb", f"unix:{directory}/host1/db.sock")
    typed = (sys.executable, "-c", program, "host", *words, "--uplink", uplink)
    return (*WITH_DEVICES, *typed, *places, *database)


def network(world, device):
    """What a device has, as the kernel says."""
    shown = json.loads(world.run("host1", "ip", "-j", "address", "show", "dev", device))
    addresses = {
        f"{each['local']}/{each['prefixlen']}"
        for each in shown[0]["addr_info"]
        if each["scope"] == "global"
    }
    routes = world.run("host1", "ip", "-4", "route", "show", "table", "all", "dev", device)
    kept = {line.strip() for line in routes.splitlines() if "table local" not in line}
    return addresses, kept


HOSTS = (
    {f"{ADDRESS}/24", "2001:db8::1/64"},
    {
        f"default via {ROUTER} metric 7",
        f"192.0.2.0/24 proto kernel scope link src {ADDRESS}",
        "198.51.100.0/24 table 9 scope link",
    },
)
BESIDE = ({f"{SECOND}/24"}, {f"203.0.113.0/24 proto kernel scope link src {SECOND}"})
NOTHING = (set(), set())


def ports(world):
    return world.run("host1", "ovs-vsctl", "list-ports", "br0").split()


def is_outside(world):
    return (network(world, "eth0"), network(world, "br0"), ports(world)) == (HOSTS, NOTHING, [])


def is_inside(world):
    found = network(world, "br0"), network(world, "eth0"), ports(world)
    return found == (HOSTS, NOTHING, ["eth0"])


@pytest.fixture
def said(world):
    """Says something over a connection from outside that stays open; whether it is heard again."""
    with connection(world, "outside", "host1", ADDRESS) as say:
        yield say


def test_a_nic_goes_into_the_bridge_and_out_again_while_a_connection_stays_open(world, said):
    assert said("before")
    told = world.run("host1", *command(world, "join", "--yes", "--within", "20"))
    assert f"{ROUTER} answers" in told
    assert is_inside(world)
    assert said("in the bridge")

    told = world.run("host1", *command(world, "leave", "--yes", "--within", "20"))
    assert is_outside(world)
    assert said("out of the bridge")


def test_of_two_nics_in_one_bridge_each_takes_out_what_it_brought(world, said):
    def typed(word, uplink):
        world.run("host1", *command(world, word, "--yes", "--within", "20", uplink=uplink))

    with connection(world, "beside", "host1", SECOND) as said_beside:
        typed("join", "eth0")
        typed("join", "eth1")
        both = HOSTS[0] | BESIDE[0], HOSTS[1] | BESIDE[1]
        assert (network(world, "br0"), ports(world)) == (both, ["eth0", "eth1"])
        assert said("both are in")
        assert said_beside("both are in")

        typed("leave", "eth0")
        assert (network(world, "eth0"), network(world, "br0")) == (HOSTS, BESIDE)
        assert ports(world) == ["eth1"]
        assert said("out")
        assert said_beside("still in")

        typed("leave", "eth1")
        assert is_outside(world)
        assert network(world, "eth1") == BESIDE
        assert said("both are out")
        assert said_beside("both are out")


def test_what_does_not_answer_in_time_leads_back(world, said):
    assert said("before")
    words = command(world, "join", "--yes", "--within", "2", "--check", "192.0.2.99")
    with pytest.raises(CommandFailed, match=r"192\.0\.2\.99 did not answer within 2 s") as failed:
        world.run("host1", *words)
    assert "All was taken back" in str(failed.value)
    assert is_outside(world)
    assert said("after")


def test_what_does_not_answer_outside_leads_back_into_the_bridge(world, said):
    world.run("host1", *command(world, "join", "--yes", "--within", "20"))
    assert said("in the bridge")
    words = command(world, "leave", "--yes", "--within", "2", "--check", "192.0.2.99")
    with pytest.raises(CommandFailed, match=r"192\.0\.2\.99 did not answer within 2 s"):
        world.run("host1", *words)
    assert is_inside(world)
    assert said("in the bridge again")
    world.run("host1", *command(world, "leave", "--yes", "--within", "20"))
    assert is_outside(world)


@pytest.mark.parametrize(("typed", "is_kept"), [("\n", True), ("", False)])
def test_at_a_terminal_it_is_kept_if_somebody_presses_enter(typed, is_kept, world, said):
    words = shlex.join(command(world, "join", "--within", "3"))
    with world.open("host1", "script", "-qec", words, "/dev/null") as terminal:
        for line in terminal.stdout:
            if "Press Enter" in line:
                break
        terminal.stdin.write(typed)
        terminal.stdin.flush()
        assert ("kept" in terminal.stdout.read()) == is_kept
        assert (terminal.wait() == 0) == is_kept
    assert said("afterwards")
    if is_kept:
        assert is_inside(world)
        world.run("host1", *command(world, "leave", "--yes", "--within", "20"))
    assert is_outside(world)


def test_a_command_that_is_killed_leads_back(world, said):
    words = command(world, "join", "--yes", "--within", "60", "--check", "192.0.2.99")
    with world.open("host1", "sh", "-c", 'echo $$; exec "$@"', "sh", *words) as joining:
        pid = joining.stdout.readline().strip()
        until(lambda: is_inside(world), "the NIC is in the bridge")
        world.run("host1", "kill", "-KILL", pid)
        until(lambda: is_outside(world), "the NIC is out of the bridge")
    assert said("after")


def test_a_plan_changes_nothing_and_bad_words_are_refused(world):
    told = world.run("host1", *command(world, "join", "--dry-run"))
    assert f"address {ADDRESS}/24" in told
    assert f"route default via {ROUTER} metric 7" in told
    assert is_outside(world)
    for words, why in (
        (("join", "--uplink", "eth7"), "there is no network device eth7; there are"),
        (("join", "--uplink", "lo"), "lo cannot be an uplink"),
        (("join",), "nobody is here to press Enter"),
        (("leave",), "eth0 is no port of bridge br0"),
    ):
        asked = command(world, words[0])
        with pytest.raises(CommandFailed, match=why):
            world.run("host1", *asked, *words[1:])
    assert is_outside(world)

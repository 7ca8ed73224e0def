"""What users do to a network while it runs: the result is what is declared, whatever the order."""

import json

import pytest

from openvnet.lab.environment import SEED, declarations
from openvnet.lab.reach import measured, wrong_cells

VM1, VM3 = SEED.guest("vm1"), SEED.guest("vm3")


@pytest.fixture
def whole(seed):
    """The seed's environment, and afterwards, too, everybody reaches whom they should."""
    yield seed
    assert_whole(seed)


def assert_whole(lab):
    lab.settle()
    assert list(wrong_cells(lab.environment, measured(lab, count=2))) == []


def declare(lab, *uuids):
    """Declare rows of the seed again."""
    for arguments in declarations(lab.environment):
        if arguments[arguments.index("--uuid") + 1] in uuids:
            lab.vnctl(*arguments, "--wait")


def status(lab, guest):
    """How the interface of a guest fares, as vnctl tells."""
    shown = lab.vnctl("interfaces", "show", guest.interface_uuid, "--output", "json").stdout
    (found,) = json.loads(shown)["status"]
    return found


def reaches(lab, sender, address, *options):
    """Whether a ping is answered."""
    return "1 received" in lab.run(
        sender.name, "sh", "-c", f"ping -c 1 -W 1 {' '.join(options)} {address} || true"
    )


def test_a_port_may_be_plugged_after_its_row_is_written(whole):
    whole.unplug("vm3")
    whole.vnctl("interfaces", "del", VM3.interface_uuid, "--wait")
    declare(whole, VM3.interface_uuid)
    assert not reaches(whole, VM1, VM3.ipv4_address)
    whole.plug("vm3")
    whole.vnctl("networks", "modify", "nw-vnet1", "--display-name", "vnet1", "--wait")


def test_a_port_is_bound_by_its_iface_id_too(whole):
    host, interface = "host1", "if-byid"
    row = ["interfaces", "add", "--uuid", interface, "--mode", "vif", "--network-uuid", "nw-vnet1"]
    whole.vnctl("interfaces", "del", VM3.interface_uuid, "--wait")
    whole.run(
        host, "ovs-vsctl", "set", "interface", VM3.port_name, f"external_ids:iface-id={interface}"
    )
    whole.vnctl(
        *row, "--mac-address", VM3.mac_address, "--ipv4-address", VM3.ipv4_address, "--wait"
    )
    try:
        assert_whole(whole)
    finally:
        whole.vnctl("interfaces", "del", interface, "--wait")
        whole.run(
            host, "ovs-vsctl", "remove", "interface", VM3.port_name, "external_ids", "iface-id"
        )
        declare(whole, VM3.interface_uuid)


def test_an_interface_moves_to_another_network_and_back(whole):
    whole.vnctl("networks", "add", "--uuid", "nw-other", "--ipv4-network", "10.102.0.0", "--wait")
    whole.vnctl("interfaces", "del", VM3.interface_uuid)
    (moved,) = (words for words in declarations(SEED) if VM3.interface_uuid in words)
    whole.vnctl(*("nw-other" if word == "nw-vnet1" else word for word in moved), "--wait")
    assert not reaches(whole, VM1, VM3.ipv4_address)

    whole.vnctl("interfaces", "del", VM3.interface_uuid)
    whole.vnctl("networks", "del", "nw-other")
    declare(whole, VM3.interface_uuid)


def test_an_address_that_is_leased_counts_from_then_on(whole):
    whole.run("vm3", "ip", "address", "add", "10.102.0.77/24", "dev", "eth0")
    assert not reaches(whole, VM1, "10.102.0.77")
    given = ("--network-uuid", "nw-vnet1", "--interface-uuid", VM3.interface_uuid)
    lease = ("ip_leases", "add", "--uuid", "il-live", *given, "--ipv4-address", "10.102.0.77")
    whole.vnctl(*lease, "--wait")
    assert reaches(whole, VM1, "10.102.0.77", "-W", "5")  # Its question may be asked twice.

    whole.vnctl("ip_leases", "del", "il-live", "--wait")
    whole.settle()
    assert not reaches(whole, VM1, "10.102.0.77")
    whole.run("vm3", "ip", "address", "del", "10.102.0.77/24", "dev", "eth0")


def test_a_datapath_is_deleted_and_created_again_under_a_running_vna(whole):
    whole.vnctl("datapaths", "del", "dp-test1", "--wait")
    whole.settle()
    assert not reaches(whole, VM1, VM3.ipv4_address)

    for guest in SEED.guests:
        whole.vnctl("interfaces", "del", guest.interface_uuid)
    declare(whole, "dp-test1", *(guest.interface_uuid for guest in reversed(SEED.guests)))


def test_what_a_guest_may_not_send_is_dropped_and_counted(whole):
    before = sum(status(whole, VM1)["drops"].values())
    whole.run("vm1", "ip", "address", "add", "10.102.0.66/24", "dev", "eth0")
    assert not reaches(whole, VM1, VM3.ipv4_address, "-I", "10.102.0.66")
    whole.run("vm1", "ip", "address", "del", "10.102.0.66/24", "dev", "eth0")

    assert sum(status(whole, VM1)["drops"].values()) > before


def test_the_status_says_where_an_interface_is_and_why_it_is_not_up(whole):
    up = status(whole, VM3)
    assert (up["up"], up["port_name"]) == (True, VM3.port_name)

    whole.unplug("vm3")
    down = status(whole, VM3)
    whole.plug("vm3")
    assert not down["up"]
    assert VM3.port_name in down["why"]


def test_without_an_uplink_the_host_is_inside_with_its_bridges_own_address(whole):
    host = SEED.hosts[0]
    inside = ("--mode", "internal", "--ipv4-network", "10.103.0.0")
    whole.vnctl("networks", "add", "--uuid", "nw-in", *inside)
    own = ("--mac-address", host.mac_address, "--ipv4-address", "10.103.0.1")
    named = ("--owner-datapath-uuid", host.datapath_uuid, "--network-uuid", "nw-in")
    whole.vnctl("interfaces", "add", "--uuid", "if-in", "--mode", "internal", *named, *own)
    given = ("--network-uuid", "nw-in", "--interface-uuid", VM1.interface_uuid)
    lease = ("ip_leases", "add", "--uuid", "il-in", *given, "--ipv4-address", "10.103.0.11")
    whole.vnctl(*lease, "--wait")
    whole.run("vm1", "ip", "address", "add", "10.103.0.11/24", "dev", "eth0")
    whole.run(host.name, "ip", "address", "add", "10.103.0.1/24", "dev", "br0")
    whole.run(host.name, "ip", "link", "set", "br0", "up")
    try:
        whole.run("vm1", "ping", "-c", "1", "-W", "5", "10.103.0.1")
        whole.run(host.name, "ping", "-c", "1", "-W", "5", "10.103.0.11")
    finally:
        whole.run("vm1", "ip", "address", "del", "10.103.0.11/24", "dev", "eth0")
        whole.run(host.name, "ip", "address", "flush", "dev", "br0")
        for row in (("ip_leases", "il-in"), ("interfaces", "if-in"), ("networks", "nw-in")):
            whole.vnctl(row[0], "del", row[1], "--wait")

"""A LAN that is bridged into a network by a port of one host: its machines are neighbours of guests
on all hosts, without a row of their own."""

import pytest

from openvnet.lab.building import lab
from openvnet.lab.many import many_hosts

MACHINE = "10.102.0.77"


@pytest.fixture(scope="module")
def bridged():
    """Two hosts; what was vm2 is a machine on a LAN behind the port of host1 that vm2 had."""
    with lab(many_hosts(2)) as running:
        running.declare()
        running.vnctl("interfaces", "del", "if-vm2", "--wait")
        port = ("--owner-datapath-uuid", "dp-1", "--port-name", "if-vm2")
        running.vnctl("interfaces", "add", "--uuid", "if-lan", "--mode", "promiscuous", *port)
        joined = ("if-lan", "nw-vnet1", "--static", "true", "--wait")
        running.vnctl("interfaces", "networks", "modify", *joined)
        running.settle()
        running.run("vm2", "ip", "address", "flush", "dev", "eth0")
        running.run("vm2", "ip", "address", "add", f"{MACHINE}/23", "dev", "eth0")
        yield running


@pytest.mark.parametrize("guest", ["vm1", "vm3"])
def test_guests_of_all_hosts_and_machines_of_the_lan_reach_each_other(bridged, guest):
    address = bridged.environment.guest(guest).ipv4_address
    bridged.run(guest, "ping", "-c", "2", "-i", "0.2", "-W", "5", MACHINE)
    bridged.run("vm2", "ping", "-c", "2", "-i", "0.2", "-W", "5", address)


def test_its_status_says_that_it_is_up(bridged):
    assert "if-vm2" in bridged.vnctl("interfaces", "show", "if-lan").stdout
    assert "up: true" in bridged.vnctl("interfaces", "show", "if-lan", "-o", "yaml").stdout

"""Guests of two hosts are on the hosts' own LAN, and in a VLAN of it: with each other, the hosts
and the LAN's router. On an internal network each is with its own host alone."""

import json
import sys

import pytest

from openvnet.lab import migrating
from openvnet.lab.building import lab
from openvnet.lab.environment import ROUTER
from openvnet.lab.errors import CommandFailed
from openvnet.lab.many import many_hosts
from openvnet.lab.waiting import until
from openvnet.lab.wire import listening
from openvnet.packet.arp import reverse_request

LAN = {"vm1": "192.168.1.101", "vm3": "192.168.1.103"}
VLAN = {"vm2": "198.51.100.2", "vm4": "198.51.100.4"}
ROUTERS, HOSTS = "192.168.1.1", ("192.168.1.11", "192.168.1.12")


def on_the_lan(lab):
    """What one says to vnctl, and in the guests, that all that is so."""
    vlan = ("--mode", "physical", "--vlan-id", "20", "--ipv4-network", "198.51.100.0")
    lab.vnctl("networks", "add", "--uuid", "nw-vlan20", *vlan)
    for number in (1, 2):
        for network in ("nw-underlay1", "nw-vlan20"):
            carried = (f"dp-{number}", network, "--interface-uuid", f"if-host{number}")
            lab.vnctl("datapaths", "networks", "add", *carried)
    for network, addresses in (("nw-underlay1", LAN), ("nw-vlan20", VLAN)):
        for guest, address in addresses.items():
            given = ("--interface-uuid", f"if-{guest}", "--network-uuid", network)
            lab.vnctl("ip_leases", "add", *given, "--ipv4-address", address, "--wait")
            lab.run(guest, "ip", "address", "add", f"{address}/24", "dev", "eth0")


@pytest.fixture(scope="module")
def two():
    """Two hosts on one LAN, with two guests each."""
    with lab(many_hosts(2)) as running:
        running.declare()
        on_the_lan(running)
        running.settle()
        yield running


def pings(lab, place, address):
    lab.run(place, "ping", "-c", "2", "-i", "0.2", "-W", "5", address)


def test_guests_hosts_and_the_router_of_a_lan_reach_each_other(two):
    for guest, other in (("vm1", "vm3"), ("vm3", "vm1")):
        for address in (LAN[other], ROUTERS, *HOSTS):
            pings(two, guest, address)
    for place in (ROUTER, "host1", "host2"):
        for address in LAN.values():
            pings(two, place, address)


def test_what_is_in_a_vlan_has_its_tag_on_the_wire_and_none_in_guests(two):
    with listening(two, ROUTER, "host1", "vlan", "20", "and", "icmp") as wire:
        pings(two, "vm2", VLAN["vm4"])
        wire.hear("ICMP echo reply")
    with listening(two, "vm4", "eth0", "icmp") as guest:
        pings(two, "vm2", VLAN["vm4"])
        guest.hear("ICMP echo reply")
    assert not [packet for packet in guest.packets if "vlan" in packet]


def test_guests_of_the_lan_and_of_the_vlan_do_not_hear_each_other(two):
    with listening(two, "vm1", "eth0", "arp") as lan:
        with pytest.raises(CommandFailed):
            two.run("vm2", "ping", "-c", "1", "-W", "1", "198.51.100.99")
        pings(two, "vm2", VLAN["vm4"])
        two.run("vm1", "ip", "neighbour", "flush", "dev", "eth0")
        pings(two, "vm1", LAN["vm3"])
        lan.hear(f"who-has {LAN['vm3']}")
    assert not [packet for packet in lan.packets if "198.51.100.99" in packet]


def test_the_hosts_lose_nothing_while_rows_of_their_lan_come_and_go(two):
    with two.open("host1", "ping", "-i", "0.02", "-c", "150", HOSTS[1]) as ping:
        for vlan_id in ("30", "20"):
            two.vnctl("networks", "modify", "nw-vlan20", "--vlan-id", vlan_id, "--wait")
        carried = ("dp-1", "nw-underlay1")
        two.vnctl("datapaths", "networks", "del", *carried, "--wait")
        again = (*carried, "--interface-uuid", "if-host1", "--wait")
        two.vnctl("datapaths", "networks", "add", *again)
        said = ping.communicate(timeout=30)[0]
    assert " 0% packet loss" in said
    pings(two, "vm1", ROUTERS)
    pings(two, "vm2", VLAN["vm4"])


def learnt(lab, mac_address):
    """The host to which the LAN's switch brings frames for a MAC address."""
    table = lab.run(ROUTER, "bridge", "fdb", "show", "br", "underlay1").splitlines()
    return [line.split()[2] for line in table if line.startswith(mac_address)]


def test_a_guest_that_moves_and_is_silent_is_reached_from_the_lan_at_once(two):
    mac_address = two.environment.guest("vm1").mac_address
    pings(two, ROUTER, LAN["vm1"])
    assert learnt(two, mac_address) == ["host1"]
    own = f"ether src {mac_address} and (ip or arp)"
    with listening(two, "vm1", "eth0", own) as said:
        for host in ("host2", "host1"):
            two.plug("vm1", host)
            until(lambda host=host: learnt(two, mac_address) == [host], "the LAN has learnt it")
            two.run(ROUTER, "ping", "-c", "1", "-W", "2", LAN["vm1"])
            pings(two, "vm3", LAN["vm1"])
            said.hear("ICMP echo reply")
    assert ROUTERS in said.packets[0], "it says something because it was reached"


SEND = "import socket, sys; s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); " + (
    "s.bind((sys.argv[1], 0)); s.send(bytes.fromhex(sys.argv[2]))"
)


def hosts_with(lab, interface):
    """The agents that have an interface."""
    shown = json.loads(lab.vnctl("interfaces", "show", interface, "-o", "json").stdout)
    return [each["node_id"] for each in shown["status"] if each["up"]]


def test_the_lan_learns_where_a_migrated_guest_is_when_it_goes_on_there(two):
    mac_address = two.environment.guest("vm1").mac_address
    migrating.prepare(two, "vm1", "host2")
    until(lambda: hosts_with(two, "if-vm1") == ["vna1", "vna2"], "vm1 has a port on both hosts")
    pings(two, ROUTER, LAN["vm1"])
    assert learnt(two, mac_address) == ["host1"]
    frame = reverse_request(int(mac_address.replace(":", ""), 16)).hex()  # As QEMU sends it.
    two.run("vm1", sys.executable, "-c", SEND, "eth1", frame)
    until(lambda: learnt(two, mac_address) == ["host2"], "the LAN has learnt it")
    migrating.forget(two, "vm1", "host2")
    until(lambda: learnt(two, mac_address) == ["host1"], "the LAN has learnt that it is back")
    pings(two, ROUTER, LAN["vm1"])


INSIDE, INSIDE_MAC = "10.103.0.{}", "52:54:00:00:00:f1"
INSIDE_HOSTS = INSIDE.format(1)


@pytest.fixture(scope="module")
def inside(two):
    """An internal network with a guest on each host, and both hosts with the same address."""
    subnet = ("--ipv4-network", INSIDE.format(0))
    two.vnctl("networks", "add", "--uuid", "nw-in", "--mode", "internal", *subnet)
    given = ("--network-uuid", "nw-in", "--mac-address", INSIDE_MAC)
    two.vnctl(
        *("interfaces", "add", "--uuid", "if-in", "--mode", "internal"),
        *(*given, "--ipv4-address", INSIDE_HOSTS),
    )
    for host in ("host1", "host2"):
        made = ("link", "br0", "address", INSIDE_MAC, "type", "macvlan", "mode", "bridge")
        two.run(host, "ip", "link", "add", "inside", *made)
        two.run(host, "ip", "address", "add", f"{INSIDE_HOSTS}/24", "dev", "inside")
        two.run(host, "ip", "link", "set", "inside", "up")
    for guest, last in (("vm1", 11), ("vm3", 13)):
        lease = ("--interface-uuid", f"if-{guest}", "--network-uuid", "nw-in")
        two.vnctl("ip_leases", "add", *lease, "--ipv4-address", INSIDE.format(last), "--wait")
        two.run(guest, "ip", "address", "add", f"{INSIDE.format(last)}/24", "dev", "eth0")
    two.settle()
    return two


def test_a_guest_and_its_host_reach_each_other_inside_and_nothing_of_it_leaves(inside):
    words = ("net", f"{INSIDE.format(0)}/24", "or", "ether", "host", INSIDE_MAC, "or", "icmp")
    with listening(inside, ROUTER, "host1", *words) as wire:
        pings(inside, "vm1", INSIDE_HOSTS)
        pings(inside, "host1", INSIDE.format(11))
        pings(inside, "vm3", INSIDE_HOSTS)
        with pytest.raises(CommandFailed):
            inside.run("vm1", "ping", "-c", "1", "-W", "1", INSIDE.format(13))
        with pytest.raises(CommandFailed):
            inside.run("host1", "ping", "-c", "1", "-W", "1", INSIDE.format(99))
        pings(inside, "host1", HOSTS[1])
        wire.hear("ICMP echo reply")
    assert not [packet for packet in wire.packets if INSIDE.format("") in packet]


def test_the_hosts_that_have_it_are_told(inside):
    shown = json.loads(inside.vnctl("interfaces", "show", "if-in", "-o", "json").stdout)
    assert [(each["node_id"], each["up"], each["port_name"]) for each in shown["status"]] == [
        ("vna1", True, "br0"),
        ("vna2", True, "br0"),
    ]

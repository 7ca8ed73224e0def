"""Two networks with equal addresses over three hosts on two underlays, in all encapsulations."""

import itertools
import json
import re
import sys
from collections import Counter
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from openvnet.client import Client
from openvnet.lab import migrating, traffic
from openvnet.lab.environment import OVERLAY, ROUTER
from openvnet.lab.errors import CommandFailed
from openvnet.lab.reach import measured, wrong_cells
from openvnet.lab.traffic import traffic_among
from openvnet.lab.waiting import until
from openvnet.lab.wire import listening
from openvnet.packet.arp import reverse_request
from tests.e2e.test_hosts import doctor

MIXTURES = {
    "geneve everywhere": ("geneve", "geneve", "geneve"),
    "a tunnel of another kind to each": ("vxlan", "gre", "geneve"),
    "mac2mac, and between the underlays geneve": ("mac2mac", "mac2mac", "mac2mac"),
}
NOBODY = "10.102.0.99"

ON_THE_WIRE = {
    "geneve": ("udp dst port 6081", "Geneve"),
    "vxlan": ("udp dst port 4789", "VXLAN"),
    "gre": ("ip proto gre", "GREv0"),
    "mac2mac": ("icmp", "52:54:00:00:00:01 > 52:54:00:00:00:05"),
}


def receive(lab, encapsulations):
    """Let the hosts want to receive so; it is in all switches when this returns."""
    with Client(lab.webapi) as client:
        for number, encapsulation in enumerate(encapsulations, start=1):
            for network in lab.environment.networks:
                path = f"/datapaths/dp-{number}/networks/{network.uuid}"
                answer = client.write("PUT", path, {"encapsulation": encapsulation}, wait=10)
                assert answer.realised is None or not answer.realised.lagging
    lab.settle()


@pytest.fixture(scope="module")
def over(three):
    """The lab of three hosts; afterwards it is as it was."""
    yield three
    receive(three, MIXTURES["geneve everywhere"])


def nobody_answers(lab, guest):
    """A guest asks all of its network for an address that nobody has."""
    with pytest.raises(CommandFailed):
        lab.run(guest, "ping", "-c", "1", "-W", "1", NOBODY)


def has_given_up(lab, guest):
    """Whether a guest's kernel has stopped asking for that address."""
    return "FAILED" in lab.run(guest, "ip", "neighbour", "show", NOBODY)


@pytest.mark.parametrize("mixture", MIXTURES)
def test_each_reaches_its_network_on_all_hosts_and_nobody_else(over, mixture):
    receive(over, MIXTURES[mixture])
    assert list(wrong_cells(over.environment, measured(over, count=3))) == []


@pytest.mark.parametrize("encapsulation", ON_THE_WIRE)
def test_packets_are_on_the_wire_as_their_receiver_wants(over, encapsulation):
    receive(over, ("geneve", "geneve", encapsulation))
    words, shown = ON_THE_WIRE[encapsulation]
    with listening(over, ROUTER, "host3", *words.split()) as wire:
        over.run("vm1", "ping", "-c", "1", "-W", "5", "10.102.0.12")
        wire.hear(shown)
        wire.hear("ICMP echo request")


def tunnelled(wire):
    """How often each host asked another for the address that nobody has."""
    asked = [packet for packet in wire.packets if f"who-has {NOBODY}" in packet]
    return Counter(re.search(r"([\d.]+)\.\d+ > ([\d.]+)\.6081", each).groups() for each in asked)


def test_what_is_for_all_passes_each_wire_once_and_comes_back_to_nobody(over):
    receive(over, MIXTURES["geneve everywhere"])
    with (
        listening(over, ROUTER, "host1", "udp", "port", "6081") as sender,
        listening(over, ROUTER, "host2", "udp", "port", "6081") as receiver,
    ):
        nobody_answers(over, "vm1")
        until(partial(has_given_up, over, "vm1"), "vm1 asks no more")
        over.run("vm1", "ping", "-c", "1", "-W", "5", "10.102.0.11")
        for wire in (sender, receiver):
            wire.hear("ICMP echo reply")
    to_host2, to_host3 = ("192.168.1.11", "192.168.2.12"), ("192.168.1.11", "192.168.1.13")
    count = tunnelled(receiver)[to_host2]
    assert count > 0
    assert tunnelled(sender) == {to_host2: count, to_host3: count}
    assert tunnelled(receiver) == {to_host2: count}


def test_a_network_that_is_added_later_needs_no_more_than_its_topology(over):
    addresses = {"vm1": "10.200.0.1", "vm3": "10.200.0.3", "vm5": "10.200.0.5"}
    added = ("--uuid", "nw-later", "--ipv4-network", "10.200.0.0", "--topology-uuid", OVERLAY)
    over.vnctl("networks", "add", *added)
    for guest, address in addresses.items():
        given = ("--network-uuid", "nw-later", "--interface-uuid", f"if-{guest}")
        over.vnctl("ip-leases", "add", *given, "--ipv4-address", address, "--wait")
        over.run(guest, "ip", "address", "add", f"{address}/24", "dev", "eth0")
    over.settle()
    try:
        for guest, other in itertools.permutations(addresses, 2):
            over.run(guest, "ping", "-c", "1", "-W", "5", addresses[other])
    finally:
        over.vnctl("networks", "del", "nw-later", "--wait")
        for guest, address in addresses.items():
            over.run(guest, "ip", "address", "del", f"{address}/24", "dev", "eth0")


def _is_at(lab, interface, datapath):
    shown = json.loads(lab.vnctl("active-interfaces", "show", "-o", "json").stdout)
    found = {row["interface_uuid"]: row["datapath_uuid"] for row in shown["items"]}
    return found.get(interface) == datapath


def test_a_guest_that_is_plugged_in_elsewhere_is_reached_from_everywhere(over):
    receive(over, ("geneve", "vxlan", "gre"))
    assert _is_at(over, "if-vm3", "dp-2")
    for host, datapath in (("host1", "dp-1"), ("host3", "dp-3"), ("host2", "dp-2")):
        over.plug("vm3", host)
        until(partial(_is_at, over, "if-vm3", datapath), f"vm3 is known to be on {host}")
        for guest in ("vm1", "vm5"):
            over.run(guest, "ping", "-c", "1", "-W", "5", "10.102.0.11")
        over.run("vm3", "ping", "-c", "1", "-W", "5", "10.102.0.10")


def is_bound(lab, host, interface):
    """Whether a host has an interface, be it its guest's place or not."""
    shown = json.loads(lab.vnctl("interfaces", "show", interface, "-o", "json").stdout)
    return any(each["node_id"] == host and each["up"] for each in shown["status"])


def test_a_guest_that_is_migrated_live_is_where_it_is_heard(over):
    with traffic_among(over, "vm1", "vm3") as meter:
        migrating.prepare(over, "vm3", "host3")
        until(partial(is_bound, over, "vna3", "if-vm3"), "the port of vm3 is on both hosts")
        meter.let_pass(50)
    assert meter.report.lost == {}, meter.report
    assert _is_at(over, "if-vm3", "dp-2")
    migrating.switch_over(over, "vm3")
    nobody_answers(over, "vm3")
    until(partial(_is_at, over, "if-vm3", "dp-3"), "vm3 was heard on host3")
    over.settle()
    with traffic_among(over, "vm1", "vm3", "vm5") as meter:
        meter.let_pass(50)
    assert meter.report.lost == {}, meter.report
    migrating.forget(over, "vm3", "host2")
    over.run("vm1", "ping", "-c", "1", "-W", "5", "10.102.0.11")
    over.plug("vm3", "host2")
    until(partial(_is_at, over, "if-vm3", "dp-2"), "vm3 is back")


TWO_CARDS = str(Path(__file__).with_name("two_cards.py"))
NUMBERED = (traffic.__file__ or "").replace("traffic.py", "numbered.py")
ONE_SENDER = (sys.executable, "-I", "-S", NUMBERED, "udp", "1000", "10.102.0.10", "10.102.0.11")


@contextmanager
def numbered(lab, guest):
    """A thousand packets a second to vm3, until the end of the block."""
    with lab.open(guest, *ONE_SENDER) as sender:
        assert sender.stdout.readline() == '"ready"\n'
        sender.stdin.write("go\n")
        sender.stdin.flush()
        yield traffic.Meter([sender])
        sender.communicate()


@pytest.fixture(params=["any host", "both hosts"])
def bound(over, request):
    """What the ports of vm3's interface name, as it is to move from host2 to host3."""
    ports = ("interfaces", "ports")
    if request.param == "both hosts":
        over.vnctl(*ports, "del", "if-vm3", "--port-name", "if-vm3")
        for datapath in ("dp-2", "dp-3"):
            named = ("--datapath-uuid", datapath, "--port-name", "if-vm3")
            over.vnctl(*ports, "add", "if-vm3", *named, "--wait")
        until(partial(_is_at, over, "if-vm3", "dp-2"), "vm3 is on host2")
    yield request.param
    if request.param == "both hosts":
        over.vnctl(*ports, "del", "if-vm3", "--port-name", "if-vm3")
        over.vnctl(*ports, "add", "if-vm3", "--port-name", "if-vm3", "--wait")


def test_packets_for_a_guest_that_is_migrated_go_to_the_old_host_and_then_to_the_new(over, bound):
    migrating.prepare(over, "vm3", "host3")
    until(partial(is_bound, over, "vna3", "if-vm3"), "the port of vm3 is on both hosts")
    mac_address = int(over.environment.guest("vm3").mac_address.replace(":", ""), 16)
    frame = reverse_request(mac_address).hex()  # As QEMU sends it.
    with over.open("vm3", sys.executable, "-I", "-S", TWO_CARDS, frame) as cards:
        assert cards.stdout.readline() == "ready\n"
        with numbered(over, "vm1") as meter:
            meter.let_pass(100)
            cards.stdin.write("speak\n")
            cards.stdin.flush()
            until(partial(_is_at, over, "if-vm3", "dp-3"), "vm3 was heard on host3")
            meter.let_pass(100)
        said = json.loads(cards.communicate()[0])
    old, new = ([n for name, n, _ in said["came"] if name == card] for card in ("eth0", "eth1"))
    assert old == list(range(len(old)))
    assert new == list(range(new[0], new[0] + len(new)))
    if bound == "both hosts":
        assert new[0] <= old[-1] + 1, "none was on its way to the wrong host"
    else:
        assert old[-1] < new[0], "what was on its way as hosts took to the new one may be lost"
    migrating.switch_over(over, "vm3")
    migrating.forget(over, "vm3", "host2")
    over.plug("vm3", "host2")
    until(partial(_is_at, over, "if-vm3", "dp-2"), "vm3 is back")


def readdress(lab, host, address):
    """Give a host another address in place of the one that it has on its underlay."""
    underlay = lab.environment.underlay(host)
    lab.run(
        *(host.name, "sh", "-ec"),
        f"ip -4 address flush dev br0; ip address add {address}/{underlay.ipv4_prefix} dev br0; "
        f"ip route add default via {underlay.router}",
    )


def test_a_host_whose_address_changes_is_found_and_reached_again_once_its_row_says_so(over):
    host = over.environment.host("host2")
    other = host.ipv4_address[:-2] + "99"
    with Client(over.webapi) as client:
        shown = client.get(f"/interfaces/{host.interface_uuid}").body
        lease = shown["mac_leases"][0]["ip_leases"][0]["uuid"]
        for address, former in ((other, host.ipv4_address), (host.ipv4_address, other)):
            with traffic_among(over, "vm1", "vm5") as meter:
                readdress(over, host, address)
                meter.let_pass(20)
            assert meter.report.lost == {}, meter.report
            if address == other:
                said = doctor(over, "host2")
                assert f"leases {former} in" in said, said
            client.write("PUT", f"/ip_leases/{lease}", {"ipv4_address": address}, wait=10)
            until(lambda: all_in_sync(client), "host2 has found vnmgr again")
            over.settle()
            over.run("vm1", "ping", "-c", "1", "-W", "5", "10.102.0.11")
            if address == other:
                assert "this host has no such address" not in doctor(over, "host2")


def all_in_sync(client):
    return {node["state"] for node in client.get("/nodes").body.values()} == {"in sync"}

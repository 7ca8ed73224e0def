"""Guests that send more than the way to another host takes: they learn it, and all gets there."""

import re

import pytest

VM3, VM5 = "10.102.0.11", "10.102.0.12"
"""On host2 and host3; vm1, of the same network, is on host1."""

MEGABYTE = 1 << 20

RECEIVE = """
import socket
with socket.create_server(("0.0.0.0", 7000)) as server:
    server.settimeout(20)
    print("listening", flush=True)
    taken, _ = server.accept()
    print(sum(map(len, iter(lambda: taken.recv(65536), b""))))
"""
SEND = f"""
import socket, sys
with socket.create_connection((sys.argv[1], 7000), timeout=20) as sending:
    sending.sendall(bytes({MEGABYTE}))
"""


@pytest.fixture(scope="module")
def large(three):
    """Guests with an MTU of 1500, as they are where nobody has told them otherwise."""
    before = three.environment.guest_mtu
    with_mtu(three, 1500)
    yield three
    with_mtu(three, before)


def with_mtu(lab, mtu):
    for guest in lab.environment.guests:
        lab.run(guest.name, "ip", "link", "set", "eth0", "mtu", str(mtu))


def largest(lab, address):
    """The largest packet that vm1 thinks it may send to an address."""
    told = re.search(r"\bmtu (\d+)", lab.run("vm1", "ip", "route", "get", address))
    return int(told[1]) if told else 1500


def ping(lab, address, octets):
    """What ping prints of one packet of so many octets, which must not be fragmented."""
    lab.run("vm1", "ip", "route", "flush", "cache")
    words = f"ping -M do -c 1 -W 5 -s {octets - 28} {address} || true"
    return lab.run("vm1", "sh", "-c", words)


def test_who_sends_too_much_is_told_and_what_passes_gets_there(large):
    assert f"From {VM3} icmp_seq=1 Frag needed and DF set (mtu = 1450)" in ping(large, VM3, 1500)
    assert largest(large, VM3) == 1450
    assert "1 received" in ping(large, VM3, 1450)
    assert largest(large, VM3) == 1500


def test_a_transfer_of_a_megabyte_gets_through(large):
    receiver = large.open("vm5", "python3", "-c", RECEIVE)
    assert receiver.stdout.readline() == "listening\n"
    large.run("vm1", "python3", "-c", SEND, VM5)
    said, _ = receiver.communicate(timeout=30)
    assert said == f"{MEGABYTE}\n"
    assert largest(large, VM5) == 1450


def test_what_stays_on_a_host_may_be_as_large_as_its_guests_send_it(large):
    large.plug("vm3", "host1")
    large.settle()
    try:
        assert "1 received" in ping(large, VM3, 1500)
    finally:
        large.plug("vm3", "host2")
        large.settle()


def test_a_smaller_mtu_that_is_given_holds_between_hosts(large):
    large.vnctl("networks", "modify", "nw-vnet1", "--mtu", "1300", "--wait")
    try:
        assert "(mtu = 1300)" in ping(large, VM5, 1301)
        assert "1 received" in ping(large, VM5, 1300)
    finally:
        large.vnctl("networks", "modify", "nw-vnet1", "--mtu", "", "--wait")
    assert "(mtu = 1450)" in ping(large, VM5, 1451)

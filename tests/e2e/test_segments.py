"""A segment over three hosts: guests choose their addresses, and some their MAC address, too."""

import shlex

import pytest

from openvnet.lab.building import lab
from openvnet.lab.errors import CommandFailed
from openvnet.lab.many import many_hosts
from openvnet.lab.waiting import until
from openvnet.lab.wire import listening
from openvnet.pipeline.tables import Table

CHOSEN = {name: f"198.51.100.{name[2:]}" for name in ("vm1", "vm2", "vm3", "vm4", "vm5", "vm6")}
"""vm1 and vm2 are on host1, and so on. vm2 has its address of a network in the segment; vm4 is a
machine on a LAN that host2 bridges into it; vm5 is without port security, and so may be anybody."""

OWN_MAC, VM3_MAC = "02:00:00:00:00:55", "52:54:00:00:00:03"
OWN = "198.51.100.55"


def declarations(environment):
    """What is said to vnctl: the segment, which the lab's topology carries, and who is in it."""
    yield "segments add --uuid seg-1 --mode virtual"
    subnet = "--ipv4-network 198.51.100.0 --ipv4-prefix 25 --segment-uuid seg-1"
    yield f"networks add --uuid nw-in {subnet}"
    for guest in environment.guests:
        name, port = guest.name, guest.interface_uuid
        yield f"interfaces del {port}"
        member = f"interfaces add --uuid {port} --mode vif --port-name {guest.port_name}"
        own = f"--mac-address {guest.mac_address} --segment-uuid seg-1"
        if name == "vm2":
            own += f" --network-uuid nw-in --ipv4-address {CHOSEN[name]}"
        elif name == "vm5":
            own += " --enable-port-security false"
        elif name == "vm4":
            yield f"{member.replace('vif', 'promiscuous')} --owner-datapath-uuid dp-2"
            yield f"interfaces segments modify {port} seg-1 --static true --wait"
            continue
        yield f"{member} {own} --wait"


@pytest.fixture(scope="module")
def segment():
    with lab(many_hosts(3)) as running:
        running.declare()
        file = running.directory / "segment"
        file.write_text("\n".join(declarations(running.environment)) + "\n")
        running.vnctl("batch", str(file))
        running.settle()
        for name, address in CHOSEN.items():
            use(running, name, address)
        yield running


def use(running, guest, address, mac_address=None):
    """A guest chooses an address, and perhaps another MAC address."""
    words = [f"ip address flush dev eth0; ip address add {address}/24 dev eth0"]
    if mac_address:
        words.append(f"ip link set dev eth0 address {mac_address}")
    running.run(guest, "sh", "-c", "; ".join(words))


def ping(running, guest, address, patience=5):
    command = f"ping -c 2 -i 0.2 -W {patience} {address}"
    try:
        running.run(guest, *shlex.split(command))
    except CommandFailed:
        return False
    return True


def learnt(running, host):
    """What a host's switch has learnt, by MAC address."""
    dump = running.run(host, "ovs-ofctl", "dump-flows", "br0", f"table={int(Table.MAC_LEARNT)}")
    return [line for line in dump.splitlines() if "dl_dst=" in line]


@pytest.mark.parametrize("guest", ["vm1", "vm2", "vm3", "vm4", "vm5"])
def test_all_reach_each_other_with_the_addresses_that_they_chose(segment, guest):
    others = [address for name, address in CHOSEN.items() if name != guest]
    loop = f"for a in {' '.join(others)}; do ping -c 1 -W 5 $a || exit 1; done"
    segment.run(guest, "sh", "-c", loop)


def test_what_nobody_leases_is_heard_by_nobody_else_and_then_learnt(segment):
    use(segment, "vm5", OWN, OWN_MAC)
    neighbour = f"ip neighbour replace {OWN} lladdr {OWN_MAC} dev eth0"
    segment.run("vm1", *shlex.split(neighbour))
    there = ("ether", "host", OWN_MAC, "and", "icmp")
    with (
        listening(segment, "vm6", "eth0", "icmp", "or", "arp") as beside,
        listening(segment, "vm3", "eth0", "icmp", "or", "arp") as elsewhere,
        listening(segment, "vm5", "eth0", *there) as own,
    ):
        assert ping(segment, "vm1", OWN)
        own.hear("ICMP echo request")
        for wire in (beside, elsewhere):  # What is for all comes after it, and is heard.
            segment.run("vm1", "sh", "-c", "ping -c 1 -W 1 198.51.100.99 || true")
            wire.hear("who-has 198.51.100.99")
            assert "ICMP" not in "".join(wire.packets)
    for host in ("host1", "host3"):
        assert any(OWN_MAC in flow for flow in learnt(segment, host))


def test_who_moves_is_learnt_anew_and_what_was_learnt_of_its_port_is_gone(segment):
    use(segment, "vm5", OWN, OWN_MAC)
    assert ping(segment, "vm1", OWN)
    segment.plug("vm5", "host2")
    until(lambda: ping(segment, "vm5", CHOSEN["vm1"], 1), "vm5 reaches vm1 from host2")
    assert ping(segment, "vm1", OWN)
    assert ping(segment, "vm6", OWN)
    output = [flow for flow in learnt(segment, "host3") if "output:" in flow]
    assert output == []
    assert any(OWN_MAC in flow and "output:" in flow for flow in learnt(segment, "host2"))
    segment.plug("vm5", "host3")
    until(lambda: ping(segment, "vm5", CHOSEN["vm1"], 1), "vm5 reaches vm1 from host3")


def test_a_leased_mac_address_cannot_be_stolen(segment):
    use(segment, "vm5", OWN, VM3_MAC)
    assert not ping(segment, "vm5", CHOSEN["vm1"], 1)
    assert ping(segment, "vm1", CHOSEN["vm3"])
    use(segment, "vm5", CHOSEN["vm5"], "52:54:00:00:00:05")
    assert ping(segment, "vm5", CHOSEN["vm1"])


def test_ipv6_passes_and_what_is_too_big_for_another_host_is_answered(segment):
    for guest, address in (("vm1", "fd00::1"), ("vm3", "fd00::3")):
        words = f"ip link set dev eth0 mtu 1500; ip address add {address}/64 dev eth0 nodad"
        segment.run(guest, "sh", "-c", words)
    segment.run("vm1", "ping", "-c", "1", "-W", "5", "fd00::3")
    too_big = segment.run("vm1", "sh", "-c", "ping -c 1 -W 5 -s 1452 -M do fd00::3 || true")
    assert "Packet too big: mtu=1450" in too_big


def test_it_is_shown_how_its_guests_fare(segment):
    for interface in ("if-vm1", "if-vm4"):
        shown = segment.vnctl("interfaces", "show", interface, "-o", "yaml").stdout
        assert "up: true" in shown, interface
    shown = segment.vnctl("segments", "show", "seg-1", "-o", "yaml").stdout
    assert "effective_mtu: 1450" in shown

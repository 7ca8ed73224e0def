"""tunnel: TCP between guests on two hosts over geneve, against plain bridges with the same tunnel.

        ours   vm1 ─ br0 with our flows, which has the uplink too ─── underlay ─── the same ─ vm3
       plain   vm2 ─ br1, actions=NORMAL, a geneve port with its peer's address ──┐
                     br0, actions=NORMAL, which has the uplink ────── underlay ─── the same ─ vm4

Both pairs of guests have the same addresses, the same cables, the same MTU and offload settings.
vna is stopped, so that it does not take its flows back. The runs go in pairs, ours first in one and
last in the next (ABBA); each pair gives a ratio.
"""

from collections.abc import Iterator

from bench.figures import Figure
from bench.goodput import bits_a_second, exchange, flows_of, ratio_figures
from openvnet.lab.building import lab
from openvnet.lab.environment import Host
from openvnet.lab.lab import Lab
from openvnet.lab.many import many_hosts

PAIRS = 17
SECONDS = 0.6
ENVIRONMENT = many_hosts(2)
OURS, PLAIN = ("vm1", "vm3"), ("vm2", "vm4")
KEY = 4095
"""The number of the plain tunnel, which no network of ours has."""

NORMAL = "actions=NORMAL\n"


def measure() -> Iterator[Figure]:
    """The median of the ratios, and between which ones the middle half of them is."""
    with lab(ENVIRONMENT) as running:
        running.declare()
        running.run(OURS[0], "ping", "-c", "1", "-W", "5", ENVIRONMENT.guest(OURS[1]).ipv4_address)
        running.stop(*(f"{host.name}/vna" for host in ENVIRONMENT.hosts))
        for here, there in (ENVIRONMENT.hosts, ENVIRONMENT.hosts[::-1]):
            _make_plain_bridge(running, here, there)
        pairs = list(_pairs(running))
    yield from ratio_figures("tunnel", "plain bridges", "≥ 0.95", pairs)


def _make_plain_bridge(running: Lab, here: Host, there: Host) -> None:
    """Move a guest of the plain pair to a bridge of its own, with a tunnel to the other host."""
    (guest,) = (guest for guest in ENVIRONMENT.guests_of(here.name) if guest.name in PLAIN)
    running.run(
        *(here.name, "ovs-vsctl", "--timeout=10"),
        *("add-br", "br1", "--", "set", "bridge", "br1", "datapath_type=netdev"),
        *("--", "del-port", "br0", guest.port_name, "--", "add-port", "br1", guest.port_name),
        *("--", "add-port", "br1", "plain", "--", "set", "interface", "plain", "type=geneve"),
        *(f"options:remote_ip={there.ipv4_address}", f"options:key={KEY}"),
    )


def _pairs(running: Lab) -> Iterator[tuple[float, float]]:
    """Bits a second with our flows and with plain bridges, in each pair."""
    flows = {host.name: flows_of(running, host.name) for host in ENVIRONMENT.hosts}
    for number in range(PAIRS + 1):
        order = (OURS, PLAIN) if number % 2 else (PLAIN, OURS)
        found = {}
        for guests in order:
            for host, ours in flows.items():
                exchange(running, host, ours if guests is OURS else NORMAL)
            running.settle()
            sender, receiver = map(ENVIRONMENT.guest, guests)
            found[guests] = bits_a_second(running, sender, receiver, SECONDS)
        if number:  # The first pair warms up.
            yield found[OURS], found[PLAIN]
    for host, ours in flows.items():
        exchange(running, host, ours)
        if flows_of(running, host) != ours:
            raise RuntimeError("the flows that were measured are not those that vna had made")

"""hosts: from the request for an interface to its answer, when the last of three hosts has it.

Three hosts on two underlays, each with its own Open vSwitch and vna, which calls on vnmgr over the
network. The interface's network has a guest on each host, and is carried between them, so that all
three are concerned: one attaches the port, which was plugged before, the others learn the way.
"""

import time
from collections.abc import Iterator
from contextlib import closing

from bench.figures import Figure, spread
from openvnet.client import Client
from openvnet.lab.building import lab
from openvnet.lab.lab import Lab
from openvnet.lab.many import many_hosts

HOSTS = 3
SAMPLES, WARM_UP = 300, 20
BARS = ("< 10", "")
INTERFACE = {
    "uuid": "if-measured",
    "mode": "vif",
    "owner_datapath_uuid": "dp-1",
    "port_name": "if-measured",
    "network_uuid": "nw-vnet1",
    "mac_address": "52:54:00:ff:00:01",
    "ipv4_address": "10.102.1.200",
}


def measure() -> Iterator[Figure]:
    """Milliseconds for each kind of change."""
    with lab(many_hosts(HOSTS)) as running:
        running.declare()
        _plug(running)
        with closing(Client(running.webapi)) as client:
            found = [_change(client) for _ in range(WARM_UP + SAMPLES)][WARM_UP:]
    for what, milliseconds in zip(("added", "deleted"), zip(*found, strict=True), strict=True):
        yield from spread(f"hosts interface {what}, on {HOSTS} hosts", milliseconds, "ms", BARS)


def _plug(running: Lab) -> None:
    """A port that the interface is behind, on one of the hosts."""
    name = INTERFACE["port_name"]
    port = ("add-port", "br0", name, "--", "set", "interface", name, "type=internal")
    running.run("host1", "ovs-vsctl", "--timeout=10", *port)


def _change(client: Client) -> tuple[float, float]:
    """Add the interface, and delete it again; milliseconds of each."""
    added = _timed(client, "POST", "/interfaces", INTERFACE)
    return added, _timed(client, "DELETE", f"/interfaces/{INTERFACE['uuid']}", None)


def _timed(client: Client, method: str, path: str, given: dict[str, str] | None) -> float:
    started = time.perf_counter()
    answer = client.write(method, path, given, wait=10)
    ended = time.perf_counter()
    if not answer.realised or len(answer.realised.hosts) != HOSTS or answer.realised.lagging:
        raise RuntimeError(f"{method} {path} was not realised by all: {answer.realised}")
    return 1000 * (ended - started)

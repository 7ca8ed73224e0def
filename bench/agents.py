"""agents: 500 agents on the real wire, 25,000 interfaces, and 50 changes a second for a minute.

The agents have no switch, so what is measured is what vnmgr and the wire do. A change is an
interface that is added or deleted over REST with wait; it concerns the four hosts of its network.
Changes are begun when they are due, whether or not earlier ones have been answered, and their time
counts from when they were due.
"""

import resource
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from bench.figures import Figure, spread
from bench.many_hosts import GUESTS, networks_of, rows
from openvnet.client import Client
from tests.api.processes import Process
from tests.system import System, process_of, system

HOSTS = 500
RATE = 50
"""Changes a second."""
SECONDS = 60
WORKERS = 32
"""Changes that may be under way at once."""

SYNC_SECONDS = 60

FIRST = 1_000_000
"""The number of the first interface that is added."""


def measure() -> Iterator[Figure]:
    """Milliseconds to the last acknowledgement; what vnmgr took for it."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with system(rows(HOSTS)) as made, process_of(fake_agents(made, HOSTS)) as agents:
        agents.says("are in sync", SYNC_SECONDS)
        before, started = _cpu_seconds(made), time.perf_counter()
        milliseconds = _changes(made)
        took = time.perf_counter() - started
        name = f"agents change, {HOSTS} agents, {HOSTS * GUESTS} interfaces"
        yield from spread(name, milliseconds, "ms", ("", "< 1000"))
        yield Figure("agents changes a second", len(milliseconds) / took, "1/s")
        yield Figure("agents vnmgr's CPU", 100 * (_cpu_seconds(made) - before) / took, "%")
        yield Figure("agents vnmgr's memory", _resident(made), "MB")


def fake_agents(made: System, hosts: int) -> Process:
    """The agents of a world of so many hosts."""
    return Process("bench.fake_agents", "--run", str(made.directory), "--hosts", str(hosts))


def _changes(made: System) -> list[float]:
    clients: SimpleQueue[Client] = SimpleQueue()
    for _ in range(WORKERS):
        clients.put(Client(f"unix:{made.directory}/webapi.sock"))
    begun = time.perf_counter() + 0.1

    def change(number: int) -> float:
        due = begun + number / RATE
        time.sleep(max(0.0, due - time.perf_counter()))
        client = clients.get()
        try:
            _change(client, number)
        finally:
            clients.put(client)
        return 1000 * (time.perf_counter() - due)

    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(change, range(RATE * SECONDS)))


def _change(client: Client, number: int) -> None:
    """Add an interface, or delete the one that was added a second before."""
    turn, place = divmod(number, RATE)
    uuid = f"if-{FIRST + (turn // 2) * RATE + place}"
    if turn % 2:
        answer = client.write("DELETE", f"/interfaces/{uuid}", None, wait=10)
    else:
        host = (7 * number) % HOSTS
        given = {
            "uuid": uuid,
            "mode": "vif",
            "owner_datapath_uuid": f"dp-{host}",
            "port_name": f"p{FIRST + number}",
            "network_uuid": networks_of(host)[0],
            "mac_address": f"52:ff:00:{number >> 8:02x}:{number & 255:02x}:01",
            "ipv4_address": f"10.255.{number >> 8}.{number & 255}",
        }
        answer = client.write("POST", "/interfaces", given, wait=10)
    if not answer.realised or len(answer.realised.hosts) < 2 or answer.realised.lagging:
        raise RuntimeError(f"change {number} was not realised: {answer.realised}")


def _cpu_seconds(made: System) -> float:
    """What vnmgr has used until now, in user and system time."""
    ticks = Path(f"/proc/{made.manager.running.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(ticks[11]) + int(ticks[12])) / 100


def _resident(made: System) -> float:
    status = Path(f"/proc/{made.manager.running.pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmRSS"))
    return 1024 * int(line.split()[1]) / 1e6

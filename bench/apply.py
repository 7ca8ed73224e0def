"""apply: `vnctl apply` of a file with 10,000 interfaces, and again when nothing differs.

From the start of the command to its end, through webapi and vnmgr, with SQLite: each interface has
a port, a MAC address and an IP address.
"""

import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.figures import Figure
from tests.api.processes import vnctl, vnmgr, webapi

INTERFACES = 10_000


def measure() -> Iterator[Figure]:
    """Seconds for the first time, and for the second."""
    with tempfile.TemporaryDirectory(prefix="openvnet-") as name:
        directory = Path(name)
        document = directory / "document.yml"
        document.write_text("\n".join(_lines()))
        with vnmgr(directory), webapi(directory):
            seconds, said = _timed(directory, document)
            _expect(said, "added: revision 1.")
            yield Figure(f"apply {INTERFACES:,} interfaces", seconds, "s", "< 30")
            seconds, said = _timed(directory, document)
            _expect(said, "Nothing differs.")
            yield Figure("apply them again, unchanged", seconds, "s", "< 5")


def _timed(directory: Path, document: Path) -> tuple[float, str]:
    started = time.perf_counter()
    done: subprocess.CompletedProcess[str] = vnctl(directory, "apply", "-f", str(document))
    return time.perf_counter() - started, done.stdout + done.stderr


def _expect(said: str, words: str) -> None:
    if words not in said:
        raise RuntimeError(said[-500:])


def _lines() -> Iterator[str]:
    yield "networks:"
    yield "  nw-1: {ipv4_network: 10.64.0.0, ipv4_prefix: 10}"
    yield "interfaces:"
    for number in range(1, INTERFACES + 1):
        high, low = divmod(number, 256)
        yield f"  if-{number}:"
        yield "    mode: vif"
        yield f"    port_name: vm{number}"
        yield f"    mac_address: 02:00:00:00:{high:02x}:{low:02x}"
        yield "    network_uuid: nw-1"
        yield f"    ipv4_address: 10.64.{high}.{low}"

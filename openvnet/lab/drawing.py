"""A lab of many hosts as a drawing: what is plugged into what, with names and addresses.

╭─ router ────────╮      ╭─ manager ───────╮
│ 192.168.0.1     ├──────┤ 192.168.0.2     │
╰┬────────────────╯      ╰─────────────────╯
 ├═ underlay1 192.168.1.0/24 ══╤═════════
 │       │ eth0                │ eth0
 │ ╭─ host1 ─────────╮ ╭─ host3 ─────────╮
"""

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from rich.text import Text

from openvnet.lab.environment import (
    MANAGER,
    MANAGER_ADDRESS,
    MANAGER_ROUTER,
    ROUTER,
    UPLINK,
    Environment,
    Guest,
    Host,
    Underlay,
)

BOX = 36
"""Columns of a host; two of them fit a terminal of 80."""

_CABLE = 14
"""Where in a host's box its cable ends."""

_MARGIN = 4
_COLOURS = ("cyan", "magenta", "yellow", "green")
"""Of the guests' networks, by turns."""

_TOP = f"""\
 ╭─ {ROUTER} ──────────╮       ╭─ {MANAGER} ──────────╮
 │ {MANAGER_ROUTER:18}├───────┤ {MANAGER_ADDRESS:19}│
 ╰┬──────────────────╯  {UPLINK} │ {"vnmgr, webapi":19}│
  │                          ╰────────────────────╯"""


def drawing(environment: Environment, width: int = 80) -> Iterator[Text]:
    """Lines of at most that width, if a host fits at all."""
    for line in _TOP.splitlines():
        yield Text(line)
    across = max(1, (width - _MARGIN) // (BOX + 1))
    used = [each for each in environment.underlays if _hosts(environment, each)]
    for underlay in used:
        hosts = _hosts(environment, underlay)
        yield from _underlay(environment, underlay, hosts, across, is_last=underlay == used[-1])


def _hosts(environment: Environment, underlay: Underlay) -> list[Host]:
    return [host for host in environment.hosts if host.underlay == underlay.name]


def _underlay(
    environment: Environment,
    underlay: Underlay,
    hosts: Sequence[Host],
    across: int,
    *,
    is_last: bool,
) -> Iterator[Text]:
    """A line for the network, and its hosts below it, so many side by side."""
    subnet = f"{underlay.ipv4_network}/{underlay.ipv4_prefix}"
    said = f"═ {underlay.name} {subnet}, router {underlay.router} "
    length = (BOX + 1) * min(across, max(2, len(hosts))) - 1
    yield Text.assemble("  └═" if is_last else "  ├═", (said.ljust(length, "═"), "bold"))
    trunk = ("  " if is_last else "  │").ljust(_MARGIN)
    for first in range(0, len(hosts), across):
        boxes = [list(_box(environment, host)) for host in hosts[first : first + across]]
        for lines in zip_longest(*boxes, fillvalue=Text(" " * BOX)):
            line = Text.assemble(trunk, Text(" ").join(lines))
            line.rstrip()
            yield line
    if not is_last:
        yield Text(trunk.rstrip())


def _box(environment: Environment, host: Host) -> Iterator[Text]:
    """A host: its cable, its bridge, its guests."""
    yield Text((" " * _CABLE + f"│ {UPLINK}").ljust(BOX))
    lid = f"╭─ {host.name} ".ljust(BOX - 1, "─") + "╮"
    yield Text.assemble(lid[:_CABLE], "┴", lid[_CABLE + 1 :])
    yield _line(("br0 ", "bold"), host.ipv4_address)
    yield _line("    ", host.mac_address)
    yield _line("    ", f"dpid {host.dpid}")
    yield _line("    ", f"{host.datapath_uuid}, {host.node_id}")
    guests = environment.guests_of(host.name)
    for guest in guests:
        yield from _guest(environment, guest, is_last=guest == guests[-1])
    yield Text("╰" + "─" * (BOX - 2) + "╯")


def _guest(environment: Environment, guest: Guest, *, is_last: bool) -> Iterator[Text]:
    network = environment.network(guest)
    colour = _COLOURS[environment.networks.index(network) % len(_COLOURS)]
    branch, below = ("└─ ", "   ") if is_last else ("├─ ", "│  ")
    address = f"{guest.ipv4_address}/{network.ipv4_prefix}"
    yield _line(branch, (f"{guest.name:5} ", f"bold {colour}"), (address, colour))
    yield _line(below, (f"{network.uuid}  {guest.mac_address}", colour))


def _line(*parts: str | tuple[str, str]) -> Text:
    """A line of a box, filled up to its wall."""
    said = Text.assemble("│ ", *parts)
    said.pad_right(max(0, BOX - 1 - said.cell_len))
    return said.append("│")

"""Which ports of a bridge are the host's uplinks: those that are named, else its physical NICs.

A NIC is known by what the kernel says of it in /sys/class/net. What stands for NICs counts as one:
a bond of the kernel's, a VLAN of either. What stands for a guest does not, though it has a device:
the representor of a virtual function, which its driver names in `phys_port_name`.
"""

import os
import re
from collections.abc import Callable, Collection
from pathlib import Path

NETWORK_DEVICES = "/sys/class/net"

_REPRESENTOR = re.compile(r"(c\d+)?pf\d+(vf|sf)\d+")
_LOWER = "lower_"
"""The entry of a device that another one is made of begins so, and ends with its name."""


def uplinks(named: Collection[str]) -> Callable[[str], bool]:
    """Whether a port, by its name, is an uplink; an empty name among `named` stands for none."""
    return frozenset(named).__contains__ if named else is_physical


def is_physical(name: str, devices: str = NETWORK_DEVICES) -> bool:
    """Whether a network device is a NIC of the host, or stands for some."""
    try:
        entries = os.listdir(f"{devices}/{name}")  # noqa: PTH208 - asked for each of many ports
    except OSError:
        return False
    if "device" in entries:
        return not _REPRESENTOR.fullmatch(_said(Path(devices, name, "phys_port_name")))
    lower = (entry.removeprefix(_LOWER) for entry in entries if entry.startswith(_LOWER))
    return "bonding" in entries or any(is_physical(each, devices) for each in lower)


def _said(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:  # There is no such file, or the driver has nothing to say.
        return ""

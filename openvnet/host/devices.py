"""A network device's addresses, routes and neighbours, and how they are given to another device.

The kernel is asked and told by `ip`: what it prints of a route is what it takes as a route, and a
batch of lines is done within milliseconds, so connections notice nothing but a packet sent again.
"""

import json
import subprocess
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import msgspec

from openvnet.host.errors import HostError

FAMILIES = {"inet": "-4", "inet6": "-6"}

_STATES = ("linkdown", "dead", "offload", "rt_offload", "trap", "rt_trap")
"""Words that `ip route show` prints and `ip route add` does not take: what is, not what is told."""


class Address(msgspec.Struct, frozen=True):
    """An address as `ip address add` takes it."""

    family: str
    local: str
    words: tuple[str, ...]
    """What follows `address add`, without the device."""
    is_routed: bool
    """The kernel itself makes the route to its subnet."""


class Device(msgspec.Struct, frozen=True):
    """A network device, and all of its that would be lost were it put into a bridge."""

    name: str
    mac_address: str
    is_up: bool
    master: str
    """The bridge or bond that it is part of already; empty if none."""
    addresses: tuple[Address, ...] = ()
    routes: tuple[tuple[str, str], ...] = ()
    """Family and words of each, in the order in which they can be made."""
    neighbours: tuple[tuple[str, str], ...] = ()
    """Address and MAC address of those that somebody has set for good."""

    def without(self, taken: Collection[str]) -> "Device":
        """It, but for some addresses and the routes that need them."""
        lost = [address.local for address in self.addresses if address.local in taken]
        return msgspec.structs.replace(
            self,
            addresses=tuple(each for each in self.addresses if each.local not in lost),
            routes=tuple(
                (family, words)
                for family, words in self.routes
                if not any(f"src {local}" in words for local in lost)
            ),
        )

    @property
    def gateways(self) -> tuple[str, ...]:
        """The routers that its routes lead to."""
        found = (line.split() for _, line in self.routes)
        hops = (words[words.index("via") + 1] for words in found if "via" in words)
        return tuple(dict.fromkeys(hops))


def read_device(name: str) -> Device:
    """What the kernel has of a device; raise HostError."""
    found = _asked(("-j", "address", "show", "dev", name))[0]
    addresses = tuple(_addresses(found))
    by_kernel = all(address.is_routed for address in addresses)
    routes = [route for family in FAMILIES for route in _routes(family, name, by_kernel)]
    neighbours = _asked(("-j", "neighbour", "show", "dev", name, "nud", "permanent"))
    return Device(
        name,
        found.get("address", ""),
        "UP" in found["flags"],
        found.get("master", ""),
        addresses,
        tuple(sorted(routes, key=lambda route: "via" in route[1])),
        tuple((each["dst"], each["lladdr"]) for each in neighbours if "lladdr" in each),
    )


def _addresses(found: Any) -> Iterator[Address]:
    for each in found["addr_info"]:
        if each["family"] not in FAMILIES or (each["family"], each["scope"]) == ("inet6", "link"):
            continue  # Each device makes its own link-local address.
        length = each["prefixlen"]
        peer = each.get("address")
        words = (
            [each["local"], "peer", f"{peer}/{length}"] if peer else [f"{each['local']}/{length}"]
        )
        words += ["broadcast", each["broadcast"]] if "broadcast" in each else []
        words += ["scope", each["scope"]]
        if each.get("dynamic"):
            words += ["valid_lft", str(each["valid_life_time"])]
            words += ["preferred_lft", str(each["preferred_life_time"])]
        is_routed = not each.get("noprefixroute")
        words += [] if is_routed else ["noprefixroute"]
        words += ["nodad"] if each["family"] == "inet6" else []
        yield Address(each["family"], each["local"], tuple(words), is_routed)


def _routes(family: str, name: str, by_kernel: bool) -> Iterator[tuple[str, str]]:
    for line in _run((FAMILIES[family], "route", "show", "table", "all", "dev", name)).splitlines():
        words = [word for word in line.split() if word not in _STATES]
        if "nexthop" in words:
            raise HostError(
                f"{name} is one of several next hops of a route, which cannot be moved as a whole: "
                "take that route away, and add it again with the bridge in its place."
            )
        if words[0] in {"local", "broadcast", "multicast", "anycast"} or "ra" in words:
            continue  # The kernel makes these by itself, with the address, or from advertisements.
        made_by_kernel = "proto kernel" in line and (by_kernel or words[0] == "fe80::/64")
        if not made_by_kernel:
            yield family, " ".join(words)


def give(device: Device, taker: str, loser: str) -> None:
    """Give `taker` all that a device has, and take it from `loser`; raise HostError.

    The taker has it before the other one has not, so there is no moment without. What `loser` has
    not, or that it is not there, is no error.
    """
    for family, option in FAMILIES.items():
        addresses = [address for address in device.addresses if address.family == family]
        lines = [f"link set {taker} up", *_given(device, family, taker)]
        _run((option, "-force", "-batch", "-"), lines)
        gone = (_place(address) for address in addresses)
        _run(
            (option, "-force", "-batch", "-"), [f"{each} dev {loser}" for each in gone], must=False
        )


def _given(device: Device, family: str, taker: str) -> Iterator[str]:
    for address in device.addresses:
        if address.family == family:
            yield f"address replace {' '.join(address.words)} dev {taker}"
    for of_family, words in device.routes:
        if of_family == family:
            yield f"route replace {words} dev {taker}"
    for neighbour, mac_address in device.neighbours:
        if (":" in neighbour) == (family == "inet6"):
            yield f"neighbour replace {neighbour} lladdr {mac_address} nud permanent dev {taker}"


def _place(address: Address) -> str:
    return " ".join(("address delete", *address.words[: 3 if "peer" in address.words else 1]))


def without_offload(name: str) -> None:
    """Let the kernel make checksums itself: a switch in userspace passes on what it is given."""
    _run(("-K", name, "tx", "off"), program="ethtool")


def is_known(neighbour: str, name: str) -> bool:
    """Whether a device has learnt the MAC address of a neighbour."""
    found = _asked(("-j", "neighbour", "show", neighbour, "dev", name))
    return any("lladdr" in each for each in found)


def _asked(words: Sequence[str]) -> Any:
    return json.loads(_run(words) or "[]")


def _run(
    words: Sequence[str], lines: Sequence[str] = (), *, must: bool = True, program: str = "ip"
) -> str:
    try:
        ended = subprocess.run(
            [program, *words],
            input="".join(f"{line}\n" for line in lines),
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        package = {"ip": "iproute2"}.get(program, program)
        raise HostError(f"`{program}` is missing (`apt install {package}`).") from None
    if ended.returncode and must:
        said = "; ".join(filter(None, ended.stderr.splitlines()))
        raise HostError(f"`{program} {' '.join(words)}` failed: {said}.")
    return ended.stdout

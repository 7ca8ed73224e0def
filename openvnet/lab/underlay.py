"""What joins hosts: a router with a switch for each underlay; and cutting who is joined.

    manager ─ eth0 ─── manager ┐
                               ├ router ┬ underlay1 (a switch) ─ host1 ─── eth0 ─ br0 of host1
                               ┘        └ underlay2 (a switch) ─ host2 ─── eth0 ─ br0 of host2

In the router, a cable is called as what is at its other end. A cut is between two machines, and
nobody else notices: the switch drops what comes by the cable of one and goes to that of the other,
and the router what one's address sends to the other's.
"""

from collections.abc import Iterator

from openvnet.lab.environment import (
    MANAGER,
    MANAGER_ADDRESS,
    MANAGER_PREFIX,
    MANAGER_ROUTER,
    ROUTER,
    UPLINK,
    Environment,
    Host,
    Underlay,
)
from openvnet.lab.errors import CommandFailed, LabError
from openvnet.lab.lab import Lab

_FIRST_NUMBER = 100
"""Of the router's cables. Linux brings both ends up at once only if their numbers differ."""

_CUTS = """
table bridge cuts {
    set pairs { type ifname . ifname; }
    chain forward {
        type filter hook forward priority 0
        iifname . oifname @pairs drop
    }
}
table ip cuts {
    set pairs { type ipv4_addr . ipv4_addr; }
    chain forward {
        type filter hook forward priority 0
        ip saddr . ip daddr @pairs drop
    }
}
"""


def lay_cables(lab: Lab) -> None:
    """Make the router and its switches, and plug in all hosts and the manager; do it once."""
    lab.run(ROUTER, "sh", "-e", given="\n".join(_router(lab.environment, lab.holders)))
    lab.run(MANAGER, "sh", "-e", given="\n".join(_manager()))


def _router(environment: Environment, holders: dict[str, int]) -> Iterator[str]:
    """A shell script for the router."""
    yield "echo 1 >/proc/sys/net/ipv4/ip_forward"
    for underlay in environment.underlays:
        yield f"ip link add name {underlay.name} type bridge"
        yield f"ip address add {underlay.router}/{underlay.ipv4_prefix} dev {underlay.name}"
        yield f"ip link set {underlay.name} addrgenmode none up"
    for number, host in enumerate(environment.hosts, _FIRST_NUMBER + 1):
        yield from _cable(host.name, number, holders)
        yield f"ip link set {host.name} master {host.underlay} up"
    yield from _cable(MANAGER, _FIRST_NUMBER, holders)
    yield f"ip address add {MANAGER_ROUTER}/{MANAGER_PREFIX} dev {MANAGER}"
    yield f"ip link set {MANAGER} up"


def _cable(name: str, number: int, holders: dict[str, int]) -> Iterator[str]:
    yield (
        f"ip link add name {name} index {number} type veth peer name {UPLINK} netns {holders[name]}"
    )
    yield f"ip link set {name} addrgenmode none"


def _manager() -> Iterator[str]:
    """A shell script for the machine of vnmgr."""
    yield f"ip address add {MANAGER_ADDRESS}/{MANAGER_PREFIX} dev {UPLINK}"
    yield f"ip link set {UPLINK} up"
    yield f"ethtool -K {UPLINK} tx off >/dev/null"  # The userspace switch wants whole checksums.
    yield f"ip route add default via {MANAGER_ROUTER}"


def raise_uplink(host: Host, underlay: Underlay) -> Iterator[str]:
    """A shell script for a host: its card is a port of its bridge, its address on the bridge."""
    yield f"ip link set {UPLINK} addrgenmode none up"
    yield f"ovs-vsctl --timeout=10 add-port br0 {UPLINK}"
    yield "ip link set br0 addrgenmode none up"
    yield f"ip address add {host.ipv4_address}/{underlay.ipv4_prefix} dev br0"
    yield "ethtool -K br0 tx off >/dev/null"
    yield f"ip route add default via {underlay.router}"


def cut(lab: Lab, one: str, other: str) -> None:
    """Let nothing pass between two hosts, or a host and the manager, until it is mended."""
    pairs = _pairs(lab, "add", one, other)
    try:
        tables = lab.run(ROUTER, "nft", "list", "tables")
        made = "" if "cuts" in tables else _CUTS
        lab.run(ROUTER, "nft", "-f", "-", given=made + pairs)
    except CommandFailed as error:
        raise LabError(
            f"{error}\nTo cut takes the program nft: `apt-get install nftables`."
        ) from None


def mend(lab: Lab, one: str, other: str) -> None:
    """Undo `cut`; LabError if these two are not cut."""
    undoing = _pairs(lab, "delete", one, other)
    try:
        lab.run(ROUTER, "nft", "-f", "-", given=undoing)
    except CommandFailed:
        raise LabError(f"nothing is cut between {one} and {other}") from None


def set_link(lab: Lab, name: str, *, up: bool) -> None:
    """Pull the cable of a host or of the manager out of the router, or plug it in again."""
    _address(lab.environment, name)
    lab.run(ROUTER, "ip", "link", "set", name, "up" if up else "down")


def _pairs(lab: Lab, verb: str, one: str, other: str) -> str:
    names = one, other
    addresses = [_address(lab.environment, name) for name in names]
    return "".join(
        f"{verb} element {family} cuts pairs {{ {left} . {right} }}\n"
        for family, (here, there) in (("bridge", names), ("ip", addresses))
        for left, right in ((here, there), (there, here))
    )


def _address(environment: Environment, name: str) -> str:
    """Of a host or of the manager, in words that say which there are."""
    known = {host.name: host.ipv4_address for host in environment.hosts if host.underlay}
    if known:
        known[MANAGER] = MANAGER_ADDRESS
    if name not in known:
        there = ", ".join(known) or "none: start one with `openvnet lab --hosts 3`"
        raise LabError(f"{name!r} is no host with an underlay; there are {there}")
    return known[name]

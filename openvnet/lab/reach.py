"""Who reaches whom: each guest pings each address that is not its own, and all guests count.

The rule in words: a request arrives at the guest that holds the address in the sender's own
network, and nowhere else.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import IPv4Address
from pathlib import Path

import msgspec

from openvnet.lab.environment import Environment, Guest
from openvnet.lab.errors import LabError
from openvnet.lab.lab import Lab

_ARRIVALS = str(Path(__file__).with_name("arrivals.py"))


class Ping(msgspec.Struct, frozen=True):
    """One guest pinged one address; these are counts of packets."""

    sender: str
    address: str
    sent: int
    answered: int
    arrived: dict[str, int]
    """Requests, by the guest that they reached; guests that are not named heard nothing."""


def should_arrive(environment: Environment, ping: Ping, receiver: Guest) -> bool:
    """Whether the receiver is who the sender means."""
    sender = environment.guest(ping.sender)
    return receiver.network == sender.network and receiver.ipv4_address == ping.address


def wrong_cells(environment: Environment, pings: list[Ping]) -> Iterator[str]:
    """What is not as it must be, in words."""
    for ping in pings:
        hoped = 0
        for receiver in environment.guests:
            meant = should_arrive(environment, ping, receiver)
            wanted, arrived = ping.sent if meant else 0, ping.arrived.get(receiver.name, 0)
            hoped = max(hoped, wanted)
            if arrived != wanted:
                yield (
                    f"{ping.sender} to {ping.address}: {arrived} of {ping.sent} requests arrived "
                    f"at {receiver.name}, {wanted} should have"
                )
        if ping.answered != hoped:
            yield f"{ping.sender} to {ping.address}: {ping.answered} answers, not {hoped}"


def measured(lab: Lab, count: int = 5) -> list[Ping]:
    """Let all guests ping at once, `count` requests for each address, and count what arrives.

    Each pings, by its card, the addresses that it holds for its neighbours'.
    """
    guests = lab.environment.guests
    pairs = [
        (guest, address)
        for guest in guests
        for address in sorted({other.ipv4_address for other in guests} - {guest.ipv4_address})
        if IPv4Address(address) in lab.environment.network(guest).subnet
    ]
    with ExitStack() as running:
        counters = {guest.name: running.enter_context(_counter(lab, guest)) for guest in guests}
        pings = [
            running.enter_context(lab.open(guest.name, *_ping(guest, address, count)))
            for guest, address in pairs
        ]
        answers = [_answers(ping) for ping in pings]
        counts = {name: json.loads(counter.communicate()[0]) for name, counter in counters.items()}
    return [
        Ping(guest.name, address, count, answered, _arrived(counts, guest, address))
        for (guest, address), answered in zip(pairs, answers, strict=True)
    ]


def _arrived(counts: dict[str, dict[str, int]], sender: Guest, address: str) -> dict[str, int]:
    key = f"{sender.mac_address} {address}"
    return {name: count[key] for name, count in counts.items() if key in count}


def _ping(guest: Guest, address: str, count: int) -> tuple[str, ...]:
    return ("ping", "-n", "-I", guest.card, "-c", str(count), "-i", "0.2", "-W", "1", address)


def _counter(lab: Lab, guest: Guest) -> "subprocess.Popen[str]":
    counter = lab.open(guest.name, sys.executable, "-I", "-S", _ARRIVALS, guest.card)
    if counter.stdout is None or counter.stdout.readline() != "ready\n":
        raise LabError(f"cannot count what arrives at {guest.name}")
    return counter


def _answers(ping: "subprocess.Popen[str]") -> int:
    output = ping.communicate()[0]
    found = re.search(r"(\d+) received", output)
    if found is None:
        raise LabError(f"ping says nothing that can be counted: {output.strip()}")
    return int(found[1])

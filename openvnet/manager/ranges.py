"""Ranges: which address is allotted next.

Every address of a group that is free can be had: a group is exhausted only when none is. The next
one is that after the greatest in use (so that what was given back is not used again at once), and
once the end is reached, the least that is free. "decremental" is the mirror image of that, and
"random" takes any free one with equal chance.
"""

import secrets
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import merge
from typing import Any, NamedTuple, Protocol

from openvnet.manager.errors import InvalidArgument
from openvnet.manager.leases import MACS
from openvnet.manager.names import found
from openvnet.manager.networks import networks_on_the_wire, subnet
from openvnet.model import (
    IpLease,
    IpRange,
    IpRangeGroup,
    MacRange,
    MacRangeGroup,
    Network,
    Row,
)
from openvnet.model.scalars import show_ipv4, show_mac
from openvnet.store.transaction import Transaction

TRIES = 16
"""Random picks before all that is in use is read."""
MOST_AT_ONCE = 100
"""Random picks that are looked up in one query."""


class Span(NamedTuple):
    """Numbers from one to another, both included."""

    first: int
    last: int


class Used(Protocol):
    """What is in use between two numbers, both included, in order."""

    def __call__(self, span: Span, descending: bool = False) -> Iterable[int]:
        """The numbers; from the last down, if `descending`."""


def ip_range_rows(_: Transaction, values: Mapping[str, Any]) -> Iterator[Row]:
    """A new range of IPv4 addresses."""
    first, last = values["begin_ipv4_address"], values["end_ipv4_address"]
    _check_order("ipv4_address", show_ipv4(first), show_ipv4(last), first <= last)
    yield IpRange(**values)


def mac_range_rows(_: Transaction, values: Mapping[str, Any]) -> Iterator[Row]:
    """A new range of MAC addresses."""
    first, last = values["begin_mac_address"], values["end_mac_address"]
    _check_order("mac_address", show_mac(first), show_mac(last), first <= last)
    yield MacRange(**values)


def _check_order(name: str, first: str, last: str, right: bool) -> None:
    if not right:
        raise InvalidArgument(f"begin_{name} {first} is after end_{name} {last}.")


def allotted_mac_address(transaction: Transaction, group_uuid: str) -> int:
    """A MAC address of a group that nothing has."""
    found(transaction, MacRangeGroup, group_uuid, "mac_range_group_uuid")
    address = free_mac_address(transaction, group_uuid)
    if address is None:
        raise InvalidArgument(f"MAC range group {group_uuid} is exhausted; add a range to it.")
    return address


def free_mac_address(transaction: Transaction, group_uuid: str) -> int | None:
    """The same; None if there is none, or no such group."""
    return MacAddresses(transaction).take(group_uuid)


class MacAddresses:
    """Takes MAC addresses that nothing has, each once, before any of them is written.

    `count` is how many it will be asked for: so many are looked up at a time. `kept` are some that
    are not free, though nothing has them at the moment.
    """

    def __init__(self, transaction: Transaction, count: int = 1, kept: Iterable[int] = ()) -> None:
        self._transaction = transaction
        self._count = min(count, MOST_AT_ONCE)
        self._spans: dict[str, list[Span]] = {}
        self._drawn: dict[str, set[int]] = {}
        self._given: set[int] = set(kept)

    def take(self, group_uuid: str) -> int | None:
        """One of a group's; None if there is none, or no such group."""
        group = self._transaction.get(MacRangeGroup, group_uuid)
        if group is None:
            return None
        spans = self._of(group_uuid)
        address = self._draw(group_uuid, spans) if group.allocation_type == "random" else None
        if address is None:
            address = allotted(spans, self._used, group.allocation_type)
        if address is not None:
            self._given.add(address)
        return address

    def _of(self, group_uuid: str) -> list[Span]:
        if group_uuid not in self._spans:
            ranges = self._transaction.where(MacRange, mac_range_group_uuid=group_uuid)
            every = (Span(each.begin_mac_address, each.end_mac_address) for each in ranges)
            self._spans[group_uuid] = disjoint(every)
        return self._spans[group_uuid]

    def _draw(self, group_uuid: str, spans: Sequence[Span]) -> int | None:
        """One that was drawn: many are, at once, and those that are free are kept."""
        size = sum(span.last - span.first + 1 for span in spans)
        drawn = self._drawn.setdefault(group_uuid, set())
        if size and not drawn - self._given:
            drawn |= {_nth(spans, secrets.randbelow(size)) for _ in range(self._count)}
            drawn -= self._transaction.taken(MACS, "mac_address", drawn)
        drawn -= self._given
        return drawn.pop() if drawn else None

    def _used(self, span: Span, descending: bool = False) -> Iterable[int]:
        found = (
            self._transaction.between(kind, "mac_address", *span, descending=descending)
            for kind in MACS
        )
        given = sorted(number for number in self._given if span.first <= number <= span.last)
        return merge(*found, reversed(given) if descending else given, reverse=descending)


def allotted_ipv4_address(
    transaction: Transaction, network: Network, group_uuid: str
) -> int | None:
    """An address of a network and of a group that is not leased; None if there is none."""
    group = found(transaction, IpRangeGroup, group_uuid, "ip_range_group_uuid")
    hosts = _hosts(network)
    ranges = transaction.where(IpRange, ip_range_group_uuid=group_uuid)
    spans = disjoint(
        Span(max(each.begin_ipv4_address, hosts.first), min(each.end_ipv4_address, hosts.last))
        for each in ranges
    )

    def used(span: Span, descending: bool = False) -> Iterable[int]:
        leased = [
            transaction.between(
                IpLease, "ipv4_address", *span, descending=descending, network_uuid=other.uuid
            )
            for other in networks_on_the_wire(transaction, network)
        ]
        return merge(*leased, reverse=descending)

    return allotted(spans, used, group.allocation_type)


def _hosts(network: Network) -> Span:
    """All addresses but the network's own and the broadcast address, if it has those."""
    every = subnet(network)
    edge = 1 if network.ipv4_prefix < 31 else 0
    return Span(int(every.network_address) + edge, int(every.broadcast_address) - edge)


def disjoint(spans: Iterable[Span]) -> list[Span]:
    """The same numbers in order, each once; what is empty is left out."""
    joined: list[Span] = []
    for span in sorted(spans):
        if span.first > span.last:
            continue
        if joined and span.first <= joined[-1].last + 1:
            joined[-1] = Span(joined[-1].first, max(joined[-1].last, span.last))
        else:
            joined.append(span)
    return joined


def allotted(spans: Sequence[Span], used: Used, allocation_type: str) -> int | None:
    """A number of disjoint spans, in order, that is not in use; None if there is none."""
    if allocation_type == "random":
        return _any(spans, used)
    if allocation_type == "incremental":
        return _following(spans, used)

    def mirrored(span: Span, descending: bool = False) -> Iterable[int]:
        return (-number for number in used(_mirror(span), not descending))

    number = _following([_mirror(span) for span in reversed(spans)], mirrored)
    return None if number is None else -number


def _mirror(span: Span) -> Span:
    return Span(-span.last, -span.first)


def _following(spans: Sequence[Span], used: Used) -> int | None:
    """The number after the greatest in use, or else the least that is free."""
    after: Span | None = None
    for span in reversed(spans):
        greatest = next(iter(used(span, descending=True)), None)
        if greatest is None:
            after = span
            continue
        if greatest < span.last:
            return greatest + 1
        return after.first if after else _least(spans, used)
    return after.first if after else None


def _least(spans: Sequence[Span], used: Used) -> int | None:
    for span in spans:
        free = span.first
        for number in used(span):
            if number > free:
                break
            free = number + 1
        if free <= span.last:
            return free
    return None


def _any(spans: Sequence[Span], used: Used) -> int | None:
    """Tries that hit what is in use are repeated, which leaves the chances of the others equal."""
    size = sum(span.last - span.first + 1 for span in spans)
    for _ in range(TRIES if size else 0):
        number = _nth(spans, secrets.randbelow(size))
        if not list(used(Span(number, number))):
            return number
    taken = sorted({number for span in spans for number in used(span)})
    if len(taken) == size:
        return None
    return _nth_free(spans, taken, secrets.randbelow(size - len(taken)))


def _nth(spans: Sequence[Span], index: int) -> int:
    for span in spans:
        length = span.last - span.first + 1
        if index < length:
            return span.first + index
        index -= length
    raise IndexError(index)


def _nth_free(spans: Sequence[Span], taken: Sequence[int], index: int) -> int:
    for span in spans:
        here = taken[bisect_left(taken, span.first) : bisect_left(taken, span.last + 1)]
        free = span.last - span.first + 1 - len(here)
        if index >= free:
            index -= free
            continue
        number = span.first + index
        for each in here:
            if each > number:
                break
            number += 1
        return number
    raise IndexError(index)

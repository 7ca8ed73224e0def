"""Writes that wait until the hosts concerned have realised them."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from openvnet.wire.messages import Failure


class Lag(NamedTuple):
    """How a wait ended."""

    hosts: tuple[str, ...]
    """Node ids that have acknowledged."""
    lagging: tuple[str, ...]
    """Node ids that have not."""
    failures: tuple[tuple[str, Failure], ...]
    """What they reported since, by node id."""


class Wait:
    """One write that waits."""

    def __init__(
        self, number: int, known: Mapping[str, Iterable[Failure]], others: Iterable[str] = ()
    ) -> None:
        self.number = number
        self.others = set(others)
        """The other vnmgr, by name, that have not said yet which of their nodes it concerns."""
        self.nodes_of: dict[str, set[str]] = {}
        """The nodes of other vnmgr that it concerns, by vnmgr."""
        self.unreachable: set[str] = set()
        """The other vnmgr of which nothing can be known."""
        self.known = {node_id: set(failures) for node_id, failures in known.items()}
        """What had failed before, by node id."""
        self.left = set(known)
        self.done: set[str] = set()
        self.gone: set[str] = set()
        """The nodes that fell silent before they had acknowledged."""
        self.failures: list[tuple[str, Failure]] = []
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def end(self, node_id: str) -> None:
        """One host fewer to wait for."""
        self.left.discard(node_id)
        if not self.left and not self.others and not self.over.done():
            self.over.set_result(None)


class Waiting:
    """All writes that wait."""

    def __init__(self) -> None:
        self._waits: set[Wait] = set()

    def begin(
        self, number: int, concerned: Mapping[str, Iterable[Failure]], others: Iterable[str] = ()
    ) -> Wait:
        """Note who must acknowledge a revision. Call it before any of them can have answered.

        `concerned` has what each host had failed to realise before the revision; `others` are the
        other vnmgr, which will say whom it concerns.
        """
        wait = Wait(number, concerned, others)
        self._waits.add(wait)
        return wait

    async def until(self, wait: Wait, seconds: float) -> Lag:
        """Wait until all concerned hosts that live have acknowledged, or time is up."""
        try:
            if wait.left or wait.others:
                await asyncio.wait((wait.over,), timeout=seconds)
        finally:
            self._waits.discard(wait)
        away = (*wait.others, *wait.unreachable)
        left = (*sorted(wait.left | wait.gone), *(f"vnmgr {name}" for name in sorted(away)))
        return Lag(tuple(sorted(wait.done)), left, tuple(wait.failures))

    def reported(self, other: str, number: int, nodes: Iterable[str]) -> None:
        """Another vnmgr has a revision, and has sent it to these nodes."""
        for wait in self._waits:
            if other in wait.others and number >= wait.number:
                wait.others.discard(other)
                if number == wait.number:
                    wait.nodes_of[other] = set(nodes) - wait.done
                    wait.left |= wait.nodes_of[other]
                    wait.known |= {node_id: set() for node_id in wait.nodes_of[other]}
                wait.end("")

    def gone_elsewhere(self, other: str) -> None:
        """Another vnmgr is no longer live; its agents are, if they are, another one's."""
        for wait in self._waits:
            wait.others.discard(other)
            for node_id in ("", *wait.nodes_of.get(other, ())):
                wait.end(node_id)

    def unreachable(self, other: str) -> None:
        """Of another vnmgr nothing is known from now on."""
        for wait in self._waits:
            if other in wait.others or wait.nodes_of.get(other, set()) & wait.left:
                wait.unreachable.add(other)
        self.gone_elsewhere(other)

    def acknowledged(self, node_id: str, number: int, failures: Iterable[Failure]) -> None:
        """A host has realised all up to a revision, but for these failures."""
        for wait in self._waits:
            if node_id in wait.left | wait.gone and number >= wait.number:
                new = (failure for failure in failures if failure not in wait.known[node_id])
                wait.failures.extend((node_id, failure) for failure in new)
                wait.done.add(node_id)
                wait.gone.discard(node_id)
                wait.end(node_id)

    def gone(self, node_id: str) -> None:
        """A host is no longer live: nobody waits for it, and it lags behind."""
        for wait in self._waits:
            if node_id in wait.left:
                wait.gone.add(node_id)
                wait.end(node_id)

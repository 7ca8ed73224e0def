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

    def __init__(self, number: int, known: Mapping[str, Iterable[Failure]]) -> None:
        self.number = number
        self.known = {node_id: set(failures) for node_id, failures in known.items()}
        """What had failed before, by node id."""
        self.left = set(known)
        self.done: set[str] = set()
        self.failures: list[tuple[str, Failure]] = []
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def end(self, node_id: str) -> None:
        """One host fewer to wait for."""
        self.left.discard(node_id)
        if not self.left and not self.over.done():
            self.over.set_result(None)


class Waiting:
    """All writes that wait."""

    def __init__(self) -> None:
        self._waits: set[Wait] = set()

    def begin(self, number: int, concerned: Mapping[str, Iterable[Failure]]) -> Wait:
        """Note who must acknowledge a revision. Call it before any of them can have answered.

        `concerned` has what each host had failed to realise before the revision.
        """
        wait = Wait(number, concerned)
        self._waits.add(wait)
        return wait

    async def until(self, wait: Wait, seconds: float) -> Lag:
        """Wait until all concerned hosts that live have acknowledged, or time is up."""
        try:
            if wait.left:
                await asyncio.wait((wait.over,), timeout=seconds)
        finally:
            self._waits.discard(wait)
        return Lag(tuple(sorted(wait.done)), tuple(sorted(wait.left)), tuple(wait.failures))

    def acknowledged(self, node_id: str, number: int, failures: Iterable[Failure]) -> None:
        """A host has realised all up to a revision, but for these failures."""
        for wait in self._waits:
            if node_id in wait.left and number >= wait.number:
                new = (failure for failure in failures if failure not in wait.known[node_id])
                wait.failures.extend((node_id, failure) for failure in new)
                wait.done.add(node_id)
                wait.end(node_id)

    def gone(self, node_id: str) -> None:
        """A host is no longer live, so nobody waits for it."""
        for wait in self._waits:
            wait.end(node_id)

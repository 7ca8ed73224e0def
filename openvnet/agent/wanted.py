"""What features want beside flows and subscriptions, as it is now."""

from collections.abc import Hashable, Iterable
from typing import Any, TypeVar

from openvnet.compiler import Difference
from openvnet.model.wanted import Announcement, Here, Shortfall, Tunnel, TunnelPort

Output = TypeVar("Output")

KINDS: tuple[type[Any], ...] = (Announcement, Here, Shortfall, Tunnel, TunnelPort)


class Wanted:
    """Outputs of a few kinds, by key."""

    def __init__(self) -> None:
        self._outputs: dict[type[Any], dict[Hashable, Any]] = {kind: {} for kind in KINDS}

    def of(self, kind: type[Any]) -> list[Any]:
        """All outputs of a kind."""
        return list(self._outputs[kind].values())

    def get(self, kind: type[Output], key: Hashable) -> Output | None:
        """The output of a kind with a key, or None."""
        return self._outputs[kind].get(key)

    def has(self, output: Any) -> bool:
        """Whether an output is wanted just so."""
        return bool(self.get(type(output), output.key) == output)

    def take(self, difference: Difference) -> Difference:
        """Take what changed; return the part of it that is of these kinds."""
        mine = Difference(list(_mine(difference.add)), list(_mine(difference.remove)))
        for output in mine.remove:
            self._outputs[type(output)].pop(output.key, None)
        for output in mine.add:
            self._outputs[type(output)][output.key] = output
        return mine


def _mine(outputs: Iterable[Any]) -> Iterable[Any]:
    return (output for output in outputs if type(output) in KINDS)

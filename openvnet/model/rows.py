"""Whoever has rows: what functions of rows need of a replica, a write's transaction or a `View`."""

from collections.abc import Hashable
from typing import Protocol, TypeVar

R = TypeVar("R")


class Rows(Protocol):
    """What can be asked for rows."""

    def get(self, kind: type[R], uuid: str, /) -> R | None:
        """The row, or None."""

    def where(self, kind: type[R], **by: Hashable) -> list[R]:
        """The rows with this value in an indexed field; vnmgr's, in the order of creation."""

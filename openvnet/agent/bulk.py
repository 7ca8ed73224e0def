"""Making very many objects that stay, and letting go of those that do not."""

import ctypes
import gc
from collections.abc import Iterator
from contextlib import contextmanager

from msgspec.structs import force_setattr

from openvnet.state import Changes

MANY = 2_000
"""Changes from which on a batch counts as bulk."""


@contextmanager
def bulk() -> Iterator[None]:
    """Collect no garbage meanwhile, and never look at what was made again.

    Rows, flows and what the compiler remembers of them are not in cycles and live long, but the
    collector would walk all of them over and over while they are made (three quarters of the time
    of a first compilation), and for tens of milliseconds whenever it runs later.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def shared(changes: Changes) -> Changes:
    """The same changes, in which equal strings are one object: decoded rows have their own each.

    Only of rows that nobody else has yet, for they are changed, if only where they lie.
    """
    one: dict[str, str] = {}
    for row in changes.values():
        for field in () if row is None else row.__struct_fields__:
            value = getattr(row, field)
            if type(value) is str and one.setdefault(value, value) is not value:
                force_setattr(row, field, one[value])
    return {
        (kind, one.get(id, id) if isinstance(id, str) else id): row
        for (kind, id), row in changes.items()
    }


def give_back() -> None:
    """Return the memory that is free to the system; glibc keeps most of it (malloc_trim(3))."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)

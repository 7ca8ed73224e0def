"""Waiting until something is so, by asking: the lab's only clock."""

import time
from collections.abc import Callable

from openvnet.lab.errors import LabError

PAUSE_SECONDS = 0.01


def until(question: Callable[[], bool], what: str, seconds: float = 15.0) -> None:
    """Return as soon as the answer is yes; LabError says what was waited for in vain."""
    deadline = time.monotonic() + seconds
    while not question():
        if time.monotonic() > deadline:
            raise LabError(f"waited {seconds:g} s in vain until {what}")
        time.sleep(PAUSE_SECONDS)

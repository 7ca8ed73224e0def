"""What this machine's kernel has, and what it says of the clock."""

import ctypes
import os
from contextlib import suppress
from pathlib import Path

TIME_ERROR = 5
"""The clock is not synchronised, see adjtimex(2)."""

_TIMEX_BYTES = 512
"""More than a struct timex has; all zeros asks and sets nothing."""


def has_openvswitch() -> bool:
    """Whether the kernel has Open vSwitch's datapath."""
    if Path("/sys/module/openvswitch").exists():
        return True
    with suppress(OSError):
        built_in = Path("/lib/modules", os.uname().release, "modules.builtin").read_text()
        return "/openvswitch.ko" in built_in
    return False


def clock_is_synchronised() -> bool | None:
    """Whether something keeps the clock right; None if the kernel does not say."""
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != TIME_ERROR

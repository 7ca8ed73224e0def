"""Becomes another program that dies when its parent does, however that ends.

    python -I -S leash.py PARENT COMMAND...

The kernel kills it then (prctl(2), PR_SET_PDEATHSIG; it outlives exec). A parent that is gone
already is noticed by its number.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, command: list[str]) -> None:
    """Become the command."""
    if ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL) or os.getppid() != parent:
        sys.exit(1)
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])

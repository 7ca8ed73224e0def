"""Undoes a move of the host's NIC unless it is told in time that the host is still reached.

    python -m openvnet.host.guard < job, and then "keep"

It is a process of its own and of its own session: the terminal, the shell and the command that
started it may be lost by the very move that it guards. That its input ends is a no.
"""

import asyncio
import select
import signal
import subprocess
import sys
import syslog
import time
from contextlib import suppress
from typing import Literal

import msgspec

from openvnet.host.errors import HostError
from openvnet.host.moving import Move, move_in, move_out

AGAIN_SECONDS = 1.0
LONGEST_SECONDS = 120.0
"""How long it goes on trying to undo: Open vSwitch may not answer."""


class Job(msgspec.Struct, frozen=True):
    """What is to be done if nobody says that all is well."""

    move: Move
    undo: Literal["in", "out"]
    seconds: float


def guarded(job: Job) -> subprocess.Popen[str]:
    """Start a guard; whoever holds it writes "keep", or closes its input."""
    guard = subprocess.Popen(
        [sys.executable, "-m", "openvnet.host.guard"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert guard.stdin  # noqa: S101  it is a pipe
    guard.stdin.write(msgspec.json.encode(job).decode() + "\n")
    guard.stdin.flush()
    return guard


def main() -> None:
    """Wait; undo."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    job = msgspec.json.decode(sys.stdin.readline(), type=Job)
    if not _is_kept(job.seconds):
        _tell(asyncio.run(_undone(job)))
        sys.exit(1)


def _is_kept(seconds: float) -> bool:
    ready, _, _ = select.select([sys.stdin], [], [], seconds)
    return bool(ready) and sys.stdin.readline() == "keep\n"


async def _undone(job: Job) -> str:
    until = time.monotonic() + LONGEST_SECONDS
    while True:
        try:
            return await (move_in if job.undo == "in" else move_out)(job.move)
        except HostError as error:
            if time.monotonic() > until:
                return f"it could not be undone: {error}"
            await asyncio.sleep(AGAIN_SECONDS)


def _tell(words: str) -> None:
    """To whoever started it, if they are still there, and to the log of the system."""
    syslog.openlog("openvnet-host")
    syslog.syslog(words)
    with suppress(OSError):
        print(words, flush=True)


if __name__ == "__main__":
    main()

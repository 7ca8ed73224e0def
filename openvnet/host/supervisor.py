"""Keeps programs running: starts each again when it ends, and ends all of them with itself.

The pause before a start doubles each time that a program fails at once. One that does so again and
again cannot be helped by starting it: then all ends, with its last words. Programs are on a leash
(`openvnet.host.leash`): none is left if the supervisor is killed. They are in sessions of their
own, so that Ctrl-C reaches only the supervisor, which ends them in peace.

They log into files themselves; of what they say on standard error only the end is kept.
"""

import asyncio
import os
import signal
import sys
from asyncio import StreamReader
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from openvnet.host.errors import HostError

GRACE_SECONDS = 7.0
"""How long a program may take to end after SIGTERM."""

AT_ONCE_SECONDS = 5.0
"""A program that ends sooner has failed at once."""

TRIES = 4
"""Starts in a row that may fail at once."""

FIRST_PAUSE_SECONDS = 0.25

LAST_LINES = 3

LOG_BYTES = 16 << 20
"""A log that is longer becomes the old one; there is one old one."""

TIDY_SECONDS = 60.0

_LEASH = str(Path(__file__).with_name("leash.py"))


class Program(msgspec.Struct, frozen=True):
    """What is to run, and where it logs."""

    name: str
    command: tuple[str, ...]
    """Begins with an absolute path."""
    variables: Mapping[str, str]
    """Its environment."""
    log: Path


Tell = Callable[[str], None]


async def supervise(programs: Sequence[Program], tell: Tell) -> None:
    """Keep programs running until cancelled; raise HostError if one cannot be kept running.

    When it returns, none of them runs. Cancelled twice, it gives them no time to end in peace.
    """
    tasks = [asyncio.create_task(_kept_running(program, tell)) for program in programs]
    tasks.append(asyncio.create_task(_tidy([program.log for program in programs])))
    try:
        # Not gather, which hands a cancellation on: each task is to be cancelled once.
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _kept_running(program: Program, tell: Tell) -> None:
    loop = asyncio.get_running_loop()
    failed = 0
    while True:
        began = loop.time()
        process = await _started(program)
        said: deque[str] = deque(maxlen=LAST_LINES)
        listening = asyncio.create_task(_listen(process.stderr, said))
        try:
            status = await process.wait()
            await listening
        finally:
            await _ended(process)
            listening.cancel()
        failed = failed + 1 if loop.time() - began < AT_ONCE_SECONDS else 1
        how = f"{program.name} (process {process.pid}) {_how(status)}"
        if failed >= TRIES:
            words = f"{how}, {failed} times in a row at once.{_last_words(said)}"
            raise HostError(f"{words}\n  Its log is {program.log}.")
        pause = FIRST_PAUSE_SECONDS * 2 ** (failed - 1)
        tell(f"{how}; it starts again in {pause:g} s.{_last_words(said)}")
        await asyncio.sleep(pause)


async def _started(program: Program) -> Process:
    leash = (sys.executable, "-I", "-S", _LEASH, str(os.getpid()))
    try:
        return await asyncio.create_subprocess_exec(
            *(*leash, *program.command),
            stdin=DEVNULL,
            stdout=DEVNULL,
            stderr=PIPE,
            env=program.variables,
            start_new_session=True,
        )
    except OSError as error:
        raise HostError(f"{program.name} cannot be started: {error.strerror}.") from None


async def _listen(output: StreamReader | None, said: deque[str]) -> None:
    """Keep the end of what a process says; it must never wait for somebody to listen."""
    rest = b""
    while output and (piece := await output.read(65536)):
        *lines, rest = (rest + piece).split(b"\n")
        said.extend(line.decode(errors="replace") for line in lines)
        rest = rest[-4096:]
    if rest:
        said.append(rest.decode(errors="replace"))


async def _ended(process: Process) -> None:
    """End a process, in peace if it ends in time; whoever is cancelled meanwhile does not wait."""
    with suppress(ProcessLookupError):
        if process.returncode is None:
            process.terminate()
    try:
        await asyncio.wait_for(process.wait(), GRACE_SECONDS)
    except (TimeoutError, asyncio.CancelledError):
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _how(status: int) -> str:
    if status >= 0:
        return f"ended with status {status}"
    return f"was killed by {signal.Signals(-status).name}"


def _last_words(said: Iterable[str]) -> str:
    return "".join(f"\n    {line}" for line in said)


async def _tidy(logs: Sequence[Path]) -> None:
    """Keep logs short; their writers notice when the file is another."""
    while True:
        for log in logs:
            with suppress(OSError):
                set_aside(log, LOG_BYTES)
        await asyncio.sleep(TIDY_SECONDS)


def set_aside(log: Path, size: int) -> None:
    """Make a log that is longer than so many bytes the old one; raise OSError."""
    if log.stat().st_size > size:
        log.replace(log.with_name(f"{log.name}.1"))

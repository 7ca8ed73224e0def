"""Measures what is lost between guests while something happens to the network.

Between two guests, numbered datagrams go each way, 1,000 a second, and a TCP connection carries
numbered records one way. Among all guests of a lab, each sends datagrams to each other that is on
its network, fewer a second, as they share the machine. Every number that was sent and did not
arrive is known: no summary of ping's is believed.

    with traffic(lab, "vm1", "vm3") as meter:
        lab.kill("vna")
        meter.let_pass(500)
    assert not meter.report.lost

    with traffic_among(lab) as meter: ...
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

import msgspec

from openvnet.lab.environment import Guest
from openvnet.lab.errors import LabError
from openvnet.lab.lab import Lab

RATE = 1000
"""Packets a second each way, and as many records."""

RATE_AMONG_ALL = 100
"""Packets a second from each guest to each other of its network."""

_NUMBERED = str(Path(__file__).with_name("numbered.py"))


class Stream(msgspec.Struct, frozen=True):
    """What became of the packets, or records, of one direction."""

    name: str
    sent: int
    lost: tuple[int, ...]
    """Numbers that never came."""
    reordered: int
    """How many came after a later one."""
    duplicated: int
    longest_gap: float
    """Seconds between two arrivals, at most."""

    def __str__(self) -> str:
        gap = self.longest_gap * 1000
        return (
            f"{self.name}: {self.sent} sent, {len(self.lost)} lost, {self.reordered} reordered, "
            f"{self.duplicated} duplicated, longest gap {gap:.1f} ms"
        )


class Report(msgspec.Struct, frozen=True):
    """What became of all of it."""

    streams: tuple[Stream, ...]

    @property
    def lost(self) -> dict[str, tuple[int, ...]]:
        """The numbers that were lost, by the name of the stream that lost some."""
        return {stream.name: stream.lost for stream in self.streams if stream.lost}

    @property
    def disturbed(self) -> dict[str, tuple[int, int]]:
        """How many were reordered and duplicated, by the name of the stream that had some."""
        return {
            stream.name: (stream.reordered, stream.duplicated)
            for stream in self.streams
            if stream.reordered or stream.duplicated
        }

    def __str__(self) -> str:
        return "\n".join(map(str, self.streams))


class Meter:
    """Traffic that flows. `report` is there once it has ended."""

    def __init__(self, programs: Sequence["subprocess.Popen[str]"]) -> None:
        self.programs = programs
        self.report = Report(())

    def let_pass(self, packets: int) -> None:
        """Return when so many more packets have been sent each way."""
        called = time.monotonic()
        base = next(tick["sent"] for tick in self._ticks() if tick["time"] >= called)
        next(tick for tick in self._ticks() if tick["sent"] >= base + packets)

    def _ticks(self) -> Iterator[dict[str, float]]:
        while line := _line(self.programs[0]):
            yield json.loads(line)
        raise LabError("the traffic has stopped")


@contextmanager
def traffic(lab: Lab, one: str, other: str) -> Iterator[Meter]:
    """Traffic between two guests, for as long as the block lasts."""
    guests = lab.environment.guest(one), lab.environment.guest(other)
    own, peer = (guest.ipv4_address for guest in guests)
    with ExitStack() as running:
        there = running.enter_context(_program(lab, one, "udp", str(RATE), own, peer))
        back = running.enter_context(_program(lab, other, "udp", str(RATE), peer, own))
        listener = running.enter_context(_program(lab, other, "listen", peer))
        stream = running.enter_context(_program(lab, one, "connect", str(RATE), peer))
        senders = there, back, stream
        meter = Meter(senders)
        with _sending(senders):
            yield meter
        sent = [_last_words(program) for program in (*senders, listener)]
    meter.report = Report(
        (
            became(f"UDP {one} → {other}", sent[0].sent, sent[1].came[own]),
            became(f"UDP {other} → {one}", sent[1].sent, sent[0].came[peer]),
            became(f"TCP {one} → {other}", sent[2].sent, sent[3].came[own]),
        )
    )


@contextmanager
def traffic_among(
    lab: Lab, *names: str, rate: int = RATE_AMONG_ALL, apart: bool = False
) -> Iterator[Meter]:
    """Datagrams from each guest to each other of its network, for as long as the block lasts.

    Of all guests, or of those that are named; with `apart`, between guests of different hosts only.
    """
    among = [lab.environment.guest(name) for name in names] or lab.environment.guests
    peers = {guest: [other for other in among if _meet(guest, other, apart)] for guest in among}
    with ExitStack() as running:
        programs = {}
        for guest, others in peers.items():
            addresses = (guest.ipv4_address, *(other.ipv4_address for other in others))
            program = _program(lab, guest.name, "udp", str(rate), *addresses)
            programs[guest] = running.enter_context(program)
        meter = Meter(tuple(programs.values()))
        with _sending(meter.programs):
            yield meter
        said = {guest: _last_words(program) for guest, program in programs.items()}
    meter.report = Report(
        tuple(
            became(
                f"UDP {guest.name} → {other.name}",
                said[guest].sent,
                said[other].came[guest.ipv4_address],
            )
            for guest, others in peers.items()
            for other in others
        )
    )


def _meet(one: Guest, other: Guest, apart: bool) -> bool:
    return (
        one.network == other.network
        and one.ipv4_address != other.ipv4_address
        and not (apart and one.host == other.host)
    )


@contextmanager
def _sending(programs: Sequence["subprocess.Popen[str]"]) -> Iterator[None]:
    """They send until the end of the block."""
    for program in programs:
        _pipe(program.stdin).write("go\n")
        _pipe(program.stdin).flush()
    yield
    for program in programs:
        _pipe(program.stdin).close()


class Came(msgspec.Struct, frozen=True):
    """What came to a program from one peer."""

    numbers: list[int]
    """In the order in which they came."""
    gap: float


class Count(msgspec.Struct, frozen=True):
    """What one program says at its end."""

    sent: int
    came: dict[str, Came]
    """By the peer's address."""


def became(name: str, sent: int, came: Came) -> Stream:
    """Compare what was sent with what came."""
    seen: set[int] = set()
    latest, reordered, duplicated = -1, 0, 0
    for number in came.numbers:
        duplicated += number in seen
        reordered += number < latest and number not in seen
        latest = max(latest, number)
        seen.add(number)
    lost = tuple(number for number in range(sent) if number not in seen)
    return Stream(name, sent, lost, reordered, duplicated, came.gap)


def _program(lab: Lab, guest: str, *arguments: str) -> "subprocess.Popen[str]":
    program = lab.open(guest, sys.executable, "-I", "-S", _NUMBERED, *arguments)
    if _line(program) != '"ready"\n':
        raise LabError(f"numbered packets cannot be sent or received by {guest}")
    return program


def _last_words(program: "subprocess.Popen[str]") -> Count:
    lines = _pipe(program.stdout).readlines()
    if program.wait() != 0 or not lines:
        raise LabError(f"a program of the traffic meter ended with status {program.returncode}")
    return msgspec.json.decode(lines[-1], type=Count)


def _line(program: "subprocess.Popen[str]") -> str:
    return _pipe(program.stdout).readline()


def _pipe(end: IO[str] | None) -> IO[str]:
    if end is None:
        raise LabError("a program of the traffic meter was started without pipes")
    return end

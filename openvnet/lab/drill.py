"""The survival drill: parts of the control plane are killed, frozen or cut off, one or two at once.

Meanwhile all hosts' guests send each other numbered packets, and interfaces are added and deleted.
No packet may be lost, nor a write that was acknowledged, and soon after all is mended each host has
what the database has.
"""

import itertools
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress

import msgspec

from openvnet.client import Client, ClientError
from openvnet.lab import writing
from openvnet.lab.environment import MANAGER
from openvnet.lab.lab import Lab
from openvnet.lab.traffic import traffic_among
from openvnet.lab.underlay import cut, mend
from openvnet.lab.waiting import until

RATE = 50
"""Packets a second from each guest to each other of its network that is on another host."""

BEFORE = 10
"""Packets that pass in peace before, and after."""

BAR_SECONDS = 5.0
"""From when all is mended until all is as it should be."""

PATIENCE_SECONDS = 30.0


class Fault(msgspec.Struct, frozen=True):
    """One thing that goes wrong."""

    kind: str
    """`killed`, `frozen` or `cut`."""
    what: str
    """A process, or the host that vnmgr is cut off from."""

    def __str__(self) -> str:
        return f"{self.what} {self.kind}"


class Outcome(msgspec.Struct, frozen=True):
    """What came of a drill."""

    faults: tuple[Fault, ...]
    packets: int
    lost: int
    writes: int
    """Acknowledged ones."""
    failed: int
    """Writes that were refused or not answered, as they should be if nobody is there to."""
    wrong: tuple[str, ...]
    """What was acknowledged and is not so, in words."""
    seconds: float
    """From when all was mended until it was as it should be."""

    def __str__(self) -> str:
        return (
            f"{' and '.join(map(str, self.faults))}: {self.packets} packets, {self.lost} lost; "
            f"{self.writes} writes acknowledged, {len(self.wrong)} lost; "
            f"converged in {self.seconds:.2f} s"
        )

    @property
    def ok(self) -> bool:
        """Whether nothing was lost. How long it took is another matter."""
        return not self.lost and not self.wrong


def faults(lab: Lab) -> Iterator[Fault]:
    """All that can go wrong in a lab, one by one."""
    for process in lab.processes.values():
        if process.place == lab.environment.manager:
            yield Fault("killed", process.name)
            yield Fault("frozen", process.name)
    yield Fault("cut", lab.environment.hosts[-1].name)


def one_or_two(lab: Lab) -> Iterator[tuple[Fault, ...]]:
    """Each fault, and each two of different parts."""
    there = list(faults(lab))
    yield from ((fault,) for fault in there)
    yield from (pair for pair in itertools.combinations(there, 2) if pair[0].what != pair[1].what)


def drill(lab: Lab, name: str, wrong: Sequence[Fault], seconds: float) -> Outcome:
    """Let this go wrong for so long. `writing.prepare` has been called; `name` is of this drill."""
    with traffic_among(lab, rate=RATE, apart=True) as meter, writing.writing(lab, name) as written:
        meter.let_pass(BEFORE)
        for fault in wrong:
            _begin(lab, fault)
        meter.let_pass(int(seconds * RATE))
        mended = time.monotonic()
        for fault in wrong:
            _end(lab, fault)
        until(lambda: _is_well(lab), "all hosts have what was written", PATIENCE_SECONDS)
        took = time.monotonic() - mended
        meter.let_pass(BEFORE)
    lab.settle()
    outcome = Outcome(
        faults=tuple(wrong),
        packets=sum(stream.sent for stream in meter.report.streams),
        lost=sum(map(len, meter.report.lost.values())),
        writes=written.writes,
        failed=written.failed,
        wrong=tuple(writing.missing(lab, written)),
        seconds=took,
    )
    writing.clear(lab)
    return outcome


def _begin(lab: Lab, fault: Fault) -> None:
    match fault.kind:
        case "killed":
            lab.kill(fault.what)
        case "frozen":
            lab.freeze(fault.what)
        case "cut":
            cut(lab, fault.what, MANAGER)


def _end(lab: Lab, fault: Fault) -> None:
    """Undo a fault, and do not wait until it is all well again."""
    match fault.kind:
        case "killed":
            lab.launch(fault.what)
        case "frozen":
            lab.thaw(fault.what)
        case "cut":
            mend(lab, fault.what, MANAGER)


def _is_well(lab: Lab) -> bool:
    """Whether a write is acknowledged by each host."""
    path = f"/networks/{writing.NETWORK}"
    with closing(Client(lab.webapi, timeout=1)) as client, suppress(ClientError):
        name = {"display_name": f"{time.monotonic()}"}
        realised = client.write("PUT", path, name, wait=1).realised
        return (
            realised is not None
            and not realised.lagging
            and len(realised.hosts) == len(lab.environment.hosts)
        )
    return False

"""What others do to a switch's flows: whether it is damage, and whether to undo it once more.

The flow monitor tells of changes, but a change may be outdated when it is heard of: our own write
may be under way. So a report is only a reason to look at one place, and is judged when nothing is
being written. Undoing is level-triggered: what is desired there is written, or the place cleared.

Two controllers that undo each other would do so for ever. A place that was healed `HEALS` times
within `SECONDS` is left alone for as long; the periodic audit comes back to it.
"""

from typing import Literal, NamedTuple

import msgspec

from openvnet.openflow.decoding import flow_words, table_words, words_of
from openvnet.openflow.desired import DesiredFlows
from openvnet.openflow.replies import DELETED, MODIFIED, FlowUpdate
from openvnet.pipeline.flow import Flow

HEALS = 5
SECONDS = 10.0

What = Literal["added", "modified", "deleted"]


class Drift(msgspec.Struct, frozen=True):
    """What somebody else did to a flow."""

    what: What
    table: str
    text: str
    """The flow as it was found, in words; for a modified one also as it should be."""
    healed: bool
    """It was undone; otherwise it is left alone for now, since undoing it does not last."""


class Damage(NamedTuple):
    """A place where the switch does not have what it should have."""

    what: What
    place: bytes
    found: bytes
    """The instructions that are there, or were before the flow was deleted."""
    ours: Flow | None
    """What should be there."""

    def drift(self, healed: bool) -> Drift:
        """The report on it."""
        text = flow_words(self.place, self.found)
        if self.what == "modified" and self.ours is not None:
            text += f", instead of {words_of(self.ours)}"
        return Drift(self.what, table_words(self.place[0]), text, healed)


def damage(update: FlowUpdate, desired: DesiredFlows) -> Damage | None:
    """What is wrong at the place of an update, if anything is."""
    flow = update.flow
    ours = desired.at(flow.place)
    if update.event == DELETED:
        return Damage("deleted", flow.place, flow.instructions, ours) if ours else None
    if flow.proven and flow.cookie in desired.flows:
        return None
    if not ours and desired.learning.taught(flow):
        return None
    what: What = "modified" if ours or update.event == MODIFIED else "added"
    return Damage(what, flow.place, flow.instructions, ours)


class Patience:
    """Remembers when each place was healed."""

    def __init__(self) -> None:
        self._healed: dict[bytes, list[float]] = {}
        self._left: dict[bytes, float] = {}

    def allows(self, place: bytes, now: float) -> bool:
        """Whether to heal a place, at a time in seconds on any clock."""
        times = [time for time in self._healed.get(place, ()) if now - time < SECONDS]
        if len(times) >= HEALS:
            return False
        self._healed[place] = [*times, now]
        return True

    def leaves(self, place: bytes, now: float) -> bool:
        """Note that a place is left alone; whether that is news."""
        news = now - self._left.get(place, now - SECONDS) >= SECONDS
        if news:
            self._left[place] = now
        return news

    def forget(self, now: float) -> None:
        """Drop what is too old to matter."""
        self._healed = {
            place: times for place, times in self._healed.items() if now - times[-1] < SECONDS
        }
        self._left = {place: time for place, time in self._left.items() if now - time < SECONDS}

"""Desired and actual: what to add and what to remove.

How does a restarted agent, with no memory, know what is its own?

It does not remember; it recognises. Each thing that a driver writes carries an *identity* that is a
function of all that the thing is, written where the other side keeps it: a flow's cookie is the
hash of its bytes. Whoever reads a thing back computes the identity anew. If it is the one written
on it, the thing is ours and as we wrote it; if the two differ, or there is none, somebody else made
it or changed it. So there are three kinds of actual things:

    proven, and desired        leave it: writing it again would only disturb it
    proven, not desired        ours, from another time: stale
    not proven                 foreign, or ours and tampered with

and what is desired but not proven is written. Nothing is ever cleared first, so a restart with
nothing changed writes nothing at all.

Stale and foreign things are *swept*, but not always. An agent that has not heard from vnmgr yet
knows only part of what is desired; to it, "not desired" may mean "not known yet". Until it is in
sync it sweeps just what its own eyes tell it to be *obsolete*: what names a port that is gone,
since the next port with that number would inherit it.

This is misused by an identity that leaves something out (a change there is never noticed), or that
covers something that the other side rewrites (then all is foreign, for ever).
"""

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

Identity = TypeVar("Identity", bound=Hashable)
Desired = TypeVar("Desired")
Actual = TypeVar("Actual")


class Difference(NamedTuple, Generic[Identity, Desired, Actual]):
    """What has to be done: nothing, if nothing is missing and nothing extra."""

    present: Collection[Identity]
    """Of what is as desired."""
    missing: Sequence[Desired]
    """To be written, in the order in which they were desired."""
    extra: Sequence[Actual]
    """To be removed, unless writing what is missing replaces them."""


def difference(
    desired: Mapping[Identity, Desired],
    actual: Iterable[Actual],
    proven: Callable[[Actual], Identity | None],
    sweep: bool,
    obsolete: Callable[[Actual], bool],
) -> Difference[Identity, Desired, Actual]:
    """Compare; `proven` gives the identity of an actual thing of ours, None for any other.

    What is not desired is extra if `sweep`, and otherwise only if it is `obsolete`.
    """
    present: set[Identity] = set()
    extra: list[Actual] = []
    for thing in actual:
        identity = proven(thing)
        if identity is not None and identity in desired:
            present.add(identity)
        elif sweep or obsolete(thing):
            extra.append(thing)
    missing = [thing for identity, thing in desired.items() if identity not in present]
    return Difference(present, missing, extra)

"""The revision log for people and programs: what was changed, when, and by whom.

It is read in slices of revisions, between which others get their turn: a log may have millions.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from openvnet.manager.answers import Answer, plain
from openvnet.manager.errors import InvalidArgument, OtherEpoch
from openvnet.manager.rights import told_to
from openvnet.model import KINDS
from openvnet.model.rights import LOCAL, Caller
from openvnet.store import log
from openvnet.store.database import Store
from openvnet.store.schema import tag
from openvnet.store.transaction import Change

SLICE = 1000
"""Revisions that are looked at without a pause for others."""


def told(number: int, time: int, origin: str, changes: Sequence[Change]) -> Answer:
    """A revision as people see it; `time` is in microseconds since 1970, UTC."""
    return {
        "revision": number,
        "time": datetime.fromtimestamp(time / 1_000_000, UTC).isoformat(),
        "asked_by": origin,
        "changes": [told_change(change) for change in changes],
    }


def told_change(change: Change) -> Answer:
    """What a revision did to one row."""
    return {
        "kind": tag(change.kind),
        "uuid": change.uuid,
        "before": None if change.before is None else plain(change.before),
        "after": None if change.after is None else plain(change.after),
    }


async def history(
    store: Store, wanted: Mapping[str, Any], limit: int, caller: Caller = LOCAL
) -> Answer:
    """Revisions after `since`, the oldest first; else those before `before`, the newest first.

    `wanted` may also have `epoch` (of the numbers), `kinds` and `uuid`. `through` in the answer is
    the number up to which was looked: the next part begins there.
    """
    check_epoch(store, wanted.get("epoch"))
    newest, since = store.number, wanted.get("since")
    if since is not None and since > newest:
        raise InvalidArgument(f"since {since}: there is no such revision; the newest is {newest}.")
    rises = since is not None
    at = since if since is not None else min(newest, wanted.get("before", newest + 1) - 1)
    items: list[Answer] = []
    while len(items) < limit and (at < newest if rises else at > 0):
        start, end = (at, min(newest, at + SLICE)) if rises else (max(0, at - SLICE), at)
        found = store.read(partial(_slice, start=start, end=end, wanted=wanted, caller=caller))
        items += found if rises else found[::-1]
        at = end if rises else start
        await asyncio.sleep(0)
    if len(items) > limit:
        items = items[:limit]
        at = items[-1]["revision"] - (0 if rises else 1)
    place = {"epoch": store.epoch, "newest": newest, "limit": limit}
    return {**place, "through" if rises else "before": at if rises else at + 1, "items": items}


def _slice(
    transaction: Any, start: int, end: int, wanted: Mapping[str, Any], caller: Caller
) -> list[Answer]:
    kinds = [KINDS[name] for name in wanted.get("kinds", ())]
    found = log.revisions(transaction.connection, start, end, kinds, wanted.get("uuid") or "")
    seen = ((number, lines[0], told_to(caller, log.changes(lines))) for number, lines in found)
    return [
        told(number, first.time, first.origin, changes)
        for number, first, changes in seen
        if changes or first.change is None
    ]


def check_epoch(store: Store, epoch: str | None) -> None:
    """Refuse numbers of another epoch: those revisions have never been here."""
    if epoch not in (None, store.epoch):
        raise OtherEpoch(
            f"Revisions of epoch {epoch} are not known: the database was made anew or restored, "
            f"and is of epoch {store.epoch} now, at revision {store.number}. Read all anew, and go "
            "on from there."
        )

"""What vnmgr's log says of writes: a line for each revision, which begins with its number."""

import logging
from collections.abc import Sequence

from openvnet.logs import Fields
from openvnet.manager.retention import Ended
from openvnet.manager.writes import resource_of
from openvnet.model.operations import made_by
from openvnet.store.database import Committed
from openvnet.wire.messages import Request

logger = logging.getLogger(__name__)

MOST_NAMED = 10
"""Uuids in a line of the log."""

RETENTION = "retention"
"""Who writes what ends by itself, as the log and the history say it."""


def several(words: Sequence[str]) -> str:
    """A few words of many, for a line of a log."""
    more = len(words) - MOST_NAMED
    return ", ".join((*words[:MOST_NAMED], *((f"{more} more",) if more > 0 else ())))


def tell(request: Request, committed: Committed, seconds: float) -> None:
    """Log what a write has done: "revision 7: interface if-inst1 created, and 3 more rows"."""
    if not logger.isEnabledFor(logging.INFO):
        return
    rows = committed.result.rows
    if request.verb == "undo":
        undoing = "revision %d: undid revision %d; asked by %s"
        fields = Fields(revision=committed.number, verb="undo", asked_by=request.origin)
        logger.info(
            undoing, committed.number, request.values["revision"], request.origin, extra=fields
        )
        return
    if request.verb == "apply":
        applying = "revision %d: applied a document, %d rows; asked by %s"
        count = len(committed.changes)
        fields = Fields(
            revision=committed.number,
            verb="apply",
            asked_by=request.origin,
            rows=count,
            duration_ms=round(1000 * seconds, 3),
        )
        logger.info(applying, committed.number, count, request.origin, extra=fields)
        return
    resource, verb = resource_of(request), request.verb
    if (made := made_by(resource, verb)) is not None:
        resource, verb = made, "create"
    uuids = several([row.uuid for row in rows])
    word = str(resource.kind.__struct_config__.tag)
    more = len(committed.changes) - len(rows)
    also = f", and {more} more rows" if more > 0 else ""
    who = f"; asked by {request.origin}" if request.origin else ""
    done = f"{verb.removesuffix('e')}ed"
    fields = Fields(
        revision=committed.number,
        owner=f"{word} {uuids}",
        resource=word,
        uuid=uuids,
        verb=request.verb,
        asked_by=request.origin,
        rows=len(committed.changes),
        duration_ms=round(1000 * seconds, 3),
    )
    sentence = "revision %d: %s %s %s%s%s"
    words = (committed.number, resource.singular, uuids, done, also, who)
    logger.info(sentence, *words, extra=fields)


def tell_ended(committed: Committed) -> None:
    """Log which leases have ended."""
    ended: Ended = committed.result
    for verb, uuids in (("released", ended.released), ("deleted", ended.deleted)):
        if uuids:
            named = several(uuids)
            fields = Fields(revision=committed.number, uuid=named, verb=verb, asked_by=RETENTION)
            sentence = "revision %d: IP lease %s %s, as its time was over"
            logger.info(sentence, committed.number, named, verb, extra=fields)

"""What webapi's log says of writes: a line for each, by its revision if it has one."""

import logging
from typing import Any

from openvnet.logs import Fields
from openvnet.model.operations import Operation
from openvnet.wire.messages import Reply, Request

MOST_NAMED = 10
"""Uuids in a line."""

log = logging.getLogger(__name__)


def tell(operation: Operation, request: Request, reply: Reply, seconds: float) -> None:
    """Log what came of a write that took so long to answer."""
    if not log.isEnabledFor(logging.INFO):
        return
    resource, milliseconds = operation.resource, 1000 * seconds
    word, uuid = str(resource.kind.__struct_config__.tag), _uuid(request, reply)
    fields = Fields(
        owner=f"{word} {uuid}",
        resource=word,
        uuid=uuid,
        verb=request.verb,
        asked_by=request.origin,
        duration_ms=round(milliseconds, 3),
    )
    what = (request.verb, resource.singular, uuid)
    if reply.revision is None:
        why = reply.problem.message if reply.problem else ""
        words = "refused: %s %s %s: %s; asked by %s"
        log.info(words, *what, why, request.origin, extra=fields)
        return
    if not reply.changed:
        words = "unchanged: %s %s %s: all was so already; asked by %s"
        log.info(words, *what, request.origin, extra=fields)
        return
    number = fields["revision"] = reply.revision.number
    words = "revision %d: %s %s %s, answered after %.1f ms; asked by %s"
    log.info(words, number, *what, milliseconds, request.origin, extra=fields)


def _uuid(request: Request, reply: Reply) -> str:
    """The uuid, or all of them, of what was written, or was to be."""
    if request.uuid:
        return request.uuid
    if request.related:
        return f"of {request.parent} and {request.related}"
    named: Any = reply.result or request.many or request.values
    rows = named if isinstance(named, (list, tuple)) else [named]
    uuids = [str(row.get("uuid") or "of no uuid") for row in rows[:MOST_NAMED]]
    more = [f"{len(rows) - MOST_NAMED} more"] if len(rows) > MOST_NAMED else []
    return ", ".join([*uuids, *more])

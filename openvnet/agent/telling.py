"""What an agent's log says of its turns: a line for each change, by its revision."""

import logging
from collections.abc import Sequence

from openvnet.logs import Fields
from openvnet.model import KINDS, RESOURCES, Datapath, Interface, Network, Row
from openvnet.openflow.driver import Written
from openvnet.wire.messages import Revision, Update

log = logging.getLogger(__name__)

_FOREMOST = (Interface, Network, Datapath)
"""Of the rows of one change, that of the first of these kinds is what it is about."""

_SINGULARS = {resource.kind: resource.singular for resource in RESOURCES}


def tell(
    node_id: str,
    revision: Revision | None,
    updates: Sequence[Update],
    written: Written | None,
    milliseconds: float,
) -> None:
    """A line for each change that a turn has realised; one for the flows if nothing brought them.

    `revision` is the newest one, `written` what came of the turn in the switch (None: there is
    none), after so many milliseconds.
    """
    if not log.isEnabledFor(logging.INFO):
        return
    for update in updates:
        _tell_update(node_id, update, len(updates) - 1, written, milliseconds)
    if not updates and written and (written.added or written.removed or written.refused):
        number = revision.number if revision else 0
        fields = Fields(revision=number, host=node_id, **_came_of(written, milliseconds))
        log.info("revision %d: %s", number, _outcome(written, milliseconds), extra=fields)


def _tell_update(
    node_id: str, update: Update, others: int, written: Written | None, milliseconds: float
) -> None:
    rows: list[tuple[type[Row], str]] = [(type(row), row.uuid) for row in update.put]
    rows += [(KINDS[gone.kind], gone.uuid) for gone in update.remove]
    if not rows:
        return
    number, (kind, uuid) = update.revision.number, min(rows, key=_rank)
    word = kind.__struct_config__.tag
    fields = Fields(
        revision=number,
        owner=f"{word} {uuid}",
        resource=str(word),
        uuid=uuid,
        host=node_id,
        rows=len(rows),
        **_came_of(written, milliseconds),
    )
    log.info(
        "revision %d: %s %s %s%s; %s%s",
        number,
        _SINGULARS[kind],
        uuid,
        _what(update, uuid),
        f", and {len(rows) - 1} more rows" if len(rows) > 1 else "",
        _outcome(written, milliseconds),
        f", with {others} other changes" if others else "",
        extra=fields,
    )


def _rank(row: tuple[type[Row], str]) -> int:
    kind, _ = row
    return _FOREMOST.index(kind) if kind in _FOREMOST else len(_FOREMOST)


def _what(update: Update, uuid: str) -> str:
    if any(gone.uuid == uuid for gone in update.remove):
        return "is gone"
    return "is heard of" if update.revision == update.previous else "changed"


def _came_of(written: Written | None, milliseconds: float) -> Fields:
    took = round(milliseconds, 3)
    if written is None:
        return Fields(duration_ms=took)
    return Fields(
        flows_added=written.added,
        flows_removed=written.removed,
        flows_refused=len(written.refused),
        duration_ms=took,
    )


def _outcome(written: Written | None, milliseconds: float) -> str:
    if written is None:
        return "not in a switch yet"
    counts = f"{written.added} flows added, {written.removed} removed"
    return f"{counts}, {len(written.refused)} refused, after {milliseconds:.1f} ms"

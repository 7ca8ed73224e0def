"""What a client may ask of a write besides the write: that it happens once, only if, or not at all.

    Idempotency-Key   a write that is repeated with its key is answered again, and done once
    If-Match          it is done only if the resource is as the client has seen it
    dry_run           all of it is checked and answered, and then undone
    a list            several are created as one revision, or none is

All of it happens within the write's transaction: between the check and the write is nobody.
"""

from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec

from openvnet.manager.answers import Answer, Rows, answer
from openvnet.manager.applying import apply
from openvnet.manager.errors import KeyReused, PreconditionFailed
from openvnet.manager.following import follow
from openvnet.manager.history import told_change
from openvnet.manager.names import found
from openvnet.manager.rights import check_changes, check_quotas, check_token, is_told
from openvnet.manager.undoing import undo
from openvnet.manager.writes import resource_of, written
from openvnet.model import Row
from openvnet.store.keys import Kept, keep, kept
from openvnet.store.sending import Refused
from openvnet.store.transaction import Transaction, holder_among
from openvnet.wire.messages import Request

Result = Callable[[Request, Sequence[Row], Rows], Any]
"""Makes of the rows that a write asked for what its client sees."""

WHOLE = ("undo", "apply")
"""Verbs that are answered with all that they changed."""

UNSTABLE = ("status",)
"""What answers show that nobody has written; it is not part of an ETag."""


class Done(NamedTuple):
    """What came of a write."""

    rows: Sequence[Row]
    """The rows that were asked for; none if an earlier answer is repeated."""
    answer: Any = None
    """As people see it, where it had to be made within the transaction."""
    repeated: int | None = None
    """The revision whose answer this is, if the write had been done before."""


class Rehearsed(Exception):
    """Raised to undo a write that was to be checked only."""

    def __init__(self, done: Done) -> None:
        super().__init__("It was a rehearsal.")
        self.done = done


def done(
    transaction: Transaction,
    request: Request,
    now: int,
    result: Result,
    mac_group: str | None = None,
) -> Done:
    """Do a write as its client wants it; `now` is in seconds since 1970, UTC.

    `mac_group` names the MAC range group of what has no other. Raise RequestRefused, and Rehearsed.
    """
    check_token(transaction)
    key, digest = _key(transaction, request), ""
    if key and not request.dry_run:
        digest = _digest(request)
    if digest and (earlier := kept(transaction.connection, key, now)):
        if earlier.digest != digest:
            raise KeyReused(
                f"The Idempotency-Key {request.key} was used within a day for another request."
            )
        return Done((), msgspec.json.decode(earlier.answer), earlier.number)
    if request.if_match:
        _check_match(transaction, request)
    rows = _rows(transaction, request)
    check_changes(transaction, request.verb)
    follow(transaction, mac_group, addressing=request.verb != "undo")
    check_quotas(transaction)
    if request.dry_run:
        transaction.send()
    rows = [transaction.get(type(row), row.uuid) or row for row in rows]
    if not (digest or request.dry_run or request.verb in WHOLE):
        return Done(rows)
    finished = Done(rows, _seen(transaction, request, rows, result))
    if request.dry_run:
        raise Rehearsed(finished)
    number = transaction.number if transaction.changes() else transaction.number - 1
    if digest:
        text = msgspec.json.encode(finished.answer).decode()
        keep(transaction.connection, key, Kept(digest, number, text), now)
    return finished


def _seen(transaction: Transaction, request: Request, rows: Sequence[Row], result: Result) -> Any:
    """What the client sees: all that was changed, or what was asked for."""
    if request.verb in WHOLE:
        caller = transaction.rights.caller
        return [told_change(each) for each in transaction.changes() if is_told(caller, each)]
    return result(request, rows, transaction)


def etag(shown: Answer) -> str:
    """What tells a resource, with all that belongs to it, from what it was or will be."""
    lasting = {name: value for name, value in shown.items() if name not in UNSTABLE}
    return blake2b(msgspec.json.encode(lasting), digest_size=8).hexdigest()


def _rows(transaction: Transaction, request: Request) -> Sequence[Row]:
    """Do what is asked for; the rows that it was asked of."""
    if request.verb == "apply":
        apply(transaction, request)
        return ()
    if request.verb == "undo":
        undo(transaction, request.values["revision"], request.values.get("force", False))
        return ()
    if request.many is not None:
        return _created(transaction, request)
    return written(transaction, request)


def _created(transaction: Transaction, request: Request) -> list[Row]:
    """Create several; whatever goes wrong says with which."""
    rows: list[Row] = []
    for index, values in enumerate(request.many or ()):
        one = msgspec.structs.replace(request, many=None, values=values)
        try:
            rows += written(transaction, one)
            transaction.send()
        except Refused as refused:
            after = [change.after for change in transaction.changes() if change.after]
            raise _noted(holder_among(after, refused.row) or refused, index) from None
        except Exception as failure:
            raise _noted(failure, index) from None
    return rows


def _noted(failure: Exception, index: int) -> Exception:
    failure.add_note(f"Item {index} of the list (the first is 0): ")
    return failure


def _check_match(transaction: Transaction, request: Request) -> None:
    resource = resource_of(request)
    row = found(transaction, resource.kind, request.uuid or "")
    current = etag(answer(row, transaction))
    if "*" not in request.if_match and current not in request.if_match:
        raise PreconditionFailed(
            f'{resource.singular} {row.uuid} has changed: its ETag is "{current}" now. '
            "Read it again, and decide anew."
        )


def _key(transaction: Transaction, request: Request) -> str:
    """The key as it is kept: each token has keys of its own."""
    token = transaction.rights.caller.uuid
    if not request.key or not token:
        return request.key
    return f"{token} {blake2b(request.key.encode(), digest_size=16).hexdigest()}"


def _digest(request: Request) -> str:
    """What a request asks for, in short."""
    named = (request.collection, request.uuid, request.parent, request.related)
    what = (request.verb, *named, request.project)
    given = (request.values, request.many, request.wanted)
    asked = msgspec.msgpack.encode((*what, *given), order="deterministic")
    return blake2b(asked, digest_size=16).hexdigest()

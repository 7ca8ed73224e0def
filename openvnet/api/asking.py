"""How webapi asks vnmgr, and what it says when nobody answers.

What was asked of a vnmgr that went away before it answered is asked once more, of another one or of
the same when it is back, if to do it twice is the same as once: a read, a rehearsal, a write with
an idempotency key. Any other write may have been done.
"""

from msgspec.structs import replace

from openvnet.api.app import Call
from openvnet.api.credentials import CREDENTIALS
from openvnet.api.errors import Unavailable
from openvnet.wire.messages import Reply, Request, Revision
from openvnet.wire.rpc import NoAnswer, Rpc

READS = (
    "show",
    "list",
    "nodes",
    "health",
    "changes",
    "hear",
    "unhear",
    "backup",
    "export",
    "whoami",
    "usage",
    "metrics",
)

BY_PARTS = ("backup", "restore", "hear", "unhear")
"""What a vnmgr must remember from one request to the next; another one knows nothing of it."""

LONGER = {"apply": 300.0, "export": 60.0}
"""Seconds more that are given to what may be long: thousands of interfaces at once."""


def asking(rpc: Rpc, patience: float) -> Call:
    """Requests over this connection, each with the credentials of whoever asks.

    They are given up after `patience` seconds beyond their `wait`.
    """
    seen: Revision | None = None

    async def ask(request: Request) -> Reply:
        seconds = patience + LONGER.get(request.verb, 0.0)
        try:
            return await rpc.ask(request, seconds)
        except NoAnswer as error:
            if not (error.lost and _may_be_repeated(request)):
                raise
        return await rpc.ask(request, seconds)

    async def call(request: Request) -> Reply:
        nonlocal seen
        try:
            # Outside of any request there are none, and nothing is asked.
            reply = await ask(replace(request, token=CREDENTIALS.get(), seen=seen))
            seen = _newest(seen, reply.revision)
            return reply
        except NoAnswer as error:
            reading = request.verb in READS
            doubt = (
                ""
                if reading or not error.asked
                else " Whether the write was done is not known; look before you repeat it."
            )
            raise Unavailable(f"{error}{doubt}") from None

    return call


def _may_be_repeated(request: Request) -> bool:
    """Whether to do it twice is the same as once."""
    if request.verb in BY_PARTS:
        return False
    return request.verb in READS or request.dry_run or bool(request.key)


def _newest(seen: Revision | None, told: Revision | None) -> Revision | None:
    """The newer of two revisions; of two epochs, what was told last: who waits is told late."""
    if seen and told and seen.epoch == told.epoch and told.number < seen.number:
        return seen
    return told or seen

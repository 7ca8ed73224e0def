"""Backups over HTTP: a stream of compressed lines out, and the same in again.

vnmgr makes the lines and reads them; here they are only compressed and expanded, a part at a time,
so that neither program ever holds a file as a whole.
"""

import logging
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

from msgspec.structs import replace
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse

from openvnet.api.answers import reply_answer
from openvnet.api.changes import Refusal
from openvnet.api.errors import ApiError, InvalidArgument, InvalidBody, Unavailable, nearest, shown
from openvnet.api.reading import scalar_value
from openvnet.api.received import origin_of, query_of, refuse_foreign
from openvnet.api.routes import Place
from openvnet.model.scalars import BOOLEAN
from openvnet.wire import messages

Call = Callable[[messages.Request], Awaitable[messages.Reply]]
Answering = Callable[[Request, Place], Awaitable[Response]]

PIECE = 512 * 1024
"""Bytes that vnmgr is given at once."""
PATIENCE = 600.0
"""Seconds that vnmgr may take to put a backup into force."""
GZIP = 31
"""What zlib calls a gzip file (RFC 1952)."""

_LOG = logging.getLogger(__name__)


def backing_up(call: Call) -> Answering:
    """GET /db/backup."""

    async def backup(request: Request, _: Place) -> Response:
        given = _given(request, ("history",))
        origin = origin_of(request)
        begun = await _asked(call, "backup", given, origin)
        name = f"openvnet-revision-{begun['revision']}.backup"
        headers = {
            "Content-Disposition": f'attachment; filename="{name}"',
            "OpenVNet-Rows": str(begun["rows"]),
            "Cache-Control": "no-store",
        }
        parts = _compressed(call, begun, origin)
        return StreamingResponse(parts, headers=headers, media_type="application/gzip")

    return backup


async def _compressed(call: Call, begun: Mapping[str, Any], origin: str) -> AsyncIterator[bytes]:
    packing = zlib.compressobj(wbits=GZIP)
    yield packing.compress(begun["text"])
    try:
        over = False
        while not over:
            part = await _asked(call, "backup", {"number": begun["number"]}, origin)
            over = part["over"]
            if packed := packing.compress(part["text"]):
                yield packed
    except (Refusal, Unavailable) as failure:
        _LOG.error("A backup was cut short: %s", failure)
        # The status was sent long ago; a connection that breaks off is what is left to say.
        raise ClientDisconnect from None
    yield packing.flush()


def restoring(call: Call, origins: frozenset[str]) -> Answering:
    """POST /db/restore."""

    async def restore(request: Request, found: Place) -> Response:
        refuse_foreign(request, origins)
        body = request.stream()
        try:
            given = _given(request, ("replace", "dry_run"))
            return await _restored(call, body, given, origin_of(request), found.format)
        except (Refusal, ApiError):
            # Whoever still sends would not hear the answer.
            async for _ in body:
                pass
            raise

    return restore


async def _restored(
    call: Call, body: AsyncIterator[bytes], given: dict[str, bool], origin: str, form: str
) -> Response:
    rehearsed = given.pop("dry_run", False)
    first = messages.Request(0, "restore", values=dict(given), origin=origin, dry_run=rehearsed)
    begun = _result(await call(first))
    number = {"number": begun["number"]}
    try:
        async for piece in _expanded(body):
            await _asked(call, "restore", {**number, "text": piece}, origin)
    except BaseException:
        await call(messages.Request(0, "restore", values={**number, "abandon": True}))
        raise
    values = {**number, **given}
    last = messages.Request(0, "restore", values=values, origin=origin, wait=PATIENCE)
    reply = await call(replace(last, dry_run=rehearsed))
    done = reply_answer(reply, form)
    if rehearsed and reply.problem is None:
        done.headers["OpenVNet-Dry-Run"] = "true"
    return done


async def _expanded(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The text of a file that was compressed, in pieces; raise InvalidBody if it is none."""
    unpacking = zlib.decompressobj(wbits=GZIP)
    try:
        async for chunk in chunks:
            waiting = chunk
            while waiting and not unpacking.eof:
                piece = unpacking.decompress(waiting, PIECE)
                waiting = unpacking.unconsumed_tail
                if piece:
                    yield piece
            if unpacking.unused_data:
                raise InvalidBody("Something follows the end of the backup.")
    except zlib.error:
        raise InvalidBody("It must be a backup: a file that is compressed with gzip.") from None
    if not unpacking.eof:
        raise InvalidBody("The backup is cut short.")


async def _asked(call: Call, verb: str, values: Mapping[str, Any], origin: str) -> Any:
    return _result(await call(messages.Request(0, verb, values=dict(values), origin=origin)))


def _result(reply: messages.Reply) -> Any:
    if reply.problem:
        raise Refusal(reply.problem)
    return reply.result


def _given(request: Request, known: tuple[str, ...]) -> dict[str, bool]:
    """The parameters of the query string, all of which are true or false."""
    given = query_of(request)
    for name in given:
        if name not in known:
            hint = nearest(name, known) or f" Known are {', '.join(known)}."
            raise InvalidArgument(f"{shown(name)} is not a parameter here.{hint}")
    return {name: bool(scalar_value(name, value, BOOLEAN)) for name, value in given.items()}

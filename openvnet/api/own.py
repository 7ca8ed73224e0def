"""What there is beside the resources: how it fares, its description, and its history."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

import openvnet
from openvnet.api import reading
from openvnet.api.answers import answer, reply_answer
from openvnet.api.backups import backing_up, restoring
from openvnet.api.changes import Changes, wanted
from openvnet.api.conditions import key
from openvnet.api.credentials import CREDENTIALS, is_over_tcp
from openvnet.api.declaring import applying, exporting
from openvnet.api.docs import page
from openvnet.api.errors import InvalidArgument, nearest, shown
from openvnet.api.events import EventStream
from openvnet.api.listing import next_link
from openvnet.api.openapi import document
from openvnet.api.received import body_of, origin_of, query_of, refuse_foreign
from openvnet.api.routes import Place
from openvnet.model import PROJECTS
from openvnet.model.scalars import BOOLEAN, integer
from openvnet.wire import messages

Call = Callable[[messages.Request], Awaitable[messages.Reply]]
Answering = Callable[[Request, Place], Awaitable[Response]]

CHANGES_LIMIT = integer(1, 1000)
_REVISION = integer(1, 2**62)


class Own(NamedTuple):
    """One path."""

    method: str
    answer: Answering


OPEN = ("version", "health", "openapi", "docs")
"""Paths that need no token: what they tell is no secret."""


def own_name(found: Place) -> str:
    """What a path is called in `own_paths`."""
    if found.words == ("changes",) and found.uuids == ("stream",):
        return "changes/stream"
    if found.words == ("changes", "undo") and len(found.uuids) == 1:
        return "changes/undo"
    if found.words == ("db",) and found.uuids in (("backup",), ("restore",)):
        return f"db/{found.uuids[0]}"
    if found.words == ("projects", "usage") and len(found.uuids) == 1:
        return "projects/usage"
    return found.words[0] if len(found.words) == 1 and not found.uuids else ""


def own_paths(
    call: Call,
    changes: Changes,
    origins: frozenset[str],
    page_limit: int,
    tokens_required: bool,
) -> Mapping[str, Own]:
    """All of them, by name."""

    async def version(_: Request, found: Place) -> Response:
        return answer({"version": openvnet.__version__, "api": "1.0"}, found.format)

    async def nodes(_: Request, found: Place) -> Response:
        return reply_answer(await call(messages.Request(0, "nodes")), found.format)

    async def health(request: Request, found: Place) -> Response:
        reply = await call(messages.Request(0, "health"))
        if tokens_required and is_over_tcp(request) and not CREDENTIALS.get() and reply.result:
            told = {name: reply.result[name] for name in ("vnmgr", "database")}
            return answer(told, found.format)
        return reply_answer(reply, found.format)

    async def whoami(_: Request, found: Place) -> Response:
        reply = await call(messages.Request(0, "whoami"))
        if reply.result:
            del reply.result["hears"]
        return reply_answer(reply, found.format)

    async def usage(_: Request, found: Place) -> Response:
        uuid = reading.path_uuid("uuid", found.uuids[0], PROJECTS.prefix)
        return reply_answer(await call(messages.Request(0, "usage", uuid=uuid)), found.format)

    async def openapi(_: Request, found: Place) -> Response:
        return answer(document(), found.format)

    async def docs(_: Request, __: Place) -> Response:
        return HTMLResponse(page())

    async def history(request: Request, found: Place) -> Response:
        given = query_of(request)
        limit = reading.scalar_value("limit", given.get("limit", page_limit), CHANGES_LIMIT)
        part = await changes.part(wanted(given), limit)
        links = next_link(quote(request.scope["path"]), given, part)
        return answer(part, found.format, headers=links)

    async def stream(request: Request, _: Place) -> Response:
        last = request.headers.get("last-event-id")
        return EventStream(await changes.stream(wanted(query_of(request), last)))

    async def undo(request: Request, found: Place) -> Response:
        refuse_foreign(request, origins)
        given: dict[str, Any] = dict(query_of(request))
        if body := await body_of(request):
            kind = request.headers.get("content-type", "")
            given |= reading.body_parameters(body, kind, ("force",))
        question = _undoing(found.uuids[0], given)
        origin, once = origin_of(request), key(request.headers)
        reply = await call(messages.Request(0, "undo", origin=origin, key=once, **question))
        done = reply_answer(reply, found.format)
        if question["dry_run"] and not reply.problem:
            done.headers["OpenVNet-Dry-Run"] = "true"
        return done

    reads = {"version": version, "nodes": nodes, "health": health, "openapi": openapi}
    more = {"docs": docs, "changes": history, "changes/stream": stream}
    own = {name: Own("GET", handle) for name, handle in {**reads, **more}.items()}
    own["whoami"] = Own("GET", whoami)
    own["projects/usage"] = Own("GET", usage)
    own["export"] = Own("GET", exporting(call))
    own["apply"] = Own("POST", applying(call, origins))
    own["db/backup"] = Own("GET", backing_up(call))
    own["db/restore"] = Own("POST", restoring(call, origins))
    return {**own, "changes/undo": Own("POST", undo)}


def _undoing(number: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """What vnmgr is asked, for an undoing."""
    known = ("force", *reading.BESIDE)
    for name in given:
        if name not in known:
            hint = nearest(name, known) or f" Known are {', '.join(known)}."
            raise InvalidArgument(f"{shown(name)} is not a parameter of an undoing.{hint}")
    force = given.get("force")
    values = {
        "revision": reading.scalar_value("revision", number, _REVISION),
        "force": force is not None and reading.scalar_value("force", force, BOOLEAN),
    }
    wait = reading.wait_seconds(given.get("wait"))
    dry_run = reading.is_dry_run(given.get("dry_run"))
    return {"values": values, "wait": wait, "dry_run": dry_run}

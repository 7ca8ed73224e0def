"""POST /apply, and GET /export: documents over HTTP."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from openvnet.api import reading
from openvnet.api.answers import reply_answer
from openvnet.api.conditions import key
from openvnet.api.documents import flags, pruned, wanted
from openvnet.api.received import body_of, origin_of, query_of, refuse_foreign
from openvnet.api.routes import Place
from openvnet.model.scalars import BOOLEAN
from openvnet.wire import messages

Call = Callable[[messages.Request], Awaitable[messages.Reply]]
Answering = Callable[[Request, Place], Awaitable[Response]]

DOCUMENT_LIMIT = 64 * 1024 * 1024
"""Bytes of a document: 100,000 interfaces have about 40 million."""


def applying(call: Call, origins: frozenset[str]) -> Answering:
    """POST /apply."""

    async def apply(request: Request, found: Place) -> Response:
        refuse_foreign(request, origins)
        given = query_of(request)
        flags(given, ("prune", "replace", *reading.BESIDE))
        document = reading.document(await body_of(request, DOCUMENT_LIMIT))
        values: dict[str, Any] = {"replace": _flag(given, "replace")}
        if _flag(given, "prune"):
            values["prune"] = pruned(document)
        question = messages.Request(
            0,
            "apply",
            values=values,
            wanted=await wanted(document),
            dry_run=reading.is_dry_run(given.get("dry_run")),
            wait=reading.wait_seconds(given.get("wait")),
            key=key(request.headers),
            origin=origin_of(request),
        )
        reply = await call(question)
        answer = reply_answer(reply, found.format)
        if question.dry_run and not reply.problem:
            answer.headers["OpenVNet-Dry-Run"] = "true"
        return answer

    return apply


def exporting(call: Call) -> Answering:
    """GET /export."""

    async def export(request: Request, found: Place) -> Response:
        given = query_of(request)
        flags(given, ("of", "full"))
        of = (word.strip() for word in given.get("of", "").split(","))
        values = {"of": [word for word in of if word], "full": _flag(given, "full")}
        question = messages.Request(0, "export", values=values, origin=origin_of(request))
        return reply_answer(await call(question), found.format)

    return export


def _flag(given: Any, name: str) -> bool:
    return name in given and bool(reading.scalar_value(name, given[name], BOOLEAN))

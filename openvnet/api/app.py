"""webapi as an ASGI application: it reads a request, asks vnmgr, and shows the reply.

It holds no state and no rule of the domain. There is no middleware: whatever is done for each
request stands in `_answer`, as a change has 5 ms for its whole way to the switch.
"""

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

import openvnet
from openvnet.api import reading
from openvnet.api.answers import refusal, reply_answer
from openvnet.api.errors import (
    ApiError,
    ForeignOrigin,
    InvalidArgument,
    InvalidBody,
    Unavailable,
    UnknownMethod,
)
from openvnet.api.openapi import RESPONSE_HEADERS, document
from openvnet.api.routes import Place, named, place, route, routes
from openvnet.api.telling import tell
from openvnet.model.operations import Operation
from openvnet.wire import messages

Call = Callable[[messages.Request], Awaitable[messages.Reply]]
"""How vnmgr is asked; raises `Unavailable` if it does not answer."""

_LOG = logging.getLogger(__name__)
_ROUTES = routes()
_ADDRESS = re.compile(r"(localhost|[0-9.]+|\[[0-9a-f:.]+\])(:[0-9]+)?")
METHODS = ("GET", "POST", "PUT", "DELETE")


def application(call: Call, origins: frozenset[str] = frozenset()) -> ASGIApp:
    """The application; web pages of these origins may write (none but our own, by default)."""
    own = _own_routes(call)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        found = place(scope["path"])
        try:
            response = await _answer(request, found, call, own, origins)
        except ClientDisconnect:
            return
        except asyncio.CancelledError:
            # The server ends, and has given this request all the time that it gives.
            ending = Unavailable("webapi ends. A write that waited for hosts may be done; look.")
            response = refusal(ending.problem(), found.format)
        except ApiError as error:
            response = refusal(error.problem(), found.format, error.headers)
        except Exception:
            _LOG.exception("%s %s failed", request.method, scope["path"])
            problem = messages.Problem("InternalError", "500", 500, "webapi failed; see its log.")
            response = refusal(problem, found.format)
        await response(scope, receive, send)

    return _readable_by(app, origins) if origins else app


def _readable_by(app: ASGIApp, origins: frozenset[str]) -> ASGIApp:
    from starlette.middleware.cors import CORSMiddleware

    return CORSMiddleware(
        app,
        allow_origins=sorted(origins),
        allow_methods=METHODS,
        expose_headers=tuple(RESPONSE_HEADERS),
        allow_headers=["Content-Type"],
    )


Own = Callable[[], Awaitable[messages.Reply]]


def _own_routes(call: Call) -> Mapping[str, Own]:
    """What is there beside the resources."""

    async def version() -> messages.Reply:
        return messages.Reply(0, {"version": openvnet.__version__})

    async def nodes() -> messages.Reply:
        return await call(messages.Request(0, "nodes"))

    async def health() -> messages.Reply:
        reply = await nodes()
        if reply.problem:
            return reply
        return messages.Reply(0, {"vnmgr": "answers"}, revision=reply.revision)

    async def openapi() -> messages.Reply:
        return messages.Reply(0, document())

    return {"version": version, "nodes": nodes, "health": health, "openapi": openapi}


async def _answer(
    request: Request, found: Place, call: Call, own: Mapping[str, Own], origins: frozenset[str]
) -> Response:
    method = "GET" if request.method == "HEAD" else request.method
    path = request.scope["path"]
    if not found.uuids and len(found.words) == 1 and (get := own.get(found.words[0])):
        if method != "GET":
            raise UnknownMethod(method, path, ("GET",))
        return reply_answer(await get(), found.format)
    operation = route(_ROUTES, method, path, found)
    if operation.writes:
        _refuse_foreign(request, origins)
    given = await _given(request, operation)
    question, started = asked(operation, found, given, _origin(request)), time.perf_counter()
    reply = await call(question)
    if operation.writes:
        tell(operation, question, reply, time.perf_counter() - started)
    return reply_answer(reply, found.format)


def asked(
    operation: Operation, found: Place, given: dict[str, Any], origin: str
) -> messages.Request:
    """What vnmgr is asked, all values read by their scalars."""
    uuids = {
        name: reading.path_uuid(name, uuid, prefix)
        for name, (uuid, prefix) in named(operation, found).items()
    }
    wait = reading.wait_seconds(given.pop("wait", None)) if operation.writes else None
    limit, offset = (0, 0) if operation.writes else reading.page(given)
    return messages.Request(
        id=0,
        verb=operation.verb,
        collection=operation.resource.collection,
        uuid=uuids.get("uuid"),
        parent=uuids.get(operation.resource.parent or ""),
        related=uuids.get(operation.resource.related or ""),
        values=reading.values(operation, given),
        limit=limit,
        offset=offset,
        wait=wait,
        origin=origin,
    )


async def _given(request: Request, operation: Operation) -> dict[str, Any]:
    try:
        query = request.scope["query_string"].decode("ascii")
    except UnicodeDecodeError:
        raise InvalidArgument("The query string must be percent-encoded.") from None
    given = reading.query_parameters(query) if query else {}
    if not operation.writes:
        return given
    body = await _body(request)
    if body:
        kind = request.headers.get("content-type", "")
        given |= reading.body_parameters(body, kind, operation.parameters)
    return given


async def _body(request: Request) -> bytes:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > reading.BODY_LIMIT:
            raise InvalidBody(f"It has more than {reading.BODY_LIMIT} bytes.")
    return body


def _refuse_foreign(request: Request, origins: frozenset[str]) -> None:
    """Browsers name the site of the page that writes; other programs name none.

    Our own site is known by its address only: any name can be made to lead here by its owner.
    """
    origin = request.headers.get("origin")
    if origin is None or origin in origins:
        return
    host = request.headers.get("host", "")
    if origin.partition("://")[2] != host or not _ADDRESS.fullmatch(host):
        raise ForeignOrigin("A web page of another site may not write here.")


def _origin(request: Request) -> str:
    where = request.client.host if request.client and request.client.host else "this host"
    agent = request.headers.get("user-agent", "")
    return f"{where} {agent}".strip()[:100]

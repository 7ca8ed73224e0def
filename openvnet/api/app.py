"""webapi as an ASGI application: it reads a request, asks vnmgr, and shows the reply.

It holds no state and no rule of the domain. There is no middleware: whatever is done for each
request stands in `_answer`, as a change has 5 ms for its whole way to the switch.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote

from msgspec.structs import replace
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from openvnet.api import reading
from openvnet.api.answers import refusal, reply_answer
from openvnet.api.changes import Changes, Refusal
from openvnet.api.conditions import etags, is_known, key
from openvnet.api.credentials import CREDENTIALS, Failures, credentials_of
from openvnet.api.described import REQUEST_HEADERS, RESPONSE_HEADERS
from openvnet.api.errors import (
    ApiError,
    InvalidArgument,
    Unavailable,
    UnknownMethod,
)
from openvnet.api.listing import links, listing, shown_fields
from openvnet.api.own import OPEN, Own, own_name, own_paths
from openvnet.api.reading import PAGE_LIMIT, scalar_value
from openvnet.api.received import body_of, origin_of, query_of, refuse_foreign
from openvnet.api.routes import Place, named, place, route, routes
from openvnet.api.telling import tell
from openvnet.api.tokens import with_secrets
from openvnet.metrics import (
    CALL_SECONDS,
    CONTENT_TYPE,
    HTTP_SECONDS,
    HTTP_WAITING,
    UNANSWERED,
    Metrics,
)
from openvnet.model.operations import Operation
from openvnet.model.scalars import TEXT
from openvnet.wire import messages

Call = Callable[[messages.Request], Awaitable[messages.Reply]]
"""How vnmgr is asked; raises `Unavailable` if it does not answer."""

_LOG = logging.getLogger(__name__)
_ROUTES = routes()
METHODS = ("GET", "POST", "PUT", "DELETE")


def application(
    call: Call,
    origins: frozenset[str],
    metrics: Metrics,
    page_limit: int = PAGE_LIMIT,
    changes: Changes | None = None,
    *,
    tokens_required: bool = False,
) -> ASGIApp:
    """The application; web pages of these origins may write, and those of our own.

    A list has `page_limit` items at most, unless the request says how many; `changes` is told of
    each revision; `tokens_required` of who comes over TCP.
    """
    call = _measured(call, metrics)
    failures = Failures()
    changes = changes or Changes(call)
    own = own_paths(call, changes, origins, page_limit, tokens_required)
    waiting = 0
    metrics.read(HTTP_WAITING, lambda: waiting)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal waiting
        if scope["type"] != "http":
            return
        started, waiting = time.perf_counter(), waiting + 1
        try:
            request = Request(scope, receive)
            response = await respond(request, place(scope["path"]))
            if response.status_code == 401:
                failures.note(request)
            await response(scope, receive, send)
            method = scope["method"] if scope["method"] in METHODS else "other"
            took = time.perf_counter() - started
            metrics.observe(HTTP_SECONDS, took, method, str(response.status_code))
        except ClientDisconnect:
            pass
        finally:
            waiting -= 1

    async def respond(request: Request, found: Place) -> Response:
        try:
            CREDENTIALS.set("")
            required = tokens_required and own_name(found) not in OPEN
            CREDENTIALS.set(credentials_of(request, required))
            if request.scope["path"] == "/metrics":
                return await _metrics(request, metrics, call)
            return await _answer(request, found, call, own, origins, page_limit)
        except ClientDisconnect:
            raise
        except asyncio.CancelledError:
            # The server ends, and has given this request all the time that it gives.
            ending = Unavailable("webapi ends. A write that waited for hosts may be done; look.")
            return refusal(ending.problem(), found.format)
        except Refusal as refused:
            return refusal(refused.problem, found.format)
        except ApiError as error:
            return refusal(error.problem(), found.format, error.headers)
        except Exception:
            _LOG.exception("%s %s failed", request.method, request.scope["path"])
            problem = messages.Problem("InternalError", "500", 500, "webapi failed; see its log.")
            return refusal(problem, found.format)

    return _readable_by(app, origins) if origins else app


async def _metrics(request: Request, metrics: Metrics, call: Call) -> Response:
    if request.method not in ("GET", "HEAD"):
        raise UnknownMethod(request.method, "/metrics", ("GET",))
    if CREDENTIALS.get():
        reply = await call(messages.Request(0, "metrics"))
        if reply.problem:
            raise Refusal(reply.problem)
    return Response(metrics.page(), media_type=CONTENT_TYPE)


def _measured(call: Call, metrics: Metrics) -> Call:
    """The same, and how long it takes is counted."""

    async def measured(request: messages.Request) -> messages.Reply:
        started = time.perf_counter()
        try:
            reply = await call(request)
        except Unavailable:
            metrics.count(UNANSWERED)
            raise
        waited = "no" if request.wait is None else "yes"
        metrics.observe(CALL_SECONDS, time.perf_counter() - started, request.verb, waited)
        return reply

    return measured


def _readable_by(app: ASGIApp, origins: frozenset[str]) -> ASGIApp:
    from starlette.middleware.cors import CORSMiddleware

    return CORSMiddleware(
        app,
        allow_origins=sorted(origins),
        allow_methods=METHODS,
        expose_headers=("ETag", "Link", *RESPONSE_HEADERS),
        allow_headers=["Authorization", "Content-Type", *REQUEST_HEADERS],
    )


async def _answer(
    request: Request,
    found: Place,
    call: Call,
    own: Mapping[str, Own],
    origins: frozenset[str],
    page_limit: int,
) -> Response:
    method = "GET" if request.method == "HEAD" else request.method
    path = request.scope["path"]
    if handle := own.get(own_name(found)):
        if method == handle.method:
            return await handle.answer(request, found)
        if found.key not in _ROUTES:
            raise UnknownMethod(method, path, (handle.method,))
    operation = route(_ROUTES, method, path, found)
    if operation.writes:
        refuse_foreign(request, origins)
    given = await _given(request, operation)
    question = asked(operation, found, dict(given), origin_of(request), page_limit)
    if operation.writes:
        question = _guarded(question, operation, request.headers)
    question, made = with_secrets(operation, question)
    started = time.perf_counter()
    reply = await call(question)
    if operation.writes:
        tell(operation, question, reply, time.perf_counter() - started)
    if operation.verb == "show" and is_known(request.headers, reply.etag):
        return Response(status_code=304, headers={"ETag": f'"{reply.etag}"'})
    if made and reply.problem is None:
        reply = replace(reply, result=made(reply.result))
    answer = reply_answer(reply, found.format)
    if made:
        answer.headers["Cache-Control"] = "no-store"
    if question.dry_run and reply.problem is None:
        answer.headers["OpenVNet-Dry-Run"] = "true"
    if operation.verb == "list" and reply.problem is None:
        answer.headers.update(links(quote(request.scope["path"]), given, reply.result))
    return answer


def asked(
    operation: Operation,
    found: Place,
    given: dict[str, Any],
    origin: str,
    page_limit: int = PAGE_LIMIT,
) -> messages.Request:
    """What vnmgr is asked, all values read by their scalars."""
    uuids = {
        name: reading.path_uuid(name, uuid, prefix)
        for name, (uuid, prefix) in named(operation, found).items()
    }
    resource = operation.resource
    question = messages.Request(
        id=0,
        verb=operation.verb,
        collection=resource.collection,
        uuid=uuids.get("uuid"),
        parent=uuids.get(resource.parent or ""),
        related=uuids.get(resource.related or ""),
        origin=origin,
    )
    if operation.names_project:
        project = given.pop("project", "")
        question = replace(question, project=scalar_value("project", project, TEXT))
    if operation.verb == "list":
        return replace(question, **listing(resource, given, page_limit)._asdict())
    if operation.verb == "show":
        return replace(question, fields=shown_fields(resource, given))
    wait = reading.wait_seconds(given.pop("wait", None))
    rehearsed = reading.is_dry_run(given.pop("dry_run", None))
    question = replace(question, wait=wait, dry_run=rehearsed)
    if (several := given.pop(reading.SEVERAL, None)) is not None:
        return replace(question, many=reading.many(operation, several, given))
    return replace(question, values=reading.values(operation, given))


def _guarded(
    question: messages.Request, operation: Operation, headers: Mapping[str, str]
) -> messages.Request:
    """What is asked, with what the headers say of when it is to be done."""
    if_match = etags(headers, "If-Match")
    if if_match and question.uuid is None:
        raise InvalidArgument("If-Match goes with PUT and DELETE of one resource.")
    if "if-none-match" in headers:
        raise InvalidArgument(f"If-None-Match goes with GET, not with {operation.method}.")
    return replace(question, if_match=if_match, key=key(headers))


async def _given(request: Request, operation: Operation) -> dict[str, Any]:
    given: dict[str, Any] = dict(query_of(request))
    if not operation.writes:
        return given
    body = await body_of(request)
    if body.lstrip()[:1] == b"[" and operation.verb == "create" and not operation.names_one:
        given[reading.SEVERAL] = reading.items(body)
    elif body:
        kind = request.headers.get("content-type", "")
        given |= reading.body_parameters(body, kind, operation.parameters)
    return given

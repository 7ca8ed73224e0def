"""What came with a request beside its path: its body, who sent it, and whether they may write."""

import re
from collections.abc import Container

from starlette.requests import Request

from openvnet.api import reading
from openvnet.api.errors import ForeignOrigin, InvalidArgument, InvalidBody

_ADDRESS = re.compile(r"(localhost|[0-9.]+|\[[0-9a-f:.]+\])(:[0-9]+)?")


def query_of(request: Request) -> dict[str, str]:
    """The parameters of the query string."""
    try:
        query = request.scope["query_string"].decode("ascii")
    except UnicodeDecodeError:
        raise InvalidArgument("The query string must be percent-encoded.") from None
    return reading.query_parameters(query) if query else {}


async def body_of(request: Request, most: int | None = None) -> bytes:
    """The body, if it is not too long; `most` bytes, where it may be longer than usual."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        is_list = body[:1000].lstrip()[:1] == b"["
        limit = most or (reading.LIST_LIMIT if is_list else reading.BODY_LIMIT)
        if len(body) > limit:
            raise InvalidBody(f"It has more than {limit} bytes.")
    return bytes(body)


def refuse_foreign(request: Request, origins: Container[str]) -> None:
    """Browsers name the site of the page that writes; other programs name none.

    Our own site is known by its address only: any name can be made to lead here by its owner.
    """
    origin = request.headers.get("origin")
    if origin is None or origin in origins:
        return
    host = request.headers.get("host", "")
    if origin.partition("://")[2] != host or not _ADDRESS.fullmatch(host):
        raise ForeignOrigin("A web page of another site may not write here.")


def origin_of(request: Request) -> str:
    """Who asks, for the log."""
    where = request.client.host if request.client and request.client.host else "this host"
    agent = request.headers.get("user-agent", "")
    return f"{where} {agent}".strip()[:100]

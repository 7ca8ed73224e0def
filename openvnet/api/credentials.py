"""Who calls: the token that came with a request, and what is said to who has none.

Only the SHA-256 of a token goes further than here; vnmgr decides what it is good for. A token comes
in the header Authorization and nowhere else: addresses are logged by everything on their way.

The credentials of a request are a context variable, so that whatever is asked of vnmgr on behalf of
a request carries them; what asks outside of any request fails.
"""

import logging
import re
import secrets
import time
from contextvars import ContextVar
from hashlib import sha256

from starlette.requests import Request

from openvnet.api.errors import InvalidArgument, Unauthenticated

PREFIX = "vnt_"
"""Of every token, so that it is known for one wherever it should turn up."""

CREDENTIALS: ContextVar[str] = ContextVar("credentials")
"""The SHA-256 of the token of the request that is being answered; empty if it needs none."""

_BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/=-]{1,200})", re.IGNORECASE)
_NAMES = ("token", "access_token", "api_key", "apikey", "authorization")
_SECONDS = 10.0
"""How often failures of one address are logged at most."""
_MOST_ADDRESSES = 1000

_LOG = logging.getLogger(__name__)


def made_secret() -> str:
    """A new token's secret: 256 random bits."""
    return PREFIX + secrets.token_urlsafe(32)


def digest_of(secret: str) -> str:
    """What is kept of a secret."""
    return sha256(secret.encode()).hexdigest()


def credentials_of(request: Request, required: bool) -> str:
    """The digest of a request's token; empty if it has none. Raise Unauthenticated.

    A token is `required` of those who come over TCP: who may open the unix socket needs none.
    """
    _refuse_in_url(request)
    given = request.headers.getlist("authorization")
    if not given:
        if required and is_over_tcp(request):
            raise Unauthenticated("A token is required: Authorization: Bearer, and the token.")
        return ""
    said = _BEARER.fullmatch(given[0].strip())
    if len(given) > 1 or said is None:
        raise Unauthenticated("Authorization must be, once, the word Bearer and a token.")
    return digest_of(said[1])


def is_over_tcp(request: Request) -> bool:
    """Whether a request came over TCP, and not over the unix socket."""
    server = request.scope.get("server")
    return server is None or server[1] is not None


def _refuse_in_url(request: Request) -> None:
    query = request.scope["query_string"].lower()
    if PREFIX in request.scope["path"] or PREFIX.encode() in query:
        raise InvalidArgument(_IN_URL)
    if query and any(name in _NAMES for name in request.query_params):
        raise InvalidArgument(_IN_URL)


_IN_URL = (
    "A token must not be in a URL, which is logged on its way: revoke it, make another, and send "
    "that in the header Authorization."
)


class Failures:
    """The requests without a good token, told in the log, however many there are."""

    def __init__(self) -> None:
        self._told: dict[str, tuple[float, int]] = {}
        """By address: when it was told of last, and how many there were since."""

    def note(self, request: Request) -> None:
        """Log a failure, or that there were several; never the token."""
        where = request.client.host if request.client else "this host"
        now = time.monotonic()
        at, count = self._told.get(where, (-_SECONDS, 0))
        if now - at < _SECONDS:
            self._told[where] = at, count + 1
            return
        if len(self._told) >= _MOST_ADDRESSES:
            self._told.clear()
        self._told[where] = now, 0
        more = f", and {count} more before" if count else ""
        _LOG.warning("a request from %s had no token that is good%s", where, more)

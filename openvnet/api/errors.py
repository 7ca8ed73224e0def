"""What webapi refuses, and with which words, codes and statuses.

    ApiError
    ├── InvalidUuid        400  101  a uuid of wrong form or prefix
    ├── InvalidArgument    400  110  a parameter that is unknown, repeated or of a wrong value
    ├── InvalidBody        400  110  a request body that cannot be read
    ├── MissingArgument    400  111  a required parameter that is not there
    ├── Unauthenticated    401  401  no token, or none that can be one
    ├── ForeignOrigin      403  403  a write by a web page of another site
    ├── UnknownPath        404  404  no such path
    ├── UnknownMethod      405  405  a path that does not know this method
    └── Unavailable        503  503  vnmgr does not answer

vnmgr refuses with `wire.messages.Problem`, which names the rest (unknown, duplicate, in use ...).
On the wire all have one shape: `{"error": ..., "code": ..., "message": ...}`.
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, ClassVar

from openvnet.wire.messages import Problem


class ApiError(Exception):
    """A request that is refused. Its text is a sentence for the person who asked."""

    error: ClassVar[str]
    code: ClassVar[str]
    status: ClassVar[int]
    headers: Mapping[str, str] = MappingProxyType({})
    """Of the answer."""

    def problem(self) -> Problem:
        """What the answer says."""
        return Problem(self.error, self.code, self.status, str(self))


class InvalidUuid(ApiError):
    """A uuid of wrong form, or with the prefix of another kind of resource."""

    error, code, status = "InvalidUUID", "101", 400


class InvalidArgument(ApiError):
    """A parameter that is unknown, repeated, or has a wrong value."""

    error, code, status = "ArgumentError", "110", 400


class InvalidBody(ApiError):
    """A request body that cannot be read."""

    error, code, status = "ArgumentError", "110", 400

    def __init__(self, why: str) -> None:
        super().__init__(f"Invalid request body. {why}")


class MissingArgument(ApiError):
    """A required parameter that is not there."""

    error, code, status = "MissingArgument", "111", 400


class Unauthenticated(ApiError):
    """No token, or none that can be one."""

    error, code, status = "Unauthorized", "401", 401


class ForeignOrigin(ApiError):
    """A write by a web page of another site, in the browser of somebody who may write."""

    error, code, status = "ForeignOrigin", "403", 403


class UnknownPath(ApiError):
    """A path that names nothing."""

    error, code, status = "NotFound", "404", 404


class UnknownMethod(ApiError):
    """A path that does not know this method."""

    error, code, status = "MethodNotAllowed", "405", 405

    def __init__(self, method: str, path: str, allowed: Iterable[str]) -> None:
        known = ", ".join(sorted(allowed))
        self.headers = {"Allow": known}
        super().__init__(f"{method} {path} is not possible; it knows {known}.")


class Unavailable(ApiError):
    """vnmgr does not answer, so nothing can be read or written now."""

    error, code, status = "Unavailable", "503", 503


def nearest(word: str, known: Iterable[str]) -> str:
    """A question that names the known word most like this one, or nothing."""
    near = get_close_matches(word[:64], list(known), n=1)
    return f" Did you mean {near[0]}?" if near else ""


def shown(value: Any) -> str:
    """A value that somebody gave, short enough and safe to be repeated in a message."""
    if isinstance(value, (list, tuple, set)):
        return "a list"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, int) and value.bit_length() > 256:
        return "a number of more than 256 bits"
    text = f'"{value}"' if str(value).isprintable() else ascii(value)
    return text if len(text) <= 80 else f"{text[:76]}..."

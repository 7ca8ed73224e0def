"""The headers by which a client says when a request is to be done: ETags and idempotency keys."""

import re
from collections.abc import Mapping

from openvnet.api.errors import InvalidArgument, shown

_ETAG = r'(?:W/)?"[\x21\x23-\x7e]*"'
_ETAGS = re.compile(rf"\s*(?:\*|{_ETAG}(?:\s*,\s*{_ETAG})*)\s*")
_KEY = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")


def etags(headers: Mapping[str, str], name: str) -> tuple[str, ...]:
    """The ETags that a header names, without their quotes; "*" is any. Weak ones keep their W/."""
    given = headers.get(name)
    if given is None:
        return ()
    if not _ETAGS.fullmatch(given):
        raise InvalidArgument(f'{name} {shown(given)}: must be ETags such as "0f3a", or *.')
    if given.strip() == "*":
        return ("*",)
    return tuple(tag.replace('"', "") for tag in re.findall(_ETAG, given))


def is_known(headers: Mapping[str, str], etag: str) -> bool:
    """Whether a client has what has this ETag already (If-None-Match)."""
    known = etags(headers, "If-None-Match")
    return bool(etag) and ("*" in known or etag in {tag.removeprefix("W/") for tag in known})


def key(headers: Mapping[str, str]) -> str:
    """The idempotency key; empty if there is none."""
    given = headers.get("Idempotency-Key")
    if given is None:
        return ""
    if not _KEY.fullmatch(given):
        reason = "must be 1 to 255 printable ASCII characters"
        raise InvalidArgument(f"Idempotency-Key {shown(given)}: {reason}.")
    return given.strip('"')

"""What webapi answers: bodies in JSON or YAML, problems, and the headers that speak of revisions.

Header values that are lists are JSON in ASCII: a host's words may hold any character, and nothing
in them can then end a header.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from starlette.responses import Response

from openvnet.wire.messages import Problem, Realised, Reply

_JSON = msgspec.json.Encoder()
_LONGEST_LIST = 20
"""Words of a header's list, so that all headers stay far below what clients take (64 KB)."""


def answer(
    result: Any, format: str = "json", status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A result in the format asked for."""
    if format == "yaml":
        return Response(_yaml(result), status, headers, "application/yaml")
    return Response(_JSON.encode(result), status, headers, "application/json")


def _yaml(result: Any) -> str:
    import yaml

    text: str = yaml.safe_dump(result, sort_keys=False, allow_unicode=True)
    return text


def refusal(
    problem: Problem, format: str = "json", headers: Mapping[str, str] | None = None
) -> Response:
    """A problem in the format asked for."""
    body = {"error": problem.error, "code": problem.code, "message": problem.message}
    if problem.status == 401:
        headers = {**(headers or {}), "WWW-Authenticate": 'Bearer realm="openvnet"'}
    return answer(body, format, problem.status, headers)


def reply_answer(reply: Reply, format: str) -> Response:
    """What vnmgr replied."""
    headers = dict(_headers(reply))
    if reply.problem is not None:
        return refusal(reply.problem, format, headers)
    return answer(reply.result, format, headers=headers)


def _headers(reply: Reply) -> Iterator[tuple[str, str]]:
    if reply.revision is not None:
        yield "OpenVNet-Revision", f"{reply.revision.epoch}/{reply.revision.number}"
    if not reply.changed:
        yield "OpenVNet-Changed", "false"
    if reply.etag:
        yield "ETag", f'"{reply.etag}"'
    if reply.realised is not None:
        yield from _realised(reply.realised)


def _realised(realised: Realised) -> Iterator[tuple[str, str]]:
    yield "OpenVNet-Realised-Milliseconds", f"{realised.milliseconds:.3f}"
    yield "OpenVNet-Realised-Hosts", json.dumps(realised.hosts)
    if realised.lagging:
        yield "OpenVNet-Lagging", _words(realised.lagging)
    if realised.failures:
        yield "OpenVNet-Failures", _words(realised.failures)


def _words(words: tuple[str, ...]) -> str:
    short = [word[:200] for word in words[:_LONGEST_LIST]]
    if more := len(words) - len(short):
        short.append(f"and {more} more")
    return json.dumps(short)

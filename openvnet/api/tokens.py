"""New tokens: their secrets are made here, shown once, and go no further."""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from openvnet.api.credentials import digest_of, made_secret
from openvnet.api.errors import InvalidArgument
from openvnet.model import TOKENS
from openvnet.model.operations import Operation
from openvnet.wire.messages import Request

Shown = Callable[[Any], Any]
"""Adds to what vnmgr answers what it does not know."""


def with_secrets(operation: Operation, question: Request) -> tuple[Request, Shown | None]:
    """What vnmgr is asked, and how its answer is shown; None: as it is."""
    if operation.resource is not TOKENS or operation.verb != "create":
        return question, None
    if question.key:
        raise InvalidArgument("A token is shown once, so an Idempotency-Key cannot go with it.")
    secrets = [made_secret() for _ in question.many or ("one",)]
    digests = [{"digest": digest_of(secret)} for secret in secrets]
    if question.many is None:
        asked = replace(question, values=question.values | digests[0])
    else:
        many = tuple(values | more for values, more in zip(question.many, digests, strict=True))
        asked = replace(question, many=many)

    def shown(result: Any) -> Any:
        if question.dry_run:
            return result
        if question.many is None:
            return {**result, "secret": secrets[0]}
        return [{**one, "secret": secret} for one, secret in zip(result, secrets, strict=True)]

    return asked, shown

"""What vnmgr refuses, and with which words, codes and statuses.

    RequestRefused
    ├── UnknownUuid        404  100  a uuid of right form that names nothing
    ├── InvalidUuid        400  101  a uuid of wrong form, or of another kind of resource
    ├── DuplicateUuid      400  102  a uuid that is in use
    ├── WrongSegment       400  103  a segment that is not the network's
    ├── InvalidArgument    400  110  a value that is wrong, or taken by another resource
    ├── MissingArgument    400  111  a required parameter that is not there
    ├── AlreadyRelated     400  112  two resources that are joined already
    ├── UnknownOperation   404  114  no such resource, or nothing that can be done with it
    ├── UnknownValues      404  114  values that no row has which would be deleted
    ├── Conflict           409  409  an undoing of what later changes are built on
    ├── QuotaExceeded      409  409  more of something than a project may have
    ├── Unauthenticated    401  401  a token that is not known, or no longer good
    ├── Forbidden          403  403  what the caller's role may not do
    ├── OtherEpoch         410  410  revisions of a database that was made anew or restored since
    ├── PreconditionFailed 412  412  a resource that has changed since its ETag was read
    ├── KeyReused          422  422  an idempotency key of another request
    └── Unusable           503  503  the database cannot be read or written now

They are raised out of a write's work, which undoes it.
"""

from typing import ClassVar

from openvnet.wire.messages import Problem


class RequestRefused(Exception):
    """A request that is refused. Its text is a sentence for the person who asked."""

    error: ClassVar[str]
    code: ClassVar[str]
    status: ClassVar[int]

    def problem(self) -> Problem:
        """What the reply says."""
        return Problem(self.error, self.code, self.status, str(self))


class UnknownUuid(RequestRefused):
    """A uuid of right form that names nothing."""

    error, code, status = "UnknownUUIDResource", "100", 404


class InvalidUuid(RequestRefused):
    """A uuid of wrong form, or with the prefix of another kind of resource."""

    error, code, status = "InvalidUUID", "101", 400


class DuplicateUuid(RequestRefused):
    """A uuid that is in use."""

    error, code, status = "DuplicateUUID", "102", 400


class WrongSegment(RequestRefused):
    """A segment that is not that of the network."""

    error, code, status = "InvalidID", "103", 400


class InvalidArgument(RequestRefused):
    """A value that is wrong, or taken by another resource."""

    error, code, status = "ArgumentError", "110", 400


class MissingArgument(RequestRefused):
    """A required parameter that is not there."""

    error, code, status = "MissingArgument", "111", 400


class AlreadyRelated(RequestRefused):
    """Two resources that are joined already."""

    error, code, status = "RelationAlreadyExists", "112", 400


class UnknownValues(RequestRefused):
    """Values that no row has, where one was to be deleted by them."""

    error, code, status = "UnknownResource", "114", 404


class UnknownOperation(RequestRefused):
    """No such resource, or nothing that can be done with it."""

    error, code, status = "UnknownResource", "114", 404


class Conflict(RequestRefused):
    """An undoing of what later changes are built on."""

    error, code, status = "Conflict", "409", 409


class QuotaExceeded(RequestRefused):
    """More of something than a project may have."""

    error, code, status = "QuotaExceeded", "409", 409


class Unauthenticated(RequestRefused):
    """A token that is not known, or no longer good."""

    error, code, status = "Unauthorized", "401", 401


class Forbidden(RequestRefused):
    """What the role of the caller may not do."""

    error, code, status = "Forbidden", "403", 403


class OtherEpoch(RequestRefused):
    """Revisions of a database that was made anew or restored since."""

    error, code, status = "OtherEpoch", "410", 410


class PreconditionFailed(RequestRefused):
    """A resource that has changed since its ETag was read."""

    error, code, status = "PreconditionFailed", "412", 412


class KeyReused(RequestRefused):
    """An idempotency key that was used for another request."""

    error, code, status = "IdempotencyKeyReused", "422", 422


class Unusable(RequestRefused):
    """The database cannot be read or written now."""

    error, code, status = "StoreError", "503", 503

"""What webapi answers, or why it does not; of nothing that asks it, and so imported at once.

ClientError
├── Unreachable    nobody answers at the address
├── Unreadable     somebody answers, but not webapi
└── Refused        the API says no: error, code, status and message
"""

from typing import Any

import msgspec


class ClientError(Exception):
    """A call that did not succeed. Its text is for people."""


class Unreachable(ClientError):
    """Nobody answers at the address."""


class Unreadable(ClientError):
    """Somebody answers, but not webapi."""


class Refused(ClientError):
    """The API refused."""

    def __init__(self, problem: "Problem", status: int) -> None:
        super().__init__(problem.message)
        self.error, self.code, self.message = problem.error, problem.code, problem.message
        self.status = status


class Problem(msgspec.Struct, frozen=True):
    """The body of a refusal."""

    error: str
    code: str
    message: str


class Realised(msgspec.Struct, frozen=True):
    """What came of waiting for the hosts."""

    milliseconds: float
    hosts: tuple[str, ...]
    """Node ids of those that were concerned and have acknowledged."""
    lagging: tuple[str, ...]
    """Those that have not, in words."""
    failures: tuple[str, ...]
    """What hosts reported as refused, in words."""


class Answer(msgspec.Struct, frozen=True):
    """What the API answered."""

    body: Any
    text: bytes
    """The body as it came, in JSON."""
    revision: str | None
    """Of a write, and the newest of `/nodes`: epoch, a slash, number."""
    realised: Realised | None
    """Of a write that waited."""
    changed: bool = True
    """Of a write: whether it made that revision, or all was so already."""
    rehearsed: bool = False
    """Of a write that was checked only."""


class Event(msgspec.Struct, frozen=True):
    """One of a stream of changes."""

    id: str
    kind: str
    """`revision`, or `dropped`: the stream ends here."""
    data: Any

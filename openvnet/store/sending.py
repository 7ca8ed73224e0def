"""What a write tells the database without a question, kept back and sent together.

To a server, a round trip is most of what a statement costs, and what a write stores needs no answer
but that it was stored. So statements wait here until somebody asks the database something, or the
write is over; a server that takes several at once gets them so (`dialects.execute_all`).

It is misused by asking the connection something behind its back: send first.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from openvnet.model import Row
from openvnet.store.dialects import execute_all

MOST = 100
"""Statements that wait."""


class Refused(Exception):
    """The database refused a row; who holds what it wants is found after the rollback."""

    def __init__(self, row: Row) -> None:
        super().__init__(row.uuid)
        self.row = row


class Statement(NamedTuple):
    """One that waits."""

    statement: Any
    values: dict[str, Any]
    row: Row | None
    """What it stores, if the database may refuse it."""


class Unsent:
    """The statements that wait, in order."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._waiting: list[Statement] = []
        self.begun = False
        """Whether any was sent."""

    def add(self, statement: Any, values: dict[str, Any], row: Row | None = None) -> None:
        """Execute a statement, sooner or later. Raise what `send` raises."""
        self._waiting.append(Statement(statement, values, row))
        if len(self._waiting) >= MOST:
            self.send()

    def add_all(self, statement: Any, values: Sequence[dict[str, Any]]) -> None:
        """Execute a statement with each of these values."""
        if len(values) >= MOST:
            self.send()
            self._connection.execute(statement, values)
            return
        for each in values:
            self.add(statement, each)

    def send(self) -> None:
        """Have all of them executed. Raise Refused, and DBAPIError."""
        if not self._waiting:
            return
        waiting, self._waiting, self.begun = self._waiting, [], True
        done: list[None] = []
        try:
            execute_all(self._connection, [(each[0], each[1]) for each in waiting], done)
        except IntegrityError as error:
            row = waiting[len(done)].row
            if row is None:
                raise
            raise Refused(row) from error

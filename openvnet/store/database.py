"""The database itself: opened, migrated, and written by group commits.

All writes that wait together are committed in one transaction, so that they share one `fsync`; each
runs in a savepoint of its own and gets a revision of its own, and one that fails is undone alone.
A write with nobody beside it needs no savepoint, which would be a third of its time.
When `Store.commit` has returned, what it returned survives a power cut.

    BEGIN
      lock the counter
      SAVEPOINT  first write, its log lines   RELEASE       revision 41
      SAVEPOINT  second write                 ROLLBACK      refused, no revision
      SAVEPOINT  third write, its log lines   RELEASE       revision 42
      set the counter
    COMMIT

It is misused from several threads: one task writes, and reads between its own writes.
"""

import logging
import os
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import (
    Connection,
    Engine,
    bindparam,
    create_engine,
    event,
    insert,
    select,
    update,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from openvnet.model import RESOURCES, Row
from openvnet.store import log
from openvnet.store.errors import StoreError
from openvnet.store.locking import held
from openvnet.store.migrations import migrate
from openvnet.store.replacing import Content, replace_all
from openvnet.store.schema import STORE
from openvnet.store.transaction import Change, Refused, Transaction, every, holder

logger = logging.getLogger(__name__)

T = TypeVar("T")
Work = Callable[[Transaction], Any]
"""What a write does; it raises to refuse, and then nothing of it is kept."""


class Write(NamedTuple):
    """Something to be written, and who asked for it."""

    work: Work
    origin: str = ""


class Committed(NamedTuple):
    """What came of a write that was kept."""

    result: Any
    """What its work returned."""
    number: int
    """Of its revision; of the newest one if it changed nothing."""
    changes: Sequence[Change]
    time: int
    """When it was written, in microseconds since 1970, UTC."""


Outcome = Committed | Exception


class Store:
    """An open database. `epoch` and `number` say where in its history it stands."""

    def __init__(self, connection: Connection, lock: int) -> None:
        self.connection = connection
        self._lock = lock
        with connection.begin():
            self.epoch, self.number = connection.execute(_PLACE).one()

    def commit(self, writes: Sequence[Write]) -> list[Outcome]:
        """Do all writes; an outcome for each, in order. Raise nothing."""
        now = time.time_ns() // 1000
        try:
            if len(writes) == 1:
                return [self._alone(writes[0], now)]
            return self._together(writes, now)
        except StoreError as failure:
            return [failure for _ in writes]

    def _alone(self, write: Write, now: int) -> Outcome:
        """One write; what undoes it is the end of its transaction."""
        try:
            with self._numbered() as number:
                committed = self._done(write, number, now)
                self._set_number(number, committed.number)
        except Refused as refused:
            with self._transaction(_UNREADABLE):
                return self._named(refused)
        except StoreError:
            raise
        except Exception as refusal:
            return refusal
        self.number = committed.number
        return committed

    def _together(self, writes: Sequence[Write], now: int) -> list[Outcome]:
        """Several, of which one that is refused leaves the others as they are."""
        outcomes: list[Outcome] = []
        with self._numbered() as number:
            newest = number
            for write in writes:
                outcome = self._one_of_many(write, newest, now)
                outcomes.append(outcome)
                if isinstance(outcome, Committed):
                    newest = outcome.number
            self._set_number(number, newest)
        self.number = newest
        return outcomes

    def _one_of_many(self, write: Write, number: int, now: int) -> Outcome:
        try:
            with self.connection.begin_nested():
                return self._done(write, number, now)
        except Refused as refused:
            return self._named(refused)
        except DBAPIError:
            raise
        except Exception as refusal:
            return refusal

    def _named(self, refused: Refused) -> Exception:
        """Who has what a refused row wants, with what was noted of the refusal."""
        taken = holder(self.connection, refused.row)
        if taken is None:
            return refused
        for note in getattr(refused, "__notes__", ()):
            taken.add_note(note)
        return taken

    def _done(self, write: Write, number: int, now: int) -> Committed:
        """Do a write, and log what it changed as the revision after `number`."""
        transaction = Transaction(self.connection, number + 1, now // 1_000_000)
        result = write.work(transaction)
        changes = transaction.changes()
        if not changes:
            return Committed(result, number, changes, now)
        log.append(self.connection, number + 1, changes, now, write.origin)
        return Committed(result, number + 1, changes, now)

    @contextmanager
    def _numbered(self) -> Iterator[int]:
        """A transaction that holds the counter, and the number of the newest revision."""
        with self._transaction("The database cannot be written"):
            yield self.connection.execute(_LOCK_NUMBER).scalar_one()

    def _set_number(self, before: int, newest: int) -> None:
        if newest != before:
            self.connection.execute(_SET_NUMBER, {"newest": newest})

    def read(self, work: Callable[[Transaction], T]) -> T:
        """What `work` makes of the rows. It must not write."""
        with self._transaction(_UNREADABLE):
            return work(Transaction(self.connection, self.number))

    def rows(self) -> Iterator[tuple[Row, int]]:
        """All rows, kind by kind in the order of creation, each with the revision that made it."""
        with self._transaction(_UNREADABLE):
            for resource in RESOURCES:
                yield from every(self.connection, resource.kind)

    def replace(self, content: Content, origin: str) -> None:
        """Put this in place of all there is, as a revision of a new epoch. Raise StoreError."""
        epoch, number = secrets.token_hex(8), content.number + 1
        with self._numbered():
            replace_all(self.connection, content)
            log.restored(self.connection, number, epoch, time.time_ns() // 1000, origin)
            self.connection.execute(_BEGIN_ANEW, {"epoch_now": epoch, "newest": number})
        self.epoch, self.number = epoch, number

    @contextmanager
    def _transaction(self, failing: str) -> Iterator[None]:
        try:
            with _failing(failing), self.connection.begin():
                yield
        except StoreError:
            # A commit that fails may leave its transaction open, and then none could begin again.
            self.connection.connection.rollback()
            raise

    def close(self) -> None:
        """Let another vnmgr have it."""
        self.connection.close()
        self.connection.engine.dispose()
        os.close(self._lock)


def opened(url: str) -> Store:
    """Open a database, bring its tables up to date, and give it an epoch if it is new.

    `url` is SQLAlchemy's, such as `sqlite:////var/lib/openvnet/openvnet.sqlite`. Raise StoreError.
    """
    path = _file(url)
    with ExitStack() as undoing:
        lock = held(path.with_name(path.name + ".lock"), f"The database {path}")
        undoing.callback(os.close, lock)
        with _failing(f"The database {path} cannot be used"):
            connection = _engine(url).connect()
            undoing.callback(connection.engine.dispose)
            undoing.callback(connection.close)
            with connection.begin():
                migrate(connection)
                _initialise(connection)
            store = Store(connection, lock)
        undoing.pop_all()
    return store


def _file(url: str) -> Path:
    try:
        parsed = make_url(url)
    except ArgumentError:
        shown = f"***@{url.rpartition('@')[2]}" if "@" in url else url
        raise StoreError(
            f'The database "{shown}" is not a URL such as sqlite:////var/lib/openvnet/vnet.sqlite.'
        ) from None
    if parsed.drivername != "sqlite" or not parsed.database:
        shown = parsed.render_as_string(hide_password=True)
        raise StoreError(f"The database {shown} is not a file of SQLite; others are not yet done.")
    return Path(parsed.database)


@contextmanager
def _failing(what: str) -> Iterator[None]:
    """Say of what the database's own failures are the failure."""
    try:
        yield
    except DBAPIError as error:
        raise StoreError(f"{what}: {_first(error)}.") from error


def _first(error: BaseException) -> BaseException:
    """The failure that made the others: SQLite undoes all savepoints when the disk is full."""
    while error.__context__ is not None:
        error = error.__context__
    return error


def _engine(url: str) -> Engine:
    engine = create_engine(url)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _: Any) -> None:
    # Without this, Python's sqlite3 begins transactions by itself, and not before savepoints.
    connection.isolation_level = None
    for setting in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=500"):
        connection.execute(f"PRAGMA {setting}")


def _begin_sqlite(connection: Connection) -> None:
    # IMMEDIATE takes the right to write at once: a later refusal would waste the work.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _initialise(connection: Connection) -> None:
    if connection.execute(_PLACE).first() is None:
        epoch = secrets.token_hex(8)
        connection.execute(insert(STORE), {"id": 1, "epoch": epoch, "number": 0})
        logger.info("The store is new; its epoch is %s.", epoch)


_UNREADABLE = "The database cannot be read"
_PLACE = select(STORE.c.epoch, STORE.c.number).where(STORE.c.id == 1)
_LOCK_NUMBER = select(STORE.c.number).where(STORE.c.id == 1).with_for_update()
_SET_NUMBER = update(STORE).where(STORE.c.id == 1).values(number=bindparam("newest"))
_BEGIN_ANEW = (
    update(STORE)
    .where(STORE.c.id == 1)
    .values(epoch=bindparam("epoch_now"), number=bindparam("newest"))
)

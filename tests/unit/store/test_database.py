"""The store: revisions, group commits, what survives and what is refused."""

import resource
import sqlite3

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from openvnet.model import Datapath, Interface, InterfacePort, IpLease, MacLease, Network, Project
from openvnet.store.database import Committed, Write, opened
from openvnet.store.errors import StoreError, StoreInUse, StoreTooNew, Taken
from openvnet.store.log import entries
from tests.databases import sqlite


@pytest.fixture
def path(tmp_path):
    return tmp_path / "vnet.sqlite"


@pytest.fixture(params=["sqlite", "mariadb", "postgresql"])
def url(request, path):
    """A database that has tables and no rows of anybody's, of each kind."""
    if request.param == "sqlite":
        return sqlite(path)
    return request.getfixturevalue(request.param).database()


@pytest.fixture
def store(url):
    store = opened(url)
    yield store
    store.close()


@pytest.fixture
def file_store(path):
    store = opened(sqlite(path))
    yield store
    store.close()


def network(number, **more):
    return Network(uuid=f"nw-{number}", **{"ipv4_network": 0, "vni": number, **more})


def putting(*rows, then=None):
    """A write that puts rows, and then raises, if it is given what."""

    def work(transaction):
        for row in rows:
            transaction.put(row)
        if then:
            raise then
        return [row.uuid for row in rows]

    return Write(work, "test")


def deleting(row):
    return Write(lambda transaction: transaction.delete(row))


def one(store, write):
    (outcome,) = store.commit([write])
    return outcome


def rows_of(store):
    """All rows but the project that a database begins with."""
    return [row for row, _ in store.rows() if not isinstance(row, Project)]


def log_of(store):
    with store.connection.begin():
        return list(entries(store.connection))


def test_each_write_is_one_revision_with_what_it_changed(store):
    first = one(store, putting(network(1), network(2)))
    second = one(store, putting(network(1, display_name="one")))
    third = one(store, deleting(network(2)))
    assert [outcome.number for outcome in (first, second, third)] == [1, 2, 3]
    assert first.result == ["nw-1", "nw-2"]
    assert [change.after for change in first.changes] == [network(1), network(2)]
    lines = [(e.number, e.position, e.change.before, e.change.after) for e in log_of(store)]
    assert lines == [
        (1, 0, None, network(1)),
        (1, 1, None, network(2)),
        (2, 0, network(1), network(1, display_name="one")),
        (3, 0, network(2), None),
    ]
    assert {entry.origin for entry in log_of(store)} == {"test", ""}


def test_a_write_that_changes_nothing_has_no_revision(store):
    one(store, putting(network(1)))
    again = one(store, putting(network(1)))
    assert (again.number, list(again.changes)) == (1, [])
    there_and_back = Write(lambda t: (t.put(network(5)), t.delete(network(5))))
    assert one(store, there_and_back).number == 1
    assert len(log_of(store)) == 1


def test_of_writes_committed_together_each_has_its_revision_and_one_that_fails_is_undone_alone(
    store,
):
    refusal = ValueError("no")
    first, second, third = store.commit(
        [putting(network(1)), putting(network(2), then=refusal), putting(network(3))]
    )
    assert (first.number, third.number) == (1, 2)
    assert second is refusal
    assert rows_of(store) == [network(1), network(3)]
    assert store.number == 2


@pytest.mark.parametrize("beside", [(), (4,)])
def test_a_write_that_fails_leaves_nothing_and_the_next_one_has_its_number(store, beside):
    others = [putting(network(number)) for number in beside]
    one(store, putting(network(1)))
    failed, *_ = store.commit([putting(network(2), then=KeyError("no")), *others])
    taken, *_ = store.commit([putting(network(2), network(3, vni=1)), *others])
    assert isinstance(failed, KeyError)
    assert isinstance(taken, Taken)
    assert rows_of(store) == [network(1), *map(network, beside)]
    assert one(store, putting(network(2))).number == 2 + len(beside)
    assert [entry.number for entry in log_of(store)] == list(range(1, 3 + len(beside)))


def test_a_write_sees_what_those_before_it_did(store):
    seen = []
    store.commit([putting(network(1)), Write(lambda t: seen.append(t.get(Network, "nw-1")))])
    assert seen == [network(1)]


def test_what_only_one_may_have_is_refused_with_who_has_it(store):
    one(store, putting(network(1)))
    taken = one(store, putting(network(2), network(3, vni=1)))
    assert isinstance(taken, Taken)
    assert taken.values == {"vni": 1}
    assert taken.holder == network(1)
    assert rows_of(store) == [network(1)]


def test_text_is_compared_letter_by_letter_and_kept_whole(store):
    names = ["a", "A", "a ", "ä", "🦊"]
    ports = [
        InterfacePort(
            uuid=f"ifp-{n}", interface_uuid="if-1", datapath_uuid=f"dp-{n}", port_name=name
        )
        for n, name in enumerate(names)
    ]
    same = [
        msgspec.structs.replace(
            port, datapath_uuid="dp-9", uuid=f"{port.uuid}x", interface_uuid=port.uuid
        )
        for port in ports
    ]
    assert isinstance(one(store, putting(*ports, *same)), Committed)
    for port, name in zip(ports, names, strict=True):
        found = store.read(lambda t, name=name: t.where(InterfacePort, port_name=name))
        assert [each.port_name for each in found] == [name, name]
        assert port in found


def test_none_is_never_what_another_has(store):
    ports = [InterfacePort(uuid=f"ifp-{n}", interface_uuid=f"if-{n}") for n in (1, 2)]
    also = InterfacePort(uuid="ifp-3", interface_uuid="if-1")
    assert isinstance(one(store, putting(*ports, also)), Committed)


def test_deleting_a_row_deletes_those_that_refer_to_it_and_theirs(store):
    interface = Interface(uuid="if-1", mode="vif")
    mac_lease = MacLease(uuid="ml-1", interface_uuid="if-1", mac_address=1)
    ip_lease = IpLease(uuid="il-1", network_uuid="nw-1", ipv4_address=1, mac_lease_uuid="ml-1")
    port = InterfacePort(uuid="ifp-1", interface_uuid="if-1", datapath_uuid="dp-1")
    one(store, putting(network(1), interface, mac_lease, ip_lease, port))
    gone = one(store, deleting(interface))
    assert {change.uuid for change in gone.changes} == {"if-1", "ml-1", "il-1", "ifp-1"}
    assert all(change.after is None for change in gone.changes)
    assert rows_of(store) == [network(1)]


def test_a_transaction_is_read_in_the_order_of_creation(store):
    for name in "cab":
        one(
            store,
            putting(MacLease(uuid=f"ml-{name}", interface_uuid="if-1", mac_address=ord(name))),
        )
    found = store.read(lambda t: t.where(MacLease, interface_uuid="if-1"))
    assert [lease.uuid for lease in found] == ["ml-c", "ml-a", "ml-b"]
    assert store.read(lambda t: t.where(IpLease, interface_uuid=None)) == []


def test_a_store_is_the_same_after_closing_and_new_ones_differ(path, tmp_path):
    store = opened(f"sqlite:///{path}")
    one(store, putting(network(1)))
    epoch = store.epoch
    store.close()
    again = opened(f"sqlite:///{path}")
    assert (again.epoch, again.number, rows_of(again)) == (epoch, 1, [network(1)])
    again.close()
    other = opened(f"sqlite:///{tmp_path}/other.sqlite")
    assert other.epoch != epoch
    assert other.number == 0
    other.close()


def test_a_database_is_one_vnmgrs_alone(path):
    store = opened(f"sqlite:///{path}")
    with pytest.raises(StoreInUse, match="in use by another vnmgr"):
        opened(f"sqlite:///{path}")
    store.close()
    opened(f"sqlite:///{path}").close()


def test_a_full_disk_refuses_writes_and_loses_nothing(file_store):
    store = file_store
    one(store, putting(network(1)))
    (pages,) = store.connection.exec_driver_sql("PRAGMA page_count").one()
    store.connection.commit()
    store.connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
    store.connection.commit()
    many = [putting(network(n, display_name="x" * 200)) for n in range(2, 200)]
    outcomes = store.commit(many)
    assert all(isinstance(outcome, StoreError) for outcome in outcomes)
    assert "full" in str(outcomes[0])
    assert rows_of(store) == [network(1)]
    store.connection.exec_driver_sql("PRAGMA max_page_count=1000000")
    store.connection.commit()
    assert one(store, many[0]).number == 2


def test_a_disk_that_is_full_at_the_commit_itself_refuses_all_and_loses_nothing(file_store, path):
    store = file_store
    one(store, putting(network(1)))
    log_bytes = path.with_name(f"{path.name}-wal").stat().st_size
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (log_bytes, limits[1]))
    try:
        outcomes = store.commit([putting(network(2)), putting(network(3))])
        assert all(isinstance(outcome, StoreError) for outcome in outcomes)
        assert (store.number, rows_of(store)) == (1, [network(1)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert one(store, putting(network(2))).number == 2


def test_after_a_commit_that_the_database_refuses_the_next_one_is_as_ever(file_store):
    store = file_store
    store.connection.connection.execute("PRAGMA foreign_keys = on")
    store.connection.rollback()
    with store.connection.begin():
        reference = "REFERENCES networks (uuid) DEFERRABLE INITIALLY DEFERRED"
        store.connection.exec_driver_sql(f"CREATE TABLE late (network_uuid {reference})")

    def dangle(transaction):
        transaction.connection.exec_driver_sql("INSERT INTO late VALUES ('nw-9')")
        transaction.put(network(1))

    for outcome in store.commit([putting(network(2)), Write(dangle)]):
        assert str(outcome) == "The database cannot be written: FOREIGN KEY constraint failed."
    assert (store.number, rows_of(store)) == (0, [])
    assert one(store, putting(network(1))).number == 1


def test_a_database_that_another_program_locks_is_used_again_once_it_lets_go(file_store, path):
    store = file_store
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        refused = one(store, putting(network(1)))
        assert str(refused) == "The database cannot be written: database is locked."
        with pytest.raises(StoreError, match="cannot be read: database is locked"):
            rows_of(store)
    other.close()
    assert one(store, putting(network(1))).number == 1


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("sqlite:///{}/missing/vnet.sqlite", "No such file"),
        ("sqlite:///{}", "cannot be used"),
        ("sqlite://", "has no name"),
        ("oracle://here/vnet", "is of a kind that is not known; there are sqlite, mysql2"),
        ("nonsense", "is not a URL"),
    ],
)
def test_what_is_no_database_of_ours_is_refused_in_words(tmp_path, url, words):
    with pytest.raises(StoreError, match=words):
        opened(url.format(tmp_path))


def test_a_file_that_is_no_database_is_left_alone(path):
    path.write_bytes(b"precious " * 1000)
    with pytest.raises(StoreError, match="not a database"):
        opened(f"sqlite:///{path}")
    assert path.read_bytes() == b"precious " * 1000


def test_a_database_of_a_later_release_is_refused(path):
    opened(f"sqlite:///{path}").close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(StoreTooNew, match="later release"):
        opened(f"sqlite:///{path}")


def test_a_commit_is_forced_to_the_disk(file_store):
    store = file_store
    with store.connection.begin():
        for setting, value in (("journal_mode", "wal"), ("synchronous", 2)):
            found = store.connection.execute(text(f"PRAGMA {setting}")).scalar_one()
            assert found == value


rows = st.one_of(
    st.builds(
        Network,
        uuid=st.sampled_from(["nw-1", "nw-2"]),
        ipv4_network=st.just(0),
        vni=st.integers(1, 2),
        display_name=st.text(max_size=3),
    ),
    st.builds(Interface, uuid=st.sampled_from(["if-1", "if-2"]), mode=st.just("vif")),
    st.builds(
        MacLease,
        uuid=st.sampled_from(["ml-1", "ml-2"]),
        interface_uuid=st.sampled_from([None, "if-1", "if-2"]),
        mac_address=st.integers(1, 2),
    ),
    st.builds(
        Datapath,
        uuid=st.just("dp-1"),
        display_name=st.just(""),
        dpid=st.just("0x1"),
        node_id=st.just("vna"),
        enable_ovs_learn_action=st.booleans(),
    ),
)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.tuples(rows, st.booleans()), min_size=1, max_size=4), max_size=8))
def test_the_log_played_from_the_start_gives_the_rows(tmp_path_factory, history):
    store = opened(sqlite(tmp_path_factory.mktemp("store") / "vnet.sqlite"))
    try:
        store.commit([Write(_doing(steps)) for steps in history])
        played = {}
        for entry in log_of(store):
            key = entry.change.kind, entry.change.uuid
            assert played.get(key) == entry.change.before
            played[key] = entry.change.after
        left = {key: row for key, row in played.items() if row is not None}
        assert left == {(type(row), row.uuid): row for row in rows_of(store)}
        assert sorted({entry.number for entry in log_of(store)}) == [
            number + 1 for number in range(store.number)
        ]
    finally:
        store.close()


def _doing(steps):
    def work(transaction):
        for row, puts in steps:
            if puts:
                transaction.put(row)
            else:
                transaction.delete(row)

    return work

"""Writes that read rows of memory find what they would find in the database."""

from contextlib import closing

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from openvnet.manager.replica import Replica
from openvnet.model import Interface, InterfacePort, MacLease
from openvnet.store.database import Committed, Write, opened
from openvnet.store.errors import Taken
from openvnet.store.sending import Refused
from tests.databases import sqlite
from tests.unit.manager.declared import World

UUIDS = [f"if-{number}" for number in range(4)]


def interface(uuid):
    return Interface(uuid=uuid, mode="vif")


def lease(number, interface_uuid):
    return MacLease(uuid=f"ml-{number}", interface_uuid=interface_uuid, mac_address=number % 3)


def port(number, interface_uuid):
    return InterfacePort(uuid=f"ifp-{number}", interface_uuid=interface_uuid)


steps = st.one_of(
    st.builds(lambda uuid: ("put", interface(uuid)), st.sampled_from(UUIDS)),
    st.builds(
        lambda make, number, uuid: ("put", make(number, uuid)),
        st.sampled_from([lease, port]),
        st.integers(0, 3),
        st.sampled_from(UUIDS),
    ),
    st.builds(lambda uuid: ("delete", interface(uuid)), st.sampled_from(UUIDS)),
)
writes = st.tuples(st.lists(steps, max_size=5), st.booleans())
"""What each does, and whether it is refused in the end."""


def looked(transaction):
    """What a write can read, by every way that memory answers."""
    return [
        *(transaction.get(Interface, uuid) for uuid in UUIDS),
        *(transaction.where(kind, interface_uuid=uuid) for kind in KINDS for uuid in UUIDS),
        transaction.where(MacLease, interface_uuid=UUIDS[0], mac_address=1),
        transaction.where(MacLease, mac_address=2),
        transaction.among(Interface, "uuid", UUIDS),
    ]


def everything(transaction):
    return [
        *transaction.among(Interface, "uuid", UUIDS),
        *(
            row
            for kind in KINDS
            for uuid in UUIDS
            for row in transaction.where(kind, interface_uuid=uuid)
        ),
    ]


def uuid_of(row):
    return row.uuid


KINDS = (MacLease, InterfacePort)


class Declined(Exception):
    """The write does not want what it has done."""


def work_of(done, is_refused, found):
    def work(transaction):
        deleted = set()
        for verb, row in done:
            # What one write deletes and makes again keeps its place in memory, not in tables.
            if row.uuid in deleted:
                continue
            before = set(map(uuid_of, everything(transaction)))
            getattr(transaction, verb)(row)
            transaction.send()
            deleted |= before - set(map(uuid_of, everything(transaction)))
            found.append(looked(transaction))
        if is_refused:
            raise Declined

    return Write(work)


def story(history, *, remembers):
    """All that the writes of some commits read, and the rows in the end."""
    found = []
    with closing(World()) as world:
        if remembers:
            world.store.remember(world.replica)
        for together in history:
            outcomes = world.store.commit([work_of(*write, found) for write in together])
            for outcome in outcomes:
                assert isinstance(outcome, Committed | Declined | Refused | Taken)
                if isinstance(outcome, Committed) and outcome.changes:
                    world.replica.apply(outcome.changes, outcome.number)
        return found, [msgspec.to_builtins(row) for row, _ in world.store.rows()]


@settings(max_examples=12)
@given(st.lists(st.lists(writes, min_size=1, max_size=3), max_size=4))
def test_what_is_in_memory_is_what_is_in_the_database(history):
    assert story(history, remembers=True) == story(history, remembers=False)


def test_rows_of_another_revision_are_not_read(tmp_path):
    store = opened(sqlite(tmp_path / "vnet.sqlite"))
    replica = Replica(store)
    store.remember(replica)
    store.commit([Write(lambda transaction: transaction.put(interface("if-1")))])
    assert replica.get(Interface, "if-1") is None
    (outcome,) = store.commit([Write(lambda transaction: transaction.get(Interface, "if-1"))])
    assert outcome.result == interface("if-1")
    store.close()

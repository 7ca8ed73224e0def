"""Requests as vnmgr does them, on a database, without sockets and without waiting for a clock."""

from functools import partial

from openvnet.manager.guarded import done
from openvnet.manager.replica import Replica
from openvnet.store.database import Committed, Write
from openvnet.wire.messages import Request
from tests.vnmgr import ip, mac


def asked_for(_request, rows, _among):
    """What came of a write: here the rows themselves."""
    return rows


class Desk:
    """Does writes one by one, at a time that it is told."""

    def __init__(self, store, mac_group=None, *, remembers=True):
        self.store, self.mac_group = store, mac_group
        self.replica = Replica(store)
        if remembers:
            store.remember(self.replica)
        self.now = 1_000_000
        self.changes = []

    def work(self, work):
        """Do some work as a revision; return what came of it."""

        def at_its_time(transaction):
            transaction.time = self.now
            return work(transaction)

        (outcome,) = self.store.commit([Write(at_its_time)])
        if isinstance(outcome, Committed):
            self.changes = outcome.changes
            self.replica.apply(outcome.changes, outcome.number)
        return outcome

    def outcome(self, verb, collection="", uuid=None, **more):
        request = Request(1, verb, collection, uuid=uuid, **more)
        more = {"now": self.now, "result": asked_for, "mac_group": self.mac_group}
        return self.work(partial(done, request=request, **more))

    def __call__(self, verb, collection="", uuid=None, **more):
        outcome = self.outcome(verb, collection, uuid, **more)
        assert isinstance(outcome, Committed), outcome
        return outcome.result.rows[0] if outcome.result.rows else None

    def create(self, collection, parent=None, related=None, **values):
        return self("create", collection, parent=parent, related=related, values=values)

    def rows(self, kind):
        return self.store.read(lambda transaction: transaction.where(kind))

    def host(self, number):
        """A datapath with an interface of mode host, dp-<number> and if-h<number>."""
        uuid, dpid = f"dp-{number}", f"0x{number:016x}"
        self.create("datapaths", uuid=uuid, display_name="", dpid=dpid, node_id=f"vna{number}")
        self.create(
            "interfaces",
            uuid=f"if-h{number}",
            mode="host",
            owner_datapath_uuid=uuid,
            mac_address=mac(number),
            network_uuid="nw-public",
            ipv4_address=ip("172.16.0.0") + number,
        )

"""Requests in any order, committed in groups: what is in memory is what is in the database.

The rules, the store, the replica and the audience together, without sockets. Some requests are
refused, and must then leave nothing behind in the group that they came with.
"""

from contextlib import closing
from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st

from openvnet.manager.audience import Audience, Listener
from openvnet.manager.errors import RequestRefused
from openvnet.manager.replica import Replica
from openvnet.manager.writes import written
from openvnet.model import InterfacePort
from openvnet.store.database import Committed, Write, opened
from openvnet.store.errors import Taken
from openvnet.wire.messages import Request, Scope
from tests.databases import sqlite
from tests.worlds import DPID, OTHER_DPID

FIRST = 0x0A660000


def names(prefix):
    return st.sampled_from([f"{prefix}-1", f"{prefix}-2"])


datapaths = st.none() | names("dp")
port_names = st.sampled_from([None, "vm1", "vm2", "if-1"])
addresses = st.integers(FIRST + 1, FIRST + 3)
macs = st.integers(1, 3)

CREATIONS = {
    "datapaths": {
        "uuid": names("dp"),
        "display_name": st.just(""),
        "dpid": st.sampled_from([DPID, OTHER_DPID]),
        "node_id": st.just("vna"),
    },
    "networks": {"uuid": names("nw"), "ipv4_network": st.just(FIRST)},
    "interfaces": {
        "uuid": names("if"),
        "mode": st.just("vif"),
        "port_name": port_names,
        "owner_datapath_uuid": datapaths,
        "mac_address": st.none() | macs,
    },
    "ports": {"datapath_uuid": datapaths, "port_name": port_names},
    "mac_leases": {"uuid": names("ml"), "interface_uuid": names("if"), "mac_address": macs},
    "ip_leases": {
        "uuid": names("il"),
        "network_uuid": names("nw"),
        "ipv4_address": addresses,
        "interface_uuid": st.none() | names("if"),
    },
}
CHANGES = {
    ("update", "interfaces", "if"): {"owner_datapath_uuid": datapaths},
    ("update", "mac_leases", "ml"): {"interface_uuid": names("if")},
    ("attach", "ip_leases", "il"): {"interface_uuid": names("if")},
    ("release", "ip_leases", "il"): {},
} | {
    ("delete", collection, prefix): {}
    for collection, prefix in (
        ("datapaths", "dp"),
        ("networks", "nw"),
        ("interfaces", "if"),
        ("mac_leases", "ml"),
        ("ip_leases", "il"),
    )
}

creations = st.sampled_from(sorted(CREATIONS)).flatmap(
    lambda collection: st.builds(
        Request,
        id=st.just(1),
        verb=st.just("create"),
        collection=st.just(collection),
        parent=names("if") if collection == "ports" else st.none(),
        values=st.fixed_dictionaries(CREATIONS[collection]),
    )
)
changes = st.sampled_from(sorted(CHANGES)).flatmap(
    lambda change: st.builds(
        Request,
        id=st.just(1),
        verb=st.just(change[0]),
        collection=st.just(change[1]),
        uuid=names(change[2]),
        values=st.fixed_dictionaries(CHANGES[change]),
    )
)
groups = st.lists(creations | creations | changes, min_size=1, max_size=6)


FURNITURE = [
    Request(1, "create", collection, values=values)
    for collection, values in (
        ("datapaths", {"uuid": "dp-1", "display_name": "", "dpid": DPID, "node_id": "vna"}),
        ("datapaths", {"uuid": "dp-2", "display_name": "", "dpid": OTHER_DPID, "node_id": "vnb"}),
        ("networks", {"uuid": "nw-1", "ipv4_network": FIRST}),
        ("networks", {"uuid": "nw-2", "ipv4_network": FIRST}),
        ("interfaces", {"uuid": "if-1", "mode": "vif", "port_name": "vm1", "mac_address": 1}),
        ("interfaces", {"uuid": "if-2", "mode": "vif", "port_name": "vm2", "mac_address": 2}),
    )
]
"""What each history begins with, or most requests would name nothing."""


def rows_in_memory(replica):
    return {row.uuid: row for table in replica.state.rows.values() for row in table.values()}


def heard_anew(dpid, roots, replica):
    """What a listener hears that comes now."""
    audience, listener = Audience(replica.state), Listener(dpid)
    audience.join(listener, roots)
    return {(type(row), row.uuid): row for row in audience.rows(listener)}


@settings(max_examples=60, deadline=None)
@given(st.lists(groups, min_size=3, max_size=12))
def test_memory_and_agents_have_what_the_database_has(tmp_path_factory, history):
    directory = tmp_path_factory.mktemp("store")
    roots = [Scope("port", name) for name in ("vm1", "vm2", "if-1")]
    with closing(opened(sqlite(directory / "vnet.sqlite"))) as store:
        replica = Replica(store)
        audience = Audience(replica.state)
        listeners = {Listener(dpid): {} for dpid in (DPID, OTHER_DPID)}
        for listener in listeners:
            audience.join(listener, roots)
        for group in (FURNITURE, *history):
            writes = [Write(partial(written, request=request)) for request in group]
            for outcome in store.commit(writes):
                if not isinstance(outcome, Committed):
                    assert isinstance(outcome, RequestRefused | Taken), outcome
                    continue
                applying = partial(replica.apply, outcome.changes, outcome.number)
                for listener, news in audience.publish(outcome.changes, applying).items():
                    for key in news.remove:
                        del listeners[listener][key]
                    listeners[listener] |= news.put
            assert replica.revision.number == store.number
            fresh = Replica(store)
            assert rows_in_memory(replica) == rows_in_memory(fresh)
            for uuid in ("if-1", "if-2"):
                by = {"interface_uuid": uuid}
                assert replica.where(InterfacePort, **by) == fresh.where(InterfacePort, **by)
            for listener, rows in listeners.items():
                assert rows == heard_anew(listener.dpid, roots, fresh)

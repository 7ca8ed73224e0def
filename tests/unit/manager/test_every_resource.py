"""Random histories of all resources: whatever is done to them in whatever order, some things hold.

    references     each names a row that is there
    uniqueness     as declared; a MAC address is of one thing
    leases         an attached one names an interface and a MAC lease of that interface
    topologies     what datapaths carry is what plain loops say
    retention      the next deadline is the least of all
    memory         is as the database
    undoing        the newest revision: all is as it was before
    in the end     what is deleted leaves nothing

Operations and values are made from the declarations, on few names and addresses, so that they meet.
"""

from contextlib import closing
from functools import partial
from typing import NamedTuple

from hypothesis import given, note, settings
from hypothesis import strategies as st

from openvnet.manager.carried import CARRIES
from openvnet.manager.errors import RequestRefused
from openvnet.manager.following import follow_all
from openvnet.manager.leases import MACS
from openvnet.manager.replica import Replica
from openvnet.manager.retention import Deadlines, deadline, end
from openvnet.model import (
    RESOURCES,
    InterfacePort,
    IpLease,
    IpRetention,
    IpRetentionContainer,
    MacLease,
    Topology,
    TopologyDatapath,
    TopologyLayer,
    attributes,
)
from openvnet.model.operations import named_by, operations
from openvnet.store.database import Committed
from openvnet.store.errors import Taken
from tests.unit.manager.declared import World
from tests.unit.manager.desk import Desk

FIRST = 0x0A000000
BY_PREFIX = {resource.prefix: resource for resource in RESOURCES}
APART = ("projects", "quotas", "tokens", "network_projects", "nodes")
"""Who may do what, and who has which key, is not what this is about."""


class Some(NamedTuple):
    """A row that is there when the step is taken, by its place among those of a prefix."""

    prefix: str
    place: int

    def row(self, replica):
        rows = sorted(replica.every(BY_PREFIX[self.prefix].kind), key=lambda row: row.uuid)
        return rows[self.place % len(rows)] if rows else None

    def uuid(self, replica):
        row = self.row(replica)
        return row.uuid if row else f"{self.prefix}-none"


def some(prefix):
    return st.builds(Some, st.just(prefix), st.integers(0, 3))


SCALARS = {
    "boolean": st.booleans(),
    "IPv4 address": st.integers(FIRST + 1, FIRST + 6),
    "MAC address": st.integers(1, 12),
    "text": st.sampled_from(["a", "b"]),
    "datapath id": st.sampled_from(["0x0000000000000001", "0x0000000000000002"]),
    "IPv4 prefix": st.sampled_from(["0.0.0.0/0", "10.0.0.0/24"]),
    "IPv4 addresses": st.just("8.8.8.8"),
    "domain name": st.just("a.example"),
}
ALWAYS = {
    "networks": {"ipv4_network": st.just(FIRST), "ipv4_prefix": st.just(24)},
    "routes": {"ipv4_network": st.just(FIRST), "ipv4_prefix": st.just(24)},
    "interfaces": {
        "mode": st.sampled_from(["vif", "host"]),
        "owner_datapath_uuid": some("dp"),
        "mac_address": st.integers(1, 12),
        "network_uuid": some("nw"),
        "ipv4_address": st.integers(FIRST + 1, FIRST + 6),
    },
    "mac_ranges": {"begin_mac_address": st.just(13), "end_mac_address": st.integers(14, 20)},
    "ip_ranges": {
        "begin_ipv4_address": st.just(FIRST + 1),
        "end_ipv4_address": st.integers(FIRST + 3, FIRST + 6),
    },
}
"""What makes most of these be taken, and meet others."""


def values_of(scalar):
    if scalar.refers_to:
        return some(scalar.refers_to)
    if scalar.name == "uuid":
        prefix = scalar.schema["pattern"].removeprefix("^").partition("-")[0]
        return st.integers(1, 4).map(lambda number: f"{prefix}-{number}")
    if "enum" in scalar.schema:
        return st.sampled_from(scalar.schema["enum"])
    if scalar.schema.get("type") == "integer":
        least = scalar.schema["minimum"]
        return st.integers(least, min(least + 30, scalar.schema["maximum"]))
    return SCALARS[scalar.name]


WRITES = [
    operation
    for operation in operations()
    if operation.writes and operation.resource.collection not in APART
]


@st.composite
def requested(draw, number):
    """What may be asked for by the operation of a number: Hypothesis shows those it draws from."""
    operation = WRITES[number]
    resource = operation.resource
    given_values = {}
    for name, attribute in operation.parameters.items():
        always = ALWAYS.get(resource.collection, {}) if operation.verb == "create" else {}
        certain = name in always or name == "uuid" or attribute.required
        if certain or draw(st.integers(0, 2)) == 0:
            given_values[name] = draw(always[name] if name in always else values_of(attribute.type))
    if operation.verb != "create" and operation.names_one:
        return number, {"row": draw(some(resource.prefix)), "values": given_values}
    path = {}
    for word, name in (("parent", resource.parent), ("related", resource.related)):
        if name:
            path[word] = draw(some(named_by(resource, name).prefix))
    return number, {**path, "values": given_values}


def resolved(step, replica):
    """What a step asks for, of the rows that are there."""
    operation, more = WRITES[step[0]], dict(step[1])
    resource = operation.resource
    some_row = more.pop("row", None)
    if some_row is not None:
        row = some_row.row(replica)
        if resource.related:
            for word, name in (("parent", resource.parent), ("related", resource.related)):
                none = f"{named_by(resource, name).prefix}-none"
                more[word] = getattr(row, name) if row else none
        else:
            more["uuid"] = row.uuid if row else f"{resource.prefix}-none"
    values = {
        name: given.uuid(replica) if isinstance(given, Some) else given
        for name, given in more.pop("values").items()
    }
    path = {
        name: given.uuid(replica) if isinstance(given, Some) else given
        for name, given in more.items()
    }
    return operation.verb, resource.collection, {**path, "values": values}


def of(verbs, collections=()):
    """Requests for operations of all resources but some, or of some."""
    found = [
        number
        for number, operation in enumerate(WRITES)
        if (not verbs or operation.verb in verbs)
        and (not collections or operation.resource.collection.startswith(collections))
    ]
    return st.sampled_from(found).flatmap(requested)


TOPOLOGIES = ("topolog", "datapath_")
HOSTS = ("datapaths", "ports", "ip_leases", "mac_range", "interfaces")
LEASES = ("ip_ret", "ip_leases", "lease_polic")
steps = st.one_of(
    of(()),
    of((), TOPOLOGIES),
    of((), HOSTS),
    of((), LEASES),
    st.just(("undo",)),
    st.tuples(st.just("wait"), st.integers(1, 12)),
)


def furnish(desk):
    """Hosts, networks, two underlays and an overlay, and a policy: else little would follow."""
    for number in (1, 2):
        uuid = f"dp-{number}"
        named = {"display_name": "", "node_id": uuid, "dpid": f"0x{number:016x}"}
        desk.create("datapaths", uuid=uuid, **named)
        desk.create("networks", uuid=f"nw-{number}", ipv4_network=FIRST)
        desk.create("segments", uuid=f"seg-{number}", mode="virtual")
        desk.create("route_links", uuid=f"rl-{number}")
        host = {"mode": "host", "owner_datapath_uuid": uuid, "mac_address": number}
        lease = {"network_uuid": "nw-1", "ipv4_address": FIRST + number}
        desk.create("interfaces", uuid=f"if-{number}", **host, **lease)
        mode = ("simple_underlay", "simple_overlay")[number - 1]
        desk.create("topologies", uuid=f"topo-{number}", mode=mode)
        desk.create("topology_datapaths", "topo-1", uuid, interface_uuid=f"if-{number}")
        desk.create("ip_retention_containers", uuid=f"irc-{number}", lease_time=10, grace_time=5)
        desk.create("topology_networks", f"topo-{number}", "nw-1")
    desk.create("topology_segments", "topo-1", "seg-1")
    desk.create("topology_route_links", "topo-2", "rl-1")
    desk.create("topology_layers", "topo-2", "topo-1")
    desk.create("mac_range_groups", uuid="mrg-1")
    desk.create("topology_mac_range_groups", "topo-1", "mrg-1")
    desk.create("mac_range_groups", uuid="mrg-2")
    desk.create("mac_ranges", "mrg-2", begin_mac_address=21, end_mac_address=22)
    desk.create("lease_policies", uuid="lp-1")
    desk.create("ip_range_groups", uuid="iprg-1")
    span = {"begin_ipv4_address": FIRST + 1, "end_ipv4_address": FIRST + 4}
    desk.create("ip_ranges", "iprg-1", **span)
    desk.create("lease_policy_networks", "lp-1", "nw-2", ip_range_group_uuid="iprg-1")
    desk.create("lease_policy_ip_retention_containers", "lp-1", "irc-1")
    desk.create("lease_policy_interfaces", "lp-1", "if-2")
    desk("ip_leases", "lease_policies", "lp-1", values={"ip_lease_uuid": "il-1"})


def state(replica):
    return {row.uuid: row for table in replica.state.rows.values() for row in table.values()}


def take(desk, step):
    """Take a step; whatever is refused is refused in words."""
    if step[0] == "wait":
        desk.now += step[1]
        due = Deadlines(desk.replica).due(desk.now, 100)
        outcome = desk.work(partial(end, retentions=due, mac_group="mrg-2"))
    else:
        verb, collection, more = resolved(step, desk.replica)
        note(f"{desk.store.number}: {verb} {collection} {more}")
        outcome = desk.outcome(verb, collection, **more)
    assert isinstance(outcome, Committed | RequestRefused | Taken), outcome
    return outcome


def references_hold(replica):
    for table in replica.state.rows.values():
        for row in table.values():
            for name, attribute in attributes(type(row)).items():
                if attribute.type.refers_to and (uuid := getattr(row, name)) is not None:
                    kind = BY_PREFIX[attribute.type.refers_to].kind
                    assert replica.get(kind, uuid) is not None, (row, name)


def values_are_unique(replica):
    for resource in RESOURCES:
        for combination in resource.unique:
            found = [
                tuple(getattr(row, name) for name in combination)
                for row in replica.every(resource.kind)
            ]
            whole = [each for each in found if None not in each]
            assert len(whole) == len(set(whole)), (resource.collection, whole)
    macs = [row.mac_address for kind in MACS for row in replica.every(kind)]
    known = [mac for mac in macs if mac is not None]
    assert len(known) == len(set(known)), known


def leases_are_whole(replica):
    for lease in replica.every(IpLease):
        mac_lease = replica.get(MacLease, lease.mac_lease_uuid)
        assert (lease.interface_uuid is None) == (mac_lease is None), lease
        assert mac_lease is None or mac_lease.interface_uuid == lease.interface_uuid, lease


def carried_by_topologies(replica):
    """Of each datapath and thing, the topology that has it carried: by plain loops."""
    found = {}
    for topology in sorted(replica.every(Topology), key=lambda row: row.uuid):
        below = {
            layer.underlay_uuid
            for layer in replica.every(TopologyLayer)
            if layer.overlay_uuid == topology.uuid
        }
        underlays = below if topology.mode == "simple_overlay" else {topology.uuid}
        for place in replica.every(TopologyDatapath):
            ports = [
                port
                for port in replica.every(InterfacePort)
                if port.interface_uuid == place.interface_uuid
                and port.datapath_uuid in (None, place.datapath_uuid)
            ]
            for carry in CARRIES if place.topology_uuid in underlays and ports else ():
                for row in replica.every(carry.joining):
                    if row.topology_uuid == topology.uuid:
                        key = carry.kind, place.datapath_uuid, getattr(row, carry.name)
                        found.setdefault(key, topology.uuid)
    return found


def datapaths_carry_what_they_should(replica):
    expected = carried_by_topologies(replica)
    there = {
        (carry.kind, row.datapath_uuid, getattr(row, carry.name)): row
        for carry in CARRIES
        for row in replica.every(carry.kind)
    }
    for key, row in there.items():
        lease = replica.get(IpLease, row.ip_lease_uuid)
        assert row.topology_uuid in (None, expected.get(key, "none")), row
        if row.topology_uuid is not None:
            leases = replica.where(IpLease, interface_uuid=row.interface_uuid)
            assert lease in leases if leases else lease is None, row
    assert expected.keys() <= there.keys()


def deadlines_are_the_least(replica, deadlines):
    every = [
        deadline(replica.get(IpRetentionContainer, row.ip_retention_container_uuid), row)
        for row in replica.every(IpRetention)
    ]
    assert deadlines.next() == min((at for at in every if at is not None), default=None)


@settings(max_examples=max(12, settings().max_examples // 8))
@given(st.lists(steps, min_size=15, max_size=40), st.booleans())
def test_some_things_hold_whatever_is_done(history, remembers):
    with closing(World()) as world:
        desk = Desk(world.store, "mrg-2", remembers=remembers)
        furnish(desk)
        deadlines = Deadlines(desk.replica)
        before = state(desk.replica)
        undoable = False
        for step in history:
            if step[0] == "undo" and not undoable:
                continue
            was = state(desk.replica)
            if step[0] == "undo":
                desk("undo", values={"revision": desk.store.number})
                assert state(desk.replica) == before
                undoable = False
            elif isinstance(outcome := take(desk, step), Committed) and outcome.changes:
                before, undoable = was, True
            deadlines.change(desk.changes)
            references_hold(desk.replica)
            values_are_unique(desk.replica)
            leases_are_whole(desk.replica)
            datapaths_carry_what_they_should(desk.replica)
            deadlines_are_the_least(desk.replica, deadlines)
        assert state(desk.replica) == state(Replica(desk.store))
        again = desk.work(partial(follow_all, mac_group="mrg-2"))
        assert all(
            {name for name in change.after.__struct_fields__ if differs(change, name)}
            == {"mac_address"}
            for change in again.changes
        )
        everything_goes(desk)


def differs(change, name):
    return getattr(change.before, name) != getattr(change.after, name)


def everything_goes(desk):
    for resource in RESOURCES:
        if resource.parent is None and resource.collection != "projects":
            for row in desk.replica.every(resource.kind):
                desk("delete", resource.collection, row.uuid)
    assert list(state(desk.replica)) == ["pj-default"]

"""Who hears what, for any history of changes, against the same computed from scratch."""

import time

from hypothesis import given, settings
from hypothesis import strategies as st

from openvnet.manager.audience import Audience, Listener
from openvnet.manager.scopes import onward, rows_in, scopes
from openvnet.model import (
    ActiveInterface,
    Datapath,
    DatapathNetwork,
    DatapathSegment,
    Interface,
    InterfaceNetwork,
    InterfacePort,
    InterfaceSegment,
    IpLease,
    MacLease,
    Network,
    Segment,
)
from openvnet.state import State
from openvnet.store.transaction import Change
from openvnet.wire.messages import Scope
from tests.worlds import DPID, OTHER_DPID

_few = st.integers(1, 2)


def _of(prefix):
    return _few.map(lambda number: f"{prefix}-{number}")


# Port names are also uuids of interfaces, as an iface-id may be one.
_names = st.sampled_from(["vm1", "if-1"])

rows = st.one_of(
    st.builds(
        Datapath,
        uuid=_of("dp"),
        display_name=st.just(""),
        dpid=st.sampled_from([DPID, OTHER_DPID]),
        node_id=st.just("vna"),
    ),
    st.builds(
        Network,
        uuid=_of("nw"),
        mode=st.sampled_from(["virtual", "virtual", "physical"]),
        ipv4_network=st.just(0),
        segment_uuid=st.none() | _of("seg"),
        vni=_few,
    ),
    st.builds(Segment, uuid=_of("seg"), mode=st.just("virtual"), vni=_few),
    st.builds(Interface, uuid=_of("if"), mode=st.sampled_from(["vif", "vif", "internal"])),
    st.builds(
        Interface,
        uuid=st.just("if-2"),
        mode=st.just("vif"),
        parent_interface_uuid=st.just("if-1"),
        vlan_id=_few,
    ),
    st.builds(
        InterfacePort,
        uuid=_of("ifp"),
        interface_uuid=_of("if"),
        datapath_uuid=st.none() | _of("dp"),
        port_name=st.none() | _names,
    ),
    st.builds(
        MacLease,
        uuid=_of("ml"),
        interface_uuid=st.none() | _of("if"),
        segment_uuid=st.none() | _of("seg"),
        mac_address=_few,
    ),
    st.builds(
        IpLease,
        uuid=_of("il"),
        network_uuid=_of("nw"),
        ipv4_address=_few,
        interface_uuid=st.none() | _of("if"),
        mac_lease_uuid=st.none() | _of("ml"),
    ),
    st.builds(
        DatapathNetwork,
        uuid=_of("dpnw"),
        datapath_uuid=_of("dp"),
        network_uuid=_of("nw"),
        interface_uuid=_of("if"),
    ),
    st.builds(
        DatapathSegment,
        uuid=_of("dpseg"),
        datapath_uuid=_of("dp"),
        segment_uuid=_of("seg"),
        interface_uuid=_of("if"),
    ),
    st.builds(InterfaceNetwork, uuid=_of("ifnw"), interface_uuid=_of("if"), network_uuid=_of("nw")),
    st.builds(
        InterfaceSegment, uuid=_of("ifseg"), interface_uuid=_of("if"), segment_uuid=_of("seg")
    ),
    st.builds(ActiveInterface, uuid=_of("acif"), interface_uuid=_of("if"), datapath_uuid=_of("dp")),
)
_put = st.sampled_from([True, True, True, False])
revisions = st.lists(st.tuples(rows, _put), min_size=1, max_size=4)
"""Rows that are put, or (False) deleted."""

roots = st.builds(lambda name: Scope("port", name), _names) | st.builds(
    lambda dpid: Scope("datapath", dpid), st.sampled_from([DPID, OTHER_DPID])
)
subscriptions = st.tuples(st.integers(0, 1), st.sets(roots, max_size=3), st.sets(roots, max_size=3))


def changes_of(revision, state):
    """What a revision does to each row, once for each."""
    after = {(type(row), row.uuid): row if put else None for row, put in revision}
    return [
        Change(kind, uuid, state.rows.get(kind, {}).get(uuid), row)
        for (kind, uuid), row in after.items()
        if state.rows.get(kind, {}).get(uuid) != row
    ]


def applying(changes, state):
    def apply():
        for change in changes:
            state.put(change.kind, change.uuid, change.after)

    return apply


def closure(listener, state):
    """All scopes that its roots lead to, from scratch."""
    heard = set()
    following = list(listener.roots)
    while following:
        scope = following.pop()
        if scope not in heard:
            heard.add(scope)
            following.extend(onward(scope, listener.dpid, state))
    return heard


def heard_rows(listener, state):
    """What it must hear, from scratch: each row that is in any scope of the closure."""
    heard = closure(listener, state)
    return {
        (kind, uuid): row
        for kind, table in state.rows.items()
        for uuid, row in table.items()
        if heard & set(scopes(row, state))
    }


def leading(listener, state):
    """The closure from scratch, each scope with those that lead there."""
    heard = {scope: set() for scope in closure(listener, state)}
    for source in heard:
        for target in onward(source, listener.dpid, state):
            heard[target].add(source)
    return heard


def told(rows, news):
    """What a listener knows after some news."""
    left = {key: row for key, row in rows.items() if key not in news.remove}
    assert not set(news.remove) & set(news.put)
    assert set(news.remove) <= set(rows)
    return {**left, **news.put}


@settings(max_examples=500)
@given(st.lists(revisions | revisions | subscriptions, min_size=5, max_size=25))
def test_what_is_told_step_by_step_is_what_would_be_told_at_once(history):
    state = State()
    audience = Audience(state)
    listeners = [Listener(DPID), Listener(OTHER_DPID)]
    known = [{}, {}]
    for step in history:
        if isinstance(step, tuple):
            number, add, remove = step
            news = audience.listen(listeners[number], add, remove)
            known[number] = told(known[number], news)
        else:
            changes = changes_of(step, state)
            for listener, news in audience.publish(changes, applying(changes, state)).items():
                number = listeners.index(listener)
                known[number] = told(known[number], news)
        for listener, rows in zip(listeners, known, strict=True):
            assert listener.heard == leading(listener, state)
            assert rows == heard_rows(listener, state)
            assert rows == {(type(row), row.uuid): row for row in audience.rows(listener)}


@given(st.lists(rows, max_size=20))
def test_rows_are_in_the_scopes_that_hold_them(world):
    state = State()
    for row in world:
        state.put(type(row), row.uuid, row)
    every = [row for table in state.rows.values() for row in table.values()]
    everywhere = {scope for row in every for scope in scopes(row, state)}
    for scope in everywhere:
        inside = {(type(row), row.uuid) for row in rows_in(scope, state)}
        assert inside == {
            (type(row), row.uuid) for row in every if scope in set(scopes(row, state))
        }


def test_a_scope_that_is_gained_and_lost_by_one_revision_is_told_of_by_no_word():
    state = State()
    audience = Audience(state)
    listener = Listener(DPID)
    audience.listen(listener, [Scope("port", "vm1")])
    named = InterfacePort(uuid="ifp-1", interface_uuid="if-1", port_name="vm1")
    first = changes_of([(named, True)], state)
    audience.publish(first, applying(first, state))
    nameless = InterfacePort(uuid="ifp-1", interface_uuid="if-1")
    lease = IpLease(uuid="il-1", network_uuid="nw-1", ipv4_address=1, interface_uuid="if-1")
    then = changes_of([(nameless, True), (lease, True)], state)
    (news,) = audience.publish(then, applying(then, state)).values()
    assert list(news.remove) == [(InterfacePort, "ifp-1")]
    assert not news.put


def test_those_who_left_are_told_nothing():
    state = State()
    audience = Audience(state)
    listener = Listener(DPID)
    audience.listen(listener, [Scope("port", "vm1")])
    audience.leave(listener)
    port = InterfacePort(uuid="ifp-1", interface_uuid="if-1", port_name="vm1")
    changes = changes_of([(port, True)], state)
    assert audience.publish(changes, applying(changes, state)) == {}


def a_guest(number):
    uuid = f"if-{number}"
    return [
        InterfacePort(uuid=f"ifp-{number}", interface_uuid=uuid, port_name=f"vm{number}"),
        IpLease(uuid=f"il-{number}", network_uuid="nw-1", ipv4_address=number, interface_uuid=uuid),
    ]


def carried(datapath):
    uuid = f"dp-{datapath}"
    yield Datapath(uuid=uuid, display_name="", dpid=[DPID, OTHER_DPID][datapath - 1], node_id=uuid)
    yield InterfacePort(uuid=f"ifp-eth{datapath}", interface_uuid="if-eth", datapath_uuid=uuid)
    yield DatapathNetwork(
        uuid=f"dpnw-{datapath}", datapath_uuid=uuid, network_uuid="nw-1", interface_uuid="if-eth"
    )


def test_who_carries_a_network_hears_who_else_does_and_where_its_members_are():
    state = State()
    world = [*a_guest(1), *a_guest(2), *carried(1), *carried(2)]
    world.append(ActiveInterface(uuid="acif-2", interface_uuid="if-2", datapath_uuid="dp-2"))
    world.append(Interface(uuid="if-2", mode="vif"))
    world.append(Network(uuid="nw-1", ipv4_network=0, vni=1))
    for row in world:
        state.put(type(row), row.uuid, row)
    listener = Listener(DPID)
    Audience(state).join(listener, [Scope("port", "vm1")])
    heard = heard_rows(listener, state)
    everything = {(type(row), row.uuid) for row in world}
    eth = {(InterfacePort, "ifp-eth1"), (InterfacePort, "ifp-eth2")}
    assert set(heard) == everything - eth - {(Interface, "if-2")}
    state.put(DatapathNetwork, "dpnw-1", None)
    assert set(heard_rows(listener, state)) == {
        (InterfacePort, "ifp-1"),
        (Network, "nw-1"),
        *((IpLease, f"il-{number}") for number in (1, 2)),
    }


def test_of_a_physical_network_a_host_hears_its_own_part_only():
    state = State()
    network = Network(uuid="nw-1", mode="physical", ipv4_network=0, vni=1)
    for row in (network, *a_guest(1), *a_guest(2), *carried(1), *carried(2)):
        state.put(type(row), row.uuid, row)
    listener = Listener(DPID)
    Audience(state).join(listener, [Scope("port", "vm1"), Scope("datapath", DPID)])
    own = {(InterfacePort, "ifp-1"), (IpLease, "il-1"), (Datapath, "dp-1")}
    uplink = {(Network, "nw-1"), (DatapathNetwork, "dpnw-1")}
    assert set(heard_rows(listener, state)) == own | uplink


def carried_segment(datapath):
    return DatapathSegment(
        uuid=f"dpseg-{datapath}",
        datapath_uuid=f"dp-{datapath}",
        segment_uuid="seg-1",
        interface_uuid="if-eth",
    )


def test_who_carries_a_segment_hears_where_its_stations_are_and_all_of_its_networks():
    state = State()
    stations = [
        MacLease(uuid=f"ml-{n}", interface_uuid=f"if-{n}", segment_uuid="seg-1", mac_address=n)
        for n in (1, 2)
    ]
    in_network = a_guest(3)
    ports = [a_guest(n)[0] for n in (1, 2)]
    world = [*stations, *in_network, *ports, *map(carried_segment, (1, 2))]
    world += [row for n in (1, 2) for row in carried(n) if isinstance(row, Datapath)]
    world.append(Network(uuid="nw-1", ipv4_network=0, vni=1, segment_uuid="seg-1"))
    world.append(Segment(uuid="seg-1", mode="virtual", vni=2))
    world.append(Interface(uuid="if-2", mode="vif", enable_port_security=False))
    world.append(ActiveInterface(uuid="acif-3", interface_uuid="if-3", datapath_uuid="dp-2"))
    for row in world:
        state.put(type(row), row.uuid, row)
    for port in ("vm1", "vm3"):  # Of a station, and of an address in the network.
        listener = Listener(DPID)
        Audience(state).join(listener, [Scope("port", port)])
        assert set(heard_rows(listener, state)) == {(type(row), row.uuid) for row in world}
    state.put(DatapathSegment, "dpseg-1", None)
    listener = Listener(DPID)
    Audience(state).join(listener, [Scope("port", "vm1")])
    assert set(heard_rows(listener, state)) == {
        *((MacLease, f"ml-{n}") for n in (1, 2)),
        *((InterfacePort, "ifp-1"), (Segment, "seg-1"), (Network, "nw-1"), (IpLease, "il-3")),
    }


def fastest_deletion(members):
    """Seconds to publish that one of two ports of a host goes, in a network of that many."""
    state = State()
    audience = Audience(state)
    network = Network(uuid="nw-1", ipv4_network=0, vni=1)
    for row in (network, *carried(1), *carried(2)):
        state.put(type(row), row.uuid, row)
    for number in range(members):
        for row in a_guest(number):
            state.put(type(row), row.uuid, row)
    listener = Listener(DPID)
    audience.listen(listener, [Scope("port", f"vm{n}") for n in (members - 1, members - 2)])
    took = []
    for _ in range(10):
        for put in (False, True):
            revision = [(row, put) for row in a_guest(members - 1)]
            changes = changes_of(revision, state)
            started = time.process_time()
            audience.publish(changes, applying(changes, state))
            if not put:
                took.append(time.process_time() - started)
    return min(took)


def fastest_renaming(ports):
    """Seconds to publish that a datapath of that many ports has another name for people."""
    state = State()
    audience = Audience(state)
    for number in range(ports):
        port = InterfacePort(uuid=f"ifp-{number}", interface_uuid="if-1", datapath_uuid="dp-1")
        state.put(InterfacePort, port.uuid, port)
    took = []
    for number in range(10):
        name = str(number)
        row = Datapath(uuid="dp-1", display_name=name, dpid=DPID, node_id="vna")
        changes = changes_of([(row, True)], state)
        started = time.process_time()
        audience.publish(changes, applying(changes, state))
        took.append(time.process_time() - started)
    return min(took)


def test_that_a_datapath_is_renamed_costs_the_same_however_many_ports_it_has():
    assert fastest_renaming(1_000) < 10 * fastest_renaming(1)


def test_that_a_member_goes_costs_the_same_however_many_members_its_network_has():
    assert fastest_deletion(10_000) < 10 * fastest_deletion(10)

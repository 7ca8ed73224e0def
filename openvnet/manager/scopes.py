"""Scopes: which parts of the world a row belongs to, and how one leads to the next.

    datapath:0x..      the Datapath
    port:inst1         InterfacePorts of that name on any datapath; an Interface of that uuid (as an
                       iface-id)
    interface:if-x     the Interface, its InterfacePorts, MacLeases, IpLeases, AllowedAddressPairs
    network:nw-x       the Network
    segment:seg-x      the Segment, and the Networks in it
    members:nw-x       its IpLeases, and their MacLeases
    members:seg-x      its MacLeases
    uplink:dpnw-x      that DatapathNetwork
    carried:nw-x       what datapaths say of carrying it (DatapathNetworks), with their Datapaths,
                       and where its members are (their InterfacePorts and ActiveInterfaces);
                       InterfaceNetworks, with their Interfaces
    carried:seg-x      the same of a segment (DatapathSegments, InterfaceSegments), and the
                       Interfaces of its members: some may send with any MAC address
    internal:if-x      the Interface and its InterfacePorts
    end:if-x           the IpLeases of an interface that a datapath carries networks by
    underlay:nw-x      the Network that such an address is in

    port ──InterfacePort here, or Interface──► interface ──IpLease──► network
    interface ──InterfaceNetwork──► network
    interface ──MacLease, InterfaceSegment──► segment ◄── network in it
    interface ──Interface, a VLAN of its port──► interface
    network ──unless it is physical──► members ──DatapathNetwork here──► carried
    members ──IpLease of an Interface of mode internal──► internal
    carried ──DatapathNetwork──► end ──IpLease──► underlay
    network ──DatapathNetwork here──► uplink
    segment ──► members of it, and of all networks in it ──DatapathSegment here──► carried
    carried of a segment ──► carried of all networks in it

So who has a network for itself hears nothing of where others are; and of a physical network nobody
hears more than how his own host is on it: its neighbours are found on the wire.

An agent names ports, and hears of all that they lead to. Both pictures are declared below, once;
membership, its inverse, the steps, and which rows a change can touch, are derived.
All are functions of the rows in a State, and cost what they yield.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, get_args

from openvnet.model import (
    KINDS,
    ActiveInterface,
    AllowedAddressPair,
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
    Row,
    Segment,
)
from openvnet.state import State
from openvnet.wire.messages import Scope, ScopeKind

Kind = type[Any]
SCOPE_KINDS: tuple[ScopeKind, ...] = get_args(ScopeKind)
Key = tuple[Kind, str]
"""A row's class and uuid."""


class Via(NamedTuple):
    """Rows of `kind` that name one thing in `where`, and so join it to what they name in `take`."""

    kind: Kind
    where: str
    take: str


class Place(NamedTuple):
    """Rows of `kind` are in scopes of a kind, named by their `field` or by what it is joined to.

    Those that have something in the field `but` are not.
    """

    kind: Kind
    scope: ScopeKind
    field: str
    via: Via | None = None
    but: str | None = None


class Step(NamedTuple):
    """A scope leads to another through a row; if that names a datapath in `here`, only there.

    `unless` is a value of the row's mode for which it does not; `only` is the one of the interface
    that it leads to for which it does.
    """

    source: ScopeKind
    via: Via
    target: ScopeKind
    here: str | None = None
    unless: str | None = None
    only: str | None = None


class Edge(NamedTuple):
    """One scope leads to another, on one datapath or (None) on all."""

    source: Scope
    target: Scope
    dpid: str | None


_ITSELF = Via(Network, "uuid", "uuid")
_CARRYING = Via(DatapathNetwork, "datapath_uuid", "network_uuid")
_PART = Via(InterfaceNetwork, "interface_uuid", "network_uuid")
_MEMBERS = Via(IpLease, "interface_uuid", "network_uuid")
_CARRYING_SEGMENT = Via(DatapathSegment, "datapath_uuid", "segment_uuid")
_PART_OF_SEGMENT = Via(InterfaceSegment, "interface_uuid", "segment_uuid")
_STATIONS = Via(MacLease, "interface_uuid", "segment_uuid")
_WITHIN = Via(Network, "segment_uuid", "uuid")

PLACES = (
    Place(Datapath, "datapath", "dpid"),
    Place(InterfacePort, "port", "port_name", but="datapath_uuid"),
    Place(InterfacePort, "interface", "interface_uuid"),
    Place(Interface, "port", "uuid"),
    Place(Interface, "interface", "uuid"),
    Place(MacLease, "interface", "interface_uuid"),
    Place(MacLease, "members", "uuid", Via(IpLease, "mac_lease_uuid", "network_uuid")),
    Place(IpLease, "interface", "interface_uuid"),
    Place(AllowedAddressPair, "interface", "interface_uuid"),
    Place(IpLease, "members", "network_uuid"),
    Place(Network, "network", "uuid"),
    Place(DatapathNetwork, "uplink", "uuid"),
    Place(DatapathNetwork, "carried", "network_uuid"),
    Place(Datapath, "carried", "uuid", _CARRYING),
    Place(InterfacePort, "carried", "interface_uuid", _MEMBERS),
    Place(ActiveInterface, "carried", "interface_uuid", _MEMBERS),
    Place(ActiveInterface, "interface", "interface_uuid"),
    Place(InterfaceNetwork, "interface", "interface_uuid"),
    Place(InterfaceNetwork, "carried", "network_uuid"),
    Place(Interface, "carried", "uuid", _PART),
    Place(InterfacePort, "carried", "interface_uuid", _PART),
    Place(ActiveInterface, "carried", "interface_uuid", _PART),
    Place(Segment, "segment", "uuid"),
    Place(Network, "segment", "segment_uuid"),
    Place(MacLease, "members", "segment_uuid"),
    Place(DatapathSegment, "carried", "segment_uuid"),
    Place(Datapath, "carried", "uuid", _CARRYING_SEGMENT),
    Place(Interface, "carried", "uuid", _STATIONS),
    Place(InterfacePort, "carried", "interface_uuid", _STATIONS),
    Place(ActiveInterface, "carried", "interface_uuid", _STATIONS),
    Place(InterfaceSegment, "interface", "interface_uuid"),
    Place(InterfaceSegment, "carried", "segment_uuid"),
    Place(Interface, "carried", "uuid", _PART_OF_SEGMENT),
    Place(InterfacePort, "carried", "interface_uuid", _PART_OF_SEGMENT),
    Place(ActiveInterface, "carried", "interface_uuid", _PART_OF_SEGMENT),
    Place(Interface, "internal", "uuid"),
    Place(InterfacePort, "internal", "interface_uuid"),
    Place(IpLease, "end", "interface_uuid"),
    Place(Network, "underlay", "uuid"),
)

STEPS = (
    Step("port", Via(InterfacePort, "port_name", "interface_uuid"), "interface", "datapath_uuid"),
    Step("port", Via(Interface, "uuid", "uuid"), "interface"),
    Step("interface", Via(IpLease, "interface_uuid", "network_uuid"), "network"),
    Step("interface", Via(InterfaceNetwork, "interface_uuid", "network_uuid"), "network"),
    Step("interface", _STATIONS, "segment"),
    Step("interface", _PART_OF_SEGMENT, "segment"),
    Step("interface", Via(Interface, "parent_interface_uuid", "uuid"), "interface"),
    Step("network", Via(Network, "uuid", "segment_uuid"), "segment", unless="physical"),
    Step("segment", Via(Segment, "uuid", "uuid"), "members"),
    Step("segment", _WITHIN, "members", unless="physical"),
    Step("network", _ITSELF, "members", unless="physical"),
    Step(
        *("network", Via(DatapathNetwork, "network_uuid", "uuid"), "uplink"),
        here="datapath_uuid",
    ),
    Step(
        *("members", Via(DatapathNetwork, "network_uuid", "network_uuid"), "carried"),
        here="datapath_uuid",
    ),
    Step(
        *("members", Via(DatapathSegment, "segment_uuid", "segment_uuid"), "carried"),
        here="datapath_uuid",
    ),
    Step("carried", _WITHIN, "carried", unless="physical"),
    Step("members", Via(IpLease, "network_uuid", "interface_uuid"), "internal", only="internal"),
    Step("carried", Via(DatapathNetwork, "network_uuid", "interface_uuid"), "end"),
    Step("carried", Via(DatapathSegment, "segment_uuid", "interface_uuid"), "end"),
    Step("end", Via(IpLease, "interface_uuid", "network_uuid"), "underlay"),
)

_PLACES_OF = {kind: [place for place in PLACES if place.kind is kind] for kind in KINDS.values()}
_PLACES_IN = {word: [place for place in PLACES if place.scope == word] for word in SCOPE_KINDS}
_STEPS_FROM = {word: [step for step in STEPS if step.source == word] for word in SCOPE_KINDS}

_JOINING: dict[Kind, set[str]] = {kind: set() for kind in KINDS.values()} | {
    Datapath: {"dpid"},
    Interface: {"mode"},
}
"""The fields of each kind by which a row joins others, or says where or whether a step is."""
for _via in (place.via for place in PLACES if place.via):
    _JOINING[_via.kind] |= {_via.where, _via.take}


def scopes(row: Row, state: State) -> Iterator[Scope]:
    """The scopes that a row is in."""
    for place in _PLACES_OF[type(row)]:
        for name in _names(row, place, state):
            if name is not None:
                yield Scope(place.scope, name)


def rows_in(scope: Scope, state: State) -> Iterator[Row]:
    """The rows that are in a scope; one may come twice."""
    for place in _PLACES_IN[scope.kind]:
        for row in _rows_at(place, scope.name, state):
            if place.but is None or getattr(row, place.but) is None:
                yield row


def _rows_at(place: Place, name: str, state: State) -> Iterator[Row]:
    if place.via is None:
        yield from _rows(state, place.kind, place.field, name)
        return
    for joining in _rows(state, place.via.kind, place.via.take, name):
        yield from _rows(state, place.kind, place.field, getattr(joining, place.via.where))


def onward(scope: Scope, dpid: str | None, state: State) -> Iterator[Scope]:
    """The scopes that one leads to, for the agent of a datapath."""
    for step in _STEPS_FROM[scope.kind]:
        for row in _rows(state, step.via.kind, step.via.where, scope.name):
            for edge in _edge(step, row, state):
                if edge.dpid in (None, dpid):
                    yield edge.target


def edges(row: Row, state: State) -> Iterator[Edge]:
    """The edges that a row makes."""
    for step in STEPS:
        if step.via.kind is type(row):
            yield from _edge(step, row, state)


def touched(before: Row | None, after: Row | None, state: State) -> Iterator[Key]:
    """The rows, by key, whose scopes or edges may change when a row becomes another."""
    rows = [row for row in (before, after) if row is not None]
    yield from {(type(row), row.uuid): None for row in rows}
    if before is None or after is None or not _joins_alike(before, after):
        for row in rows:
            yield from _joined(row, state)


def _joins_alike(before: Row, after: Row) -> bool:
    names = _JOINING[type(after)]
    return all(getattr(before, name) == getattr(after, name) for name in names)


def _joined(row: Row, state: State) -> Iterator[Key]:
    """The other rows whose scopes or edges follow from this one."""
    for place in PLACES:
        if place.via is not None and place.via.kind is type(row):
            for other in _rows(state, place.kind, place.field, getattr(row, place.via.where)):
                yield type(other), other.uuid
    if isinstance(row, Datapath):
        for step in STEPS:
            if step.here is not None:
                for other in _rows(state, step.via.kind, step.here, row.uuid):
                    yield type(other), other.uuid
    if isinstance(row, Interface):
        for step in STEPS:
            if step.only is not None:
                for other in _rows(state, step.via.kind, step.via.take, row.uuid):
                    yield type(other), other.uuid


def row_at(key: Key, state: State) -> Row | None:
    """The row with a key, or None."""
    kind, uuid = key
    row: Row | None = state.rows.get(kind, {}).get(uuid)
    return row


def _names(row: Row, place: Place, state: State) -> Iterator[str | None]:
    value = getattr(row, place.field)
    if place.but is not None and getattr(row, place.but) is not None:
        return
    if place.via is None:
        yield value
        return
    for joining in _rows(state, place.via.kind, place.via.where, value):
        yield getattr(joining, place.via.take)


def _edge(step: Step, row: Row, state: State) -> Iterator[Edge]:
    source, target = getattr(row, step.via.where), getattr(row, step.via.take)
    if (
        source is None
        or target is None
        or (step.unless and getattr(row, "mode", None) == step.unless)
    ):
        return
    if step.only is not None:
        interface = row_at((Interface, target), state)
        if not isinstance(interface, Interface) or interface.mode != step.only:
            return
    here = getattr(row, step.here) if step.here else None
    datapath = row_at((Datapath, here), state) if here else None
    if here and not isinstance(datapath, Datapath):
        return
    dpid = datapath.dpid if isinstance(datapath, Datapath) else None
    yield Edge(Scope(step.source, source), Scope(step.target, target), dpid)


def _rows(state: State, kind: Kind, field: str, value: str | None) -> Iterable[Any]:
    rows = state.rows.get(kind)
    if value is None or not rows:
        return ()
    if field == "uuid":
        row = rows.get(value)
        return () if row is None else (row,)
    return [rows[uuid] for uuid in state.members(kind, field, value)]

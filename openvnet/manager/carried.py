"""What topologies make datapaths carry: which rows there should be, against those that are there.

    underlay: its datapaths                  x  its networks, segments
    overlay:  the datapaths of its underlays x  its networks, segments, route links

A datapath carries a thing once. The row that a user made wins; of several topologies that want one,
that with the least uuid does. A datapath of a topology counts while its interface has a port there.
What a row was given and could not be known from others stays as long as the row: its uuid, its MAC
address, and which of the interface's addresses it has.

`Wishes` is what should be, a function of the rows alone. `following` says for which pairs of
a datapath and a thing a write can have changed that, and `settle` makes it so.
"""

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from msgspec.structs import replace

from openvnet.manager.leases import is_mac_free
from openvnet.manager.names import free_uuids
from openvnet.manager.ranges import MacAddresses
from openvnet.model import (
    DatapathNetwork,
    DatapathRouteLink,
    DatapathSegment,
    InterfacePort,
    IpLease,
    Topology,
    TopologyDatapath,
    TopologyLayer,
    TopologyMacRangeGroup,
    TopologyNetwork,
    TopologyRouteLink,
    TopologySegment,
)
from openvnet.store.transaction import Change, Transaction

R = TypeVar("R")
CarriedRow = DatapathNetwork | DatapathSegment | DatapathRouteLink

MANY = 20
"""Things whose topologies are looked up one by one at most."""


class Carry(NamedTuple):
    """A kind of thing that datapaths carry: the rows that say so, and the attribute's name."""

    kind: type[Any]
    joining: type[Any]
    name: str
    word: str
    """As in paths and on the command line."""


CARRIES = (
    Carry(DatapathNetwork, TopologyNetwork, "network_uuid", "networks"),
    Carry(DatapathSegment, TopologySegment, "segment_uuid", "segments"),
    Carry(DatapathRouteLink, TopologyRouteLink, "route_link_uuid", "route_links"),
)


class Pair(NamedTuple):
    """A datapath and a thing that it may carry."""

    carry: Carry
    datapath_uuid: str
    uuid: str


class Wish(NamedTuple):
    """How a topology wants a datapath to carry things."""

    topology_uuid: str
    underlay_uuid: str
    """The topology that the datapath is of, which has the MAC ranges."""
    interface_uuid: str
    ip_lease_uuid: str | None
    """The address that was chosen, if it is the interface's."""
    ip_lease_uuids: tuple[str, ...]
    """Of the interface, in the order of creation."""


class Rows(Protocol):
    """Where rows are read: a transaction, a replica."""

    def get(self, kind: type[R], uuid: str) -> R | None:
        """The row, or None."""

    def where(self, kind: type[R], **by: Hashable) -> list[R]:
        """The rows with this value, in the order of creation."""

    def among(self, kind: type[R], name: str, values: Collection[Hashable]) -> list[R]:
        """The rows with one of these values; those with the same in the order of creation."""


def pair_of(row: CarriedRow) -> Pair:
    """What a row joins."""
    carry = next(carry for carry in CARRIES if carry.kind is type(row))
    return Pair(carry, row.datapath_uuid, getattr(row, carry.name))


class Wishes:
    """What topologies want, from rows that do not change meanwhile: each is read once."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._reaches: dict[str, dict[str, Wish]] = {}
        self._topologies: dict[tuple[Carry, str], list[str]] = {}

    def know(self, carry: Carry, joining: Iterable[Any]) -> None:
        """Be told of all rows that join things of a kind to topologies."""
        for row in joining:
            known = self._topologies.setdefault((carry, getattr(row, carry.name)), [])
            known.append(row.topology_uuid)
        for topologies in self._topologies.values():
            topologies.sort()

    def of(self, pair: Pair) -> Wish | None:
        """How a pair is to be; None if it is not to be."""
        for topology_uuid in self.topologies(pair.carry, pair.uuid):
            wish = self.reach(topology_uuid).get(pair.datapath_uuid)
            if wish is not None:
                return wish
        return None

    def topologies(self, carry: Carry, uuid: str) -> list[str]:
        """The topologies that a thing is in; the first one has the say."""
        if (carry, uuid) not in self._topologies:
            found = self._rows.where(carry.joining, **{carry.name: uuid})
            self._topologies[carry, uuid] = sorted(row.topology_uuid for row in found)
        return self._topologies[carry, uuid]

    def reach(self, topology_uuid: str) -> Mapping[str, Wish]:
        """The datapaths of a topology, each with how it is to carry things."""
        if topology_uuid not in self._reaches:
            wishes = self._over(topology_uuid) if self._is_overlay(topology_uuid) else None
            self._reaches[topology_uuid] = dict(
                self._under(topology_uuid) if wishes is None else wishes
            )
        return self._reaches[topology_uuid]

    def _is_overlay(self, topology_uuid: str) -> bool:
        topology = self._rows.get(Topology, topology_uuid)
        return topology is not None and topology.mode == "simple_overlay"

    def _under(self, topology_uuid: str) -> Iterator[tuple[str, Wish]]:
        rows = self._rows.where(TopologyDatapath, topology_uuid=topology_uuid)
        places: dict[str, set[str | None]] = {row.interface_uuid: set() for row in rows}
        addresses: dict[str, list[str]] = {row.interface_uuid: [] for row in rows}
        for port in self._rows.among(InterfacePort, "interface_uuid", places.keys()):
            places[port.interface_uuid].add(port.datapath_uuid)
        for lease in self._rows.among(IpLease, "interface_uuid", places.keys()):
            addresses[str(lease.interface_uuid)].append(lease.uuid)
        for row in rows:
            if places[row.interface_uuid] & {None, row.datapath_uuid}:
                leases = tuple(addresses[row.interface_uuid])
                chosen = row.ip_lease_uuid if row.ip_lease_uuid in leases else None
                yield (
                    row.datapath_uuid,
                    Wish(topology_uuid, topology_uuid, row.interface_uuid, chosen, leases),
                )

    def _over(self, topology_uuid: str) -> dict[str, Wish]:
        layers = self._rows.where(TopologyLayer, overlay_uuid=topology_uuid)
        found: dict[str, Wish] = {}
        for underlay_uuid in sorted(layer.underlay_uuid for layer in layers):
            for datapath_uuid, wish in self.reach(underlay_uuid).items():
                found.setdefault(datapath_uuid, wish._replace(topology_uuid=topology_uuid))
        return found


def settle(
    transaction: Transaction,
    pairs: Iterable[Pair],
    wishes: Wishes,
    mac_group: str | None,
    changes: Iterable[Change] = (),
    *,
    addressing: bool = True,
) -> None:
    """Make these pairs as they should be. `mac_group` is for topologies that have none.

    `changes` are the write's so far: what they took away comes back as it was, if it is wanted.
    Without `addressing` what is there without a MAC address stays so.
    """
    sorted_pairs = sorted(set(pairs), key=_place)
    if not sorted_pairs:
        return
    _read_ahead(transaction, sorted_pairs, wishes)
    there, gone = _there(transaction, sorted_pairs), _gone(changes)
    before: list[CarriedRow | None] = []
    after: list[CarriedRow] = []
    underlays: list[str | None] = []
    taken_back: list[Change] = []
    for pair in sorted_pairs:
        row, wish = there.get(pair), wishes.of(pair)
        if row is not None and row.topology_uuid is None:
            continue
        if wish is not None:
            before.append(row)
            after.append(_carried(transaction, pair, wish, row, gone.get(pair)))
            underlays.append(wish.underlay_uuid if addressing or row is None else None)
        elif row is not None:
            taken_back.append(Change(type(row), row.uuid, row, None))
    named = _named(transaction, after)
    addressed = _addressed(transaction, list(zip(named, underlays, strict=True)), mac_group)
    made = (
        Change(type(now), now.uuid, was, now)
        for was, now in zip(before, addressed, strict=True)
        if was != now
    )
    transaction.take([*taken_back, *made])


def _place(pair: Pair) -> tuple[int, str, str]:
    return CARRIES.index(pair.carry), pair.uuid, pair.datapath_uuid


def _read_ahead(transaction: Transaction, pairs: Iterable[Pair], wishes: Wishes) -> None:
    """Read a table at once rather than ask it for each of many things."""
    for carry in CARRIES:
        if len({pair.uuid for pair in pairs if pair.carry is carry}) > MANY:
            wishes.know(carry, transaction.where(carry.joining))


def _there(transaction: Transaction, pairs: Iterable[Pair]) -> dict[Pair, CarriedRow]:
    """The rows that are there for pairs, and some others."""
    found: dict[Pair, CarriedRow] = {}
    for carry in CARRIES:
        things = {pair.uuid for pair in pairs if pair.carry is carry}
        datapaths = {pair.datapath_uuid for pair in pairs if pair.carry is carry}
        name = carry.name if len(things) < len(datapaths) else "datapath_uuid"
        for uuid in sorted(things if name == carry.name else datapaths):
            for row in transaction.where(carry.kind, **{name: uuid}):
                found[pair_of(row)] = row
    return found


def _gone(changes: Iterable[Change]) -> dict[Pair, CarriedRow]:
    """What topologies had made, and this write has taken away, perhaps on the way only."""
    return {
        pair_of(change.before): change.before
        for change in changes
        if isinstance(change.before, CarriedRow)
        and change.before.topology_uuid is not None
        and change.after is None
    }


def _carried(
    transaction: Transaction, pair: Pair, wish: Wish, row: CarriedRow | None, gone: Any
) -> CarriedRow:
    """A row as it should be, with what it had."""
    had: CarriedRow | None = row or gone
    lease = wish.ip_lease_uuid
    if lease is None and wish.ip_lease_uuids:
        kept = had is not None and had.ip_lease_uuid in wish.ip_lease_uuids
        lease = had.ip_lease_uuid if had and kept else wish.ip_lease_uuids[0]
    values = {
        "topology_uuid": wish.topology_uuid,
        "interface_uuid": wish.interface_uuid,
        "ip_lease_uuid": lease,
    }
    if had is None:
        of = {"datapath_uuid": pair.datapath_uuid, pair.carry.name: pair.uuid}
        underlay = transaction.get(Topology, wish.underlay_uuid)
        if underlay is not None:
            of["encapsulation"] = underlay.encapsulation
        made: CarriedRow = pair.carry.kind(uuid="", **of, **values)
        return made
    if (
        row is None
        and had.mac_address is not None
        and not is_mac_free(transaction, had.mac_address)
    ):
        values["mac_address"] = None
    return replace(had, **values)


def _named(transaction: Transaction, rows: Sequence[CarriedRow]) -> list[CarriedRow]:
    """The rows, those without a uuid with one."""
    free = {
        carry.kind: free_uuids(
            transaction,
            carry.kind,
            sum(type(row) is carry.kind and not row.uuid for row in rows),
        )
        for carry in CARRIES
    }
    return [row if row.uuid else replace(row, uuid=free[type(row)].pop()) for row in rows]


def _addressed(
    transaction: Transaction,
    rows: Sequence[tuple[CarriedRow, str | None]],
    mac_group: str | None,
) -> Iterator[CarriedRow]:
    """The rows, with MAC addresses as far as the groups of these underlays have any left.

    An underlay without a group has the default one. None: the row needs no address.
    """
    kept = {row.mac_address for row, _ in rows if row.mac_address is not None}
    addresses = MacAddresses(transaction, len(rows) - len(kept), kept)
    groups: dict[str, list[str]] = {}
    for row, underlay_uuid in rows:
        if row.mac_address is not None or underlay_uuid is None:
            yield row
            continue
        if underlay_uuid not in groups:
            found = transaction.where(TopologyMacRangeGroup, topology_uuid=underlay_uuid)
            last = [mac_group] if mac_group is not None else []
            groups[underlay_uuid] = [each.mac_range_group_uuid for each in found] or last
        taken = (addresses.take(group_uuid) for group_uuid in groups[underlay_uuid])
        address = next((each for each in taken if each is not None), None)
        yield row if address is None else replace(row, mac_address=address)

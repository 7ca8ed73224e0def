"""What follows from a write by itself: it is decided at the end of its transaction.

    the rows that a write changed ──► pairs of a datapath and a thing that it can concern
                                  ──► those are made as topologies want them (`carried`)

Most writes concern none: that what was written is of a guest is known without a query. What is
deleted takes along what refers to it, so the rows that went tell what it concerned.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from msgspec.structs import replace

from openvnet.manager.carried import (
    CARRIES,
    CarriedRow,
    Pair,
    Wishes,
    pair_of,
    settle,
)
from openvnet.manager.ranges import free_mac_address
from openvnet.model import (
    Datapath,
    DatapathNetwork,
    DatapathRouteLink,
    DatapathSegment,
    Interface,
    InterfacePort,
    IpLease,
    MacRange,
    RouteLink,
    Topology,
    TopologyDatapath,
    TopologyLayer,
    TopologyMacRangeGroup,
    TopologyNetwork,
    TopologyRouteLink,
    TopologySegment,
)
from openvnet.store.database import Committed, Store, Write
from openvnet.store.transaction import Change, Transaction

logger = logging.getLogger(__name__)

ADDRESSED = (DatapathNetwork, DatapathSegment, DatapathRouteLink, RouteLink)
"""What gets a MAC address of the default group if it is made without one."""


def follow(transaction: Transaction, mac_group: str | None, *, addressing: bool = True) -> None:
    """Do what follows from the changes of a write so far.

    `mac_group` names the MAC range group of what is given no address; without `addressing`, what
    has none stays so, as in an undoing.
    """
    changes = transaction.changes()
    if addressing and mac_group is not None:
        _address(transaction, changes, mac_group)
    touched = Touched(transaction, mac_group)
    for change in changes:
        touching = _TOUCHING.get(change.kind)
        for row in (change.before, change.after) if touching else ():
            if touching and row is not None:
                touching(touched, row, change)
    pairs = touched.pairs()
    settle(transaction, pairs, touched.wishes, mac_group, changes, addressing=addressing)


def follow_all(transaction: Transaction, mac_group: str | None) -> None:
    """Make all rows of topologies as they should be, whatever has changed."""
    touched = Touched(transaction, mac_group)
    touched.topologies |= {topology.uuid for topology in transaction.where(Topology)}
    settle(transaction, touched.pairs(), touched.wishes, mac_group)


def settled(store: Store, mac_group: str | None) -> None:
    """Make them so in a store whose rows are of another release, or were imported or restored."""
    (outcome,) = store.commit([Write(partial(follow_all, mac_group=mac_group), "vnmgr")])
    if not isinstance(outcome, Committed):
        raise outcome
    if outcome.changes:
        told = "revision %d: %d rows of topologies were not as they should be"
        logger.warning(told, outcome.number, len(outcome.changes))


def _address(transaction: Transaction, changes: Iterable[Change], mac_group: str) -> None:
    for change in changes:
        row: Any = change.after
        if change.before is None and isinstance(row, ADDRESSED) and row.mac_address is None:
            address = free_mac_address(transaction, mac_group)
            if address is not None:
                transaction.put(replace(row, mac_address=address))


class Touched:
    """What a write has touched of topologies, by what its rows name."""

    def __init__(self, transaction: Transaction, mac_group: str | None) -> None:
        self.transaction = transaction
        self.mac_group = mac_group
        self.wishes = Wishes(transaction)
        self.known: set[Pair] = set()
        self.things: set[Pair] = set()
        """On all datapaths: these have the name of none."""
        self.reached: set[tuple[str, str]] = set()
        """Underlays, each with one of its datapaths."""
        self.topologies: set[str] = set()
        self.more_macs = False
        """Whether what had to do without a MAC address may now have one."""

    def pairs(self) -> set[Pair]:
        """The pairs of a datapath and a thing that this concerns."""
        lacking = CARRIES if self.more_macs else ()
        return {
            *self.known,
            *(pair for thing in self.things for pair in self._of_thing(thing)),
            *(pair for reached in self.reached for pair in self._of_datapath(*reached)),
            *(pair for topology_uuid in self.topologies for pair in self._of(topology_uuid)),
            *(pair for carry in lacking for pair in self._made(carry.kind, mac_address=None)),
        }

    def _of_thing(self, thing: Pair) -> Iterator[Pair]:
        for topology_uuid in self.wishes.topologies(thing.carry, thing.uuid):
            for datapath_uuid in self.wishes.reach(topology_uuid):
                yield thing._replace(datapath_uuid=datapath_uuid)
        yield from self._made(thing.carry.kind, **{thing.carry.name: thing.uuid})

    def _of_datapath(self, underlay_uuid: str, datapath_uuid: str) -> Iterator[Pair]:
        for topology_uuid in (underlay_uuid, *self._overlays(underlay_uuid)):
            for thing in self._things(topology_uuid):
                yield thing._replace(datapath_uuid=datapath_uuid)
        for carry in CARRIES:
            yield from self._made(carry.kind, datapath_uuid=datapath_uuid)

    def _of(self, topology_uuid: str) -> Iterator[Pair]:
        for thing in self._things(topology_uuid):
            for datapath_uuid in self.wishes.reach(topology_uuid):
                yield thing._replace(datapath_uuid=datapath_uuid)
        for carry in CARRIES:
            yield from self._made(carry.kind, topology_uuid=topology_uuid)

    def _things(self, topology_uuid: str) -> Iterator[Pair]:
        for carry in CARRIES:
            for row in self.transaction.where(carry.joining, topology_uuid=topology_uuid):
                yield Pair(carry, "", getattr(row, carry.name))

    def _made(self, kind: type[Any], **by: str | None) -> Iterator[Pair]:
        rows: list[CarriedRow] = self.transaction.where(kind, **by)
        return (pair_of(row) for row in rows if row.topology_uuid is not None)

    def _overlays(self, underlay_uuid: str) -> list[str]:
        layers = self.transaction.where(TopologyLayer, underlay_uuid=underlay_uuid)
        return [layer.overlay_uuid for layer in layers]


Touching = Callable[[Touched, Any, Change], None]


def _pair(touched: Touched, row: CarriedRow, _: Change) -> None:
    touched.known.add(pair_of(row))


def _thing(touched: Touched, row: Any, _: Change) -> None:
    carry = next(carry for carry in CARRIES if carry.joining is type(row))
    touched.things.add(Pair(carry, "", getattr(row, carry.name)))


def _datapath(touched: Touched, row: TopologyDatapath, _: Change) -> None:
    touched.reached.add((row.topology_uuid, row.datapath_uuid))


def _layer(touched: Touched, row: TopologyLayer, _: Change) -> None:
    touched.topologies.add(row.overlay_uuid)


def _group(touched: Touched, _: TopologyMacRangeGroup, change: Change) -> None:
    touched.more_macs |= change.after is not None


def _range(touched: Touched, row: MacRange, change: Change) -> None:
    uuid = row.mac_range_group_uuid
    if change.after is not None and not touched.more_macs:
        used = touched.transaction.where(TopologyMacRangeGroup, mac_range_group_uuid=uuid)
        touched.more_macs = uuid == touched.mac_group or bool(used)


def _port(touched: Touched, row: InterfacePort, _: Change) -> None:
    # What goes with its datapath takes that out of its topologies too.
    datapath_uuid = row.datapath_uuid
    if datapath_uuid is None or touched.transaction.get(Datapath, datapath_uuid) is not None:
        _host(touched, row.interface_uuid)


def _lease(touched: Touched, row: IpLease, change: Change) -> None:
    # A lease that is deleted takes along what refers to it.
    if row.interface_uuid is not None and change.after is not None:
        _host(touched, row.interface_uuid)


def _host(touched: Touched, interface_uuid: str) -> None:
    """The datapaths that are reached by an interface, if it is a host's."""
    interface = touched.transaction.get(Interface, interface_uuid)
    if interface is not None and interface.mode == "host":
        for row in touched.transaction.where(TopologyDatapath, interface_uuid=interface_uuid):
            touched.reached.add((row.topology_uuid, row.datapath_uuid))


_TOUCHING: Mapping[type[Any], Touching] = {
    DatapathNetwork: _pair,
    DatapathSegment: _pair,
    DatapathRouteLink: _pair,
    TopologyNetwork: _thing,
    TopologySegment: _thing,
    TopologyRouteLink: _thing,
    TopologyDatapath: _datapath,
    TopologyLayer: _layer,
    TopologyMacRangeGroup: _group,
    MacRange: _range,
    InterfacePort: _port,
    IpLease: _lease,
}
"""How a row that was changed tells what may follow from it; what is not named here, nothing."""

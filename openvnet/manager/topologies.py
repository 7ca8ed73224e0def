"""Topologies: what may be joined to which.

An underlay has datapaths, and MAC ranges for them; an overlay has route links, and lies on
underlays; networks and segments are on both.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from openvnet.manager.errors import InvalidArgument
from openvnet.manager.names import allotted_uuid, found
from openvnet.model import (
    Row,
    Topology,
    TopologyDatapath,
    TopologyLayer,
    TopologyMacRangeGroup,
    TopologyRouteLink,
)
from openvnet.store.transaction import Transaction

UNDERLAY, OVERLAY = "simple_underlay", "simple_overlay"
ONLY: Mapping[type[Any], str] = {
    TopologyDatapath: UNDERLAY,
    TopologyMacRangeGroup: UNDERLAY,
    TopologyRouteLink: OVERLAY,
}
"""What can be joined to topologies of one mode only."""


def topology_rows(transaction: Transaction, values: Mapping[str, Any]) -> Iterator[Row]:
    """A new topology."""
    topology = Topology(**values)
    _refuse_second_default(transaction, topology)
    yield topology


def changed_topology(
    transaction: Transaction, topology: Topology, values: Mapping[str, Any]
) -> Iterator[Row]:
    """A topology that new networks are put into, or no more."""
    changed = replace(topology, **values)
    _refuse_second_default(transaction, changed)
    yield changed


def _refuse_second_default(transaction: Transaction, topology: Topology) -> None:
    for other in transaction.where(Topology, default=True) if topology.default else ():
        if other.uuid != topology.uuid:
            raise InvalidArgument(
                f"default: new networks are put into topology {other.uuid} already; "
                "modify that one to be default no more first."
            )


def joined_rows(
    transaction: Transaction,
    topology_uuid: str | None,
    kind: type[Any],
    *,
    by_default: bool = True,
    **related: str,
) -> Iterator[Row]:
    """The row that joins something to the topology that is given, else to the default one.

    Without `by_default` it is joined to none that is not given.
    """
    if topology_uuid is None and by_default:
        for topology in transaction.where(Topology, default=True):
            if ONLY.get(kind) in (None, topology.mode):
                topology_uuid = topology.uuid
    if topology_uuid is not None:
        yield in_topology(
            transaction,
            kind(uuid=allotted_uuid(transaction, kind), topology_uuid=topology_uuid, **related),
        )


def in_topology(transaction: Transaction, row: Any) -> Row:
    """A row that joins something to a topology, if that topology may have it."""
    mode = ONLY.get(type(row))
    if mode is not None:
        _check_mode(transaction, "topology_uuid", row.topology_uuid, mode)
    joined: Row = row
    return joined


def layer_rows(transaction: Transaction, values: Mapping[str, Any]) -> Iterator[Row]:
    """An overlay that lies on an underlay."""
    _check_mode(transaction, "overlay_uuid", values["overlay_uuid"], OVERLAY)
    _check_mode(transaction, "underlay_uuid", values["underlay_uuid"], UNDERLAY)
    yield TopologyLayer(**values)


def _check_mode(transaction: Transaction, name: str, uuid: str, mode: str) -> None:
    topology = found(transaction, Topology, uuid, name)
    if topology.mode != mode:
        raise InvalidArgument(
            f"{name} {uuid} is of mode {topology.mode}; this needs one of mode {mode}."
        )

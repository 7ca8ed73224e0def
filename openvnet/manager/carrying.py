"""What a datapath carries to others, itself or by a topology, and by which of its interfaces.

A row that a user makes takes the place of the one that a topology made.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from openvnet.manager.carried import CarriedRow, pair_of
from openvnet.manager.errors import InvalidArgument
from openvnet.manager.leases import refuse_mac_in_use
from openvnet.manager.names import found
from openvnet.manager.networks import check_uplink
from openvnet.manager.topologies import in_topology
from openvnet.model import (
    DatapathNetwork,
    DatapathRouteLink,
    DatapathSegment,
    Interface,
    InterfacePort,
    IpLease,
    Network,
    Row,
    TopologyDatapath,
)
from openvnet.store.transaction import Transaction

Carried = type[DatapathNetwork] | type[DatapathSegment] | type[DatapathRouteLink]


def carried_rows(
    kind: Carried,
) -> Callable[[Transaction, Mapping[str, Any]], Iterator[Row]]:
    """The rule by which a datapath carries something."""

    def rows(transaction: Transaction, values: Mapping[str, Any]) -> Iterator[Row]:
        row = kind(**{**values, "ip_lease_uuid": carrier(transaction, values)})
        carry, datapath_uuid, uuid = pair_of(row)
        for made in transaction.where(kind, datapath_uuid=datapath_uuid, **{carry.name: uuid}):
            transaction.delete(made)
        refuse_mac_in_use(transaction, row)
        if isinstance(row, DatapathNetwork):
            network = found(transaction, Network, row.network_uuid, "network_uuid")
            check_uplink(transaction, row, network)
        yield row

    return rows


def changed_carried(
    transaction: Transaction,
    row: DatapathNetwork | DatapathSegment | DatapathRouteLink,
    values: Any,
) -> Iterator[Row]:
    """What a datapath carries, with another MAC address, or reached otherwise."""
    changed = replace(row, **values)
    refuse_mac_in_use(transaction, changed)
    yield changed


def is_made(row: Row) -> bool:
    """Whether a topology made a row."""
    return isinstance(row, CarriedRow) and row.topology_uuid is not None


def refuse_made(row: Row) -> None:
    """Refuse to delete what a topology would make again at once."""
    if isinstance(row, CarriedRow) and row.topology_uuid is not None:
        carry, datapath_uuid, uuid = pair_of(row)
        raise InvalidArgument(
            f"Topology {row.topology_uuid} has datapath {datapath_uuid} carry {uuid}; "
            f"take one of them out of that topology: vnctl topologies {carry.word} del "
            f"{row.topology_uuid} {uuid}."
        )


def topology_datapath_rows(transaction: Transaction, values: Mapping[str, Any]) -> Iterator[Row]:
    """A datapath of an underlay, reached by one of its interfaces."""
    if carrier(transaction, values) is None:
        raise InvalidArgument(
            f"interface_uuid {values['interface_uuid']}: the interface has no IP lease; "
            "add one first."
        )
    yield in_topology(transaction, TopologyDatapath(**values))


def carrier(transaction: Transaction, values: Mapping[str, Any]) -> str | None:
    """The IP lease that tunnels end at: the one that is given, or the interface's first.

    Refuse an interface that is not a host's, or of another datapath.
    """
    interface_uuid, datapath_uuid = values["interface_uuid"], values["datapath_uuid"]
    interface = found(transaction, Interface, interface_uuid, "interface_uuid")
    if interface.mode != "host":
        raise InvalidArgument(
            f"interface_uuid {interface_uuid} is of mode {interface.mode}; it must be of mode host."
        )
    ports = transaction.where(InterfacePort, interface_uuid=interface_uuid)
    if not any(port.datapath_uuid in (None, datapath_uuid) for port in ports):
        raise InvalidArgument(
            f"interface_uuid {interface_uuid} has no port on datapath {datapath_uuid}."
        )
    return _ip_lease(transaction, interface_uuid, values.get("ip_lease_uuid"))


def _ip_lease(transaction: Transaction, interface_uuid: str, given: str | None) -> str | None:
    leases = transaction.where(IpLease, interface_uuid=interface_uuid)
    if given is None:
        return leases[0].uuid if leases else None
    if given not in [lease.uuid for lease in leases]:
        raise InvalidArgument(f"ip_lease_uuid {given} is not of interface {interface_uuid}.")
    return given

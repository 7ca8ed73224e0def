"""What an interface is told to be part of: any, but for those that bridge a LAN into a network.

Those bridge one network each, and each network is bridged by one of them: two to the same LAN would
be a loop, and nobody could tell.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from openvnet.manager.errors import InvalidArgument
from openvnet.manager.names import found
from openvnet.model import Interface, InterfaceNetwork, InterfaceSegment, Network
from openvnet.store.transaction import Transaction

PROMISCUOUS = "promiscuous"


def interface_network_rows(
    transaction: Transaction, values: Mapping[str, Any]
) -> Iterator[InterfaceNetwork]:
    """A network that an interface is part of from now on."""
    row = InterfaceNetwork(**values)
    interface = found(transaction, Interface, row.interface_uuid, "interface_uuid")
    if interface.mode == PROMISCUOUS:
        _check_bridge(transaction, row)
    yield row


def _check_bridge(transaction: Transaction, row: InterfaceNetwork) -> None:
    network = found(transaction, Network, row.network_uuid, "network_uuid")
    if network.mode == "physical":
        raise InvalidArgument(
            f"network_uuid {network.uuid} is of mode physical: it reaches its LAN by what "
            "datapaths carry of it, not by a promiscuous interface."
        )
    for other in transaction.where(InterfaceNetwork, interface_uuid=row.interface_uuid):
        raise InvalidArgument(
            f"interface_uuid {row.interface_uuid} is promiscuous and bridges network "
            f"{other.network_uuid} already; set that to static false first."
        )
    for other in transaction.where(InterfaceNetwork, network_uuid=row.network_uuid):
        if found(transaction, Interface, other.interface_uuid).mode == PROMISCUOUS:
            raise InvalidArgument(
                f"network_uuid {row.network_uuid} is bridged by interface {other.interface_uuid} "
                "already; a second one could make a loop."
            )


def interface_segment_rows(
    transaction: Transaction, values: Mapping[str, Any]
) -> Iterator[InterfaceSegment]:
    """A segment that an interface is part of from now on."""
    row = InterfaceSegment(**values)
    interface = found(transaction, Interface, row.interface_uuid, "interface_uuid")
    if interface.mode == PROMISCUOUS:
        raise InvalidArgument(
            f"interface_uuid {interface.uuid} is promiscuous; to bridge a LAN into a segment is "
            "not yet done."
        )
    yield row

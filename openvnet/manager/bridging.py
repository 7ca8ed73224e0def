"""What an interface is told to be part of: any, but for those that bridge a LAN into an L2 domain.

Those bridge one network or segment each, and each domain (a network, or a segment with all networks
in it) is bridged by one of them: two to the same LAN would be a loop, and nobody could tell.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from openvnet.manager.errors import InvalidArgument
from openvnet.manager.names import found
from openvnet.model import Interface, InterfaceNetwork, InterfaceSegment, Network, Segment
from openvnet.model.domains import in_segment
from openvnet.store.transaction import Transaction

PROMISCUOUS = "promiscuous"

Part = InterfaceNetwork | InterfaceSegment


def interface_network_rows(
    transaction: Transaction, values: Mapping[str, Any]
) -> Iterator[InterfaceNetwork]:
    """A network that an interface is part of from now on."""
    row = InterfaceNetwork(**values)
    refuse_second_bridge(transaction, row)
    yield row


def interface_segment_rows(
    transaction: Transaction, values: Mapping[str, Any]
) -> Iterator[InterfaceSegment]:
    """A segment that an interface is part of from now on."""
    row = InterfaceSegment(**values)
    refuse_second_bridge(transaction, row)
    yield row


def refuse_second_bridge(transaction: Transaction, row: Part) -> None:
    """Refuse to bridge one LAN into two domains, or two LANs into one."""
    if found(transaction, Interface, row.interface_uuid, "interface_uuid").mode != PROMISCUOUS:
        return
    _refuse_second(transaction, row)
    if isinstance(row, InterfaceSegment):
        segment = found(transaction, Segment, row.segment_uuid, "segment_uuid")
        whose = f"segment_uuid {row.segment_uuid}, or a network in it,"
        _refuse_loop(transaction, whose, row, _in_domain(transaction, segment))
        return
    network = found(transaction, Network, row.network_uuid, "network_uuid")
    if network.mode == "physical":
        raise InvalidArgument(
            f"network_uuid {network.uuid} is of mode physical: it reaches its LAN by what "
            "datapaths carry of it, not by a promiscuous interface."
        )
    whose = f"network_uuid {network.uuid}"
    if in_segment(network):
        whose = f"{whose}, or its segment {network.segment_uuid},"
    _refuse_loop(transaction, whose, row, _in_domain(transaction, network))


def _refuse_second(transaction: Transaction, row: Part) -> None:
    """Refuse to bridge one LAN into two domains."""
    by = {"interface_uuid": row.interface_uuid}
    already: tuple[tuple[Part, str], ...] = (
        *(
            (each, f"network {each.network_uuid}")
            for each in transaction.where(InterfaceNetwork, **by)
        ),
        *(
            (each, f"segment {each.segment_uuid}")
            for each in transaction.where(InterfaceSegment, **by)
        ),
    )
    for each, what in already:
        if each.uuid != row.uuid:
            raise InvalidArgument(
                f"interface_uuid {row.interface_uuid} is promiscuous and bridges {what} already; "
                "set that to static false first."
            )


def _refuse_loop(transaction: Transaction, whose: str, row: Part, joined: Iterable[Part]) -> None:
    """Refuse a second promiscuous interface in one domain."""
    for other in joined:
        if (
            other.uuid != row.uuid
            and found(transaction, Interface, other.interface_uuid).mode == PROMISCUOUS
        ):
            raise InvalidArgument(
                f"{whose} is bridged by interface {other.interface_uuid} already; a second one "
                "could make a loop."
            )


def _in_domain(transaction: Transaction, thing: Network | Segment) -> Iterator[Part]:
    """What is said to be part of the L2 domain of a network or a segment."""
    if isinstance(thing, Network) and not in_segment(thing):
        yield from transaction.where(InterfaceNetwork, network_uuid=thing.uuid)
        return
    segment_uuid = thing.uuid if isinstance(thing, Segment) else thing.segment_uuid
    yield from transaction.where(InterfaceSegment, segment_uuid=segment_uuid)
    for network in transaction.where(Network, segment_uuid=segment_uuid):
        yield from transaction.where(InterfaceNetwork, network_uuid=network.uuid)

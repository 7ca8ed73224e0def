"""DNS services: which network services may have one."""

from collections.abc import Iterator, Mapping
from typing import Any

from openvnet.manager.errors import InvalidArgument
from openvnet.manager.names import found
from openvnet.model import DnsService, NetworkService, Row
from openvnet.store.transaction import Transaction


def dns_service_rows(transaction: Transaction, values: Mapping[str, Any]) -> Iterator[Row]:
    """A new DNS service, of a network service of mode dns."""
    uuid = values["network_service_uuid"]
    service = found(transaction, NetworkService, uuid, "network_service_uuid")
    if service.mode != "dns":
        raise InvalidArgument(
            f"network_service_uuid {uuid} is of mode {service.mode}; it must be of mode dns."
        )
    yield DnsService(**values)

"""Lease policies: which addresses they give to whom."""

from collections.abc import Iterator, Mapping
from typing import Any

from openvnet.manager.errors import InvalidArgument
from openvnet.manager.leases import ip_lease_rows
from openvnet.manager.names import allotted_uuid, found
from openvnet.manager.ranges import allotted_ipv4_address
from openvnet.model import (
    IpLease,
    IpLeaseContainerIpLease,
    IpRetention,
    LeasePolicy,
    LeasePolicyInterface,
    LeasePolicyIpLeaseContainer,
    LeasePolicyIpRetentionContainer,
    LeasePolicyNetwork,
    Network,
    Row,
)
from openvnet.store.transaction import Transaction


def policy_interface_rows(transaction: Transaction, values: Mapping[str, Any]) -> Iterator[Row]:
    """An interface of a policy, and the address that it is given."""
    row = LeasePolicyInterface(**values)
    policy = found(transaction, LeasePolicy, row.lease_policy_uuid, "lease_policy_uuid")
    if policy.timing != "immediate":
        raise InvalidArgument(
            f"Lease policy {policy.uuid} has timing {policy.timing}, which is not yet done; "
            "change it to immediate."
        )
    yield row
    yield from _leased(transaction, policy.uuid, row.interface_uuid, row.label)


def _leased(
    transaction: Transaction, policy_uuid: str, interface_uuid: str, label: str | None
) -> Iterator[Row]:
    network_uuid, address = _address(transaction, policy_uuid)
    given = {"network_uuid": network_uuid, "ipv4_address": address}
    uuid = allotted_uuid(transaction, IpLease)
    lease = {"uuid": uuid, "interface_uuid": interface_uuid, **given}
    yield from ip_lease_rows(transaction, lease)
    by = {"lease_policy_uuid": policy_uuid}
    for container in transaction.where(LeasePolicyIpLeaseContainer, **by):
        if label in (None, container.label):
            yield IpLeaseContainerIpLease(
                uuid=allotted_uuid(transaction, IpLeaseContainerIpLease),
                ip_lease_container_uuid=container.ip_lease_container_uuid,
                ip_lease_uuid=uuid,
            )
    for retaining in transaction.where(LeasePolicyIpRetentionContainer, **by):
        yield IpRetention(
            uuid=allotted_uuid(transaction, IpRetention),
            ip_retention_container_uuid=retaining.ip_retention_container_uuid,
            ip_lease_uuid=uuid,
            leased_at=transaction.time,
        )


def _address(transaction: Transaction, policy_uuid: str) -> tuple[str, int]:
    """The first network of a policy whose ranges have an address left, and that address."""
    bases = transaction.where(LeasePolicyNetwork, lease_policy_uuid=policy_uuid)
    for base in bases:
        network = found(transaction, Network, base.network_uuid)
        address = allotted_ipv4_address(transaction, network, base.ip_range_group_uuid)
        if address is not None:
            return network.uuid, address
    if not bases:
        raise InvalidArgument(f"Lease policy {policy_uuid} has no network; add one first.")
    raise InvalidArgument(
        f"Lease policy {policy_uuid} is exhausted: its ranges have no free address in "
        f"{', '.join(base.network_uuid for base in bases)}."
    )


def retention_rows(transaction: Transaction, values: Mapping[str, Any]) -> Iterator[Row]:
    """An IP lease that is in a retention container from now on."""
    yield IpRetention(**values, leased_at=transaction.time)

"""Lease policies: which addresses they give to whom.

`immediate`: as an interface joins. `dhcp`: as it asks, which is `requested_lease_rows`. What has
been leased stays when the interface leaves the policy, or the policy goes.
"""

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
    """An interface of a policy, and the address that it is given if it is not to ask for it."""
    row = LeasePolicyInterface(**values)
    policy = found(transaction, LeasePolicy, row.lease_policy_uuid, "lease_policy_uuid")
    yield row
    if policy.timing == "immediate":
        yield from _leased(transaction, policy.uuid, row.label, row.interface_uuid)


def requested_lease_rows(transaction: Transaction, interface_uuid: str) -> Iterator[Row]:
    """The IP leases that an interface which asks by DHCP has of its policies; new ones if needed.

    Whatever the timing of a policy: one that leased at once, and whose lease has ended since, is
    asked again.
    """
    leases = transaction.where(IpLease, interface_uuid=interface_uuid)
    for link in transaction.where(LeasePolicyInterface, interface_uuid=interface_uuid):
        bases = transaction.where(LeasePolicyNetwork, lease_policy_uuid=link.lease_policy_uuid)
        networks = {base.network_uuid for base in bases}
        held = [lease for lease in leases if lease.network_uuid in networks]
        yield from held or _leased(transaction, link.lease_policy_uuid, link.label, interface_uuid)


def made_lease_rows(
    transaction: Transaction, policy: LeasePolicy, values: Mapping[str, Any]
) -> Iterator[Row]:
    """An IP lease of a policy that no interface has yet."""
    uuid = values.get("ip_lease_uuid")
    yield from _leased(transaction, policy.uuid, values.get("label"), uuid=uuid)


def _leased(
    transaction: Transaction,
    policy_uuid: str,
    label: str | None,
    interface_uuid: str | None = None,
    uuid: str | None = None,
) -> Iterator[Row]:
    """A new IP lease, and its places in the containers of its policy."""
    uuid = allotted_uuid(transaction, IpLease, uuid)
    network_uuid, address = _address(transaction, policy_uuid)
    given = {
        "uuid": uuid,
        "network_uuid": network_uuid,
        "ipv4_address": address,
        "interface_uuid": interface_uuid,
        "project_uuid": found(transaction, LeasePolicy, policy_uuid).project_uuid,
    }
    yield from ip_lease_rows(transaction, given)
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

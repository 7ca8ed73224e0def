"""Route links, routes onto them, and static translations."""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from openvnet.manager.errors import InvalidArgument
from openvnet.manager.leases import refuse_mac_in_use
from openvnet.manager.names import found, refuse_twin
from openvnet.manager.networks import allotted_vni, check_address, check_subnet
from openvnet.manager.topologies import joined_rows
from openvnet.model import (
    Network,
    Route,
    RouteLink,
    Row,
    TopologyRouteLink,
    TranslationStaticAddress,
)
from openvnet.store.transaction import Transaction

Values = Mapping[str, Any]
PORTS = ("ingress_port_number", "egress_port_number")


def route_link_rows(transaction: Transaction, values: Values) -> Iterator[Row]:
    """A new route link, in a topology if that is said."""
    given = dict(values)
    topology_uuid = given.pop("topology_uuid", None)
    link = RouteLink(**given, vni=allotted_vni(transaction))
    refuse_mac_in_use(transaction, link)
    yield link
    yield from joined_rows(transaction, topology_uuid, TopologyRouteLink, route_link_uuid=link.uuid)


def changed_route_link(transaction: Transaction, link: RouteLink, values: Values) -> Iterator[Row]:
    """A route link with another MAC address."""
    changed = replace(link, **values)
    refuse_mac_in_use(transaction, changed)
    yield changed


def route_rows(_: Transaction, values: Values) -> Iterator[Row]:
    """A new route."""
    route = Route(**values)
    check_subnet(route)
    yield route


def changed_route(_: Transaction, route: Route, values: Values) -> Iterator[Row]:
    """A route with other values."""
    if values.get("interface_uuid", route.interface_uuid) is None:
        raise InvalidArgument("interface_uuid must name an interface.")
    changed = replace(route, **values)
    check_subnet(changed)
    yield changed


def static_address_rows(transaction: Transaction, values: Values) -> Iterator[Row]:
    """A new static address of a translation."""
    given = dict(values)
    for side in ("ingress", "egress"):
        if network_uuid := given.pop(f"{side}_network_uuid", None):
            network = found(transaction, Network, network_uuid)
            check_address(network, given[f"{side}_ipv4_address"], f"{side}_ipv4_address")
    if (given.get(PORTS[0]) is None) != (given.get(PORTS[1]) is None):
        raise InvalidArgument(f"{PORTS[0]} and {PORTS[1]} must both be given, or neither.")
    row = TranslationStaticAddress(**given)
    refuse_twin(transaction, row, "translation_uuid", besides=("route_link_uuid",))
    yield row


def described_static_address(given: Values) -> Values:
    """What is deleted: the address on these ports, or on all."""
    return {**dict.fromkeys(PORTS), **given}

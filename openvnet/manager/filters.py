"""Rules of filters, and addresses that an interface may use beside its own."""

from collections.abc import Iterator, Mapping
from typing import Any

from openvnet.manager.errors import InvalidArgument
from openvnet.manager.names import refuse_twin
from openvnet.model import AllowedAddressPair, FilterStatic, Row
from openvnet.model.scalars import prefix
from openvnet.store.transaction import Transaction

Values = Mapping[str, Any]
SIDES = ("src", "dst")


def static_rule_rows(transaction: Transaction, values: Values) -> Iterator[Row]:
    """A new rule of a filter."""
    row = FilterStatic(**described_static_rule(values))
    refuse_twin(transaction, row, "filter_uuid", besides=("action",))
    yield row


def described_static_rule(given: Values) -> dict[str, Any]:
    """A rule's fields: any address and any port, where none is given."""
    fields = dict(given)
    for side in SIDES:
        text = fields.pop(f"{side}_address", None) or "0.0.0.0/0"
        address, length = prefix(text)
        if length and not address:
            raise InvalidArgument(f"{side}_address {text}: say 0.0.0.0/0 for any address.")
        fields |= {f"{side}_address": address, f"{side}_prefix": length}
        fields[f"{side}_port"] = _port(given, f"{side}_port")
    return fields


def _port(given: Values, name: str) -> int | None:
    """0 (any) if it is not given; None with protocols that have no ports."""
    port: int = given.get(name) or 0
    if given.get("protocol") in ("tcp", "udp"):
        return port
    if port:
        raise InvalidArgument(f"{name} is of the protocols tcp and udp only.")
    return None


def allowed_address_pair_rows(transaction: Transaction, values: Values) -> Iterator[Row]:
    """New addresses that an interface may use."""
    row = AllowedAddressPair(**described_pair(values))
    refuse_twin(transaction, row, "interface_uuid")
    yield row


def described_pair(given: Values) -> dict[str, Any]:
    """The fields of addresses that an interface may use."""
    address, length = prefix(given["ipv4_address"])
    return {"mac_address": None, **given, "ipv4_address": address, "ipv4_prefix": length}

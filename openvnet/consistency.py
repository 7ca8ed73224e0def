"""What holds of the rows of any database of ours, whoever made them.

Values are of their types and within their bounds, references lead to rows that are there, and what
only one row may have, only one has. Rules that are asked of a write only (the mode of an interface
that carries tunnels, say) are not among it: a later write may have changed what they asked about.

It is misused by adding rows before those that they refer to: the order of `RESOURCES` is right.
"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, get_args, get_type_hints

from openvnet.model import RESOURCES, Resource, Row, attributes

_RESOURCES: dict[type[Any], Resource] = {resource.kind: resource for resource in RESOURCES}
_BY_PREFIX: dict[str, type[Any]] = {resource.prefix: resource.kind for resource in RESOURCES}
MAC_ADDRESS = ("mac_address",)


class Known:
    """Rows that are known to be right, to which others are added one by one."""

    def __init__(self) -> None:
        self.rows: dict[type[Any], dict[str, Any]] = {resource.kind: {} for resource in RESOURCES}
        self._holders: dict[tuple[Any, ...], Row] = {}
        """The rows that have what only one may have."""

    def add(self, row: Row) -> str:
        """Take a row, or say in words what is wrong with it."""
        kind = type(row)
        rows = self.rows[kind]
        if row.uuid in rows:
            return f"uuid {row.uuid} is that of another {_RESOURCES[kind].singular}"
        wrong = _wrong_value(row) or self._wrong_reference(row)
        if wrong:
            return wrong
        unique = list(_unique(row))
        for key, names in unique:
            if holder := self._holders.get(key):
                singular = _RESOURCES[type(holder)].singular
                return f"{_told(row, names)} belongs to {singular} {holder.uuid} already"
        self._holders.update((key, row) for key, _ in unique)
        rows[row.uuid] = row
        return ""

    def _wrong_reference(self, row: Row) -> str:
        for name, kind, required in _references(type(row)):
            value = getattr(row, name)
            if value is None:
                if required:
                    return f"{name} names nothing"
            elif value not in self.rows[kind]:
                return f"{name} {value}: there is no such {_RESOURCES[kind].singular}"
        return ""


def _wrong_value(row: Row) -> str:
    for name, read, show, optional in _values(type(row)):
        value = getattr(row, name)
        if value is None:
            if not optional:
                return f"{name} is missing"
            continue
        try:
            read(show(value))
        except ValueError as error:
            return f"{name} {shown(show, value)} {error}"
        except (ArithmeticError, TypeError):
            return f"{name} {value!r:.80} is out of bounds"
    return ""


def shown(show: Callable[[Any], Any], value: Any) -> str:
    """A value as people write it, or as it is if it is none."""
    try:
        return f"{show(value)!s:.80}"
    except (ArithmeticError, TypeError):
        return f"{value!r:.80}"


def _unique(row: Row) -> Iterator[tuple[tuple[Any, ...], tuple[str, ...]]]:
    """What only this row may have: as a key, and the attributes that it is about."""
    kind = type(row)
    for names in _RESOURCES[kind].unique:
        values = tuple(getattr(row, name) for name in names)
        if None not in values and names != MAC_ADDRESS:
            # Numbers of packets are of one space, as MAC addresses are.
            yield (names if names == ("vni",) else (kind, *names), values), names
    if "mac_address" in attributes(kind) and MAC_ADDRESS in _RESOURCES[kind].unique:
        value = getattr(row, "mac_address", None)
        if value is not None:
            yield (MAC_ADDRESS, value), MAC_ADDRESS


def _told(row: Row, names: tuple[str, ...]) -> str:
    declared = attributes(type(row))
    return " with ".join(
        f"{name} {shown(declared[name].type.show, getattr(row, name))}" for name in names
    )


@cache
def _references(kind: type[Any]) -> tuple[tuple[str, type[Any], bool], ...]:
    """The attributes that refer to other rows: the name, their class, whether there must be one."""
    optional = _optional(kind)
    return tuple(
        (name, _BY_PREFIX[attribute.type.refers_to], name not in optional)
        for name, attribute in attributes(kind).items()
        if attribute.type.refers_to
    )


@cache
def _values(
    kind: type[Any],
) -> tuple[tuple[str, Callable[[Any], Any], Callable[[Any], Any], bool], ...]:
    """The attributes that hold values: the name, how it is read and shown, whether it may lack."""
    optional = _optional(kind)
    return tuple(
        (name, attribute.type.read, attribute.type.show, name in optional)
        for name, attribute in attributes(kind).items()
    )


def _optional(kind: type[Any]) -> set[str]:
    hints = get_type_hints(kind)
    return {name for name, hint in hints.items() if type(None) in get_args(hint)}

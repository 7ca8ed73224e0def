"""From what a client sent (path, query string, body) to the values that rows hold.

The rules are the declarations': a parameter that is not declared for the operation is refused, and
never dropped in silence, as a network that ignores half of what it was told is the worst of both.
"""

import json
from collections.abc import Container, Iterator, Mapping, Sequence
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from openvnet.api.errors import (
    ApiError,
    InvalidArgument,
    InvalidBody,
    InvalidUuid,
    MissingArgument,
    nearest,
    shown,
)
from openvnet.model.operations import Operation, creation
from openvnet.model.resource import Attribute
from openvnet.model.scalars import BOOLEAN, Scalar, integer, uuid

BODY_LIMIT = 64 * 1024
"""Bytes; the longest sensible request has a few hundred."""

LIST_LIMIT = 4 * 1024 * 1024
"""Bytes of a body that is a list."""

LIST_ITEMS = 1000
"""How many resources may be created at once: others wait for a second or so meanwhile."""

SEVERAL = "[]"
"""Stands among the parameters for what a list has; no parameter can be called so."""

PAGE_LIMIT = 30
"""Items of a list, if the client does not say how many."""

WAIT_SECONDS = 10.0
"""How long `wait=true` waits."""

BESIDE = ("wait", "dry_run")
"""Parameters of every write."""

LIMIT = integer(0, 10_000)
OFFSET = integer(0, 2**31 - 1)

Given = Mapping[str, Any]
"""Parameters by name, as the client gave them."""


def query_parameters(query: str) -> dict[str, Any]:
    """Read a query string or a form; one name may be given once."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=100)
    except (UnicodeDecodeError, ValueError):
        raise InvalidArgument("The parameters must be UTF-8, and at most 100.") from None
    return _once(pairs)


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for name, value in pairs:
        if name in given:
            raise InvalidArgument(f"{shown(name)} is given more than once.")
        given[name] = value
    return given


def body_parameters(body: bytes, content_type: str, known: Container[str]) -> dict[str, Any]:
    """Read a body: JSON, YAML or a form, flat or below one name (`{"network": {...}}`)."""
    if not body.strip():
        return {}
    kind = content_type.partition(";")[0].strip().lower()
    if body.lstrip()[:1] == b"{" or kind.endswith("json"):
        return _flat(_json(body), known)
    if kind.endswith("yaml"):
        return _flat(_yaml(body), known)
    if kind in ("", "application/x-www-form-urlencoded"):
        return query_parameters(_text(body))
    raise InvalidBody(f"It is {shown(kind)}; send JSON, YAML or a form.")


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise InvalidBody("It is not UTF-8.") from None


def _json(body: bytes) -> Any:
    try:
        return json.loads(_text(body), object_pairs_hook=_once)
    except RecursionError:
        raise InvalidBody("It is nested too deeply.") from None
    except ValueError as error:
        raise InvalidBody(f"It is not JSON: {error}.") from None


def _yaml(body: bytes) -> Any:
    import yaml

    try:
        # The loader in C recurses without a bound, so the one in Python reads what strangers send.
        return yaml.load(_text(body), Loader=_yaml_loader())  # noqa: S506 - a safe one
    except RecursionError:
        raise InvalidBody("It is nested too deeply.") from None
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, LookupError):
        raise InvalidBody("It is not YAML.") from None


@cache
def _yaml_loader() -> type:
    """PyYAML's, which lets the last of two equal names win; this one refuses them."""
    import yaml

    class Loader(yaml.SafeLoader):
        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
            _once([(name.value, None) for name, _ in node.value if isinstance(name.value, str)])
            return dict(super().construct_mapping(node, deep))

    return Loader


def document(body: bytes) -> Any:
    """Read a body that says what there is to be: an object of collections, in JSON."""
    read = _json(body)
    if not isinstance(read, dict):
        raise InvalidBody("A document must be an object of collections by name.")
    return read


def _flat(read: Any, known: Container[str]) -> dict[str, Any]:
    if isinstance(read, dict) and len(read) == 1:
        ((name, below),) = read.items()
        named = name in BESIDE or name in known
        read = below if isinstance(below, dict) and not named else read
    if not isinstance(read, dict) or not all(isinstance(name, str) for name in read):
        raise InvalidBody("It must be one object of parameters by name.")
    return read


def values(operation: Operation, given: Given) -> dict[str, Any]:
    """The parameters of an operation as rows hold them; refuse what is missing, unknown, wrong."""
    for name in given:
        if name not in operation.parameters:
            raise InvalidArgument(_unknown(name, operation))
    return dict(_read(operation, given))


def _read(operation: Operation, given: Given) -> Iterator[tuple[str, Any]]:
    for name, attribute in operation.parameters.items():
        value = given.get(name)
        if name in given and operation.verb == "update":
            yield name, _changed_value(name, value, attribute)
        elif value is not None:
            yield name, scalar_value(name, value, attribute.type)
        elif attribute.required:
            raise MissingArgument(_missing(name, attribute))


def _changed_value(name: str, given: Any, attribute: Attribute) -> Any:
    """As `scalar_value`, but null or the empty text may clear it."""
    clears = attribute.clears or attribute.type.refers_to
    return None if clears and given in (None, "") else scalar_value(name, given, attribute.type)


def items(body: bytes) -> list[Any]:
    """Read a body that is a list."""
    read = _json(body)
    if not isinstance(read, list) or not 0 < len(read) <= LIST_ITEMS:
        raise InvalidBody(f"A list must have 1 to {LIST_ITEMS} items.")
    return read


def many(operation: Operation, several: Sequence[Any], given: Given) -> tuple[dict[str, Any], ...]:
    """The parameters of each resource that is to be created, as rows hold them."""
    if given:
        name = next(iter(given))
        raise InvalidArgument(f"{shown(name)} must be in each item of the list, not beside it.")
    return tuple(_item(operation, index, item) for index, item in enumerate(several))


def _item(operation: Operation, index: int, item: Any) -> dict[str, Any]:
    where = f"Item {index} of the list (the first is 0)"
    if not isinstance(item, dict):
        raise InvalidBody(f"{where} is no object of parameters by name.")
    try:
        return values(operation, item)
    except ApiError as error:
        raise type(error)(f"{where}: {error}") from None


def is_dry_run(given: Any) -> bool:
    """Whether a write is to be checked only."""
    return given is not None and bool(scalar_value("dry_run", given, BOOLEAN))


def scalar_value(name: str, given: Any, scalar: Scalar) -> Any:
    """The value of one parameter."""
    try:
        return scalar.read(given)
    except ValueError as error:
        refusal = InvalidUuid if scalar.name == "uuid" else InvalidArgument
        raise refusal(f"{name} {shown(given)}: {error}.") from None


def path_uuid(name: str, given: str, prefix: str) -> str:
    """A uuid out of a path."""
    return str(scalar_value(name, given, uuid(prefix)))


def wait_seconds(given: Any) -> float | None:
    """How long a write waits for the hosts: a number of seconds, true, false, or not given."""
    if given is None:
        return None
    try:
        return _seconds(given)
    except (ValueError, OverflowError):
        reason = "must be true, false, or seconds from 0 to 600"
        raise InvalidArgument(f"wait {shown(given)}: {reason}.") from None


def _seconds(given: Any) -> float | None:
    if isinstance(given, bool) or (isinstance(given, str) and given.isalpha()):
        return WAIT_SECONDS if BOOLEAN.read(given) else None
    if not isinstance(given, (str, int, float)):
        raise ValueError
    seconds = float(given)
    if not 0 <= seconds <= 600:
        raise ValueError
    return seconds


def _missing(name: str, attribute: Attribute) -> str:
    return f"{name} is required: {attribute.doc[:1].lower()}{attribute.doc[1:]}"


def _unknown(name: str, operation: Operation) -> str:
    resource = operation.resource
    if operation.verb == "update" and name in creation(resource):
        return f"{name} of {resource.one} cannot be changed once it is there."
    known = [*operation.parameters, *BESIDE]
    hint = nearest(name, known) or f" Known are {', '.join(known)}."
    return f"{shown(name)} is not a parameter of {resource.one}.{hint}"

"""The kinds of value that a resource's attributes have: how each is read, shown and described.

`read` takes what a person or a client gave (text, or what JSON made of it) and returns the value
that rows hold; `show` is its inverse for answers. Addresses are integers in rows and text outside.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec


def as_it_is(value: Any) -> Any:
    """How most values are shown."""
    return value


class Scalar(msgspec.Struct, frozen=True):
    """A kind of value. `read` raises ValueError with a sentence that says what would be right."""

    name: str
    read: Callable[[Any], Any]
    show: Callable[[Any], Any] = as_it_is
    schema: Mapping[str, Any] = msgspec.field(default_factory=lambda: {"type": "string"})
    """JSON Schema of the shown form."""
    refers_to: str | None = None
    """The uuid prefix of the resource that this value names, for references."""


def _read_text(given: Any) -> str:
    if not isinstance(given, str):
        raise ValueError("must be text")
    if len(given) > 255 or not given.isprintable():
        raise ValueError("must be at most 255 printable characters")
    return given


def _read_boolean(given: Any) -> bool:
    if isinstance(given, bool):
        return given
    word = str(given).lower()
    if word in ("y", "yes", "t", "true", "1"):
        return True
    if word in ("n", "no", "f", "false", "0"):
        return False
    raise ValueError("must be true or false")


def _read_ipv4(given: Any) -> int:
    try:
        return int(ipaddress.IPv4Address(given if isinstance(given, str) else ""))
    except ValueError:
        raise ValueError("must be an IPv4 address such as 10.102.0.10") from None


_MAC = re.compile(r"[0-9a-f]{1,2}([:-][0-9a-f]{1,2}){5}|[0-9a-f]{12}", re.IGNORECASE)


def _read_mac(given: Any) -> int:
    if not isinstance(given, str) or not _MAC.fullmatch(given):
        raise ValueError("must be a MAC address such as 52:54:00:0d:84:8c")
    if len(given) == 12:
        value = int(given, 16)
    else:
        value = int("".join(octet.zfill(2) for octet in re.split("[:-]", given)), 16)
    if value == 0 or value >> 40 & 1:
        raise ValueError("must be the address of one interface, not zero, broadcast or multicast")
    return value


def _read_dpid(given: Any) -> str:
    if not isinstance(given, str) or not re.fullmatch(r"(0x)?[0-9a-f]{1,16}", given, re.IGNORECASE):
        raise ValueError("must be up to 16 hexadecimal digits such as 0x0000aaaaaaaaaaaa")
    return f"0x{int(given, 16):016x}"


def _read_prefix(given: Any) -> str:
    try:
        address, _, length = str(given).partition("/")
        found = ipaddress.IPv4Network((address, int(length) if length else 32), strict=False)
        if not isinstance(given, str) or not address:
            raise ValueError
    except ValueError:
        raise ValueError("must be an IPv4 address, or a prefix such as 10.102.0.0/24") from None
    if str(found.network_address) != address:
        raise ValueError(f"must be without bits beyond its prefix; {found} would be right")
    return str(found)


def _read_addresses(given: Any) -> str:
    text = given.replace(" ", "") if isinstance(given, str) else "none"
    try:
        words = text.split(",") if text else []
        if len(words) > 16:
            raise ValueError
        return ",".join(str(ipaddress.IPv4Address(word)) for word in words)
    except ValueError:
        raise ValueError(
            "must be at most 16 IPv4 addresses with commas between them, such as 8.8.8.8,8.8.4.4"
        ) from None


_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_DNS_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*\.?", re.IGNORECASE)


def _read_dns_name(given: Any) -> str:
    if not isinstance(given, str) or len(given) > 253 or not _DNS_NAME.fullmatch(given):
        raise ValueError("must be a domain name such as www.example.com")
    return given


_Z85 = re.compile(r"[0-9a-zA-Z.:+=^!/*?&<>()\[\]{}@%$#-]{40}")
_NODE_ID = re.compile(r"[\w.-]{1,100}", re.ASCII)


def _read_key(given: Any) -> str:
    if not isinstance(given, str) or not _Z85.fullmatch(given):
        raise ValueError("must be a public key of 40 letters (Z85)")
    return given


def _read_node_id(given: Any) -> str:
    if not isinstance(given, str) or not _NODE_ID.fullmatch(given):
        raise ValueError("must be a name of at most 100 letters, digits and any of `_.-`")
    return given


def prefix(text: str) -> tuple[int, int]:
    """The address and the length of a prefix that was read."""
    found = ipaddress.IPv4Network(text)
    return int(found.network_address), found.prefixlen


def show_ipv4(value: int) -> str:
    """A dotted IPv4 address."""
    return f"{value >> 24}.{value >> 16 & 255}.{value >> 8 & 255}.{value & 255}"


def show_mac(value: int) -> str:
    """A MAC address in six colon-separated octets."""
    return value.to_bytes(6, "big").hex(":")


_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def _read_duration(given: Any) -> int:
    text = str(given) if type(given) in (int, str) else ""
    said = re.fullmatch(r"([0-9]{1,10})([smhdw]?)", text)
    seconds = int(said[1]) * _UNITS[said[2]] if said else 0
    if not 0 < seconds < 2**31:
        raise ValueError("must be a number of seconds, or with a unit: 90s, 30m, 12h, 30d or 4w")
    return seconds


TEXT = Scalar("text", _read_text)
BOOLEAN = Scalar("boolean", _read_boolean, schema={"type": "boolean"})
IPV4 = Scalar("IPv4 address", _read_ipv4, show_ipv4, {"type": "string", "format": "ipv4"})
MAC = Scalar("MAC address", _read_mac, show_mac, {"type": "string", "format": "mac"})
DPID = Scalar("datapath id", _read_dpid)
IPV4_PREFIX = Scalar("IPv4 prefix", _read_prefix)
IPV4_ADDRESSES = Scalar("IPv4 addresses", _read_addresses)
DNS_NAME = Scalar("domain name", _read_dns_name)
KEY = Scalar("public key", _read_key)
NODE_ID = Scalar("node id", _read_node_id)
DURATION = Scalar(
    "duration",
    _read_duration,
    schema={
        "anyOf": [
            {"type": "string", "pattern": "^[1-9][0-9]{0,2}[smhdw]?$"},
            {"type": "integer", "minimum": 1, "maximum": 2**31 - 1},
        ]
    },
)


def integer(least: int, most: int) -> Scalar:
    """A whole number within bounds, both included."""

    def read(given: Any) -> int:
        try:
            value = int(given) if not isinstance(given, (bool, float)) else None
        except (TypeError, ValueError):
            value = None
        if value is None or not least <= value <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return value

    return Scalar("integer", read, schema={"type": "integer", "minimum": least, "maximum": most})


VNI = integer(1, 2**24 - 1)
PORT = integer(1, 65535)
SECONDS = integer(0, 2**31 - 1)
INSTANT = integer(0, 2**63 - 1)


def choice(*words: str) -> Scalar:
    """One of a few words."""

    def read(given: Any) -> str:
        if given not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return str(given)

    return Scalar("word", read, schema={"type": "string", "enum": list(words)})


def uuid(prefix: str) -> Scalar:
    """The name of a resource: `<prefix>-` and up to 16 lower-case letters and digits."""
    return _named(prefix, None)


def reference(prefix: str) -> Scalar:
    """The uuid of another resource."""
    return _named(prefix, prefix)


def _named(prefix: str, refers_to: str | None) -> Scalar:
    pattern = f"{prefix}-[a-z0-9]{{1,16}}"

    def read(given: Any) -> str:
        if not isinstance(given, str) or not re.fullmatch(pattern, given):
            raise ValueError(f"must be {prefix}- and 1 to 16 lower-case letters and digits")
        return given

    return Scalar(
        "uuid",
        read,
        schema={"type": "string", "pattern": f"^{pattern}$"},
        refers_to=refers_to,
    )

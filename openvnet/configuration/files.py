"""What the files say: found, read, and held against the declared keys.

Each file is looked for by itself, and the first that is there counts. That a file is missing is no
error, since everything has a default; that one cannot be read is.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Generic, TypeVar, get_type_hints

import msgspec
from msgspec import inspect

from openvnet.configuration.keys import Common, Vnmgr
from openvnet.configuration.syntax import ConfigurationError, Entry, Place, Value, entries

SYSTEM = (Path("/etc/openvnet"), Path("/etc/wakame-vnet"))

T = TypeVar("T", bound=msgspec.Struct)
Keys = dict[str, Any]
"""The type of each key of a file or block."""


class Configuration(msgspec.Struct, Generic[T], frozen=True):
    """What a program was told by its files."""

    common: Common
    own: T
    places: Mapping[str, Place]
    """Where each key that the files set is set, by its dotted name: "node.addr.port"."""
    idle: Mapping[str, str]
    """Why a key that the files set does nothing, by its dotted name."""
    directories: Sequence[Path]
    """Where the files were looked for."""

    def place(self, key: str) -> str:
        """A key as an error names it: where it is set, if it is."""
        return f"{self.places[key]}: {key}" if key in self.places else key


def search(named: Path | None, environment: Mapping[str, str] = os.environ) -> tuple[Path, ...]:
    """The directories to look in: the one that is named alone, or all of the usual ones.

    Raise ConfigurationError if CONFIG_PATH leads nowhere.
    """
    if named is not None:
        return (named,)
    first = environment.get("CONFIG_PATH")
    if not first:
        return SYSTEM
    if not Path(first).is_dir():
        raise ConfigurationError(f"CONFIG_PATH {first} is no directory.")
    return (Path(first), *SYSTEM)


def configuration(program: str, own: type[T], directories: Sequence[Path]) -> Configuration[T]:
    """Read common.conf and the program's own file; raise ConfigurationError."""
    said: dict[str, Any] = {}
    places: dict[str, Place] = {}
    idle: dict[str, str] = {}
    keys = keys_of(Common)
    for name, more in (("common", {}), (program, keys_of(own))):
        keys = keys | more
        file, text = _first(directories, f"{name}.conf")
        reading = _Reading(keys)
        _merge(said, reading.block(entries(text, file), "", keys))
        places |= reading.places
        idle |= reading.idle
    common, rest = msgspec.convert(said, Common), msgspec.convert(said, own)
    return Configuration(common, rest, places, idle, directories)


def vnmgr_address(directories: Sequence[Path]) -> tuple[str, int] | None:
    """The host and port of vnmgr, if the vnmgr.conf beside a program's own file names one."""
    address = configuration("vnmgr", Vnmgr, directories).own.node.addr
    return (address.public or address.host, address.port) if address else None


def _first(directories: Iterable[Path], name: str) -> tuple[str, str]:
    """The path and the text of the first file of this name; no text if there is none."""
    for path in (directory / name for directory in directories):
        try:
            return str(path), path.read_bytes().decode("utf-8-sig")
        except FileNotFoundError:
            continue
        except OSError as error:
            raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from None
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            raise ConfigurationError(f"{path}, line {line}: this is no text in UTF-8.") from None
    return name, ""


def _merge(said: dict[str, Any], more: Mapping[str, Any]) -> None:
    for key, value in more.items():
        if isinstance(value, dict):
            _merge(said.setdefault(key, {}), value)
        else:
            said[key] = value


class _Reading:
    """The reading of one file."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self.places: dict[str, Place] = {}
        self.idle: dict[str, str] = {}

    def block(self, said: Sequence[Entry], around: str, keys: Keys) -> dict[str, Any]:
        """The values of a block, whose name has a dot at its end; "" is the file itself."""
        read: dict[str, Any] = {}
        for entry in said:
            name = f"{around}{entry.key}"
            if entry.key not in keys:
                raise ConfigurationError(f"{entry.place}: {self._unknown(entry.key, around, keys)}")
            several = isinstance(plain(keys[entry.key]), inspect.VarTupleType)
            if name in self.places and not several:
                words = f"{name} is set a second time, after line {self.places[name].line}."
                raise ConfigurationError(f"{entry.place}: {words}")
            self.places[name] = entry.place
            value = self._value(entry, name, keys[entry.key])
            read[entry.key] = (*read.get(entry.key, ()), *value) if several else value
            if why := use(keys[entry.key]):
                self.idle[name] = why
        return {key: value for key, value in read.items() if value is not None}

    def _value(self, entry: Entry, name: str, declared: Any) -> Any:
        kind = plain(declared)
        if isinstance(kind, inspect.StructType):
            if isinstance(entry.content, Value):
                words = f"{name} is a block, {entry.key} {{ … }}, and has no value itself."
                raise ConfigurationError(f"{entry.content.place}: {words}")
            return self.block(entry.content, f"{name}.", keys_of(kind.cls))
        if not isinstance(entry.content, Value):
            raise ConfigurationError(f"{entry.place}: {name} has a value, and is no block.")
        place, text = entry.content.place, entry.content.text
        several = isinstance(kind, inspect.VarTupleType)
        if text is None:
            return () if several else None
        try:
            return msgspec.convert((text,) if several else text, declared, strict=False)
        except msgspec.ValidationError:
            words = f"{name} {text!r} must be {wanted(declared)}."
            raise ConfigurationError(f"{place}: {words}") from None

    def _unknown(self, key: str, around: str, keys: Keys) -> str:
        """That there is no such key in a block, and what may have been meant."""
        sentence = f"there is no key {around}{key}"
        if near := get_close_matches(key, keys, n=1):
            return f"{sentence}; did you mean {around}{near[0]}?"
        elsewhere = [name for name in values(self._keys) if name.split(".")[-1] == key]
        if elsewhere:
            return f"{sentence}, but {' and '.join(elsewhere)}."
        return f"{sentence}; known are {', '.join(f'{around}{each}' for each in keys)}."


def keys_of(kind: type[msgspec.Struct]) -> Keys:
    """The keys that a struct declares."""
    return get_type_hints(kind, include_extras=True)


def values(keys: Keys, around: str = "") -> Iterator[str]:
    """The dotted names of all keys that are no blocks."""
    for name, declared in keys.items():
        kind = plain(declared)
        if isinstance(kind, inspect.StructType):
            yield from values(keys_of(kind.cls), f"{around}{name}.")
        else:
            yield f"{around}{name}"


def plain(declared: Any) -> inspect.Type:
    """What a key's value is, when it has one."""
    kind = inspect.type_info(declared)
    while isinstance(kind, (inspect.Metadata, inspect.UnionType)):
        kind = kind.type if isinstance(kind, inspect.Metadata) else kind.types[0]
    return kind


def use(declared: Any) -> str:
    """Why a key does nothing (`keys.MEANINGLESS`, `keys.LATER`); empty if it does something."""
    match inspect.type_info(declared):
        case inspect.Metadata(extra={"use": why}):
            return str(why)
    return ""


def description(declared: Any) -> str:
    """What a key means."""
    match inspect.type_info(declared):
        case inspect.Metadata(extra_json_schema={"description": words}):
            return str(words)
    return ""


def wanted(declared: Any) -> str:
    """What a key's value must be, in words."""
    kind = inspect.type_info(declared)
    while not isinstance(kind, inspect.LiteralType):
        match kind:
            case inspect.Metadata(extra_json_schema={"title": title}):
                return str(title)
            case inspect.Metadata(type=within) | inspect.VarTupleType(item_type=within):
                kind = within
            case inspect.UnionType(types=(within, *_)):
                kind = within
            case inspect.BoolType():
                return "true or false"
            case _:
                return "text"
    return " or ".join(map(str, kind.values))

"""Which path and method leads to which operation.

Our paths are words and uuids in turn (`/interfaces/if-1/ports`), so a path is found by one look
into a dictionary: by its words, and by how many uuids there are between them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from openvnet.api.errors import UnknownMethod, UnknownPath, nearest
from openvnet.model.operations import Operation, named_by, operations

MOUNTS = ("/api/1.0", "/api")
"""Where the resources are; the second is for clients that name no version."""

EXTENSIONS: Mapping[str, Literal["json", "yaml"]] = {
    ".json": "json",
    ".yml": "yaml",
    ".yaml": "yaml",
}

Key = tuple[tuple[str, ...], int]
Routes = Mapping[Key, Mapping[str, Operation]]


@dataclass(frozen=True)
class Place:
    """A path, taken apart."""

    words: tuple[str, ...]
    uuids: tuple[str, ...]
    format: Literal["json", "yaml"]

    @property
    def key(self) -> Key:
        """What the routes know it by."""
        return self.words, len(self.uuids)


def routes() -> Routes:
    """Every operation, by its path's key and its method."""
    found: dict[Key, dict[str, Operation]] = {}
    for operation in operations():
        found.setdefault(place(operation.path).key, {})[operation.method] = operation
    return found


def place(path: str) -> Place:
    """Take a path apart; a mount before it and an extension after it are not part of it."""
    for mount in MOUNTS:
        if path.startswith(f"{mount}/"):
            path = path[len(mount) :]
            break
    path, format = _extension(path)
    segments = tuple(path.split("/")[1:])
    return Place(segments[0::2], segments[1::2], format)


def _extension(path: str) -> tuple[str, Literal["json", "yaml"]]:
    for extension, format in EXTENSIONS.items():
        if path.endswith(extension):
            return path[: -len(extension)], format
    return path, "json"


def route(known: Routes, method: str, path: str, found: Place) -> Operation:
    """The operation that a request asks for."""
    methods = known.get(found.key)
    if methods is None:
        words = {key[0][0] for key in known}
        hint = nearest(found.words[0], words - {found.words[0]}) if found.words else ""
        raise UnknownPath(f"There is nothing at {path[:200]}.{hint}")
    if method not in methods:
        raise UnknownMethod(method, path[:200], methods)
    return methods[method]


def named(operation: Operation, found: Place) -> dict[str, tuple[str, str]]:
    """The uuids of a path with the prefixes that they must have, by parameter name."""
    names = [name.strip("{}") for name in place(operation.path).uuids]
    prefixes = [named_by(operation.resource, name).prefix for name in names]
    given = zip(found.uuids, prefixes, strict=True)
    return dict(zip(names, given, strict=True))

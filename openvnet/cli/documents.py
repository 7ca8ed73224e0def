"""Documents on disk, YAML or JSON: read into one, and each place of it known by file and line.

Every scalar is read as the text that was written, and only null is none: an address such as
10:20:30:40:50:10, which YAML 1.1 holds for a number, `no`, and 0x0000aaaaaaaaaaaa stay what they
are. What each is to be, the declarations say; webapi reads them.
"""

import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

SUFFIXES = (".yml", ".yaml", ".json")
"""Of the files of a directory that are documents."""

DEEPEST = 20
"""How deep a document may be nested; those that make sense are nested six times."""

MOST_VALUES = 10_000_000
"""In a document, after its aliases are put in: a few lines of YAML can be as many as there are."""

_NULL = ("", "~", "null", "Null", "NULL")
_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]")


class DocumentError(Exception):
    """A document that cannot be read; the text says where and why."""


class Place(NamedTuple):
    """Where something stands."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class Documents:
    """All that was read, as one document."""

    def __init__(self) -> None:
        self.whole: dict[str, Any] = {}
        self._places: dict[int, dict[Any, Place]] = {}
        """The places of what is in a collection of values, by its identity."""
        self._kept: list[Any] = []
        """What was merged into the whole: an identity holds as long as its owner."""

    def count(self) -> int:
        """How many resources there are."""
        return sum(len(each) for each in self.whole.values())

    def read(self, names: Sequence[str]) -> None:
        """Read files, directories of them, and `-`, which is standard input."""
        for name in names:
            for path in _files(name):
                self.add(_text(path), "standard input" if path == "-" else path)

    def add(self, text: str, file: str) -> None:
        """Read the documents of a text."""
        for document in self._values(text, file):
            if document is None:
                continue
            self._kept.append(document)
            places = self._places.get(id(document), {})
            if not isinstance(document, dict):
                raise DocumentError(
                    f"{file}: a document must be a mapping of collections: networks, interfaces ..."
                )
            for collection, resources in document.items():
                self._merge(collection, resources, places.get(collection, Place(file, 1)))

    def _merge(self, collection: str, resources: Any, place: Place) -> None:
        mine = self.whole.setdefault(collection, {})
        places = self._places.setdefault(id(mine), {})
        self._places.setdefault(id(self.whole), {}).setdefault(collection, place)
        below = self._places.get(id(resources), {})
        if not isinstance(resources, dict | list | None):
            raise DocumentError(f"{place}: {collection} must be a mapping by uuid, or a list.")
        found = enumerate(resources) if isinstance(resources, list) else (resources or {}).items()
        for key, value in found:
            uuid = value.get("uuid") if isinstance(value, dict) else None
            name = uuid if isinstance(resources, list) else key
            at = below.get(key, place)
            if not isinstance(name, str):
                raise DocumentError(f"{at}: {collection}[{key}]: uuid is required.")
            if name in mine:
                raise DocumentError(f"{at}: {collection}.{name} is at {places[name]} already.")
            mine[name], places[name] = value, at

    def located(self, message: str) -> str:
        """A message whose lines begin with places in the document, with files and lines."""
        return "\n".join(self._located(line) for line in message.splitlines())

    def _located(self, line: str) -> str:
        path, _, _ = line.partition(": ")
        place, at = None, self.whole
        for step in _STEP.finditer(path):
            key: Any = step[1] if step[2] is None else int(step[2])
            known = self._places.get(id(at), {})
            if key not in known:
                break
            place = known[key]
            at = at[key]
        return f"{place}: {line}" if place else line

    def _values(self, text: str, file: str) -> Iterator[Any]:
        import yaml

        try:
            yield from _Reading(file, self._places, self._kept).documents(text)
        except yaml.YAMLError as error:
            if text.lstrip()[:1] != "{":
                raise DocumentError(_said(error, file)) from None
            yield _json(text, file)  # Some of JSON is not YAML: a tab, half a letter.


class _Reading:
    """The values of one text, from the events of YAML's parser."""

    def __init__(self, file: str, places: dict[int, dict[Any, Place]], kept: list[Any]) -> None:
        self._file = file
        self._places = places
        self._kept = kept
        self._sizes: dict[int, int] = {}
        self._anchors: dict[str, Any] = {}

    def documents(self, text: str) -> Iterator[Any]:
        """Each document."""
        import yaml

        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        stack: list[tuple[Any, Any, str | None]] = []
        for event in yaml.parse(text, Loader=loader):
            if isinstance(event, yaml.ScalarEvent):
                plain = event.implicit[0] and not event.style
                value: Any = None if plain and event.value in _NULL else event.value
                anchor = event.anchor
            elif isinstance(event, yaml.AliasEvent):
                value, anchor = self._aliased(event), None
            elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
                made: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
                self._places[id(made)] = {}
                self._kept.append(made)
                if len(stack) >= DEEPEST:
                    raise self._wrong(event, "it is nested too deeply.")
                stack.append((made, [], event.anchor))
                continue
            elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                value, _, anchor = stack.pop()
                self._sizes[id(value)] = self._size(value)
            else:
                continue
            if anchor:
                self._anchors[anchor] = value
            if stack:
                self._put(stack[-1], value, event)
            else:
                yield value

    def _put(self, top: tuple[Any, Any, str | None], value: Any, event: Any) -> None:
        """Put a value into what is open: in a mapping a key first, then what it stands for."""
        into, keys, _ = top
        places = self._places[id(into)]
        if isinstance(into, list):
            places[len(into)] = Place(self._file, event.start_mark.line + 1)
            into.append(value)
        elif not keys:
            if not isinstance(value, str):
                raise self._wrong(event, "a name must be text.")
            if value in places:
                raise self._wrong(event, f"{value} is at line {places[value].line} already.")
            keys.append((value, event.start_mark.line + 1))
        else:
            key, line = keys.pop()
            if key == "<<":
                self._take_over(into, value, event)
            else:
                into[key], places[key] = value, Place(self._file, line)

    def _take_over(self, into: dict[str, Any], value: Any, event: Any) -> None:
        """What a merge key brings: all that is not said otherwise (so it is written first)."""
        for other in value if isinstance(value, list) else [value]:
            if not isinstance(other, dict):
                raise self._wrong(event, "<< must name a mapping.")
            into |= {key: each for key, each in other.items() if key not in into}

    def _aliased(self, event: Any) -> Any:
        if event.anchor not in self._anchors:
            raise self._wrong(event, f"there is no anchor called {event.anchor}.")
        return self._anchors[event.anchor]

    def _size(self, value: Any) -> int:
        below = value.values() if isinstance(value, dict) else value
        size = 1 + sum(self._sizes.get(id(each), 1) for each in below)
        if size > MOST_VALUES:
            raise DocumentError(f"{self._file}: its aliases make more than {MOST_VALUES} values.")
        return size

    def _wrong(self, event: Any, words: str) -> DocumentError:
        return DocumentError(f"{self._file}:{event.start_mark.line + 1}: {words}")


def _files(name: str) -> Iterator[str]:
    """The files that a name means."""
    path = Path(name)
    if name == "-" or not path.is_dir():
        yield name
        return
    found = sorted(each for each in path.iterdir() if each.suffix in SUFFIXES)
    if not found:
        raise DocumentError(f"{name}: no file in it ends in {', '.join(SUFFIXES)}.")
    yield from map(str, found)


def _text(name: str) -> str:
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        return data.decode("utf-8-sig")
    except OSError as error:
        raise DocumentError(f"{name}: {(error.strerror or str(error)).lower()}.") from None
    except UnicodeDecodeError as error:
        raise DocumentError(f"{name}: it is not UTF-8 ({error.reason}).") from None


def _said(error: Any, file: str) -> str:
    """What YAML's parser says, in a line."""
    mark = getattr(error, "problem_mark", None)
    where = f"{file}:{mark.line + 1}" if mark else file
    words = getattr(error, "problem", None) or getattr(error, "reason", None) or "it is not YAML"
    return f"{where}: {words}."


def _json(text: str, file: str) -> Any:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise DocumentError(f"{file}: {twice} is there twice in one object.")
        return made

    try:
        return json.loads(text, object_pairs_hook=once)
    except RecursionError:
        raise DocumentError(f"{file}: it is nested too deeply.") from None
    except ValueError as error:
        raise DocumentError(f"{file}: it is neither YAML nor JSON: {error}.") from None

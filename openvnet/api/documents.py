"""Documents that say what there is to be, read into what vnmgr is asked for.

All that can be said of one without looking at rows is said at once, each mistake with its place in
the document: `interfaces.if-1.mac_leases[0].mac_address: "x": must be a MAC address ...`.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from openvnet.api.errors import InvalidArgument, InvalidBody, nearest, shown
from openvnet.model import INTERFACES, IP_LEASES, MAC_LEASES, Resource, attributes
from openvnet.model.documents import COLLECTIONS, PARTS, SAID
from openvnet.model.resource import Attribute
from openvnet.model.scalars import BOOLEAN
from openvnet.wire.messages import Wanted

SLICE = 100
"""Resources that are read without a pause for others."""

MOST_TOLD = 20
"""Mistakes that are told at once."""

_SHORT = ("mac_address", "segment_uuid", "mac_range_group_uuid", "network_uuid", "ipv4_address")
_MAC = ("mac_address", "segment_uuid")
_ADDRESS = ("network_uuid", "ipv4_address")
_PORT = {"port_name": "port_name", "owner_datapath_uuid": "datapath_uuid"}


async def wanted(document: Any) -> tuple[Wanted, ...]:
    """What a document wants; raise InvalidArgument, which tells of all mistakes."""
    reading = _Reading()
    if not isinstance(document, dict):
        raise InvalidBody("A document must be an object of collections by name.")
    found: list[Wanted] = []
    for collection, resources in document.items():
        for each in reading.collection(collection, resources):
            found.append(each)
            if len(found) % SLICE == 0:
                await asyncio.sleep(0)
    reading.end()
    return tuple(found)


def pruned(document: Mapping[str, Any]) -> list[str]:
    """The collections that a document names."""
    return [collection for collection in COLLECTIONS if collection in document]


class _Reading:
    """One document being read."""

    def __init__(self) -> None:
        self._mistakes: list[str] = []
        self._seen: dict[tuple[str, str], str] = {}

    def end(self) -> None:
        """Refuse the document if there was anything wrong with it."""
        if self._mistakes:
            more = len(self._mistakes) - MOST_TOLD
            told = [*self._mistakes[:MOST_TOLD], *([f"... and {more} more."] if more > 0 else ())]
            raise InvalidArgument("\n".join(told))

    def _mistake(self, at: str, words: str) -> None:
        self._mistakes.append(f"{at}: {words}")

    def collection(self, name: str, resources: Any) -> Iterator[Wanted]:
        """The resources of a collection, by uuid or as a list."""
        resource = COLLECTIONS.get(name)
        if resource is None:
            hint = nearest(str(name), COLLECTIONS) or f" Known are {', '.join(COLLECTIONS)}."
            self._mistake(shown(name).strip('"'), f"is not a collection of resources.{hint}")
            return
        for at, uuid, given in self._each(name, name, resources):
            read = self._resource(resource, at, uuid, given)
            if read is not None and read.uuid is None:
                self._mistake(at, f"uuid is required: {resource.one} is known by it.")
            elif read is not None:
                yield read

    def _each(self, at: str, name: str, given: Any) -> Iterator[tuple[str, str | None, Any]]:
        """What is in a mapping or a list: the place of each, its name, and what is said of it."""
        if given is None:
            return
        if isinstance(given, dict):
            yield from ((f"{at}.{key}", str(key), value) for key, value in given.items())
        elif isinstance(given, list):
            yield from ((f"{at}[{index}]", None, value) for index, value in enumerate(given))
        else:
            self._mistake(at, f"{name} must be a mapping by uuid, or a list.")

    def _resource(self, resource: Resource, at: str, name: str | None, given: Any) -> Wanted | None:
        """One resource; `name` is the key that it stands at."""
        own_name = resource.related or "uuid"
        if isinstance(given, str) and name is None:
            name, given = given, None
        if given is not None and not isinstance(given, dict):
            self._mistake(at, "must be a mapping of names and values.")
            return None
        fields = dict(given or {})
        if name is not None and fields.setdefault(own_name, name) != name:
            self._mistake(f"{at}.{own_name}", f"it is {shown(name)} already by its place.")
        uuid = self._uuid(resource, at, fields)
        below = PARTS[resource.collection]
        values = dict(self._values(resource, at, fields, below))
        if resource.related and resource.related not in values:
            if resource.related not in fields:
                self._mistake(at, f"{resource.related} is required.")
            return None
        nested = {
            below[word].collection: tuple(self._parts(below[word], f"{at}.{word}", fields[word]))
            for word in below
            if word in fields
        }
        if resource is INTERFACES:
            self._lengthen(at, values, nested)
        return Wanted(resource.collection, at, uuid, values, nested)

    def _parts(self, resource: Resource, at: str, given: Any) -> Iterator[Wanted]:
        known: set[str] = set()
        for place, name, each in self._each(at, resource.in_paths, given):
            if _follows(resource, each):
                continue
            read = self._resource(resource, place, name, each)
            if read is None:
                continue
            if resource.related:
                if read.values[resource.related] in known:
                    self._mistake(place, f"{read.values[resource.related]} is there twice.")
                known.add(read.values[resource.related])
            yield read

    def _uuid(self, resource: Resource, at: str, fields: dict[str, Any]) -> str | None:
        attribute = attributes(resource.kind)["uuid"]
        if "uuid" not in fields or resource.related:
            return None
        given = fields.pop("uuid")
        if not attribute.create:
            self._mistake(f"{at}.uuid", f"{resource.one} has no uuid that one could choose.")
            return None
        uuid: str | None = self._value(f"{at}.uuid", attribute, given)
        if uuid is not None:
            where = self._seen.setdefault((resource.collection, uuid), at)
            if where != at:
                self._mistake(at, f"{uuid} is at {where} already.")
        return uuid

    def _values(
        self, resource: Resource, at: str, fields: Mapping[str, Any], below: Mapping[str, Resource]
    ) -> Iterator[tuple[str, Any]]:
        declared = SAID[resource.collection]
        for name, given in fields.items():
            if name in below:
                continue
            attribute = declared.get(name)
            if attribute is None:
                known = [*declared, *below, "uuid"]
                hint = nearest(str(name), known) or f" Known are {', '.join(known)}."
                words = f"this is nothing that is said of {resource.one}.{hint}"
                self._mistake(f"{at}.{str(name)[:64]}", words)
            elif given is None and not attribute.required:
                yield name, None
            elif (value := self._value(f"{at}.{name}", attribute, given)) is not None:
                yield name, value

    def _value(self, at: str, attribute: Attribute, given: Any) -> Any:
        try:
            return _READERS.get(attribute.type.name, attribute.type.read)(given)
        except ValueError as error:
            self._mistake(at, f"{shown(given)}: {error}.")
            return None

    def _lengthen(
        self, at: str, values: dict[str, Any], nested: dict[str, tuple[Wanted, ...]]
    ) -> None:
        """Say of an interface in full what its short forms say."""
        ports = {full: values[name] for name, full in _PORT.items() if name in values}
        short = {name: values[name] for name in _SHORT if values.get(name) is not None}
        for word, said_short, full in (
            (", ".join(name for name in _PORT if name in values), ports, "ports"),
            (", ".join(short), short, MAC_LEASES.collection),
        ):
            if said_short and full in nested:
                self._mistake(at, f"{word} says in short what {full} says; leave one of them out.")
        if ports:
            nested["ports"] = (Wanted("ports", at, None, ports),)
        if short:
            nested[MAC_LEASES.collection] = (_first_lease(at, short),)


def _first_lease(at: str, short: Mapping[str, Any]) -> Wanted:
    """The one MAC lease, and perhaps the one IP lease, that an interface has in short."""
    lease: dict[str, Any] = {name: short[name] for name in _MAC if name in short}
    address = {name: short[name] for name in _ADDRESS if name in short}
    leases = (Wanted(IP_LEASES.collection, at, None, address),) if address else ()
    below: dict[str, tuple[Wanted, ...]] = {IP_LEASES.collection: leases} if leases else {}
    return Wanted(MAC_LEASES.collection, at, None, lease, below)


def _follows(resource: Resource, given: Any) -> bool:
    """Whether an interface is part of something because of its leases, as lists of REST say."""
    is_static = given.get("static") if isinstance(given, dict) else None
    return "static" in attributes(resource.kind) and str(is_static).lower() in ("false", "no")


def _switch(given: Any) -> bool:
    """A truth as YAML writes it, too."""
    words = {"on": True, "off": False}
    said_so = words.get(given.lower()) if isinstance(given, str) else None
    return bool(BOOLEAN.read(given) if said_so is None else said_so)


_READERS = {BOOLEAN.name: _switch}


def flags(given: Mapping[str, Any], known: Sequence[str]) -> None:
    """Refuse parameters that an application of documents does not know."""
    for name in given:
        if name not in known:
            hint = nearest(name, known) or f" Known are {', '.join(known)}."
            raise InvalidArgument(f"{shown(name)} is not a parameter here.{hint}")

"""Export: what there is, as a document that says so.

Applied to the world that it is of it changes nothing, and to an empty one it makes the same; but
numbers that vnmgr allots (VNIs) are not in it, and what follows from the rest.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any

from msgspec import NODEFAULT

from openvnet.manager.answers import Answer
from openvnet.manager.carrying import is_made
from openvnet.manager.errors import UnknownUuid
from openvnet.manager.replica import Replica
from openvnet.model import (
    RESOURCES,
    AllowedAddressPair,
    FilterStatic,
    InterfacePort,
    IpLease,
    MacLease,
    Network,
    Resource,
    Row,
    attributes,
)
from openvnet.model.documents import COLLECTIONS, LINKS, PARTS, SAID
from openvnet.model.scalars import show_ipv4

SLICE = 100
"""Resources that are looked at without a pause for others."""

Keep = Callable[[Row], bool]
"""Whether somebody may see a row."""


async def exported(
    replica: Replica, wanted: Sequence[str], keep: Keep = lambda _: True, *, whole: bool = False
) -> Answer:
    """The document of everything, or of some collections and resources.

    What is as it would be anyway is left out, unless the `whole` is wanted.
    """
    document: Answer = {}
    known = dict.fromkeys(wanted)
    for collection, resource in COLLECTIONS.items():
        every = not wanted or known.pop(collection, "") is None
        named = [uuid for uuid in known if uuid.startswith(f"{resource.prefix}-")]
        found = replica.every(resource.kind) if every else _named(replica, resource, named, keep)
        rows = sorted(found, key=attrgetter("uuid"))
        told: Answer = {}
        for index, row in enumerate(rows):
            if keep(row) and (row.uuid in named or not _is_nested(row)):
                told[row.uuid] = _told(replica, resource, row, whole)
            if index % SLICE == SLICE - 1:
                await asyncio.sleep(0)
        for uuid in named:
            known.pop(uuid, None)
        if told:
            document[collection] = told
    for word in known:
        raise UnknownUuid(f"{word} is neither a collection nor the uuid of a resource.")
    return document


def _named(replica: Replica, resource: Resource, uuids: Sequence[str], keep: Keep) -> Iterator[Row]:
    for uuid in uuids:
        row: Row | None = replica.get(resource.kind, uuid)
        if row is None or not keep(row):
            raise UnknownUuid(f"{resource.singular} {uuid} does not exist.")
        yield row


def _is_nested(row: Row) -> bool:
    """Whether it is told below what it belongs to."""
    return isinstance(row, MacLease | IpLease) and row.interface_uuid is not None


def _told(replica: Replica, resource: Resource, row: Row, whole: bool) -> Answer:
    """A resource as a document says it."""
    told = dict(_fields(resource, row, whole))
    for word, part in PARTS[resource.collection].items():
        rows: list[Row] = replica.where(part.kind, **{LINKS[part.kind]: row.uuid})
        below = [each for each in rows if not is_made(each)]
        said = _list(replica, part, below, whole)
        if whole or _is_said(part, said):
            told[word] = said
    return told


def _is_said(part: Resource, below: Any) -> bool:
    """Whether it has to be told what is below a resource, as it is not what comes by itself.

    A lease policy leases an address to who is not said to have none.
    """
    if part.kind is InterfacePort:
        return bool(below != [{}])
    return bool(below) or part.kind is IpLease


def _list(replica: Replica, part: Resource, rows: Sequence[Row], whole: bool) -> Any:
    """What is below a resource: by uuid if it has one of its own, or by what it relates to."""
    told = [(row, _told(replica, part, row, whole)) for row in rows]
    name = part.related or ("uuid" if attributes(part.kind)["uuid"].create else None)
    if name is None:
        return sorted((each for _, each in told), key=str)
    said = {getattr(row, name): _without(each, name) for row, each in told}
    said = dict(sorted(said.items()))
    return said if any(said.values()) or not part.related else list(said)


def _without(told: Answer, name: str) -> Answer:
    return {key: value for key, value in told.items() if key != name}


def _fields(resource: Resource, row: Row, whole: bool) -> Iterator[tuple[str, Any]]:
    usual = _usual(resource, row)
    link = LINKS.get(resource.kind) if _is_nested(row) or resource.parent else None
    below_lease = ("interface_uuid", "project_uuid") if link and not resource.parent else ()
    for name, (show, required) in _SHOWN[resource.collection].items():
        value = show(row)
        if name == link or name in below_lease:
            continue
        if required or value != usual.get(name) or whole:
            yield name, value


def _shown(resource: Resource) -> Mapping[str, tuple[Callable[[Any], Any], bool]]:
    special = _SPECIAL.get(resource.kind, {})
    own = attributes(resource.kind)
    return {
        name: (special.get(name) or _plainly(name, own[name].type.show), attribute.required)
        for name, attribute in SAID[resource.collection].items()
        if name in own
    }


def _plainly(name: str, show: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def shown(row: Any) -> Any:
        value = getattr(row, name)
        return None if value is None else show(value)

    return shown


def _prefix(name: str, length: str) -> Callable[[Any], Any]:
    def shown(row: Any) -> str:
        return f"{show_ipv4(getattr(row, name))}/{getattr(row, length)}"

    return shown


def _singular(port: InterfacePort) -> bool | None:
    """Said where it is not as it would be: a port with a name or a datapath is."""
    return False if port.port_name and port.singular is None else port.singular


_SPECIAL: Mapping[type[Any], Mapping[str, Callable[[Any], Any]]] = {
    FilterStatic: {
        "src_address": _prefix("src_address", "src_prefix"),
        "dst_address": _prefix("dst_address", "dst_prefix"),
    },
    AllowedAddressPair: {"ipv4_address": _prefix("ipv4_address", "ipv4_prefix")},
    InterfacePort: {"singular": _singular},
}


def _usual(resource: Resource, row: Row) -> Mapping[str, Any]:
    """What fields are if a document does not say, as people see them."""
    if isinstance(row, Network):
        name = row.uuid.partition("-")[2]
        return {**_DEFAULTS[resource.collection], "display_name": name, "domain_name": name}
    if isinstance(row, InterfacePort):
        # How a port with a name begins depends on whether it is the first.
        return {"singular": True if row.datapath_uuid else "unsaid" if row.port_name else None}
    if isinstance(row, FilterStatic):
        any_port = 0 if row.protocol in ("tcp", "udp") else None
        ports = {"src_port": any_port, "dst_port": any_port}
        return {"src_address": "0.0.0.0/0", "dst_address": "0.0.0.0/0", **ports}
    return _DEFAULTS[resource.collection]


def _defaults(resource: Resource) -> Mapping[str, Any]:
    names: tuple[str, ...] = resource.kind.__struct_fields__
    defaults: tuple[Any, ...] = resource.kind.__struct_defaults__
    declared = attributes(resource.kind)
    return {
        name: None if value is None else declared[name].type.show(value)
        for name, value in zip(names[len(names) - len(defaults) :], defaults, strict=True)
        if value is not NODEFAULT and name in declared
    }


_SHOWN = {resource.collection: _shown(resource) for resource in RESOURCES}
"""What is told of the resources of a collection: how it is shown, and whether it always is."""
_DEFAULTS = {resource.collection: _defaults(resource) for resource in RESOURCES}

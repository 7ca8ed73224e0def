"""Apply: what documents want comes about as one revision, of which only what differs is written.

    held against the replica, in slices    most documents are mostly as things are
    what is not to be here is deleted      the last stage first
    what is to be is made or changed       stage by stage, by the rules of REST
    held against the outcome               until nothing differs: else the documents contradict

What a stage makes may bring more with it (a policy leases an address), and what is deleted takes
with it what refers to it, so the outcome is looked at again, and mended.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar, cast

from msgspec.structs import replace

from openvnet.manager.associations import FOLLOWING
from openvnet.manager.draft import Draft
from openvnet.manager.errors import Conflict, DuplicateUuid, InvalidArgument
from openvnet.manager.replica import Replica
from openvnet.manager.rights import is_confined, is_of, is_own
from openvnet.manager.wanted import (
    ACTED,
    COLLECTIONS,
    Matched,
    Scope,
    at,
    difference,
    differs,
    fixed,
    is_value,
    matched,
    scopes,
)
from openvnet.manager.writes import written
from openvnet.model import (
    IP_LEASES,
    RESOURCES,
    Interface,
    IpLease,
    IpLeaseContainerIpLease,
    IpRetention,
    LeasePolicyInterface,
    Resource,
    Row,
    attributes,
)
from openvnet.model.documents import LINKS
from openvnet.model.resource import Attribute
from openvnet.store.transaction import Transaction
from openvnet.wire.messages import Request, Wanted

T = TypeVar("T")

SLICE = 100
"""Resources that are looked at without a pause for others."""

ROUNDS = 4
"""How often what came about is mended before the documents are said to contradict each other."""

MOST_TOLD = 20
"""Mistakes that are told at once."""

_LAST = (LeasePolicyInterface, IpLease, LeasePolicyInterface, IpLeaseContainerIpLease, IpRetention)


def _stages() -> Iterator[Resource]:
    """In which order things are made: what others refer to first.

    Of lease policies' interfaces those whose addresses a document names come before the addresses:
    what the policy leases to them gives way, and cannot be what others are about to be given.
    What datapaths carry needs addresses, and topologies come last: they find it there.
    """
    by_kind: dict[object, Resource] = {resource.kind: resource for resource in RESOURCES}
    carried = [each for each in RESOURCES if each.collection.startswith("datapath_")]
    topologies = [each for each in RESOURCES if each.collection.startswith("topolog")]
    later = (*_LAST, *(each.kind for each in (*carried, *topologies)))
    yield from (each for each in RESOURCES if each.kind not in later)
    yield from (by_kind[kind] for kind in later)


STAGES = tuple(_stages())
_ADDRESSES = next(place for place, each in enumerate(STAGES) if each.kind is IpLease)
RESOURCE_OF: Mapping[type[Any], Resource] = {resource.kind: resource for resource in RESOURCES}


async def is_so(replica: Replica, wanted: Sequence[Wanted]) -> bool:
    """Whether all is as wanted already; looked at while others get their turn."""
    number = replica.revision
    for start in range(0, len(wanted), SLICE):
        for tree in wanted[start : start + SLICE]:
            with at(tree):
                if differs(replica, tree):
                    return False
        await asyncio.sleep(0)
    return replica.revision == number


def apply(transaction: Transaction, request: Request) -> None:
    """Bring about what documents want; raise RequestRefused."""
    differing = []
    for tree in request.wanted:
        with at(tree):
            _refuse_foreign(transaction, tree)
            if differs(transaction, tree):
                differing.append(tree)
    _Applying(transaction, request).bring_about(differing)


def _refuse_foreign(transaction: Transaction, wanted: Wanted) -> None:
    """Refuse what names, as its own, something that another project has."""
    caller = transaction.rights.caller
    if not is_confined(caller):
        return
    resource = COLLECTIONS[wanted.collection]
    row = transaction.get(resource.kind, wanted.uuid) if wanted.uuid else None
    if row is not None and not is_of(caller, row, transaction):
        raise DuplicateUuid(f"uuid {wanted.uuid}: there is such {resource.one} already.")
    for part in (part for parts in wanted.parts.values() for part in parts):
        _refuse_foreign(transaction, part)


def in_memory(transaction: Transaction, work: Callable[[Transaction], T], replica: Replica) -> T:
    """Do a write of many rows, as a draft if the replica is of the newest revision."""
    if replica.revision.number != transaction.number - 1:
        return work(transaction)  # Another vnmgr has written what has not come here yet.
    draft = Draft(transaction, replica)
    # A rule cannot tell it from a transaction: it has all that rules use of one.
    done = work(cast(Transaction, draft))
    draft.write()
    return done


class _Applying:
    """A document on its way into a transaction."""

    def __init__(self, transaction: Transaction, request: Request) -> None:
        self._transaction = transaction
        self._request = request
        self._replaces = bool(request.values.get("replace"))
        self._deleted = False
        self._uuids: dict[int, str] = {}
        """Of what has no uuid in the document, by the identity of the wanted."""

    def bring_about(self, differing: Sequence[Wanted]) -> None:
        """Write what is wanted, of which only this differs."""
        self._clear(differing)
        for _ in range(ROUNDS):
            # What was deleted has taken with it what refers to it, perhaps of others.
            among = self._request.wanted if self._deleted else differing
            differing = [tree for tree in among if differs(self._transaction, tree)]
            if not differing:
                return
            self._make(differing)
        raise Conflict(
            f"{differing[0].at}: what is said of it goes against what is said elsewhere: "
            "one of them undoes the other."
        )

    def _clear(self, trees: Sequence[Wanted]) -> None:
        """Delete what is not to be, and what cannot be changed into what it is to be."""
        going: list[Row] = []
        refusals: list[str] = []
        for scope in _by_stage(trees):
            matches = self._matched(scope)
            going += matches.extra
            for wanted, row in matches.pairs:
                names = self._fixed(scope, wanted, row) if row else []
                if row and names and (self._replaces or is_value(scope.resource)):
                    going.append(row)
                elif row and names:
                    refusals.append(_refusal(scope.resource, wanted, row, names))
        if refusals:
            raise InvalidArgument("\n".join(refusals[:MOST_TOLD]))
        for doomed in (*reversed(going), *self._pruned()):
            self._delete(doomed)

    def _fixed(self, scope: Scope, wanted: Wanted, row: Row) -> list[str]:
        """Of what differs, what cannot be changed."""
        with at(wanted):
            return fixed(
                scope.resource, difference(scope.resource, wanted, row, self._parent(scope))
            )

    def _pruned(self) -> Iterator[Row]:
        """What no document names, of the collections that are to be pruned."""
        named = {wanted.uuid for scope in scopes(self._request.wanted) for wanted in scope.wanted}
        caller = self._transaction.rights.caller
        for collection in reversed(self._request.values.get("prune", ())):
            rows: list[Row] = self._transaction.where(COLLECTIONS[collection].kind)
            mine = (row for row in rows if is_own(caller, row, self._transaction))
            yield from (row for row in mine if row.uuid not in named)

    def _make(self, trees: Sequence[Wanted]) -> None:
        """Make and change what is to be, stage by stage."""
        addressed = {tree.uuid for tree in trees if _names_addresses(tree)}
        by_kind: dict[type[Any], list[Scope]] = {}
        for scope in scopes(trees):
            by_kind.setdefault(scope.resource.kind, []).append(scope)
        for place, resource in enumerate(STAGES):
            early = place < _ADDRESSES and resource.kind is LeasePolicyInterface
            stage = [(each, self._matched(each)) for each in by_kind.get(resource.kind, ())]
            for extra in (row for _, matches in stage for row in matches.extra):
                self._delete(extra)
            for scope, matches in stage:
                for wanted, row in matches.pairs:
                    if not early or wanted.values.get("interface_uuid") in addressed:
                        self._ensure(scope, wanted, row)

    def _matched(self, scope: Scope) -> Matched:
        matches = matched(
            self._transaction,
            scope.resource,
            scope.wanted,
            self._parent(scope),
            top=scope.parent is None,
        )
        for wanted, row in matches.pairs:
            if row is not None:
                self._uuids[id(wanted)] = row.uuid
        return matches

    def _parent(self, scope: Scope) -> Row | None:
        if scope.parent is None:
            return None
        uuid = scope.parent.uuid or self._uuids.get(id(scope.parent), "")
        parent: Row | None = self._transaction.get(COLLECTIONS[scope.parent.collection].kind, uuid)
        return parent

    def _ensure(self, scope: Scope, wanted: Wanted, row: Row | None) -> None:
        """Make a row, or change it, if it is not as wanted."""
        resource, parent = scope.resource, self._parent(scope)
        with at(wanted):
            if row is None:
                made = self._create(resource, wanted, parent)
                self._uuids[id(wanted)] = made.uuid
                self._transaction.send()
                return
            values = difference(resource, wanted, row, parent)
            if set(values) & set(ACTED.get(resource.kind, ())):
                self._attach(row, values)
            if values := difference(resource, wanted, self._again(row), parent):
                self._written("update", resource, row, values)
            self._transaction.send()

    def _create(self, resource: Resource, wanted: Wanted, parent: Row | None) -> Row:
        values = dict(wanted.values)
        if parent is not None:
            values[LINKS[resource.kind]] = parent.uuid
        if wanted.uuid is not None:
            values["uuid"] = wanted.uuid
        if resource.kind is Interface:
            values |= _first_port(wanted)
        above = {
            word: values.pop(name, None)
            for word, name in (("parent", resource.parent), ("related", resource.related))
            if name
        }
        verb = "create"
        if resource.kind in FOLLOWING:
            verb, values = "update", {"static": True}
        one = replace(self._one(verb, resource, values), **above)
        return written(self._transaction, one)[0]

    def _attach(self, row: Row, values: Mapping[str, Any]) -> None:
        """Give an IP lease to another interface, or to none."""
        if getattr(row, "interface_uuid", None) is not None:
            self._written("release", IP_LEASES, row, {})
        holder = {name: values[name] for name in ACTED[IpLease] if values.get(name)}
        if holder:
            self._written("attach", IP_LEASES, row, holder)

    def _again(self, row: Row) -> Row:
        now: Row | None = self._transaction.get(type(row), row.uuid)
        return now or row

    def _delete(self, row: Row) -> None:
        if self._transaction.get(type(row), row.uuid) is None:
            return  # With something that it referred to.
        self._deleted = True
        resource = RESOURCE_OF[type(row)]
        if resource.kind in FOLLOWING:
            self._written("update", resource, row, {"static": False})
        else:
            self._written("delete", resource, row, {})

    def _written(self, verb: str, resource: Resource, row: Row, values: Mapping[str, Any]) -> None:
        """Ask of a row what REST would ask of it."""
        one = self._one(verb, resource, values)
        if resource.related:
            parent, related = getattr(row, str(resource.parent)), getattr(row, resource.related)
            written(self._transaction, replace(one, parent=parent, related=related))
        else:
            written(self._transaction, replace(one, uuid=row.uuid))

    def _one(self, verb: str, resource: Resource, values: Mapping[str, Any]) -> Request:
        return replace(
            self._request,
            verb=verb,
            collection=resource.collection,
            values=dict(values),
            wanted=(),
        )


def _by_stage(trees: Sequence[Wanted]) -> list[Scope]:
    place = {resource.kind: number for number, resource in enumerate(STAGES)}
    return sorted(scopes(trees), key=lambda scope: place[scope.resource.kind])


def _names_addresses(tree: Wanted) -> bool:
    """Whether a document says exactly which addresses an interface has."""
    leases = tree.parts.get("mac_leases", ())
    return any("ip_leases" in lease.parts for lease in leases)


def _first_port(interface: Wanted) -> dict[str, Any]:
    """The port that an interface is made with, so that it need not be made again."""
    first = next(iter(interface.parts.get("ports", ())), None)
    if first is None or first.values.get("singular") is False:
        return {}
    names = {"port_name": "port_name", "owner_datapath_uuid": "datapath_uuid"}
    return {name: first.values.get(of) for name, of in names.items()}


def _refusal(resource: Resource, wanted: Wanted, row: Row, names: Sequence[str]) -> str:
    """What cannot be changed, and what can be done about it."""
    declared = attributes(resource.kind)
    held = ", ".join(f"{name} {_shown(declared[name], row, name)}" for name in names)
    return (
        f"{wanted.at}.{names[0]}: {resource.singular} {row.uuid} has {held}, and that cannot be "
        "changed. To replace deletes it, with all that refers to it, and makes it anew."
    )


def _shown(attribute: Attribute, row: Row, name: str) -> str:
    value = getattr(row, name)
    return "none" if value is None else str(attribute.type.show(value))

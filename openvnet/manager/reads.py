"""What is read: everything from memory, but for the history, which is in the database.

request --its verb--> what is shown, and the ETag if it is one resource
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar, NamedTuple, cast

from openvnet.manager.answers import (
    Answer,
    answer,
    envelope,
    item,
    related_row,
    selected,
)
from openvnet.manager.associations import below
from openvnet.manager.callers import (
    told_place,
    told_related,
    told_status,
    usage,
    whoami,
)
from openvnet.manager.exporting import exported
from openvnet.manager.guarded import etag
from openvnet.manager.history import history
from openvnet.manager.lists import listed
from openvnet.manager.names import found
from openvnet.manager.replica import Look, Replica
from openvnet.manager.rights import is_confined, is_of, sees
from openvnet.manager.status import interface_status, mtu_answer, nodes_answer, places
from openvnet.manager.streams import Streams
from openvnet.manager.transfers import Transfers
from openvnet.manager.writes import parent_uuid, resource_of
from openvnet.model import (
    Interface,
    Network,
    Resource,
    Rights,
    Row,
    Segment,
)
from openvnet.model.rights import Caller
from openvnet.store.database import Store
from openvnet.store.transaction import Transaction
from openvnet.wire.messages import (
    Request,
    Revision,
)

SLICE = 100
"""Items of a list that are made without a pause for others."""


class Shown(NamedTuple):
    """What is read, and the ETag if it is one resource."""

    result: Any
    etag: str = ""


class Reads:
    """Answers what is asked of what there is."""

    def __init__(
        self, store: Store, replica: Replica, streams: Streams, transfers: Transfers
    ) -> None:
        self._store, self._replica = store, replica
        self._streams, self._transfers = streams, transfers

    async def shown(self, request: Request, caller: Caller) -> Shown:
        """What somebody sees; raise RequestRefused."""
        result = await self.verbs[request.verb](self, request, caller)
        return result if isinstance(result, Shown) else Shown(result)

    def newest(self, request: Request) -> Revision | None:
        """What a host that is told of by `nodes` can have at most; other reads do not say."""
        if request.verb not in ("nodes", "health", "changes", "restore"):
            return None
        return Revision(self._store.epoch, self._store.number)

    async def _show(self, request: Request, caller: Caller) -> Shown:
        resource = resource_of(request)
        row = self._replica.get(resource.kind, request.uuid or "")
        if row is None or not sees(caller, row, self._replica):
            finding = partial(found, kind=resource.kind, uuid=request.uuid or "")
            row = finding(self._look(caller))
        shown = answer(row, self._replica)
        tag = etag(shown)
        if isinstance(row, Interface) and (not request.fields or "status" in request.fields):
            status = await interface_status(row, self._streams, self._replica)
            shown["status"] = told_status(caller, status)
        elif isinstance(row, Network | Segment):
            shown |= mtu_answer(row, self._replica)
        return Shown(selected(shown, request.fields), tag)

    def _look(self, caller: Caller) -> Transaction:
        """What somebody sees of the rows in memory: no database is waited for."""
        return cast(Transaction, Look(self._replica, Rights(caller)))

    async def _list(self, request: Request, caller: Caller) -> Answer:
        resource = resource_of(request)
        finding = partial(parent_uuid, resource=resource, request=request)
        parent = finding(self._look(caller))
        among = below(resource, parent, self._replica) if parent else None
        rows = await listed(self._replica, resource, request.values, request.sort, among, caller)
        page = rows[request.offset : request.offset + request.limit]
        items: list[Answer] = []
        for start in range(0, len(page), SLICE):
            part = page[start : start + SLICE]
            items += (self._item(resource, row, request.fields, caller) for row in part)
            await asyncio.sleep(0)
        return envelope(items, len(rows), request.offset, request.limit)

    def _item(self, resource: Resource, row: Row, fields: Sequence[str], caller: Caller) -> Answer:
        shown = item(resource, row, self._replica, fields)
        if isinstance(row, Interface) and (not fields or "status" in fields):
            shown["status"] = told_place(caller, places(row, self._streams, self._replica))
            return selected(shown, fields)
        wanted = not fields or not {"effective_mtu", "mtu_from"}.isdisjoint(fields)
        if isinstance(row, Network | Segment) and wanted:
            return selected(shown | mtu_answer(row, self._replica), fields)
        if resource.related and is_confined(caller):
            return told_related(
                caller, shown, related_row(resource, row, self._replica), self._replica
            )
        return shown

    async def _changes(self, request: Request, caller: Caller) -> Answer:
        return await history(self._store, request.values, request.limit, caller)

    async def _backup(self, request: Request, _: Caller) -> Any:
        return await self._transfers.backup(request)

    async def _restore(self, request: Request, _: Caller) -> Any:
        return await self._transfers.restore(request)

    async def _export(self, request: Request, caller: Caller) -> Answer:
        values, keep = request.values, partial(is_of, caller, rows=self._replica)
        whole = values.get("full", False)
        return await exported(self._replica, values.get("of", ()), keep, whole=whole)

    async def _whoami(self, _: Request, caller: Caller) -> Answer:
        return whoami(caller, self._replica)

    async def _permit(self, _: Request, __: Caller) -> Answer:
        """What webapi knows itself, and asks only whether it may tell."""
        return {}

    async def _usage(self, request: Request, caller: Caller) -> list[Answer]:
        return usage(caller, request.uuid or "", self._replica)

    async def _health(self, _: Request, __: Caller) -> Answer:
        self._store.read(lambda transaction: transaction.number)
        return {
            "vnmgr": "answers",
            "database": "answers",
            "epoch": self._store.epoch,
            "revision": self._store.number,
            "hosts": len(self._streams.agents),
            "managers": [
                {"address": each.address, "key": each.key} for each in self._streams.managers
            ],
        }

    async def _nodes(self, _: Request, __: Caller) -> Answer:
        return nodes_answer(self._streams, self._replica, asyncio.get_running_loop().time())

    verbs: ClassVar = {
        "show": _show,
        "list": _list,
        "nodes": _nodes,
        "health": _health,
        "changes": _changes,
        "export": _export,
        "backup": _backup,
        "restore": _restore,
        "metrics": _permit,
        "whoami": _whoami,
        "usage": _usage,
    }


VERBS = frozenset(Reads.verbs)
"""What can be read."""

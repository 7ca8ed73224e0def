"""Backups and restores under way: webapi takes one, and brings the other, a part at a time.

    backup  {}                      -> the header, and a number
    backup  {number}                -> the next lines, until it is over
    restore {replace}               -> a number, or the refusal to replace what there is
    restore {number, text}          -> goes on
    restore {number, abandon}       -> forgotten
    restore {number, replace}       -> restored

Whoever goes away in between is forgotten after a while, and nothing has happened.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable
from itertools import count
from typing import Any

from openvnet.manager.backup import Backup
from openvnet.manager.errors import Conflict, InvalidArgument
from openvnet.manager.following import settled
from openvnet.manager.replica import Replica
from openvnet.manager.restoring import PEOPLE, Restoring
from openvnet.manager.revocations import as_they_are_now
from openvnet.model import Node, Token
from openvnet.store.database import Store
from openvnet.wire.backup import Header
from openvnet.wire.messages import Request

logger = logging.getLogger(__name__)

IDLE_SECONDS = 60.0
"""How long the next part of one may take to be asked for, or to come."""
MOST = 8
"""At the same time: each holds rows."""


class Transfers:
    """Those that are under way; `restored` is called when all rows have become others."""

    def __init__(
        self,
        store: Store,
        replica: Replica,
        restored: Callable[[], None],
        mac_group: str | None = None,
    ) -> None:
        self._store, self._replica, self._restored = store, replica, restored
        self._mac_group = mac_group
        # Of no two vnmgr the same, since webapi may go from one to another in between.
        self._numbers = count(secrets.randbelow(1 << 48))
        self._under_way: dict[int, Backup | Restoring] = {}
        self._forgetting: dict[int, asyncio.TimerHandle] = {}

    def close(self) -> None:
        """Forget all of them."""
        for number in list(self._under_way):
            self._forget(number)

    async def backup(self, request: Request) -> dict[str, Any]:
        """Begin a backup, or write its next part."""
        if "number" not in request.values:
            history = bool(request.values.get("history"))
            made = Backup(self._store, self._replica, time.time(), history)
            logger.info("Revision %d is backed up for %s.", made.header.revision, request.origin)
            number = self._keep(made)
            revision = {"revision": made.header.revision, "time": made.header.time}
            return {"number": number, "text": made.begin(), "rows": made.total, **revision}
        number = request.values["number"]
        part = self._kept(number, Backup).part()
        if part.over:
            self._forget(number)
        return {"text": part.text, "rows": part.rows, "over": part.over}

    async def restore(self, request: Request) -> dict[str, Any]:
        """Begin to restore, take the next part of the file, or put it into force."""
        values = request.values
        if "number" not in values:
            self._refuse_to_replace(request)
            return {"number": self._keep(Restoring())}
        number = values["number"]
        restoring = self._kept(number, Restoring)
        over = True
        try:
            if "text" in values:
                restoring.feed(values["text"])
                over = False
            elif not values.get("abandon"):
                return await self._finish(restoring, request)
            return {"number": number}
        finally:
            if over:
                self._forget(number)

    async def _finish(self, restoring: Restoring, request: Request) -> dict[str, Any]:
        content = await restoring.content(self._replica)
        self._refuse_to_replace(request)
        what = _what(restoring.header)
        people = content.rows[Token], content.rows[Node]
        revoked = as_they_are_now(*people, self._store, self._replica)
        rows: dict[type[Any], Any] = dict(content.rows)
        rows |= {Token: revoked.tokens, Node: revoked.nodes}
        content = content._replace(rows=rows)
        shown: dict[str, Any] = {"rows": restoring.count, "revision_of_backup": content.number}
        shown["stays_revoked"] = revoked.stays
        if request.dry_run:
            there = {"epoch": self._store.epoch, "rows_there": self._rows()}
            return {**shown, "restored": False, **there}
        before = f"revision {self._store.number} of epoch {self._store.epoch}"
        self._store.replace(content, f"{request.origin[:150]}: {what}")
        self._load()
        logger.warning(
            "%s, %d rows, in place of %s; epoch %s begins at revision %d; asked by %s.",
            *(
                what[:1].upper() + what[1:],
                restoring.count,
                before,
                self._store.epoch,
                self._store.number,
            ),
            request.origin,
        )
        return {**shown, "restored": True, "epoch": self._store.epoch}

    def _load(self) -> None:
        try:
            settled(self._store, self._mac_group)
            self._replica.load(self._store)
            self._restored()
        except Exception as error:
            # What is in memory is no longer what is in the database: vnmgr must start anew.
            what = "The restored database cannot be read"
            failure = {"message": what, "exception": error}
            asyncio.get_running_loop().call_exception_handler(failure)
            raise

    def _rows(self) -> int:
        """How many rows there are, beside those that say who may do what."""
        tables = self._replica.state.rows.items()
        return sum(len(table) for kind, table in tables if kind not in PEOPLE)

    def _refuse_to_replace(self, request: Request) -> None:
        rows = self._rows()
        if rows and not (request.dry_run or request.values.get("replace")):
            raise Conflict(
                f"The database is not empty: it has {rows} rows at revision {self._store.number}. "
                "Say replace=true if the backup shall take their place."
            )

    def _keep(self, one: Backup | Restoring) -> int:
        if len(self._under_way) >= MOST:
            raise Conflict(f"{MOST} backups or restores are under way; wait for one to end.")
        number = next(self._numbers)
        self._under_way[number] = one
        self._wait_for_next(number)
        return number

    def _kept(self, number: int, kind: type[Any]) -> Any:
        found = self._under_way.get(number)
        if not isinstance(found, kind):
            raise InvalidArgument(
                f"The {kind.__name__.lower()} {number} is not under way: nothing was asked of it "
                f"for {IDLE_SECONDS:g} s, or vnmgr was restarted. Begin again."
            )
        self._wait_for_next(number)
        return found

    def _wait_for_next(self, number: int) -> None:
        if waiting := self._forgetting.pop(number, None):
            waiting.cancel()
        loop = asyncio.get_running_loop()
        self._forgetting[number] = loop.call_later(IDLE_SECONDS, self._forget, number)

    def _forget(self, number: int) -> None:
        self._under_way.pop(number, None)
        if waiting := self._forgetting.pop(number, None):
            waiting.cancel()


def _what(header: Header | None) -> str:
    """What is done, for the log."""
    if header is None:
        return ""
    if header.source:
        return f"imported {header.source}"
    return f"restored revision {header.revision} of {header.time}"

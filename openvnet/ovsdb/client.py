"""A client of one OVSDB server: JSON-RPC over a unix socket or TCP (RFC 7047).

Just what an agent needs for the small database of one host: a monitor of some tables, kept as a
copy in `Database.tables`, and transactions. Messages follow each other without a delimiter, so
the reader tries to decode only when a closing brace has come.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from itertools import count
from typing import Any

from openvnet.ovsdb.errors import OvsdbError, ProtocolError, TransactionError

Columns = dict[str, Any]
"""A row's columns, with sets and maps as Python lists and dicts."""
Tables = dict[str, dict[str, Columns]]
"""Rows by table and by row uuid."""

_DATABASE = "Open_vSwitch"
_LIMIT = 64 * 1024 * 1024
"""No message of a host's database is larger, in bytes."""


class Database:
    """An open connection; `tables` is a copy of what is monitored, kept current."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.tables: Tables = {}
        self._reader, self._writer = reader, writer
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._on_change: Callable[[], None] = lambda: None
        self._is_of_use: Callable[[str, Columns], bool] = lambda _, __: True

    async def run(
        self,
        monitored: Mapping[str, Sequence[str]],
        on_change: Callable[[], None],
        is_of_use: Callable[[str, Columns], bool] = lambda _, __: True,
    ) -> None:
        """Monitor columns of tables until the connection closes; call back after each change.

        Rows that are of no use are not kept.
        """
        self._on_change, self._is_of_use = on_change, is_of_use
        reading = asyncio.ensure_future(self._read())
        try:
            request = {table: {"columns": list(columns)} for table, columns in monitored.items()}
            answer = asyncio.ensure_future(self.call("monitor", [_DATABASE, None, request]))
            await asyncio.wait({reading, answer}, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                answer.cancel()
                await reading
                raise OvsdbError("Open vSwitch's database closed the connection")
            self._take(await answer)
            await reading
        finally:
            reading.cancel()
            self._writer.close()

    async def transact(self, operations: Sequence[Mapping[str, Any]]) -> list[Any]:
        """Run operations in one transaction; raise `TransactionError` if any is refused."""
        results = await self.call("transact", [_DATABASE, *operations])
        for result in results:
            if isinstance(result, dict) and "error" in result:
                words = result.get("details") or result["error"]
                raise TransactionError(f"Open vSwitch's database refused a transaction: {words}")
        return list(results)

    async def call(self, method: str, parameters: list[Any]) -> Any:
        """Call a method of the server and await its result."""
        number = next(self._numbers)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        self._send({"method": method, "params": parameters, "id": number})
        try:
            return await answer
        finally:
            self._waiting.pop(number, None)

    def _send(self, message: Mapping[str, Any]) -> None:
        self._writer.write(json.dumps(message).encode())

    async def _read(self) -> None:
        try:
            async for message in messages(self._reader):
                self._dispatch(message)
        finally:
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(OvsdbError("the connection to OVSDB closed"))

    def _dispatch(self, message: dict[str, Any]) -> None:
        method = message.get("method")
        if method == "echo":
            self._send(
                {"result": message.get("params", []), "error": None, "id": message.get("id")}
            )
        elif method == "update":
            self._take(message["params"][1])
        elif (waiting := self._waiting.get(message.get("id", 0))) and not waiting.done():
            if message.get("error"):
                waiting.set_exception(TransactionError(f"OVSDB: {message['error']}"))
            else:
                waiting.set_result(message.get("result"))

    def _take(self, updates: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
        for table, rows in updates.items():
            known = self.tables.setdefault(table, {})
            for uuid, change in rows.items():
                new = {name: plain(value) for name, value in change.get("new", {}).items()}
                if new and self._is_of_use(table, new):
                    known[uuid] = new
                else:
                    known.pop(uuid, None)
        self._on_change()


async def connect(address: str) -> Database:
    """Connect to a database's address; raise OSError, or ValueError as `destination` does."""
    place = destination(address)
    if isinstance(place, str):
        return Database(*await asyncio.open_unix_connection(place))
    return Database(*await asyncio.open_connection(*place))


def destination(address: str) -> str | tuple[str, int]:
    """The path in `unix:/path`, host and port in `tcp:host:port`; else raise ValueError."""
    scheme, _, place = address.partition(":")
    if scheme == "unix" and place:
        return place
    host, _, port = place.rpartition(":")
    if scheme == "tcp" and host and port.isdecimal():
        return host.strip("[]"), int(port)
    raise ValueError(f"OVSDB address {address!r} must be unix:/path or tcp:host:port")


async def messages(reader: asyncio.StreamReader) -> AsyncIterator[dict[str, Any]]:
    """The JSON objects of a stream, until it ends; raise `ProtocolError` on anything else."""
    decoder = json.JSONDecoder()
    text = b""
    while piece := await reader.read(65536):
        text += piece
        if len(text) > _LIMIT:
            raise ProtocolError(f"a message is longer than {_LIMIT} bytes")
        while text.rstrip().endswith(b"}") or b"}{" in text:
            message, end = _first(decoder, text)
            if message is None:
                break
            yield message
            text = text[end:]
        if text and not text.lstrip().startswith(b"{"):
            raise ProtocolError(f"a message begins with {text[:20]!r}")


def _first(decoder: json.JSONDecoder, text: bytes) -> tuple[dict[str, Any] | None, int]:
    try:
        characters = text.decode()
        start = len(characters) - len(characters.lstrip())
        message, end = decoder.raw_decode(characters, start)
    except (ValueError, RecursionError):
        return None, 0
    if not isinstance(message, dict):
        raise ProtocolError("a message is not an object")
    return message, len(characters[:end].encode())


def plain(value: Any) -> Any:
    """A column's value as Python has it: sets as lists, maps as dicts, row references as text.

    A set of one is how OVSDB writes an optional column; it stays a plain value.
    """
    if isinstance(value, list) and len(value) == 2:
        kind, content = value
        if kind == "map":
            return {plain(key): plain(item) for key, item in content}
        if kind == "set":
            return [plain(item) for item in content]
        if kind in ("uuid", "named-uuid"):
            return content
    return value

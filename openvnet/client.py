"""A client of the REST API, over TCP or a unix socket; used by vnctl and by tests.

It imports little on purpose: vnctl has 150 ms from its start to its last line.
"""

import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import (
    HTTPConnection,
    HTTPException,
    HTTPMessage,
    HTTPResponse,
    HTTPSConnection,
    RemoteDisconnected,
)
from select import select
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec

from openvnet.answers import Answer as Answer
from openvnet.answers import ClientError as ClientError
from openvnet.answers import Event as Event
from openvnet.answers import Problem
from openvnet.answers import Realised as Realised
from openvnet.answers import Refused as Refused
from openvnet.answers import Unreachable as Unreachable
from openvnet.answers import Unreadable as Unreadable

Parameters = Mapping[str, Any]

STREAM_SILENCE = 60.0
"""Seconds without a word after which a stream counts as lost; webapi says one every 15."""

UPLOAD_SECONDS = 660.0
"""How long webapi may take to answer when it was sent a file."""

PIECE = 256 * 1024
"""Bytes of a file that are read at once."""

PAGE = 1000
"""Items asked for at once when all are wanted."""


class Client:
    """One connection to a webapi: `host:port`, `http://host:port` or `unix:/path`.

    `agent` says who calls, for the revision log; `token` is what lets it in, where one is needed;
    `authority` is a file in PEM with the certificates that sign webapi's, if the system has none.
    """

    def __init__(
        self,
        address: str,
        timeout: float = 30.0,
        version: str = "1.0",
        agent: str = "openvnet",
        token: str = "",
        authority: str = "",
    ) -> None:
        self.address = address
        self.authority = authority
        self._token = token
        self.agent = agent
        self.timeout = timeout
        self.base = f"/api/{version}"
        self._connection: HTTPConnection | None = None

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def get(self, path: str, **query: Any) -> Answer:
        """Read what is at a path below the API's mount, as in "/networks/nw-1"."""
        return self.request("GET", path, query)

    def write(
        self,
        method: str,
        path: str,
        given: Parameters | Sequence[Parameters] | None = None,
        wait: float | None = None,
        *,
        dry_run: bool = False,
    ) -> Answer:
        """POST, PUT or DELETE; `wait` is how many seconds the hosts may take to realise it.

        A list that is given to POST creates several as one revision.
        """
        query = {} if wait is None else {"wait": wait}
        return self.request(
            method, path, query | ({"dry_run": "true"} if dry_run else {}), given, wait or 0
        )

    def events(self, path: str, query: Parameters, last: str = "") -> Iterator[Event]:
        """A stream of events, until it ends; `last` is the id of the last one that was heard."""
        target = f"{self.base}{path}{'?' if query else ''}{urlencode(query)}"
        headers = self._headers() | ({"Last-Event-ID": last} if last else {})
        try:
            connection = self._connected(STREAM_SILENCE)
            connection.request("GET", target, headers=headers)
            response = connection.getresponse()
            if response.status != 200:
                raise _refused(response.status, response.read(), self.address)
            yield from _events(response)
        except (OSError, HTTPException) as error:
            raise _unreachable(self.address, error) from error
        finally:
            self.close()

    @contextmanager
    def download(
        self, path: str, query: Parameters
    ) -> Iterator[tuple[HTTPMessage, Iterator[bytes]]]:
        """A file: the headers that came with it, and its bytes in pieces."""
        target = f"{self.base}{path}{'?' if query else ''}{urlencode(query)}"
        try:
            connection = self._connected(self.timeout)
            connection.request("GET", target, headers=self._headers())
            response = connection.getresponse()
            if response.status != 200:
                raise _refused(response.status, response.read(), self.address)
            yield response.headers, self._pieces(response)
        except (ConnectionError, TimeoutError, HTTPException) as error:
            self.close()
            raise _unreachable(self.address, error) from error

    def _pieces(self, response: HTTPResponse) -> Iterator[bytes]:
        try:
            while piece := response.read(PIECE):
                yield piece
        except (OSError, HTTPException) as error:
            self.close()
            raise Unreachable(f"webapi at {self.address} broke off; its log says why.") from error

    def upload(self, path: str, query: Parameters, pieces: Iterable[bytes]) -> Answer:
        """Send a file, in pieces."""
        target = f"{self.base}{path}{'?' if query else ''}{urlencode(query)}"
        headers = {
            **self._headers(),
            "Content-Type": "application/octet-stream",
            "Transfer-Encoding": "chunked",
        }
        try:
            connection = self._connected(UPLOAD_SECONDS)
            connection.request("POST", target, pieces, headers, encode_chunked=True)
            response = connection.getresponse()
            text = response.read()
        except (ConnectionError, TimeoutError, HTTPException) as error:
            self.close()
            raise _unreachable(self.address, error) from error
        return _answer(response, text, self.address)

    def all(self, path: str, **query: Any) -> Answer:
        """A list, however long: all of its pages as one."""
        pages = list(self._pages(path, query))
        if len(pages) == 1:
            return pages[0]
        items = [item for page in pages for item in page.body["items"]]
        body = {**pages[0].body, "limit": len(items), "items": items}
        return Answer(body, msgspec.json.encode(body), None, None)

    def _pages(self, path: str, query: Parameters) -> Iterator[Answer]:
        offset = 0
        while True:
            page = self.get(path, **query, limit=PAGE, offset=offset)
            yield page
            offset += len(page.body["items"])
            if not page.body["items"] or offset >= page.body["total_count"]:
                return

    def request(
        self,
        method: str,
        path: str,
        query: Parameters,
        given: Parameters | Sequence[Parameters] | None = None,
        patience: float = 0.0,
    ) -> Answer:
        """One request; `patience` is added to the timeout, in seconds."""
        target = f"{self.base}{path}{'?' if query else ''}{urlencode(query)}"
        body = msgspec.json.encode(given) if given else None
        reused = self._connection is not None
        try:
            return self._exchange(method, target, body, self.timeout + patience)
        except Unreachable as error:
            # An idle connection may be closed just as it is used again; reading twice harms nobody.
            if method != "GET" or not reused or not isinstance(error.__cause__, ConnectionError):
                raise
        return self._exchange(method, target, body, self.timeout + patience)

    def _exchange(self, method: str, target: str, body: bytes | None, timeout: float) -> Answer:
        headers = {"Content-Type": "application/json"} if body else {}
        try:
            connection = self._connected(timeout)
            connection.request(method, target, body, {**headers, **self._headers()})
            response = connection.getresponse()
            text = response.read()
        except (OSError, HTTPException) as error:
            self.close()
            raise _unreachable(self.address, error) from error
        return _answer(response, text, self.address)

    def _headers(self) -> dict[str, str]:
        """What goes with every request."""
        said = {"User-Agent": self.agent}
        return said | ({"Authorization": f"Bearer {self._token}"} if self._token else {})

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self, timeout: float) -> HTTPConnection:
        """The connection, a new one if webapi has closed the old one meanwhile."""
        if self._connection is not None and _is_closed(self._connection):
            self.close()
        if self._connection is None:
            self._connection = _connection(self.address, self.authority)
            self._connection.timeout = timeout
            self._connection.connect()
        self._connection.sock.settimeout(timeout)
        return self._connection


class _UnixConnection(HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost")
        self.path = path

    def connect(self) -> None:
        """Connect to the socket at the path."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def _connection(address: str, authority: str = "") -> HTTPConnection:
    if address.startswith("unix:"):
        return _UnixConnection(address.removeprefix("unix:"))
    try:
        parts = urlsplit(address if "://" in address else f"http://{address}")
        port = parts.port or (443 if parts.scheme == "https" else 9090)
        host = (parts.hostname or "").encode("idna").decode()
    except ValueError:
        host = ""
    if not host or parts.scheme not in ("http", "https"):
        wanted = "host:port, http://host:port or unix:/path"
        raise Unreachable(f"{address!r} is not an address of webapi; it must be {wanted}.")
    if parts.scheme == "https":
        return HTTPSConnection(host, port, context=_trusting(authority))
    return HTTPConnection(host, port)


def _trusting(authority: str) -> Any:
    """TLS that believes certificates signed by the system's authorities, or by those in a file."""
    import ssl

    try:
        return ssl.create_default_context(cafile=authority or None)
    except ssl.SSLError:
        raise Unreachable(f"{authority} has no certificates in PEM.") from None
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise Unreachable(f"{authority} cannot be read: {why}.") from None


def _is_closed(connection: HTTPConnection) -> bool:
    """Whether the other side has hung up: an idle connection has nothing else to say."""
    sock: socket.socket | None = connection.sock
    return sock is None or bool(select([sock], [], [], 0)[0])


def _unreachable(address: str, error: Exception) -> ClientError:
    if isinstance(error, TimeoutError):
        return Unreachable(f"webapi at {address} does not answer in time.")
    if isinstance(error, HTTPException) and not isinstance(error, RemoteDisconnected):
        return Unreadable(f"What answers at {address} is not webapi ({type(error).__name__}).")
    if distrust := getattr(error, "verify_message", ""):
        return Unreachable(
            f"webapi at {address} is not to be believed: its certificate is not good ({distrust}). "
            "Name the file of those that sign it: webapi_ca in ~/.vnctlrc, or VNET_CA."
        )
    if getattr(error, "reason", "") in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"):
        return Unreachable(f"What answers at {address} does not speak TLS; try http://.")
    why = (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
    if isinstance(error, RemoteDisconnected) and "https" not in address:
        why += "; if it speaks TLS, say https:// before the address"
    return Unreachable(
        f"No webapi answers at {address} ({why}). "
        "Start it, or name its address: VNET_WEBAPI=host:port or unix:/path."
    )


def _answer(response: HTTPResponse, text: bytes, address: str) -> Answer:
    if response.status != 200:
        raise _refused(response.status, text, address)
    try:
        body = msgspec.json.decode(text)
    except msgspec.DecodeError:
        raise Unreadable(f"What answers at {address} is not webapi: no JSON.") from None
    revision, changed = (response.headers[f"OpenVNet-{name}"] for name in ("Revision", "Changed"))
    rehearsed = response.headers["OpenVNet-Dry-Run"] is not None
    return Answer(body, text, revision, _realised(response), changed != "false", rehearsed)


def _events(response: HTTPResponse) -> Iterator[Event]:
    """The events of a stream (HTML, section 9.2)."""
    said: dict[str, str] = {}
    for line in response:
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if name:
            said[name] = value
        elif "data" in said:
            data = msgspec.json.decode(said["data"])
            yield Event(said.get("id", ""), said.get("event", "message"), data)
            said = {}


def _refused(status: int, text: bytes, address: str) -> ClientError:
    try:
        return Refused(msgspec.json.decode(text, type=Problem), status)
    except msgspec.MsgspecError:
        return Unreadable(f"What answers at {address} is not webapi: status {status}.")


def _realised(response: HTTPResponse) -> Realised | None:
    milliseconds = response.headers["OpenVNet-Realised-Milliseconds"]
    if milliseconds is None:
        return None
    names = ("OpenVNet-Realised-Hosts", "OpenVNet-Lagging", "OpenVNet-Failures")
    words = [_words(response.headers[name]) for name in names]
    return Realised(float(milliseconds), *words)


def _words(value: str | None) -> tuple[str, ...]:
    return msgspec.json.decode(value, type=tuple[str, ...]) if value else ()

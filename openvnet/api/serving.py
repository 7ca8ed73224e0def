"""Where webapi listens, and how safely: TLS on TCP, and who is behind the unix socket.

Others can reach an address that is not this machine's own. There webapi listens only with TLS, and
answers only who has a token, unless it is told in as many words that it need not.
"""

import asyncio
import ipaddress
import pwd
import socket
import ssl
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_CREDENTIALS = struct.Struct("3i")
"""What the kernel says of who is at the other end: process, user, group."""


class ExposureError(Exception):
    """An address at which webapi will not listen as it was told to, and what to do."""


class Safety(NamedTuple):
    """How safely webapi is told to listen on TCP."""

    certificate: Path | None = None
    key: Path | None = None
    require_tokens: bool = False
    insecure: bool = False


def tokens_required(host: str, safety: Safety) -> bool:
    """Whether who comes over TCP needs a token; raise ExposureError if it must not be so."""
    if is_loopback(host):
        return safety.require_tokens
    if safety.insecure:
        return safety.require_tokens
    if safety.certificate is None:
        raise ExposureError(
            f"does not listen on {host} without TLS: others can reach it there, and whoever "
            "listens on the way would read tokens. Say --tls-certificate FILE and --tls-key FILE "
            '(in webapi.conf: tls { certificate "FILE" key "FILE" }); tokens are then required. Or '
            "bind to 127.0.0.1. Or, if whoever reaches it may write networks, say --insecure."
        )
    return True


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address; all that a name stands for must be such."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        return False
    return all(_is_loopback(str(address[0])) for *_, address in found)


def _is_loopback(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def tls(safety: Safety) -> ssl.SSLContext | None:
    """What TLS is spoken with; None: it is not. Raise ExposureError if it cannot be."""
    if safety.certificate is None and safety.key is None:
        return None
    if safety.certificate is None or safety.key is None:
        raise ExposureError("needs both --tls-certificate and --tls-key, or neither.")
    for what, path in (("certificate", safety.certificate), ("key", safety.key)):
        try:
            path.read_bytes()
        except OSError as error:
            raise ExposureError(
                f"cannot read the TLS {what} {path}: {(error.strerror or str(error)).lower()}."
            ) from None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(safety.certificate, safety.key, password=_no_password)
    except ssl.SSLError as error:
        mismatch = "KEY_VALUES_MISMATCH" in str(error)
        why = "the key is not that of the certificate" if mismatch else "they must be those, in PEM"
        raise ExposureError(
            f"cannot use the TLS certificate {safety.certificate} with the key {safety.key}: {why}."
        ) from None
    except EncryptedKey:
        raise ExposureError(
            f"cannot use the TLS key {safety.key}: it is encrypted, and nobody is there to ask "
            "for its password."
        ) from None
    return context


class EncryptedKey(Exception):
    """Raised where a password is asked for."""


def _no_password() -> str:
    raise EncryptedKey


class Http(HttpToolsProtocol):
    """HTTP, over a unix socket with the name of the user at the other end."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Note who has connected."""
        super().connection_made(transport)
        if self.client is None:
            self.client = (_user(transport.get_extra_info("socket")), 0)


def _user(sock: Any) -> str:
    try:
        data = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        _, user, _ = _CREDENTIALS.unpack(data)
    except (OSError, AttributeError, struct.error):
        return "this host"
    try:
        return f"user {pwd.getpwuid(user).pw_name} of this host"
    except KeyError:
        return f"user {user} of this host"


class Front(uvicorn.Server):
    """uvicorn, with TLS on the TCP sockets alone."""

    def __init__(
        self, config: uvicorn.Config, sockets: Sequence[socket.socket], context: Any
    ) -> None:
        super().__init__(config)
        self._sockets = sockets
        self._context: ssl.SSLContext | None = context

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002
        """Listen on all sockets."""
        await super().startup([])
        loop = asyncio.get_running_loop()

        def protocol() -> asyncio.Protocol:
            return Http(
                config=self.config, server_state=self.server_state, app_state=self.lifespan.state
            )

        for sock in self._sockets:
            context = None if sock.family == socket.AF_UNIX else self._context
            listening = await loop.create_server(protocol, sock=sock, ssl=context)
            self.servers.append(listening)

"""The TCP port of vnmgr: where vnmgr.conf says, and what is wrong with that in words."""

import errno
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import zmq

from openvnet.configuration.files import Configuration
from openvnet.configuration.keys import Vnmgr
from openvnet.configuration.syntax import ConfigurationError
from openvnet.wire.finding import ANYWHERE
from openvnet.wire.front import Front
from openvnet.wire.joined import Manager
from openvnet.wire.keys import ServerKeys, server_keys


class Tcp(NamedTuple):
    """A port to listen at, and the keys of those who may connect."""

    host: str
    port: int
    keys: ServerKeys
    place: Callable[[str], str]
    """Of a key of the configuration, for errors."""
    public: str = ""
    """Where others reach it, if that is not `host`."""
    state: Path = Path()
    """Where the keys are."""

    @property
    def endpoint(self) -> str:
        """As ZeroMQ names it."""
        return f"tcp://{self._address()}:{self.port}"

    def managers(self) -> tuple[Manager, ...]:
        """What others must know to call it; nothing if nobody can say its address."""
        host = self.public or _reached(self.host)
        shown = f"[{host}]" if ":" in host else host
        keys = [key.decode() for key in self.keys.public]
        return tuple(Manager(f"{shown}:{self.port}", key) for key in keys) if host else ()

    def open(self, front: Front) -> int:
        """Listen there too; return the number of the socket. Raise ConfigurationError."""
        try:
            return front.open(self.endpoint, self.keys.secret)
        except zmq.ZMQError as error:
            raise ConfigurationError(self._why(error.errno or 0)) from None

    def _address(self) -> str:
        """The host's address; libzmq does not look up names to listen at."""
        try:
            found = socket.getaddrinfo(self.host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            words = f"{self.place('node.addr.host')} {self.host} is no address or known name."
            raise ConfigurationError(words) from None
        family, *_, address = found[0]
        return f"[{address[0]}]" if family == socket.AF_INET6 else str(address[0])

    def _why(self, number: int) -> str:
        if number == errno.EADDRNOTAVAIL:
            return f"{self.place('node.addr.host')} {self.host} is no address of this machine."
        if number == errno.EADDRINUSE:
            words = f"is taken: another program listens at {self.host}:{self.port}."
        else:
            words = f"at {self.host} cannot be listened at: {os.strerror(number)}."
        return f"{self.place('node.addr.port')} {self.port} {words}"


def told_tcp(configuration: Configuration[Vnmgr], state: Path) -> Tcp | None:
    """The port that vnmgr was told of, if it was. Raise KeysError."""
    address = configuration.own.node.addr
    if address is None:
        return None
    keys = server_keys(state)
    return Tcp(address.host, address.port, keys, configuration.place, address.public, state)


def _reached(host: str) -> str:
    """An address at which this machine is reached; that of its default route if it has several."""
    if host not in ANYWHERE:
        return host
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    far = "2001:db8::1" if ":" in host else "192.0.2.1"
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((far, 9))  # Of UDP that sends nothing.
        except OSError:
            return ""
        return str(probe.getsockname()[0])

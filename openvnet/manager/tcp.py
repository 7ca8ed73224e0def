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
from openvnet.wire.front import Front
from openvnet.wire.keys import ServerKeys, server_keys


class Tcp(NamedTuple):
    """A port to listen at, and the keys of those who may connect."""

    host: str
    port: int
    keys: ServerKeys
    place: Callable[[str], str]
    """Of a key of the configuration, for errors."""

    def open(self, front: Front) -> None:
        """Listen there too. Raise ConfigurationError."""
        endpoint = f"tcp://{self._address()}:{self.port}"
        try:
            front.open(endpoint, self.keys)
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
    return Tcp(address.host, address.port, server_keys(state), configuration.place)

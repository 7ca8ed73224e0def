"""What the vna of this host says of itself, by its metrics: also where no webapi can be asked."""

import re
import socket
from contextlib import closing, suppress

import msgspec

from openvnet.host.places import Places

SECONDS = 4.0
"""How long it may take to answer."""
LONGEST_PAGE = 1 << 20
"""Bytes of a program's metrics."""


class Says(msgspec.Struct, frozen=True):
    """How a vna fares."""

    connected: bool
    """Whether a bridge is connected."""
    heard: bool
    """Whether vnmgr has said something lately."""
    in_sync: bool
    revision: int
    """The newest that it has heard of."""
    realised: int
    """The newest that is in the switch."""
    drift: int
    refused: str = ""
    """Why vnmgr refuses it, in words."""

    @property
    def state(self) -> str:
        """How it fares, in the words that it tells vnmgr."""
        if not self.connected:
            return "no switch is connected"
        if self.refused:
            return f"refused by vnmgr: {self.refused}"
        if not self.heard:
            return "vnmgr is silent"
        return "in sync" if self.in_sync else "waiting for vnmgr"


def vna_says(places: Places) -> Says | None:
    """How the vna of these places fares; None if none answers."""
    for path in places.run.glob("*.metrics.sock"):
        with closing(socket.socket(socket.AF_UNIX)) as connection, suppress(OSError):
            connection.settimeout(SECONDS)
            connection.connect(str(path))
            connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
            with connection.makefile("rb") as answer:
                said = answer.read(LONGEST_PAGE).decode(errors="replace")
            if "openvnet_vna_in_sync" in said:
                return _read(said)
    return None


def _read(page: str) -> Says:
    def value(name: str) -> int:
        found = re.search(rf"^openvnet_vna_{name} (\S+)", page, re.MULTILINE)
        return int(float(found[1])) if found else 0

    refused = re.search(r'^openvnet_vna_refused\{why="(.*)"\} 1', page, re.MULTILINE)
    return Says(
        bool(value("switch_connected")),
        bool(value("vnmgr_heard")),
        bool(value("in_sync")),
        value("revision"),
        value("realised_revision"),
        value("drift_total"),
        refused[1].replace('\\"', '"') if refused else "",
    )

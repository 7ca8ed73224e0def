"""Which process is behind a socket, and since when: as the kernel says, whoever started it."""

import os
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import msgspec

from openvnet.host.errors import HostError

PATIENCE_SECONDS = 1.0
_CREDENTIALS = struct.Struct("3i")
_LISTENING = "0A"
"""State TCP_LISTEN in /proc/net/tcp, see proc(5)."""


class Process(msgspec.Struct, frozen=True):
    """A process that runs."""

    pid: int
    """0 if it cannot be seen from here."""
    since: float | None
    """Seconds since 1970, if its start can be known."""
    command: str
    """Its command line; empty if it cannot be known."""


def behind_socket(path: Path) -> Process | None:
    """Who listens at a unix socket, if anybody does; raise HostError if it cannot be known."""
    with closing(socket.socket(socket.AF_UNIX)) as probe:
        probe.settimeout(PATIENCE_SECONDS)
        try:
            probe.connect(str(path))
        except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError):
            return None
        except OSError as error:
            why = error.strerror or str(error)
            raise HostError(f"{path} cannot be asked: {why}") from None
        credentials = probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return process(_CREDENTIALS.unpack(credentials)[0])


def behind_port(port: int) -> Process | None:
    """Who listens at a TCP port of this host, if anybody does."""
    inodes = {inode for at, inode in _listeners() if at[1] == port}
    if not inodes:
        return None
    return process(next((pid for pid, inode in _sockets() if inode in inodes), 0))


def addresses(pid: int) -> list[tuple[str, int]]:
    """The TCP addresses at which a process listens."""
    own = {inode for _, inode in _sockets(pid)}
    return sorted(at for at, inode in _listeners() if inode in own)


def _listeners() -> Iterator[tuple[tuple[str, int], str]]:
    """Each listening TCP address of this host, and the inode of its socket."""
    for name, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        with suppress(OSError):
            for line in Path("/proc/net", name).read_text().splitlines()[1:]:
                _, local, _, state, *more = line.split()
                if state == _LISTENING:
                    yield _address(local, family), more[5]


def _address(text: str, family: socket.AddressFamily) -> tuple[str, int]:
    """An address of /proc/net/tcp: words of 32 bits in the host's own order, then the port."""
    words, _, port = text.partition(":")
    raw = b"".join(struct.pack("=I", int(words[at : at + 8], 16)) for at in range(0, len(words), 8))
    return socket.inet_ntop(family, raw), int(port, 16)


def _sockets(pid: int | None = None) -> Iterator[tuple[int, str]]:
    """The sockets that processes have open, by inode; of those that may be looked into."""
    for directory in Path("/proc").glob(f"{pid or '[0-9]*'}/fd"):
        with suppress(OSError):
            for descriptor in directory.iterdir():
                with suppress(OSError):
                    what = str(descriptor.readlink())
                    if what.startswith("socket:["):
                        yield int(directory.parent.name), what[8:-1]


def process(pid: int) -> Process:
    """What can be known of a process."""
    since: float | None = None
    command = ""
    with suppress(OSError, ValueError, IndexError, StopIteration):
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
        # Behind the name, which may hold anything and ends with a parenthesis (proc(5), stat).
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        since = _boot() + int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return Process(pid, since, command)


def _boot() -> float:
    """When this machine started, by the clock as it is now."""
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)

"""Sockets that programs are asked at: TCP, and unix sockets for those who share their machine.

In a network namespace of its own (a lab), 127.0.0.1 is out of reach of the user's shell, and the
file is not. Who may open it may write networks: its user, and the group of the directory if that is
the only other who may enter it (/run/openvnet of the services, for group openvnet).
"""

import os
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path


class ListenError(Exception):
    """An address at which one cannot listen, and why."""


def tcp_socket(host: str, port: int) -> socket.socket:
    """A TCP socket that listens; port 0 lets the system choose."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen()
    except (OSError, OverflowError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ListenError(f"cannot listen on {host}:{port}: {reason}.") from None
    return bound


@contextmanager
def unix_socket(path: Path) -> Iterator[socket.socket]:
    """A unix socket that listens, for whom the directory is for; its file goes with it."""
    try:
        bound = _bound(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ListenError(f"cannot listen on {path}: {reason}.") from None
    inode = path.stat().st_ino
    try:
        yield bound
    finally:
        bound.close()
        _remove(path, inode)


def _bound(path: Path) -> socket.socket:
    """Bind beside the path and move the file there once its mode is right: nobody comes between."""
    if _answers(path):
        raise OSError(0, "another process listens there")
    bound = socket.socket(socket.AF_UNIX)
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    bound.bind(str(beside))
    beside.chmod(_mode(path.parent.stat()))
    bound.listen()
    beside.rename(path)
    return bound


def _mode(directory: os.stat_result) -> int:
    """For user and group in a directory that nobody else may enter, of our own group; else 0600."""
    its_group_may_enter = directory.st_mode & 0o017 == 0o010
    return 0o660 if its_group_may_enter and directory.st_gid == os.getegid() else 0o600


def _answers(path: Path) -> bool:
    with closing(socket.socket(socket.AF_UNIX)) as probe:
        return probe.connect_ex(str(path)) == 0


def _remove(path: Path, inode: int) -> None:
    """Remove the file, if it has not become that of another process."""
    try:
        if path.stat().st_ino == inode:
            path.unlink()
    except FileNotFoundError:
        pass

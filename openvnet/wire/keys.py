"""The keys with which programs know each other on TCP (ZeroMQ's CURVE).

    <state>/keys/            0700, made whole by whoever comes first
      vnmgr.secret           who vnmgr is
      vnmgr.public           by which others know it
      machine.secret         who the other programs of this machine are

vnmgr admits who has machine.secret, and nobody else: who can read it may write networks. A key is
40 letters (Z85, ZeroMQ RFC 32) and a newline.
"""

import errno
import os
import shutil
import stat
import tempfile
from pathlib import Path
from typing import NamedTuple

import zmq
from zmq.utils import z85

DIRECTORY = "keys"
LENGTH = 40


class KeysError(Exception):
    """Keys that cannot be used, and why."""


class ServerKeys(NamedTuple):
    """Of vnmgr."""

    secret: bytes
    admitted: frozenset[bytes]
    """The public keys of those who may connect."""


class ClientKeys(NamedTuple):
    """Of a program that calls vnmgr."""

    public: bytes
    secret: bytes
    server: bytes
    """The public key by which vnmgr is known."""
    directory: Path
    """Where they were read."""


def server_keys(state: Path) -> ServerKeys:
    """Keys of vnmgr, in its state directory; made if there are none. Raise KeysError."""
    directory = _made(state)
    admitted = zmq.curve_public(_secret(directory / "machine.secret"))
    return ServerKeys(_secret(directory / "vnmgr.secret"), frozenset({admitted}))


def client_keys(state: Path) -> ClientKeys:
    """The keys of the other programs of a machine; made if there are none. Raise KeysError."""
    directory = _made(state)
    secret = _secret(directory / "machine.secret")
    server = _key(directory / "vnmgr.public")
    return ClientKeys(zmq.curve_public(secret), secret, server, directory)


def _made(state: Path) -> Path:
    """The directory of the keys, with all of them."""
    directory = state / DIRECTORY
    try:
        if _is_empty(directory):
            _make(state, directory)
    except OSError as error:
        raise KeysError(f"the keys in {directory} cannot be used: {error.strerror}.") from None
    return directory


def _is_empty(directory: Path) -> bool:
    try:
        return not any(directory.iterdir())
    except FileNotFoundError:
        return True


def _make(state: Path, directory: Path) -> None:
    """Make all of it beside its place: whoever takes its name first wins."""
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=f"{directory.name}.", dir=state))
    try:
        public, secret = zmq.curve_keypair()
        _write(new / "vnmgr.public", public)
        _write(new / "vnmgr.secret", secret)
        _write(new / "machine.secret", zmq.curve_keypair()[1])
        new.rename(directory)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _write(path: Path, key: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(key + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _secret(path: Path) -> bytes:
    key = _key(path)
    if stat.S_IMODE(path.stat().st_mode) & 0o007:
        raise KeysError(f"{path} is open to everybody on this machine; `chmod o= {path}`.")
    return key


def _key(path: Path) -> bytes:
    try:
        key = path.read_bytes().strip()
    except OSError as error:
        raise KeysError(f"{path} cannot be read: {error.strerror}.") from None
    try:
        z85.decode(key)
    except (ValueError, KeyError):
        key = b""
    if len(key) != LENGTH:
        raise KeysError(
            f"{path} is no key. Without the directory {path.parent}, new keys are made at the next "
            "start; then all programs of this machine must be started anew."
        )
    return key

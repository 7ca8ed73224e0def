"""The keys with which programs know each other on TCP (ZeroMQ's CURVE).

    <state>/keys/            0700, made whole by whoever comes first
      vnmgr.secret           who vnmgr is
      vnmgr.public           by which others know it
      machine.secret         who the other programs of this machine are
      vnmgr.secret.next      who vnmgr will be, while its key is renewed; with vnmgr.public.next
      vna.json, webapi.json  on a host that has joined another's vnmgr: see `wire.joined`

vnmgr admits who has machine.secret, whoever can read which may write networks; and nodes that have
joined, each by a key of its own. A key is 40 letters (Z85, ZeroMQ RFC 32) and a newline.
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
NEXT = ".next"


class KeysError(Exception):
    """Keys that cannot be used, and why."""


class ServerKeys(NamedTuple):
    """Of vnmgr."""

    secret: bytes
    machine: bytes
    """The public key of the other programs of its machine."""
    next: bytes | None = None
    """The secret that will take the place of the first."""

    @property
    def public(self) -> tuple[bytes, ...]:
        """By which vnmgr is known: first as it is now, then as it will be."""
        secrets = (self.secret, self.next) if self.next else (self.secret,)
        return tuple(zmq.curve_public(secret) for secret in secrets)


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
    machine = zmq.curve_public(_secret(directory / "machine.secret"))
    following = directory / f"vnmgr.secret{NEXT}"
    return ServerKeys(
        _secret(directory / "vnmgr.secret"),
        machine,
        _secret(following) if following.exists() else None,
    )


def client_keys(state: Path) -> ClientKeys:
    """The keys of the other programs of a machine; made if there are none. Raise KeysError."""
    return machine_keys(state)[0]


def machine_keys(state: Path) -> list[ClientKeys]:
    """The same, and while vnmgr's key is renewed also with the one that it will have."""
    directory = _made(state)
    secret = _secret(directory / "machine.secret")
    files = [directory / "vnmgr.public", directory / f"vnmgr.public{NEXT}"]
    servers = [read_key(file) for file in files if file == files[0] or file.exists()]
    public = zmq.curve_public(secret)
    return [ClientKeys(public, secret, server, directory) for server in servers]


def prepare_next(state: Path) -> bytes:
    """Make the key that vnmgr will have, unless that is done; return its public half."""
    directory = _made(state)
    public, secret = (directory / f"vnmgr.{half}{NEXT}" for half in ("public", "secret"))
    try:
        if not secret.exists():
            shown, hidden = zmq.curve_keypair()
            public.unlink(missing_ok=True)
            _write(public, shown, like=directory)
            new = secret.with_name(f"{secret.name}.new")
            new.unlink(missing_ok=True)
            _write(new, hidden, like=directory)
            new.rename(secret)
    except OSError as error:
        raise KeysError(f"the keys in {directory} cannot be used: {error.strerror}.") from None
    return read_key(public)


def take_next(state: Path) -> None:
    """Let vnmgr's next key be its key. Raise OSError."""
    directory = state / DIRECTORY
    for half in ("secret", "public"):
        (directory / f"vnmgr.{half}{NEXT}").replace(directory / f"vnmgr.{half}")


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


def _write(path: Path, key: bytes, like: Path | None = None) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(key + b"\n")
        file.flush()
        os.fsync(file.fileno())
        if like is not None:
            belong(file.fileno(), like)


def belong(file: int, directory: Path) -> None:
    """Give a file that root writes to whom its directory belongs: who is to read it."""
    if os.geteuid() == 0:
        found = directory.stat()
        os.fchown(file, found.st_uid, found.st_gid)


def _secret(path: Path) -> bytes:
    key = read_key(path)
    refuse_open(path)
    return key


def refuse_open(path: Path) -> None:
    """Refuse a file that everybody may read or write. Raise KeysError."""
    if stat.S_IMODE(path.stat().st_mode) & 0o007:
        raise KeysError(f"{path} is open to everybody on this machine; `chmod o= {path}`.")


def read_key(path: Path) -> bytes:
    """The key in a file. Raise KeysError."""
    try:
        key = path.read_bytes().strip()
    except OSError as error:
        raise KeysError(f"{path} cannot be read: {error.strerror}.") from None
    if not is_key(key):
        raise KeysError(
            f"{path} is no key. Without the directory {path.parent}, new keys are made at the next "
            "start, and the other programs of this machine take them up."
        )
    return key


def is_key(text: bytes) -> bool:
    """Whether this is a key in Z85."""
    try:
        z85.decode(text)
    except (ValueError, KeyError):
        return False
    return len(text) == LENGTH

"""What a host knows of the vnmgr that it has joined: who it is there, its key, and whom to call.

One file in <state>/keys for each role, `vna.json` or `webapi.json`, which is always whole: it is
written beside its place and then takes its name. The token that lets a host join is here too: text
without spaces that holds vnmgr's addresses and key, and a secret that is worth something once. That
secret is the private half of a CURVE key, of which vnmgr has the public half: it never travels.
"""

import base64
import binascii
import os
import zlib
from pathlib import Path

import msgspec
import zmq

from openvnet.wire.keys import DIRECTORY, KeysError, belong, is_key, refuse_open

PREFIX = "openvnet-"
ROLES = ("vna", "webapi")


class Manager(msgspec.Struct, frozen=True):
    """A vnmgr: where it listens, and one of the keys that it is known by."""

    address: str
    """host:port"""
    key: str

    @property
    def endpoint(self) -> str:
        """As ZeroMQ names it."""
        return f"tcp://{self.address}"


class Joined(msgspec.Struct, frozen=True):
    """A node on its own machine."""

    node_id: str
    uuid: str
    role: str
    secret: str
    """Its private key."""
    managers: tuple[Manager, ...]
    next_secret: str | None = None
    """While its key is being renewed: the one that vnmgr may know already."""


class Token(msgspec.Struct, frozen=True, array_like=True):
    """What `vnctl nodes token` prints."""

    managers: tuple[Manager, ...]
    role: str
    secret: str


class TokenError(Exception):
    """A token that cannot be read, and why."""


def written_token(token: Token) -> str:
    """A token as text: a word, with a sum that shows a mistyped letter."""
    data = msgspec.json.encode(token)
    summed = zlib.crc32(data).to_bytes(4, "big") + data
    return PREFIX + base64.urlsafe_b64encode(summed).decode().rstrip("=")


def read_token(text: str) -> Token:
    """A token from its text; whatever space came into it is left out. Raise TokenError."""
    letters = "".join(text.split())
    if not letters.startswith(PREFIX):
        raise TokenError(f"this is no token; one begins with {PREFIX}")
    letters = letters.removeprefix(PREFIX)
    try:
        summed = base64.b64decode(letters + "=" * (-len(letters) % 4), altchars="-_", validate=True)
        data = summed[4:]
        if zlib.crc32(data).to_bytes(4, "big") != summed[:4]:
            raise TokenError("the token is mistyped, or part of it is missing")
        token = msgspec.json.decode(data, type=Token)
    except (binascii.Error, msgspec.DecodeError, ValueError):
        raise TokenError("the token is mistyped, or part of it is missing") from None
    if token.role not in ROLES or not token.managers or not is_key(token.secret.encode()):
        raise TokenError("the token is of another release of OpenVNet")
    return token


def joined_path(state: Path, role: str) -> Path:
    """Where a node of a role keeps who it is."""
    return state / DIRECTORY / f"{role}.json"


def read_joined(state: Path, role: str) -> Joined | None:
    """Who this host is to a vnmgr elsewhere; None if it has joined none. Raise KeysError."""
    path = joined_path(state, role)
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Joined)
        refuse_open(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise KeysError(f"{path} cannot be read: {error.strerror}.") from None
    except msgspec.DecodeError:
        found = None
    keys = () if found is None else (found.secret, *(each.key for each in found.managers))
    if found is None or not found.managers or not all(is_key(key.encode()) for key in keys):
        raise KeysError(f"{path} is damaged. `openvnet join` with a new token writes it anew.")
    return found


def write_joined(state: Path, joined: Joined) -> Path:
    """Write it; return where. Raise OSError."""
    path = joined_path(state, joined.role)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.geteuid() == 0 and path.parent.stat().st_uid != state.stat().st_uid:
        os.chown(path.parent, state.stat().st_uid, state.stat().st_gid)
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(joined)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
        belong(file.fileno(), path.parent)
    new.replace(path)
    return path


def new_pair() -> tuple[str, str]:
    """A public key, and the private one that goes with it."""
    public, secret = zmq.curve_keypair()
    return public.decode(), secret.decode()


def public_of(secret: str) -> str:
    """The public half of a private key."""
    return zmq.curve_public(secret.encode()).decode()


def keep_managers(state: Path, role: str, managers: tuple[Manager, ...]) -> None:
    """Keep where vnmgr is, for the next start. Raise OSError or KeysError."""
    joined = read_joined(state, role)
    if joined and joined.managers != managers:
        write_joined(state, msgspec.structs.replace(joined, managers=managers))

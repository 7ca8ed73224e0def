"""A host joins a vnmgr on another machine: its own key, made here, told over an encrypted call.

    token ──► call vnmgr with the token's key ──► "this is my own key from now on" ──► <state>/keys
    renew ──► call vnmgr with the old key     ──► "this is my own key from now on" ──► the same

The private key never leaves the host, and the token's is worth nothing once it was used. A key
that is to take another's place is written down before vnmgr is told of it, so that a host that is
cut off between has both; a join that is cut short needs another token.
"""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from openvnet.host.errors import HostError
from openvnet.wire.finding import Place, joined_places
from openvnet.wire.front import JOIN
from openvnet.wire.joined import (
    Joined,
    Manager,
    TokenError,
    joined_path,
    new_pair,
    public_of,
    read_joined,
    read_token,
    write_joined,
)
from openvnet.wire.keys import DIRECTORY, KeysError, prepare_next
from openvnet.wire.rpc import NoAnswer, Rpc

PATIENCE_SECONDS = 5.0
"""How long each vnmgr may take to answer."""


class Done(NamedTuple):
    """What came of it."""

    joined: Joined
    path: Path


def join(text: str, state: Path) -> Done:
    """Join with a token; raise HostError."""
    try:
        token = read_token(text)
    except TokenError as error:
        raise HostError(f"{error}.") from None
    _check_place(state)
    secret = new_pair()[1]
    pending = Joined("", "", token.role, secret, token.managers)
    places = joined_places(msgspec.structs.replace(pending, secret=token.secret), state / DIRECTORY)
    row, answered = _told(places, public_of(secret))
    managers = _first(token.managers, answered)
    joined = Joined(row["node_id"], row["uuid"], token.role, secret, managers)
    return Done(joined, _written(state, joined))


def renew(state: Path, role: str) -> Done:
    """Give this host another key; raise HostError."""
    try:
        joined = read_joined(state, role)
    except KeysError as error:
        raise HostError(str(error)) from None
    if joined is None:
        raise HostError(f"this host has joined no vnmgr as a {role}; a token lets it join.")
    secret = joined.next_secret or new_pair()[1]
    joined = msgspec.structs.replace(joined, next_secret=secret)
    path = _written(state, joined)
    _told(joined_places(joined, path.parent), public_of(secret))
    joined = msgspec.structs.replace(joined, secret=secret, next_secret=None)
    return Done(joined, _written(state, joined))


class Reached(NamedTuple):
    """How a host that has joined finds its vnmgr."""

    node_id: str
    address: str
    trouble: str
    """Why vnmgr does not hear it, in words; nothing if it does."""


def reached(state: Path) -> Reached | None:
    """Call vnmgr with the key of this host's vna; None if it has joined none. Raise KeysError."""
    joined = read_joined(state, "vna")
    if joined is None:
        return None
    trouble, address = "", joined.managers[0].address
    for place in joined_places(joined, state / DIRECTORY):
        address = place.endpoint.removeprefix("tcp://")
        try:
            asyncio.run(_ask(place, ""))
        except NoAnswer as error:
            trouble = trouble or _why(str(error), place)
        except HostError:
            return Reached(joined.node_id, address, "")  # It knows who asks, and refuses no key "".
    return Reached(joined.node_id, address, trouble)


def renew_manager(state: Path) -> Path:
    """Prepare another key for the vnmgr of this machine; return where. Raise HostError."""
    try:
        prepare_next(state)
    except KeysError as error:
        raise HostError(str(error)) from None
    return state / DIRECTORY


def is_managers(state: Path) -> bool:
    """Whether this is the machine of a vnmgr."""
    return (state / DIRECTORY / "vnmgr.secret").exists()


def joined_roles(state: Path) -> list[str]:
    """What this host has joined as."""
    return [role for role in ("vna", "webapi") if joined_path(state, role).exists()]


def _check_place(state: Path) -> None:
    """See that the key can be kept before the token is used."""
    directory = state / DIRECTORY
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.mkdir(mode=0o700, exist_ok=True)
        probe = directory / ".joining"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise HostError(
            f"the key cannot be kept in {directory}: {error.strerror}. Become root, or choose "
            "another directory with --state."
        ) from None


def _written(state: Path, joined: Joined) -> Path:
    try:
        return write_joined(state, joined)
    except OSError as error:
        raise HostError(f"{joined_path(state, joined.role)}: {error.strerror}.") from None


def _told(places: Sequence[Place], public: str) -> tuple[dict[str, str], Place]:
    """Tell vnmgr the key, at the first place that answers; return the node, and the place."""
    troubles: list[str] = []
    for place in places:
        try:
            with _unsaid("openvnet.wire"):  # All of it is said here.
                return asyncio.run(_ask(place, public)), place
        except NoAnswer as error:
            troubles.append(_why(str(error), place))
    raise HostError(" ".join(dict.fromkeys(troubles)))


@contextmanager
def _unsaid(name: str) -> Iterator[None]:
    """Let a logger say nothing meanwhile."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


def _why(words: str, place: Place) -> str:
    if "refuses this program" in words:
        return (
            f"vnmgr at {place.endpoint} does not know this token or key: the node was revoked or "
            "deleted, another token was made for it since, or the token is of another vnmgr. "
            "`vnctl nodes token` makes another."
        )
    if "is not the vnmgr" in words:
        return (
            f"who listens at {place.endpoint} is not the vnmgr that made the token (its key is "
            "another): either it has got another since, or somebody else answers there."
        )
    return (
        f"vnmgr cannot be reached at {place.endpoint}. See that it runs, and that a firewall lets "
        "its TCP port be reached from here; `vnctl nodes token --address` names another address."
    )


async def _ask(place: Place, public: str) -> dict[str, str]:
    rpc = Rpc(lambda: (place,), purpose=JOIN)
    try:
        asking = asyncio.create_task(
            rpc.call(verb="join", values={"public_key": public}, timeout=PATIENCE_SECONDS)
        )
        while not asking.done() and not rpc.refusal:
            await asyncio.wait({asking}, timeout=0.05)
        if not asking.done():
            asking.cancel()
            raise NoAnswer(rpc.refusal, asked=False)
        reply = asking.result()
    finally:
        rpc.close()
    if reply.problem:
        raise HostError(reply.problem.message)
    found: dict[str, str] = reply.result
    return found


def _first(managers: Sequence[Manager], answered: Place) -> tuple[Manager, ...]:
    """All vnmgr, the one that answered first."""
    return tuple(sorted(managers, key=lambda each: each.endpoint != answered.endpoint))

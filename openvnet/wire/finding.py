"""Where a program finds vnmgr, and with which keys: read anew whenever it is looked for.

What `openvnet join` wrote comes first, then a TCP port that vnmgr.conf names, with the keys of the
machine, then an ipc socket. So keys that are renewed, or copied from elsewhere, are taken up by
programs that run.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from openvnet.wire.joined import Joined, joined_path, public_of, read_joined
from openvnet.wire.keys import ClientKeys, machine_keys

ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where vnmgr listens, not we
"""Who listens at all addresses of this machine is called at one."""


class Place(NamedTuple):
    """Where to call a vnmgr."""

    endpoint: str
    keys: ClientKeys | None = None


Finding = Callable[[], Sequence[Place]]
"""Says where to call, the best first; raises KeysError."""


def vnmgr_finding(role: str, address: tuple[str, int] | None, socket: Path, state: Path) -> Finding:
    """Where the programs of a host call vnmgr, `address` being what vnmgr.conf says of it."""

    def find() -> Sequence[Place]:
        if joined := read_joined(state, role):
            return joined_places(joined, joined_path(state, role).parent)
        if address is None:
            return [Place(f"ipc://{socket}")]
        host, port = address
        host = ANYWHERE.get(host, host)
        shown = f"[{host}]" if ":" in host else host
        return [Place(f"tcp://{shown}:{port}", keys) for keys in machine_keys(state)]

    return find


def joined_places(joined: Joined, directory: Path) -> list[Place]:
    """Where a node calls; while its key is renewed, with either."""
    return [
        Place(
            manager.endpoint,
            ClientKeys(
                public_of(secret).encode(), secret.encode(), manager.key.encode(), directory
            ),
        )
        for secret in filter(None, (joined.secret, joined.next_secret))
        for manager in joined.managers
    ]

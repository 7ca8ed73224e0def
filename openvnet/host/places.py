"""Where a host's OpenVNet keeps its things: the system's directories for root, a user's for others.

The user's are those of the XDG base directory specification.
"""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from openvnet.host.errors import HostError

SOCKET_PATH_BYTES = 107
"""The longest path of a unix socket, see unix(7)."""


class Places(msgspec.Struct, frozen=True):
    """The directories."""

    state: Path
    """The database, and what vna knows; must survive a reboot."""
    run: Path
    """Sockets and locks."""
    log: Path

    @property
    def database(self) -> Path:
        """The database of vnmgr, in SQLite."""
        return self.state / "openvnet.sqlite"

    @property
    def webapi(self) -> Path:
        """The unix socket of webapi."""
        return self.run / "webapi.sock"

    def made(self) -> "Places":
        """Make those that are missing, for this user alone; raise HostError."""
        longest = len(os.fsencode(self.webapi)) + len(".1234567")  # Its name while it is made.
        if longest > SOCKET_PATH_BYTES:
            raise HostError(
                f"the run directory {self.run} has a name that is too long for sockets in it; "
                "--run names a shorter one."
            )
        for name, directory in msgspec.structs.asdict(self).items():
            try:
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as error:
                raise HostError(
                    f"the {name} directory {directory} cannot be made: {error.strerror}. "
                    f"--{name} names another."
                ) from None
        return self


def places(
    variables: Mapping[str, str],
    user: int,
    *,
    state: Path | None = None,
    run: Path | None = None,
    log: Path | None = None,
) -> Places:
    """The places of a user (a number; 0 is root), unless others are named."""
    said = variables.get("LOG_DIRECTORY")
    log = log or (Path(said) if said else None)
    if user == 0:
        system = ("/var/lib/openvnet", "/run/openvnet", "/var/log/openvnet")
        defaults = Places(*map(Path, system))
    else:
        defaults = _own_places(variables, user)
        if state and not log:
            log = state / "log"
    found = state or defaults.state, run or defaults.run, log or defaults.log
    return Places(*(directory.absolute() for directory in found))


def _own_places(variables: Mapping[str, str], user: int) -> Places:
    home = Path(variables.get("HOME", "/"))
    state = Path(variables.get("XDG_STATE_HOME") or home / ".local" / "state") / "openvnet"
    runtime = variables.get("XDG_RUNTIME_DIR")
    run = Path(runtime, "openvnet") if runtime else Path(f"/tmp/openvnet-{user}")  # noqa: S108
    return Places(state, run, state / "log")

"""Where a program finds vnmgr: at a TCP port with the keys of the machine, or at an ipc socket."""

from pathlib import Path

from openvnet.wire.keys import ClientKeys, client_keys

ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where vnmgr listens, not we
"""Who listens at all addresses of this machine is called at one."""


def vnmgr_endpoint(
    address: tuple[str, int] | None, socket: Path, state: Path
) -> tuple[str, ClientKeys | None]:
    """The endpoint to call, and with which keys. Raise KeysError."""
    if address is None:
        return f"ipc://{socket}", None
    host, port = address
    host = ANYWHERE.get(host, host)
    shown = f"[{host}]" if ":" in host else host
    return f"tcp://{shown}:{port}", client_keys(state)

"""Where webapi is: as the environment says, as a file says, in a running lab, or on this host."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from openvnet.cli.settings import Settings

DEFAULT = "127.0.0.1:9090"


def webapi_address(environment: Mapping[str, str], settings: Settings) -> str:
    """The address for `openvnet.client.Client`."""
    if given := environment.get("VNET_WEBAPI"):
        return given
    if settings.address:
        return settings.address
    lab = lab_socket()
    return f"unix:{lab}" if lab else DEFAULT


def lab_socket() -> Path | None:
    """The unix socket of this user's lab, if one runs; never one that somebody else put there."""
    from openvnet.lab.directory import well_known_directory

    path = well_known_directory() / "webapi.sock"
    try:
        found = path.stat()
    except OSError:
        return None
    return path if stat.S_ISSOCK(found.st_mode) and found.st_uid == os.geteuid() else None

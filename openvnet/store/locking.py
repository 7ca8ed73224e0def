"""A lock file: one process at a time. The kernel lets go of it when that process dies."""

import fcntl
import os
from pathlib import Path

from openvnet.store.errors import StoreError, StoreInUse


def held(path: Path, what: str) -> int:
    """Hold a lock file; return its descriptor, which whoever closes lets go.

    Raise StoreInUse, which names `what` is in use, and StoreError.
    """
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(f"The lock {path} cannot be opened: {error.strerror}.") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise StoreInUse(f"{what} is in use by another vnmgr.") from None
    return lock

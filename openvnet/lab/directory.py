"""Where a lab keeps its sockets, logs and databases, and how a second lab notices the first.

A directory belongs to the lab that holds a lock on it. The kernel lets go of the lock when the last
process of that lab is gone, however it went, so a directory without a lock is only rubbish.
"""

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

from openvnet.lab.errors import LabError

MEMORY = "/dev/shm"  # noqa: S108 - whoever makes a directory there makes it for himself alone


def well_known_directory() -> Path:
    """Where `openvnet lab` lives, and where vnctl looks for it: one place for each user."""
    if os.geteuid() == 0:
        return Path("/run/openvnet-lab")
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.geteuid()}")
    if runtime.is_dir():
        return runtime / "openvnet-lab"
    return Path(tempfile.gettempdir(), f"openvnet-lab-{os.geteuid()}")


def claim_temporary(*, in_memory: bool = False) -> tuple[Path, int]:
    """A directory of its own for a lab that nobody else looks for; as `claim`."""
    parent = MEMORY if in_memory and os.access(MEMORY, os.W_OK) else None
    path = Path(tempfile.mkdtemp(prefix="openvnet-", dir=parent))
    return path, _locked(path)


def claim(path: Path) -> tuple[Path, int]:
    """Make the directory, and hold it: close the descriptor that comes with it to let go.

    What a dead lab left there is removed. LabError if a living one has it.
    """
    if path.is_symlink() or (path.exists() and path.stat().st_uid != os.geteuid()):
        raise LabError(f"{path} belongs to somebody else; remove it, or see who made it.")
    if path.exists():
        descriptor = _locked(path)
        shutil.rmtree(path)
        os.close(descriptor)
    path.mkdir(mode=0o700, parents=True)
    return path, _locked(path)


def is_alive(path: Path) -> bool:
    """Whether a lab has this directory."""
    try:
        os.close(_locked(path))
    except FileNotFoundError:
        return False
    except LabError:
        return True
    return False


def wait_until_let_go(path: Path) -> None:
    """Return when no lab has this directory."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    os.close(descriptor)


def _locked(path: Path) -> int:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise LabError(
            f"A lab is running already, in {path}. `openvnet lab status` shows it, "
            "`openvnet lab down` ends it."
        ) from None
    return descriptor

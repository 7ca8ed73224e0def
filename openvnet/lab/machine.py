"""What a lab needs of the machine that it runs on; where that is missing, why, and what to do.

All of it is asked before or after the fact, never guessed: programs and /dev/net/tun are tried, and
only when the kernel has refused namespaces are its settings read, to say which of them did it.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from openvnet.lab.errors import LabError

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""A plain user's has no sbin, where Open vSwitch is."""

PROGRAMS = (
    *("unshare", "nsenter", "ip", "ethtool", "ping", "tcpdump"),
    *("ovsdb-tool", "ovsdb-server", "ovs-vswitchd", "ovs-vsctl", "ovs-appctl"),
)

TUN = Path("/dev/net/tun")
NAMESPACES = ("user", "mnt", "net", "pid", "ipc", "uts")
FEW = 10
"""A lab has a network namespace for each host and guest, and its tcpdump a user namespace."""

SUDO = "With sudo it works without that: `sudo make demo`, `sudo make lab`."


def check() -> None:
    """Return if a lab finds its programs and devices here; LabError says what is missing."""
    missing = [name for name in PROGRAMS if not shutil.which(name, path=PATH)]
    if missing:
        raise LabError(
            f"these programs are missing: {', '.join(missing)}; `make lab` installs them"
        )
    try:
        os.close(os.open(TUN, os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        raise LabError(_without_tun(error)) from None


def _without_tun(error: OSError) -> str:
    needed = f"{TUN}, which Open vSwitch needs for its bridges,"
    if isinstance(error, PermissionError) and os.geteuid() != 0:
        return (
            f"{needed} may not be read and written by you: "
            f"`sudo chmod 0666 {TUN}` allows it, as Debian does.\n{SUDO}"
        )
    why = "does not exist" if isinstance(error, FileNotFoundError) else f"fails: {error.strerror}"
    return (
        f"{needed} {why}. `sudo modprobe tun` makes it; "
        f"a container must be given it (`--device {TUN}`)."
    )


def no_lab(said: str) -> LabError:
    """What to raise where namespaces were refused, in these words."""
    return LabError("\n".join(refusal(said, root=os.geteuid() == 0)))


def refusal(said: str, *, root: bool, settings: Path = Path("/proc/sys")) -> Iterator[str]:
    """Sentences: that namespaces were refused, what of the machine refused them, the remedies."""
    yield f"This machine allows no lab: {said}."
    yield from list(_causes(said, root, settings)) or [_UNKNOWN]
    if not root:
        yield SUDO


def _causes(said: str, root: bool, settings: Path) -> Iterator[str]:
    for kind in NAMESPACES:
        setting = f"user.max_{kind}_namespaces"
        limit = _setting(settings, setting)
        if limit is not None and limit < FEW:
            yield f"{setting} is {limit}: `sudo sysctl {setting}=10000` allows enough."
    if "mount /proc" in said:
        yield _COVERED_PROC
    elif root and "not permitted" in said:
        yield _ROOT_WITHOUT_POWER
    for setting, allowing in () if root else _FOR_PLAIN_USERS:
        found = _setting(settings, setting)
        if found is not None and bool(found) != bool(allowing):
            yield (
                f"{setting} is {found}, so plain users may make no user namespaces: "
                f"`sudo sysctl {setting}={allowing}` allows them."
            )


def _setting(settings: Path, name: str) -> int | None:
    try:
        return int((settings / name.replace(".", "/")).read_text())
    except (OSError, ValueError):
        return None


_FOR_PLAIN_USERS = (
    ("kernel.unprivileged_userns_clone", 1),  # Debian's kernels
    ("kernel.apparmor_restrict_unprivileged_userns", 0),  # Ubuntu's, since 23.10
)
_COVERED_PROC = (
    "Parts of /proc are covered, as container runtimes do, and then a lab may not mount its own: "
    "run it outside, or with Docker's `--security-opt systempaths=unconfined`."
)
_ROOT_WITHOUT_POWER = (
    "This root has not all of root's capabilities (CAP_SYS_ADMIN is needed), as in most "
    "containers: run it outside, or in one that is started with `--privileged`."
)
_UNKNOWN = (
    "No setting of the kernel that is visible here forbids it. If this is a container, its runtime "
    "does, or a limit (user.max_user_namespaces) that is set outside."
)

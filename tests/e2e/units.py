"""Running a unit's program as systemd would, as far as users, rights and directories go."""

import shlex
import subprocess
from collections import defaultdict
from pathlib import Path

from tests.e2e.machine import Machine

PLACES = {"RuntimeDirectory": "/run", "StateDirectory": "/var/lib", "LogsDirectory": "/var/log"}

_EXECUTE = """
import ctypes, os, sys
PR_SET_MDWE = 65  # prctl(2): MemoryDenyWriteExecute, since Linux 6.3
ctypes.CDLL(None).prctl(PR_SET_MDWE, 1, 0, 0, 0)
os.umask(0o077)
os.execv(sys.argv[1], sys.argv[1:])
"""


def read(machine: Machine, unit: str) -> dict[str, list[str]]:
    """The settings of an installed unit, each with all its values."""
    settings = defaultdict(list)
    text = (machine.root / "lib/systemd/system" / unit).read_text()
    for line in text.splitlines():
        if "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            settings[key].append(value)
    return settings


def start(machine: Machine, unit: str, **more: int) -> "subprocess.Popen[str]":
    """Start a service's program in its mount namespace, as its user, with its directories."""
    settings = read(machine, unit)
    user, group = settings["User"][0], (settings["Group"] or ["root"])[0]
    for kind, place in PLACES.items():
        for name in settings[kind]:
            mode = settings[f"{kind}Mode"][0]
            machine.run("install", "-d", "-o", user, "-g", group, "-m", mode, f"{place}/{name}")
    groups = ",".join((group, *settings["SupplementaryGroups"]))
    rights = ("--bounding-set=-all", "--inh-caps=-all", "--no-new-privs")
    words = (
        *("setpriv", f"--reuid={user}", f"--regid={group}", f"--groups={groups}", *rights),
        *("env", *settings["Environment"], "python3", "-c", _EXECUTE),
        *shlex.split(settings["ExecStart"][0]),
    )
    binds = [value.removeprefix("-").split(":") for value in settings["BindPaths"]]
    mounts = "".join(f"mount --bind {source} {target} && " for source, target in binds)
    script = f'{mounts}exec "$@"'
    return machine.start("unshare", "--mount", "sh", "-c", script, "sh", *words, **more)


def listen(machine: Machine, unit: str) -> "subprocess.Popen[str]":
    """Listen where a socket unit does, for the program of its service, as its user."""
    socket = read(machine, unit)
    service = read(machine, str(Path(unit).with_suffix(".service")))
    path = Path(socket["ListenStream"][0])
    machine.run("install", "-d", "-m", socket["DirectoryMode"][0], str(path.parent))
    rights = ("--bounding-set=-all", "--inh-caps=-all", "--no-new-privs")
    program = shlex.split(service["ExecStart"][0])
    listening = machine.start(
        "setpriv", *rights, "systemd-socket-activate", f"--listen={path}", *program
    )
    owner = f"{socket['SocketUser'][0]}:{socket['SocketGroup'][0]}"
    machine.run("sh", "-c", f"until [ -S {path} ]; do sleep 0.01; done")
    machine.run("chown", owner, str(path))
    machine.run("chmod", socket["SocketMode"][0], str(path))
    return listening

"""The processes of a lab: what runs where, with which command line.

A process is known by its name: "vnmgr", "webapi", and "host1/vna" for those of a host, which may be
called by the last part as long as one host has it.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from openvnet.lab.environment import MANAGER_ADDRESS, UPLINK, Environment, Host

OPENFLOW_PORT = 6633
WEBAPI_PORT = 9090
VNMGR_PORT = 9102
"""On which agents of other machines call; in a lab of one, they call on a socket."""


MARIADB = (
    *("mariadbd", "--no-defaults", "--user=root", "--skip-log-bin"),
    *("--innodb-log-file-size=8M", "--innodb-undo-tablespaces=0", "--innodb-buffer-pool-size=32M"),
    *("--innodb-flush-method=nosync", "--innodb-flush-log-at-trx-commit=2"),
)
"""A small one, whose rows outlive each kill, but no power cut: neither does the lab.

It wants root, who it is in the lab, to say that it means it.
"""


REDIS = ("bash", "-c", 'exec -a redis-server redis-check-rdb "$@"', "redis")
"""By the same program under another name, which Debian's redis-tools bring without a service."""


class Process(msgspec.Struct, frozen=True):
    """A program that runs for as long as the lab does, or until somebody kills it."""

    name: str
    place: str
    """A host's name; "" is the lab itself."""
    command: tuple[str, ...]


def processes(environment: Environment, directory: Path) -> Iterator[Process]:
    """All of an environment's, in the order in which they are told."""
    run = ("--run", str(directory), "--config", str(directory))
    place, state = environment.manager, str(directory / "vnmgr")
    if environment.database == "mariadb":
        yield _mariadb(place, directory / "mariadb")
        yield _redis(place, directory / "redis")
    yield _ours("vnmgr", place, "openvnet.manager.main", *run, "--state", state)
    yield _ours("webapi", place, "openvnet.api.main", *run, "--port", str(WEBAPI_PORT))
    for host in environment.hosts:
        yield from _processes_of_host(host, directory)


def _mariadb(place: str, home: Path) -> Process:
    where = (f"--datadir={home}", f"--socket={home}/socket", "--skip-networking")
    return Process("mariadb", place, (*MARIADB, *where))


def _redis(place: str, home: Path) -> Process:
    where = ("--dir", str(home), "--unixsocket", f"{home}/socket", "--bind", "127.0.0.1")
    return Process("redis", place, (*REDIS, *where, "--save", ""))


def _processes_of_host(host: Host, directory: Path) -> Iterator[Process]:
    home = directory / host.name
    database = f"unix:{home}/db.sock"
    yield Process(
        f"{host.name}/ovsdb-server",
        host.name,
        (
            *("ovsdb-server", f"{home}/conf.db", f"--remote=p{database}", "--no-chdir"),
            *(f"--pidfile={home}/ovsdb-server.pid", "-vconsole:info", "-vsyslog:off"),
        ),
    )
    yield Process(
        f"{host.name}/ovs-vswitchd",
        host.name,
        (
            *("ovs-vswitchd", database, "--no-chdir", "--disable-system"),
            *(f"--pidfile={home}/ovs-vswitchd.pid", "-vconsole:info", "-vsyslog:off"),
        ),
    )
    yield _ours(
        f"{host.name}/vna",
        host.name,
        "openvnet.agent.main",
        *_calling(host, directory),
        *("--config", str(directory), "--state", f"{home}/vna", "--node-id", host.node_id),
        *("--listen", f"127.0.0.1:{OPENFLOW_PORT}", "--ovsdb", database),
    )


def _calling(host: Host, directory: Path) -> tuple[str, ...]:
    """How a vna finds vnmgr, and where its own sockets are."""
    if not host.underlay:
        return ("--run", str(directory))
    vnmgr = f"{MANAGER_ADDRESS}:{VNMGR_PORT}"
    return ("--run", f"{directory}/{host.name}", "--vnmgr", vnmgr, "--uplink", UPLINK)


def _ours(name: str, place: str, module: str, *arguments: str) -> Process:
    program = f"from {module} import main; main()"
    return Process(name, place, (sys.executable, "-c", program, *arguments))


def switch_environment(host: Host, directory: Path) -> dict[str, str]:
    """The variables by which Open vSwitch's own programs find a host's switch, and no other."""
    home = f"{directory}/{host.name}"
    return {"OVS_RUNDIR": home, "OVS_DBDIR": home, "OVS_LOGDIR": home, "OVS_SYSCONFDIR": home}

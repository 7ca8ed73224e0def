"""Building a lab, and taking it down: nothing of it is left, however its owner ends."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import msgspec

from openvnet.lab import databases, machine, namespaces
from openvnet.lab.directory import claim, claim_temporary
from openvnet.lab.environment import MANAGER_ADDRESS, Environment, Host
from openvnet.lab.lab import Lab
from openvnet.lab.processes import OPENFLOW_PORT, VNMGR_PORT
from openvnet.lab.underlay import lay_cables, raise_uplink
from openvnet.lab.waiting import until

OPENVNET = ("vnmgr", "webapi", "vna")
"""The last parts of the names of our own processes."""

_FIRST_NUMBER = 100
"""Of a host's links to its guests."""

SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"


_BASHRC = r"""
[ -r ~/.bashrc ] && . ~/.bashrc
PS1='\h:\w\$ '
"""

_TCPDUMP = f"""#!/bin/sh
# tcpdump would become another user, and in a plain user's namespace there is no other.
PATH={machine.PATH}
export PATH
[ "$(cat /proc/self/setgroups)" = deny ] || exec tcpdump -Z root "$@"
exec {sys.executable} -I -S {Path(__file__).with_name("capture.py")} "$@"
"""


def _unheard(_step: str) -> None:
    pass


@contextmanager
def lab(
    environment: Environment,
    directory: Path | None = None,
    *,
    without: tuple[str, ...] = (),
    tell: Callable[[str], None] = _unheard,
) -> Iterator[Lab]:
    """A lab that lives as long as the block, in a directory of its own unless one is named.

    `without` names our processes that are not to be started; `tell` hears of each step done.
    """
    machine.check()
    databases.check(environment.database)
    # MariaDB waits for the disk whenever it makes a table, whatever it is told.
    in_memory = environment.database == "mariadb"
    path, lock = claim(directory) if directory else claim_temporary(in_memory=in_memory)
    try:
        unshare = namespaces.raise_walls(path, lock)
        try:
            built = _furnished(environment, path, namespaces.init_of(unshare))
            tell("namespaces")
            _start(built, without, tell)
            yield built
        finally:
            unshare.communicate()  # Closes its stdin; returns when the lab has ended.
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


def _furnished(environment: Environment, directory: Path, init: int) -> Lab:
    for name in ("log", "pid", "bin", *(host.name for host in environment.hosts)):
        (directory / name).mkdir()
    (directory / "bashrc").write_text(_BASHRC)
    (directory / "bin" / "tcpdump").write_text(_TCPDUMP)
    (directory / "bin" / "tcpdump").chmod(0o700)
    holders = namespaces.make_places(init, environment.places)
    holders |= {guest.name: holders[guest.place] for guest in environment.guests}
    built = Lab(str(directory), os.getpid(), init, holders, environment)
    built.run("", "ip", "link", "set", "lo", "up")
    if environment.underlays:
        address = f'host "{MANAGER_ADDRESS}" port {VNMGR_PORT}'
        (directory / "vnmgr.conf").write_text(f"node {{ addr {{ {address} }} }}\n")
        lay_cables(built)
    for host in environment.hosts:
        built.run(host.name, "sh", "-e", given="\n".join(_cabling(built, host)))
    return built


def _start(built: Lab, without: tuple[str, ...], tell: Callable[[str], None]) -> None:
    """Ours take a moment to begin, so they do while the switch is made."""
    if "vnmgr" not in without:
        databases.start(built)
    ours = [name for name in built.processes if name.split("/")[-1] in OPENVNET]
    ours = [name for name in ours if not {name, name.split("/")[-1]} & set(without)]
    for name in ours:
        if name.endswith("/vna") and built.environment.underlays:
            _share_keys(built, name.removesuffix("/vna"))
        built.launch(name)
    with ThreadPoolExecutor() as hands:
        starting = hands.map(partial(_start_switch, built), built.environment.hosts)
        for host, _ in zip(built.environment.hosts, starting, strict=True):
            tell(f"Open vSwitch with bridge br0 on {host.name}")
    description = built.directory / "lab.json"
    description.with_suffix(".new").write_bytes(msgspec.json.encode(built))
    description.with_suffix(".new").rename(description)
    for name in ours:
        built.wait_until_ready(name)
        tell(name)


def _share_keys(built: Lab, host: str) -> None:
    """Give a host the keys by which vnmgr admits its vna; vnmgr makes them when it starts."""
    keys = built.directory / "vnmgr" / "keys"
    until(keys.is_dir, f"vnmgr has made its keys in {keys}")
    own = built.directory / host / "vna" / "keys"
    shutil.copytree(keys, own, ignore=shutil.ignore_patterns("vnmgr.secret"))


def _cabling(built: Lab, host: Host) -> Iterator[str]:
    """A shell script for a host: a cable from a port of the bridge to eth0 of each guest.

    Linux brings the two ends of a cable up at once only if they differ in number (net/core/
    link_watch.c); if they do not, the guest is without a link for up to a second. No two ports have
    the same number, also on different hosts, so that a port keeps its own when it moves.
    """
    numbers = {guest.name: n for n, guest in enumerate(built.environment.guests, _FIRST_NUMBER)}
    for guest in built.environment.guests_of(host.name):
        holder = built.holders[guest.name]
        prefix = built.environment.network(guest).ipv4_prefix
        yield (
            f"ip link add {guest.port_name} index {numbers[guest.name]} type veth "
            f"peer name {guest.card} address {guest.mac_address} netns {holder}"
        )
        yield f"ip link set {guest.port_name} addrgenmode none"  # The host itself is silent.
        yield f"ip link set {guest.port_name} up"
        yield f"nsenter --target {holder} --net sh -e <<'GUEST'"
        yield f"ip address add {guest.ipv4_address}/{prefix} dev {guest.card}"
        yield f"ip link set {guest.card} mtu {built.environment.guest_mtu} up"
        # The userspace switch wants whole checksums.
        yield f"ethtool -K {guest.card} tx off >/dev/null"
        yield "GUEST"


def _start_switch(built: Lab, host: Host) -> None:
    home = built.directory / host.name
    built.run(host.name, "ovsdb-tool", "create", str(home / "conf.db"), SCHEMA)
    built.start(f"{host.name}/ovsdb-server")
    built.run(host.name, "ovs-vsctl", "--timeout=10", "--no-wait", "init")
    built.start(f"{host.name}/ovs-vswitchd")
    built.run(host.name, "ovs-vsctl", "--timeout=10", *_bridge(host))
    if underlay := built.environment.underlay(host):
        built.run(host.name, "sh", "-e", given="\n".join(raise_uplink(host, underlay)))
    for guest in built.environment.guests_of(host.name):
        built.plug(guest.name)


def _bridge(host: Host) -> Iterator[str]:
    """The bridge as OpenVNet's guide sets it up, but in userspace."""
    yield from ("add-br", "br0")
    yield from ("--", "set", "bridge", "br0", "datapath_type=netdev")
    yield from ("protocols=OpenFlow10,OpenFlow12,OpenFlow13",)
    yield from ("other_config:disable-in-band=true", f"other_config:datapath-id={host.dpid}")
    yield f'other_config:hwaddr="{host.mac_address}"'
    yield from ("--", "set-fail-mode", "br0", "standalone")
    yield from ("--", "set-controller", "br0", f"tcp:127.0.0.1:{OPENFLOW_PORT}")

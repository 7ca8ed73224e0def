"""What is well on a host and what is not: each check is a function from facts to findings.

Nothing here reads anything; `gathering` has done that. A check that lacks its facts is silent where
another says why they are lacking, so that each trouble is told once, with one remedy.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Literal

import msgspec

from openvnet.host.facts import Directory, Facts, Live, Store, Unknown, Uplink
from openvnet.host.joining import Reached
from openvnet.host.processes import Process
from openvnet.host.saying import Says
from openvnet.host.switch import NEEDED, PROTOCOLS, Controller

State = Literal["well", "note", "act"]

TESTED = "3.1"
"""The oldest Open vSwitch that the tests run with."""

LEAST_BYTES = 64 << 20
LEAST_FILES = 100
EARLIEST = 1735689600.0
"""2025-01-01, UTC. A clock that says less has never been set."""

CLOCK_SECONDS = 30
"""How far the clocks of two hosts may be from each other."""

AHEAD_SECONDS = 60.0
"""How far a revision's time may lie ahead of the clock."""


class Finding(msgspec.Struct, frozen=True):
    """What a check has found."""

    about: str
    state: State
    """`act`: something must be done. `note`: something is to be known."""
    words: str
    remedy: str = ""
    """What to do, with a command to type where there is one."""


Findings = Iterator[Finding]


def versions(facts: Facts) -> Findings:
    """Ours and Python's, and whether what runs is what is installed."""
    ours = facts.software.openvnet
    yield Finding("versions", "well", f"OpenVNet {ours}, Python {facts.software.python}")
    running = {"webapi": facts.webapi_version}
    if facts.node:
        running["vna"] = facts.node[1].get("version", ours)
    for name, version in running.items():
        if not isinstance(version, Unknown) and version != ours:
            words = f"the {name} that runs is of version {version}, this command of {ours}"
            yield Finding("versions", "act", words, f"start {name} again: {_restart(name)}")


def open_vswitch(facts: Facts) -> Findings:
    """Whether Open vSwitch's database and its daemon answer."""
    if isinstance(facts.switch, Unknown):
        words, _, remedy = facts.switch.why.partition(". ")
        yield Finding("Open vSwitch", "act", words.removeprefix("Open vSwitch "), remedy)
        return
    version = facts.vswitchd_version
    if isinstance(version, Unknown):
        yield Finding("Open vSwitch", "well", f"answers at {facts.ovsdb}")
    elif _numbers(version) < _numbers(TESTED):
        words = f"version {version} is older than {TESTED}, which OpenVNet is tested with"
        yield Finding("Open vSwitch", "note", words)
    else:
        yield Finding("Open vSwitch", "well", f"version {version} answers at {facts.ovsdb}")
    if facts.vswitchd is None:
        words = "its database answers, but its daemon ovs-vswitchd does not run"
        yield Finding("Open vSwitch", "act", words, "`systemctl restart openvswitch-switch`")


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part.isdecimal()]


def bridge_is_there(facts: Facts) -> Findings:
    """Whether there is a bridge for OpenVNet."""
    if isinstance(facts.switch, Unknown):
        return
    if bridge := facts.bridge:
        yield Finding("bridge", "well", f"{bridge.name}, datapath id {bridge.dpid or 'none yet'}")
    else:
        known = ", ".join(bridge.name for bridge in facts.switch.bridges) or "none"
        words = f"there is no bridge {facts.bridge_name}; there are: {known}"
        remedy = f"`openvnet up --bridge {facts.bridge_name}` makes it; --bridge names another"
        yield Finding("bridge", "act", words, remedy)


def protocols(facts: Facts) -> Findings:
    """Whether the bridge speaks what vna speaks; a bridge without a list speaks all."""
    bridge = facts.bridge
    if bridge is None or not bridge.protocols:
        return
    if NEEDED in bridge.protocols:
        yield Finding("protocols", "well", ", ".join(bridge.protocols))
        return
    words = f"bridge {bridge.name} speaks {', '.join(bridge.protocols)}, but not {NEEDED}"
    command = f"`ovs-vsctl set bridge {bridge.name} protocols={','.join(PROTOCOLS)}`"
    yield Finding("protocols", "act", words, command)


def fail_mode(facts: Facts) -> Findings:
    """Whether the bridge stays isolated while vna is away."""
    bridge = facts.bridge
    if bridge is None:
        return
    if bridge.fail_mode == "secure":
        yield Finding("fail mode", "well", "secure")
        return
    words = (
        f"bridge {bridge.name} is {bridge.fail_mode or 'standalone'}: 15 s after vna fell silent, "
        "Open vSwitch drops all flows and forwards everything everywhere. vna sets secure once "
        "its flows are in, unless it was started with --keep-fail-mode"
    )
    yield Finding("fail mode", "act", words, f"`ovs-vsctl set-fail-mode {bridge.name} secure`")


def controller(facts: Facts) -> Findings:
    """Whether the bridge asks vna, and reaches it."""
    bridge = facts.bridge
    if bridge is None:
        return
    target = f"tcp:{facts.listen}"
    set_it = f"`ovs-vsctl set-controller {bridge.name} {target}`"
    if not bridge.controllers:
        words = f"bridge {bridge.name} has no controller"
        yield Finding("controller", "act", words, set_it)
        return
    if others := [each.target for each in bridge.controllers if each.target != target]:
        words = f"bridge {bridge.name} asks {', '.join(others)}; vna is to be found at {target}"
        yield Finding("controller", "act", words, f"{set_it}, or --listen says where vna listens")
    ours = next((each for each in bridge.controllers if each.target == target), None)
    if ours:
        yield _connection(ours, facts)


def _connection(ours: Controller, facts: Facts) -> Finding:
    if facts.reaches(ours):
        return Finding("controller", "well", f"connected to {ours.target}")
    why = f" ({ours.error})" if ours.error else ""
    words = f"the bridge is not connected to {ours.target}{why}"
    if facts.vna is None:
        return Finding("controller", "act", f"{words}: nobody listens there", _start("vna"))
    who = _named(facts.vna)
    remedy = "its log says whom it serves; another bridge may be connected"
    return Finding("controller", "act", f"{words}, where {who} listens", remedy)


def in_band(facts: Facts) -> Findings:
    """Whether hidden flows of Open vSwitch's could let packets past ours."""
    bridge = facts.bridge
    if bridge is None or bridge.other_config.get("disable-in-band") == "true":
        return
    words = f"bridge {bridge.name} may have hidden in-band flows, which pass by OpenVNet's"
    command = f"`ovs-vsctl set bridge {bridge.name} other_config:disable-in-band=true`"
    yield Finding("in-band", "act", words, command)


def datapath_id(facts: Facts) -> Findings:
    """Whether the datapath id stays, and is declared."""
    bridge = facts.bridge
    if bridge is None or not bridge.dpid:
        return
    if "datapath-id" not in bridge.other_config:
        words = (
            f"bridge {bridge.name} has its datapath id {bridge.dpid} from the MAC addresses of its "
            "ports, and changes it with them"
        )
        config = f"other_config:datapath-id={bridge.dpid.removeprefix('0x')}"
        yield Finding("datapath id", "act", words, f"`ovs-vsctl set bridge {bridge.name} {config}`")
    if isinstance(facts.live, Unknown):
        return
    rows = facts.datapaths
    node_id = facts.node[0] if facts.node else "vna"
    if not rows:
        words = f"no datapath is declared with {bridge.dpid}, so interfaces pass nothing here"
        add = f"--display-name here --dpid {bridge.dpid} --node-id {node_id}"
        yield Finding("datapath id", "act", words, f"`vnctl datapaths add {add}`")
    else:
        names = ", ".join(row["uuid"] for row in rows)
        yield Finding("datapath id", "well", f"{bridge.dpid} is declared as {names}")


def datapath_type(facts: Facts) -> Findings:
    """Whether the bridge switches where this machine can."""
    bridge = facts.bridge
    if bridge is None or isinstance(facts.switch, Unknown):
        return
    kind = bridge.datapath_type or "system"
    if kind == "system" and not facts.kernel_has_openvswitch:
        words = f"bridge {bridge.name} is to switch in the kernel, which has no openvswitch module"
        command = f"`modprobe openvswitch`, or `ovs-vsctl set bridge {bridge.name} "
        yield Finding("datapath type", "act", words, f"{command}datapath_type=netdev`")
    elif kind == "netdev" and facts.kernel_has_openvswitch:
        words = "netdev: switches in userspace, though the kernel has a faster way (system)"
        yield Finding("datapath type", "note", words)
    else:
        yield Finding("datapath type", "well", kind)


def ports(facts: Facts) -> Findings:
    """Ports that Open vSwitch cannot open, and frames that fit one port and not another."""
    bridge = facts.bridge
    if bridge is None:
        return
    for port in bridge.ports:
        if port.error:
            words = f"port {port.name} of bridge {bridge.name} does not work: {port.error}"
            remedy = f"make that link, or `ovs-vsctl del-port {bridge.name} {port.name}`"
            yield Finding("ports", "act", words, remedy)
    uplinks = {uplink.port_name: uplink for uplink in _uplinks(facts)}
    sizes = {port.name: port.mtu for port in bridge.others if port.mtu is not None}
    for name in sizes.keys() & uplinks.keys():
        yield from _underlay(uplinks[name], sizes.pop(name))
    yield from _frames(sizes)


def _uplinks(facts: Facts) -> Iterator[Uplink]:
    """The ports of this host by which it reaches an underlay, whether its vna is heard or not."""
    here = {row["uuid"] for row in facts.datapaths}
    if here and isinstance(facts.live, Live):
        yield from (each for each in facts.live.uplinks if each.datapath_uuid in {None, *here})


def _underlay(uplink: Uplink, size: int) -> Findings:
    """Whether what other hosts send, and this one, fits through an uplink."""
    name, network, mtu = uplink.port_name, uplink.network_uuid, uplink.mtu
    if size >= mtu:
        yield Finding("MTU", "well", f"{size} at uplink {name}, {mtu} of {network}")
        return
    words = f"uplink {name} has MTU {size}, but {network} has {mtu}: larger packets get lost"
    remedy = f"`ip link set {name} mtu {mtu}`, or `vnctl networks modify {network} --mtu {size}`"
    yield Finding("MTU", "act", words, remedy)


def _frames(sizes: dict[str, int]) -> Findings:
    if not sizes:
        return
    (usual, _), *others = Counter(sizes.values()).most_common()
    if not others:
        yield Finding("MTU", "well", f"{usual} at all ports")
    for name, size in sizes.items():
        if size != usual:
            words = f"port {name} has MTU {size}, others have {usual}: larger packets get lost"
            remedy = f"`ip link set {name} mtu {usual}`, and the same at the other end of it"
            yield Finding("MTU", "act", words, remedy)


def underlay_addresses(facts: Facts) -> Findings:
    """Whether this host has the addresses that its rows say tunnels end at."""
    for uplink in _uplinks(facts):
        for address in uplink.absent:
            words = (
                f"interface {uplink.interface_uuid} leases {address} in {uplink.network_uuid}, and "
                "this host has no such address: nothing comes here by tunnels that end there"
            )
            remedy = (
                "`ip address add` it here, or `vnctl ip-leases modify il-… --ipv4-address` the one "
                "that this host has: tunnels follow at once"
            )
            yield Finding("underlay", "act", words, remedy)


def clock(facts: Facts) -> Findings:
    """Whether the clock can be right."""
    now = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(facts.now))
    store = facts.store if isinstance(facts.store, Store) else None
    if facts.now < EARLIEST:
        words = f"it says {now} UTC, which is long past"
        yield Finding("clock", "act", words, "`date -s '...'`, and something that keeps it right")
    elif store and store.written and store.written > facts.now + AHEAD_SECONDS:
        ahead = store.written - facts.now
        words = f"it says {now} UTC, but revision {store.revision} was written {ahead:.0f} s later"
        yield Finding("clock", "act", words, "set it right: it has been set back")
    elif facts.synchronised is False:
        words = f"it says {now} UTC, and nothing keeps it right"
        yield Finding("clock", "note", words, "`apt install systemd-timesyncd`")
    else:
        yield Finding("clock", "well", f"{now} UTC")


def rights(facts: Facts) -> Findings:
    """Whether what must be written may be written."""
    for name, found in facts.directories.items():
        if isinstance(found, Unknown):
            words = f"nothing is known of the {name} directory: {found.why}"
            yield Finding("rights", "act", words, "see whether its disk answers")
        elif not found.writable:
            what = "may not be written" if found.exists else "is not there and may not be made"
            words = f"the {name} directory {found.path} {what} by you"
            yield Finding("rights", "act", words, f"become root, or choose another with --{name}")
    state = facts.directories.get("state")
    if isinstance(state, Directory) and isinstance(facts.store, Store):
        yield from _owner(state, facts.store)


def _owner(state: Directory, store: Store) -> Findings:
    if store.owner != state.owner:
        words = (
            f"{store.path} belongs to user {store.owner}, its directory to {state.owner}: it was "
            "made by a vnmgr of another user, and may be closed to the right one"
        )
        command = f"`chown --reference={state.path} {store.path}*`"
        yield Finding("rights", "act", words, command)


def disk(facts: Facts) -> Findings:
    """Whether there is room for what must be written."""
    for name, found in facts.directories.items():
        if isinstance(found, Unknown) or not found.exists:
            continue
        room = f"{found.free / (1 << 20):,.0f} MB free in {found.path} ({name})"
        if found.free < LEAST_BYTES:
            words = f"{room}; vnmgr refuses writes when there is none"
            yield Finding("disk", "act", words, f"make room: `du -xh {found.path} | sort -h`")
        elif found.inodes < LEAST_FILES:
            words = f"only {found.inodes} more files can be made in {found.path} ({name})"
            yield Finding("disk", "act", words, "remove files that nobody needs")
        elif name == "state":
            yield Finding("disk", "well", room)


def database(facts: Facts) -> Findings:
    """Whether the database is whole."""
    match facts.store:
        case None if facts.follows:
            return
        case None:
            state = facts.places.database
            yield Finding("database", "note", f"there is none here yet ({state})")
        case Unknown(why):
            remedy = "become who vnmgr runs as, or root; or ask again when vnmgr has ended"
            yield Finding("database", "act", why, remedy)
        case Store(path, _, (first, *_)):
            words = f"{path} is damaged: {first}"
            remedy = "end vnmgr, keep a copy of it, and bring back a backup"
            yield Finding("database", "act", words, remedy)
        case Store(path, _, _, revision):
            yield Finding("database", "well", f"{path} is whole, at revision {revision or 0}")


def processes(facts: Facts) -> Findings:
    """Whether our programs run, and understand each other."""
    answers = not isinstance(facts.live, Unknown)
    if facts.follows is None:
        yield _program("vnmgr", facts.vnmgr, answers)
    if facts.follows is None or facts.webapi is not None:
        yield _program("webapi", facts.webapi, not isinstance(facts.webapi_version, Unknown))
    yield _program("vna", facts.vna, facts.node is not None or facts.said is not None)
    if isinstance(facts.live, Unknown) and isinstance(facts.vnmgr, Process):
        yield Finding("vnmgr", "act", f"it runs, but {facts.live.why}", f"see {_log(facts)}")


def _program(name: str, found: Process | Unknown | None, answers: bool) -> Finding:
    if isinstance(found, Process):
        return Finding(name, "well", f"runs as {_named(found)}")
    if answers:
        return Finding(name, "well", "answers")
    if found is None:
        return Finding(name, "act", "does not run", _start(name))
    return Finding(name, "act", f"it cannot be known whether it runs: {found.why}", "become root")


def joined(facts: Facts) -> Findings:
    """Whether a vnmgr on another machine hears this host."""
    match facts.upstream:
        case Unknown(why):
            yield Finding("joined", "act", why, "`openvnet join` with a new token")
        case Reached(node_id, address, ""):
            yield Finding("joined", "well", f"as {node_id}; vnmgr at {address} knows its key")
        case Reached(node_id, _, trouble):
            remedy = "`vnctl nodes token`, then `openvnet join` here, if its key is the trouble"
            yield Finding("joined", "act", f"as {node_id}, but {trouble}", remedy)
    if facts.said and facts.said.refused:
        words = f"vnmgr refuses this host's vna: {facts.said.refused}"
        yield Finding("joined", "act", words, "`vnctl nodes` shows who else has what it has")


def nodes(facts: Facts) -> Findings:
    """Hosts that are refused, or whose clock is wrong, as vnmgr says."""
    if isinstance(facts.live, Unknown):
        return
    for name, node in (facts.live.nodes | facts.live.away).items():
        if refused := node.get("refused"):
            words = f"a program that says it is {name} is refused: {refused}"
            yield Finding("nodes", "act", words, "see that host's vna.conf, bridge and key")
        if twin := node.get("twin"):
            words = f"there are two hosts that are {name}, or have its datapath id: {twin}"
            remedy = "give one its own: `vnctl nodes token`, `openvnet join`, another datapath id"
            yield Finding("nodes", "act", words, remedy)
        ahead = node.get("clock_ahead") or 0
        if abs(ahead) > CLOCK_SECONDS:
            words = f"the clock of {name} is {abs(ahead)} s {'ahead' if ahead > 0 else 'behind'}"
            yield Finding("nodes", "note", words, "set it right, on the host that is wrong")


def silent(facts: Facts) -> Findings:
    """Hosts that are declared and not heard: tunnels to them lead nowhere."""
    if isinstance(facts.live, Unknown):
        return
    for name, node in sorted(facts.live.away.items()):
        if node.get("state") == "not connected":
            where = f" ({node['datapath_uuid']})" if node.get("datapath_uuid") else ""
            words = f"{name}{where} is silent: it is not connected; its guests may be out of reach"
            yield Finding("nodes", "note", words, "`openvnet doctor` on that host")


def sync(facts: Facts) -> Findings:
    """Whether this host's vna has what it must have in its switch, and found others there."""
    if isinstance(facts.live, Unknown):
        if facts.follows and facts.said:
            yield _follows(facts.said, facts)
        return
    if facts.node is None:
        if facts.bridge and isinstance(facts.vna, Process):
            words = "vnmgr does not hear of this host's vna"
            yield Finding("in sync", "act", words, f"see {_log(facts, 'vna')}")
        return
    node_id, node = facts.node
    if node["state"] == "in sync":
        yield Finding("in sync", "well", f"{node_id} has revision {node['realised']}")
    else:
        words = f"{node_id}: {node['state'] or 'it has not told how it fares yet'}"
        yield Finding("in sync", "act", words, f"wait a moment, then see {_log(facts, 'vna')}")
    for failure in node.get("failures", ()):
        yield Finding("in sync", "act", f"not realised: {failure}", "change that resource")
    yield _drift(node_id, node, facts)


def _follows(said: Says, facts: Facts) -> Finding:
    if said.state == "in sync":
        return Finding("in sync", "well", f"vna has revision {said.realised}")
    return Finding("in sync", "act", f"vna: {said.state}", f"see {_log(facts, 'vna')}")


def _drift(node_id: str, node: dict[str, Any], facts: Facts) -> Finding:
    if not node["drift"]:
        return Finding("drift", "well", f"{node_id} found no flow that others had changed")
    words = (
        f"{node_id} found {node['drift']} flows that somebody else had changed, since it started"
    )
    return Finding("drift", "note", words, f"`grep drift {_log(facts, 'vna')}` says which")


def _named(found: Process | Unknown) -> str:
    if isinstance(found, Unknown) or not found.pid:
        return "a process that you may not see"
    return f"process {found.pid}"


def _log(facts: Facts, name: str = "vnmgr") -> str:
    return str(facts.places.log / f"{name}.log")


def _start(name: str) -> str:
    return f"`openvnet up`, or `systemctl start openvnet-{name}` where it is a system service"


def _restart(name: str) -> str:
    return f"end `openvnet up` and type it anew, or `systemctl restart openvnet-{name}`"


CHECKS: tuple[Callable[[Facts], Findings], ...] = (
    *(versions, open_vswitch, bridge_is_there, protocols, fail_mode, controller, in_band),
    *(datapath_id, datapath_type, ports, underlay_addresses, processes, joined, nodes, silent),
    *(sync, clock, rights, disk, database),
)


def findings(facts: Facts) -> list[Finding]:
    """What all checks find."""
    return [finding for check in CHECKS for finding in check(facts)]


def must_act(found: list[Finding]) -> bool:
    """Whether something must be done."""
    return any(finding.state == "act" for finding in found)

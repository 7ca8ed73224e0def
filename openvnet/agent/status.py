"""How an interface fares on this host, in words, and the counters of what it sends and drops."""

import asyncio
from collections import Counter
from collections.abc import Collection, Iterator

from openvnet.agent.agent import Agent
from openvnet.compiler import Compiler
from openvnet.features.attachment import RESERVED, claimants, may_be_here
from openvnet.model import (
    Datapath,
    Interface,
    InterfaceNetwork,
    InterfacePort,
    InterfaceSegment,
    IpLease,
    MacLease,
    Network,
)
from openvnet.model.domains import domain_of
from openvnet.model.facts import Bridge, Port, PortIdentity
from openvnet.model.host import Attachment, Bridged, Member, PromiscuousPort, Station, Uplink
from openvnet.openflow.errors import OpenFlowError
from openvnet.pipeline.flow import Drop, Flow
from openvnet.state import View
from openvnet.wire.messages import InterfaceStatus

PATIENCE_SECONDS = 0.7
"""How long the switch may take to tell its counters; vnmgr gives the agent a second for all."""


def why_not_up(interface_uuid: str, view: View) -> str:
    """Why an interface passes no packets here, in words; empty if nothing is in the way."""
    return next(_obstacles(interface_uuid, view), "")


def _obstacles(interface_uuid: str, view: View) -> Iterator[str]:
    interface = view.get(Interface, interface_uuid)
    if interface is None:
        yield "this host does not hear of it: none of its ports belongs to it"
        return
    if interface.mode == "host":
        yield from _obstacles_of_host(interface_uuid, view)
        return
    if interface.mode == "promiscuous":
        yield from _obstacles_of_promiscuous(interface_uuid, view)
        return
    if interface.mode == "internal" and not may_be_here(interface_uuid, view):
        yield "its port is for another datapath"
        return
    if interface.mode not in ("vif", "internal"):
        yield f"interfaces of mode {interface.mode} are not yet done"
    attachment = view.get(Attachment, interface_uuid)
    if attachment is None and interface.mode == "internal":
        return  # It is said why (`Shortfall`).
    if attachment is None:
        yield _why_not_attached(interface_uuid, view)
        return
    port = view.get(Port, attachment.port_name)
    if port is None or not port.up:
        yield f"the link of port {attachment.port_name} is down"
    macs = view.ids(MacLease, interface_uuid=interface_uuid)
    if not macs:
        yield "it has no MAC lease"
    if any(view.get(Station, lease) for lease in macs):
        return
    leases = view.ids(IpLease, interface_uuid=interface_uuid)
    if not leases:
        yield "it has no IP lease"
    elif not any(view.get(Member, lease) for lease in leases):
        internal = "is in an internal network and " if interface.mode == "internal" else ""
        yield f"none of its IP leases {internal}goes with one of its MAC leases"


def _obstacles_of_host(interface_uuid: str, view: View) -> Iterator[str]:
    """What is in the way of an interface that only makes uplinks of its ports."""
    uplinks = _uplinks_of(interface_uuid, view)
    if not uplinks:
        yield _why_not_attached(interface_uuid, view)
    elif not any(port.up for port in uplinks):
        yield f"the link of port {' and of '.join(port.name for port in uplinks)} is down"


def _obstacles_of_promiscuous(interface_uuid: str, view: View) -> Iterator[str]:
    """What is in the way of an interface that bridges a LAN into a network or a segment."""
    found = view.get(PromiscuousPort, interface_uuid)
    port = view.get(Port, found.port_name) if found else None
    if found is None:
        yield _why_not_attached(interface_uuid, view)
    elif port is None or not port.up:
        yield f"the link of port {found.port_name} is down"
    if not any(view.get(Bridged, domain) for domain in _bridged_domains(interface_uuid, view)):
        yield (
            "it bridges no network or segment: say which with `vnctl interfaces networks modify` "
            "or `vnctl interfaces segments modify`"
        )


def _bridged_domains(interface_uuid: str, view: View) -> Iterator[str]:
    for row in view.where(InterfaceNetwork, interface_uuid=interface_uuid):
        network = view.get(Network, row.network_uuid)
        if network is not None and (domain := domain_of(network, view)):
            yield domain.uuid
    for joined in view.where(InterfaceSegment, interface_uuid=interface_uuid):
        yield joined.segment_uuid


def _uplinks_of(interface_uuid: str, view: View) -> list[Port]:
    names = _port_names(interface_uuid, view)
    ports = _ports_meant(interface_uuid, names, view)
    return [port for port in ports if view.get(Uplink, port.name)]


def _port_names(interface_uuid: str, view: View) -> list[str]:
    rows = view.where(InterfacePort, interface_uuid=interface_uuid)
    return [row.port_name for row in rows if row.port_name]


def _why_not_attached(interface_uuid: str, view: View) -> str:
    interface = view.get(Interface, interface_uuid)
    if interface is not None and interface.parent_interface_uuid is not None:
        parent = interface.parent_interface_uuid
        return f"it is a VLAN of interface {parent}: {why_not_up(parent, view)}"
    names = _port_names(interface_uuid, view)
    for port in _ports_meant(interface_uuid, names, view):
        return _why_not_behind(port, interface_uuid, view)
    if not names:
        return "it names no port, and no port has it as external_ids:iface-id"
    return f"no port of this host is named {' or '.join(names)}"


def _ports_meant(interface_uuid: str, names: Collection[str], view: View) -> Iterator[Port]:
    """The ports that an interface means by a name, or that mean it; by name."""
    for name, port in sorted(view.state.rows.get(Port, {}).items()):
        identity = view.get(PortIdentity, name)
        if name in names or (identity and identity.iface_id in (*names, interface_uuid)):
            yield port


def _why_not_behind(port: Port, interface_uuid: str, view: View) -> str:
    """Why an interface is not behind a port that it means."""
    bridge = view.get(Bridge, "bridge")
    if port.number >= RESERVED:
        return f"port {port.name} is the host's own, and no guest's"
    if port.uplink:
        return f"port {port.name} is an uplink of the host, and no guest's"
    if bridge is None or not view.any(Datapath, dpid=bridge.dpid):
        return "this bridge is no datapath: no row has its dpid"
    first = next((uuid for uuid in claimants(port, view) if uuid != interface_uuid), None)
    if first is None:
        return f"port {port.name} is here, but its row is for another datapath"
    return f"port {port.name} belongs to interface {first}, which names it too"


async def interface_status(agent: Agent, interface_uuid: str) -> InterfaceStatus:
    """How an interface fares, with its counters as the switch has them now."""
    why = "the switch does not answer"
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await _asked_status(agent, interface_uuid)
    except TimeoutError:
        return InterfaceStatus(interface_uuid, up=False, why=why)
    except OpenFlowError as error:
        return InterfaceStatus(interface_uuid, up=False, why=f"{why}: {error}")


async def _asked_status(agent: Agent, interface_uuid: str) -> InterfaceStatus:
    view = View(agent.compiler.state)
    place = _place(interface_uuid, view)
    switch, why = agent.switch, why_not_up(interface_uuid, view)
    why = why or _refusal(interface_uuid, agent)
    if switch is None or place is None:
        why = why or "no switch is connected"
        return InterfaceStatus(interface_uuid, up=False, why=why)
    drops = dict(drop_flows(interface_uuid, agent.compiler))
    packets_in, packets_out = await switch.port_counters(place.number)
    packets = await switch.counters(list(drops))
    reasons: Counter[str] = Counter()
    for flow, reason in drops.items():
        reasons[reason] += packets.get(flow, 0)
    return InterfaceStatus(
        interface_uuid,
        up=not why,
        why=why,
        port_name=place.port_name,
        port_number=place.number,
        realised=agent.realised.number if agent.realised else None,
        packets_in=packets_in,
        packets_out=packets_out,
        drops={reason: count for reason, count in reasons.items() if count},
    )


def _place(interface_uuid: str, view: View) -> Attachment | PromiscuousPort | Uplink | None:
    """The port that an interface is behind; of a host's uplinks, the first by name."""
    interface = view.get(Interface, interface_uuid)
    if interface is None or interface.mode != "host":
        attached = view.get(Attachment, interface_uuid)
        return attached or view.get(PromiscuousPort, interface_uuid)
    return next((view.get(Uplink, port.name) for port in _uplinks_of(interface_uuid, view)), None)


def drop_flows(interface_uuid: str, compiler: Compiler) -> Iterator[tuple[Flow, str]]:
    """The flows that drop what an interface sends, each with its reason."""
    for output in compiler.yielded(Attachment, interface_uuid):
        match output:
            case Flow(actions=(Drop(reason),)):
                yield output, reason


def _refusal(interface_uuid: str, agent: Agent) -> str:
    """What of an interface's own could not be realised, in words; empty if all was."""
    view = View(agent.compiler.state)
    own = {interface_uuid}
    for kind in (InterfacePort, MacLease, IpLease):
        own |= set(view.ids(kind, interface_uuid=interface_uuid))
    found = (failure for failure in agent.failures() if failure.uuid in own)
    return next((f"{each.kind} {each.uuid}: {each.reason}" for each in found), "")

"""How interfaces and hosts fare, as answers show it; and why an interface is nowhere, in words."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from openvnet.manager.replica import Replica
from openvnet.manager.streams import Agent, Streams, failure_sentence
from openvnet.model import Datapath, Interface, InterfacePort
from openvnet.wire.messages import InterfaceStatus, Scope

Answer = dict[str, Any]


async def interface_status(
    interface: Interface, streams: Streams, replica: Replica
) -> list[Answer]:
    """How an interface fares on each host that has it, by asking; or why no host has it."""
    statuses = await streams.statuses(interface.uuid)
    if not statuses:
        return [_nowhere(interface, streams, replica)]
    silent = InterfaceStatus(interface.uuid, up=False, why="its vna did not answer in time")
    return [
        _entry(streams.agents.get(node_id), status or silent, node_id, replica)
        for node_id, status in statuses.items()
    ]


def places(interface: Interface, streams: Streams, replica: Replica) -> list[Answer]:
    """The hosts that have an interface, without asking them; or why no host has it."""
    hosts = streams.hearing(Scope("interface", interface.uuid))
    if not hosts:
        return [_nowhere(interface, streams, replica)]
    return [
        {"node_id": agent.node_id, "datapath_uuid": datapath_uuid(agent, replica)}
        for agent in hosts
    ]


def node_answer(agent: Agent, replica: Replica) -> Answer:
    """How a host fares."""
    realised = agent.realised.number if agent.realised else None
    return {
        "dpid": agent.listener.dpid,
        "datapath_uuid": datapath_uuid(agent, replica),
        "version": agent.version,
        "state": agent.state,
        "drift": agent.drift,
        "sent": agent.sent.number,
        "realised": realised,
        "lag": None if realised is None else max(0, agent.sent.number - realised),
        "failures": [failure_sentence(agent.node_id, failure) for failure in agent.failures],
    }


def datapath_uuid(agent: Agent, replica: Replica) -> str | None:
    """The datapath that an agent controls, if there is a row of it."""
    if agent.listener.dpid is None:
        return None
    return next((row.uuid for row in replica.where(Datapath, dpid=agent.listener.dpid)), None)


def _entry(agent: Agent | None, status: InterfaceStatus, node_id: str, replica: Replica) -> Answer:
    shown = msgspec.structs.asdict(status)
    del shown["interface_uuid"]
    return {
        "node_id": node_id,
        "datapath_uuid": datapath_uuid(agent, replica) if agent else None,
        **shown,
    }


def _nowhere(interface: Interface, streams: Streams, replica: Replica) -> Answer:
    ports = replica.where(InterfacePort, interface_uuid=interface.uuid)
    whys = dict.fromkeys(_why_not(port, streams, replica) for port in ports)
    why = "; ".join(whys) or "it has no port"
    owners = {port.datapath_uuid for port in ports if port.datapath_uuid}
    owner = owners.pop() if len(owners) == 1 else None
    return {"node_id": None, "datapath_uuid": owner, "up": False, "why": why}


def _why_not(port: InterfacePort, streams: Streams, replica: Replica) -> str:
    if port.port_name:
        unnamed, wanted = "", f"named {port.port_name}"
    else:
        unnamed = "its port has no name, and "
        wanted = f"with external_ids:iface-id {port.interface_uuid}"
    if port.datapath_uuid is None:
        return f"{unnamed}no live host has a port {wanted}"
    datapath = replica.get(Datapath, port.datapath_uuid)
    if datapath is None:
        return f"its datapath {port.datapath_uuid} does not exist"
    agents = streams.agents.values()
    nobody = f"{unnamed}datapath {datapath.uuid} has no port {wanted}"
    return next(_why_not_there(datapath, agents), nobody)


def _why_not_there(datapath: Datapath, agents: Iterable[Agent]) -> Iterator[str]:
    if any(agent.listener.dpid == datapath.dpid for agent in agents):
        return
    sentence = f"datapath {datapath.uuid} is not connected"
    agent = next((agent for agent in agents if agent.node_id == datapath.node_id), None)
    if agent is None:
        yield f"{sentence}: no vna with node id {datapath.node_id} is alive"
    elif agent.listener.dpid is None:
        yield f"{sentence}: vna {agent.node_id} is alive, but no switch is connected to it"
    else:
        yield (
            f"{sentence}: the switch of vna {agent.node_id} has dpid {agent.listener.dpid}, "
            f"not {datapath.dpid}"
        )

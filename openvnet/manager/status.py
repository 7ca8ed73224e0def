"""How interfaces and hosts fare, as answers show it; and why an interface is nowhere, in words."""

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from openvnet.manager.agents import Agent, failure_sentence
from openvnet.manager.replica import Replica
from openvnet.manager.streams import Streams
from openvnet.model import Datapath, Interface, InterfacePort, Network, Node, Segment
from openvnet.model.mtu import network_mtu, segment_mtu
from openvnet.wire.messages import InterfaceStatus

Answer = dict[str, Any]

LIVE = (
    *("dpid", "datapath_uuid", "version", "state", "drift", "sent", "realised", "lag"),
    *("seconds_behind", "failures", "address", "since", "clock_ahead"),
)
"""What is known of a node while it lives."""


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
    hosts = streams.hosts(interface.uuid)
    if not hosts:
        return [_nowhere(interface, streams, replica)]
    return [
        {"node_id": agent.node_id, "datapath_uuid": datapath_uuid(agent, replica)}
        for agent in hosts
    ]


def mtu_answer(row: Network | Segment, replica: Replica) -> Answer:
    """How large packets of a network or a segment may be, and where that comes from."""
    found = segment_mtu(row, replica) if isinstance(row, Segment) else network_mtu(row, replica)
    return {"effective_mtu": found.octets, "mtu_from": found.origin}


def nodes_answer(streams: Streams, replica: Replica, now: float) -> dict[str, Answer]:
    """How each node fares that is live, declared or a datapath's, by node id.

    `now` is the loop's time.
    """
    declared = {node.node_id: node for node in replica.every(Node)}
    hosts = {datapath.node_id for datapath in replica.every(Datapath)}
    elsewhere = streams.sharing.elsewhere() if streams.sharing else {}
    names = sorted({*streams.agents, *declared, *hosts, *streams.conflicts, *elsewhere})
    return {name: _node(name, declared.get(name), streams, replica, now) for name in names}


def _node(name: str, node: Node | None, streams: Streams, replica: Replica, now: float) -> Answer:
    agent, conflict = streams.agents.get(name), streams.conflicts.get(name)
    vnmgr, there = "", dict[str, Any]()
    if agent:
        shown = node_answer(agent, replica, now)
    else:
        shown = dict.fromkeys(LIVE)
        shown |= {"failures": [], "state": _absence(node, conflict is not None, time.time())}
        bound = node.datapath_uuid if node else None
        named = (datapath.uuid for datapath in replica.where(Datapath, node_id=name))
        shown["datapath_uuid"] = bound or next(named, None)
        shown["address"] = conflict.address if conflict else None
        if other := streams.others.get(name):
            shown["address"] = other.address
            shown["state"] = f"asked something {max(0, now - other.heard_at):.0f} s ago"
        sharing = streams.sharing
        vnmgr, there = sharing.elsewhere().get(name, ("", {})) if sharing else ("", {})
        shown |= there
    return shown | {
        "refused": conflict.why if conflict else "",
        "twin": streams.sharing.twins.get(name, "") if streams.sharing else "",
        "alive": agent is not None or bool(there),
        "vnmgr": vnmgr or None,
        "role": node.role if node else "vna",
        "uuid": node.uuid if node else None,
    }


def _absence(node: Node | None, refused: bool, now: float) -> str:
    """Why a node is not there, as far as its row says."""
    if node is None:
        return "refused" if refused else "not connected"
    if node.public_key is not None:
        return "not connected" if node.role == "vna" else "joined"
    if node.token_key is None:
        return "revoked" if node.joined else "has not joined, and has no token"
    left = int((node.token_until or 0) - now)
    if left <= 0:
        return "has not joined; its token has expired"
    return f"has not joined; its token is good for {max(1, left // 60)} min"


def node_answer(agent: Agent, replica: Replica, now: float) -> Answer:
    """How a live host fares."""
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
        "seconds_behind": round(agent.seconds_behind(now), 3),
        "failures": [failure_sentence(agent.node_id, failure) for failure in agent.failures],
        "address": agent.address or None,
        "since": datetime.fromtimestamp(agent.since, UTC).isoformat(timespec="seconds"),
        "clock_ahead": round(agent.clock_ahead),
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
    if interface.mode == "internal":
        why = "no live host has a guest on its networks"
        return {"node_id": None, "datapath_uuid": None, "up": False, "why": why}
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
    agents = streams.agents
    nobody = f"{unnamed}datapath {datapath.uuid} has no port {wanted}"
    return next(_why_not_there(datapath, agents), nobody)


def _why_not_there(datapath: Datapath, agents: Mapping[str, Agent]) -> Iterator[str]:
    agent = agents.get(datapath.node_id)
    if agent is not None and agent.listener.dpid == datapath.dpid:
        return
    if any(other.listener.dpid == datapath.dpid for other in agents.values()):
        return
    sentence = f"datapath {datapath.uuid} is not connected"
    if agent is None:
        yield f"{sentence}: no vna with node id {datapath.node_id} is alive"
    elif agent.listener.dpid is None:
        yield f"{sentence}: vna {agent.node_id} is alive, but no switch is connected to it"
    else:
        yield (
            f"{sentence}: the switch of vna {agent.node_id} has dpid {agent.listener.dpid}, "
            f"not {datapath.dpid}"
        )

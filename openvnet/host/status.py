"""How a host fares: what runs, what is connected, which guests are up, and why others are not."""

from collections.abc import Iterator
from typing import Any

import msgspec

from openvnet.host.facts import Facts, Unknown
from openvnet.host.processes import Process


class Program(msgspec.Struct, frozen=True):
    """One of the programs of a host."""

    name: str
    runs: bool
    pid: int | None = None
    since: float | None = None
    version: str = ""
    why: str = ""
    """Why it is not well, or not known to be."""
    where: str = ""
    """Of one that runs elsewhere: its address."""


class Host(msgspec.Struct, frozen=True):
    """A vna as vnmgr knows it."""

    node_id: str
    datapath: str
    state: str
    realised: int | None
    lag: int | None
    drift: int
    failures: tuple[str, ...]
    here: bool
    """Whether it is this host's."""


class Connection(msgspec.Struct, frozen=True):
    """A bridge of this host, and whom it asks."""

    bridge: str
    dpid: str
    controller: str
    connected: bool
    why: str = ""


class Guest(msgspec.Struct, frozen=True):
    """An interface, on one host if it is on any."""

    interface: str
    host: str
    port: str
    up: bool
    why: str = ""


class Status(msgspec.Struct, frozen=True):
    """All of it."""

    well: bool
    """Whether OpenVNet is well here; guests that are switched off do not count."""
    version: str
    revision: int | None
    programs: tuple[Program, ...]
    hosts: tuple[Host, ...]
    connections: tuple[Connection, ...]
    guests: tuple[Guest, ...]
    unasked: int
    """Guests that there was no time to ask for."""
    troubles: tuple[str, ...]
    """Why it is not well, in words."""


def status(facts: Facts) -> Status:
    """The status that facts make."""
    live = facts.live if not isinstance(facts.live, Unknown) else None
    programs = tuple(_programs(facts))
    hosts = tuple(_host(*item, facts) for item in live.nodes.items()) if live else _own(facts)
    said = facts.said.revision if facts.said and facts.follows else None
    connections = _connections(facts)
    troubles = tuple(_troubles(facts, programs, hosts, connections))
    return Status(
        not troubles,
        facts.software.openvnet,
        live.revision if live else said,
        programs,
        hosts,
        connections,
        tuple(guest for shown in live.interfaces for guest in _guests(shown)) if live else (),
        live.unasked if live else 0,
        troubles,
    )


def _programs(facts: Facts) -> Iterator[Program]:
    webapi = "" if isinstance(facts.webapi_version, Unknown) else facts.webapi_version
    vna = facts.node[1].get("version", "") if facts.node else ""
    switch = "" if isinstance(facts.vswitchd_version, Unknown) else facts.vswitchd_version
    if follows := facts.follows:
        yield Program("vnmgr", not follows.trouble, why=follows.trouble, where=follows.address)
    else:
        yield _program("vnmgr", facts.vnmgr, "", not isinstance(facts.live, Unknown))
    if not follows or facts.webapi or webapi:
        yield _program("webapi", facts.webapi, webapi, bool(webapi))
    yield _program("vna", facts.vna, vna, facts.node is not None)
    yield _program("ovs-vswitchd", facts.vswitchd, switch, False)


def _program(name: str, found: Process | Unknown | None, version: str, answers: bool) -> Program:
    match found:
        case Process(pid, since):
            return Program(name, True, pid or None, since, version)
        case Unknown(why):
            return Program(name, answers, None, None, version, why)
    return Program(name, answers, None, None, version, "" if answers else "it does not run")


def _host(node_id: str, node: dict[str, Any], facts: Facts) -> Host:
    return Host(
        node_id,
        node["datapath_uuid"] or "",
        node["state"] or "not heard of yet",
        node["realised"],
        node["lag"],
        node["drift"],
        tuple(node.get("failures", ())),
        facts.node is not None and facts.node[0] == node_id,
    )


def _own(facts: Facts) -> tuple[Host, ...]:
    """The one host that is known where nobody can be asked of all: as its vna says."""
    follows, said = facts.follows, facts.said
    if not follows or not said:
        return ()
    lag = max(0, said.revision - said.realised)
    return (Host(follows.node_id, "", said.state, said.realised, lag, said.drift, (), here=True),)


def _connections(facts: Facts) -> tuple[Connection, ...]:
    bridge = facts.bridge
    if bridge is None:
        return ()
    found = [
        Connection(bridge.name, bridge.dpid, each.target, facts.reaches(each), each.error)
        for each in bridge.controllers
    ]
    return tuple(found or [Connection(bridge.name, bridge.dpid, "", False, "it has no controller")])


def _guests(shown: dict[str, Any]) -> list[Guest]:
    return [
        Guest(
            shown["uuid"],
            place.get("node_id") or "",
            place.get("port_name") or "",
            bool(place.get("up")),
            place.get("why") or "",
        )
        for place in shown["status"]
    ]


def _troubles(
    facts: Facts,
    programs: tuple[Program, ...],
    hosts: tuple[Host, ...],
    connections: tuple[Connection, ...],
) -> list[str]:
    """What is not well, in words."""
    found = [f"{each.name}: {each.why}" for each in programs if not each.runs]
    if isinstance(facts.switch, Unknown):
        found.append(facts.switch.why)
    elif facts.bridge is None:
        found.append(f"there is no bridge {facts.bridge_name}")
    found += [
        f"bridge {each.bridge} is not connected to {each.controller or 'any controller'}"
        for each in connections
        if not each.connected
    ]
    if isinstance(facts.live, Unknown):
        if not facts.follows:
            found.append(facts.live.why)
    elif facts.node is None:
        found.append("vnmgr does not hear of this host's vna")
    for host in hosts:
        if host.state != "in sync":
            found.append(f"{host.node_id}: {host.state}")
        found += [f"{host.node_id}: not realised: {failure}" for failure in host.failures]
    return found

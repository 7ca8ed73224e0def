"""What `openvnet status` and `openvnet doctor` print for people."""

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from openvnet.cli.printing import table

if TYPE_CHECKING:
    from openvnet.host.findings import Finding
    from openvnet.host.status import Guest, Host, Program, Status

MARKS = {"well": ("✔", "green"), "note": ("·", "yellow"), "act": ("✘", "red")}
_BELOW = " " * 4
ASK = "no webapi runs here, and VNET_WEBAPI may name another"


def doctor_lines(found: Sequence["Finding"]) -> Iterator[str]:
    """A line for each finding, its remedy below it, and a last word."""
    for finding in found:
        mark, colour = MARKS[finding.state]
        yield f"{click.style(mark, colour)} {finding.about}: {finding.words}"
        if finding.remedy:
            yield f"{_BELOW}→ {finding.remedy}"
    act = sum(finding.state == "act" for finding in found)
    yield ""
    yield "All is well." if not act else f"{act} thing{'s' if act > 1 else ''} must be done."


def status_lines(found: "Status") -> Iterator[str]:
    """Words first, then tables."""
    if found.well:
        yield "OpenVNet is well on this host."
    else:
        yield "OpenVNet is not well on this host; `openvnet doctor` says what to do:"
        yield from (f"  {trouble}" for trouble in found.troubles)
    at = f", at revision {found.revision}" if found.revision is not None else ""
    yield f"version {found.version}{at}"
    yield ""
    yield from table([_program(program) for program in found.programs])
    for connection in found.connections:
        state = "connected" if connection.connected else "not connected"
        whom = f" to {connection.controller}" if connection.controller else ""
        why = f" ({connection.why})" if connection.why else ""
        yield ""
        yield f"bridge {connection.bridge}, datapath id {connection.dpid}: {state}{whom}{why}"
    if found.hosts:
        yield ""
        yield from table([_host(host) for host in found.hosts])
    yield ""
    yield from _guests(found)


def _guests(found: "Status") -> Iterator[str]:
    up = sum(guest.up for guest in found.guests)
    down = len(found.guests) - up
    if not found.guests:
        asked = any(program.name == "webapi" for program in found.programs)
        unknown = "guests: not known" if asked else f"guests: not known; {ASK}"
        yield "no interface is declared" if asked and found.revision is not None else unknown
        return
    yield f"interfaces: {up} up, {down} not up"
    yield from table([_guest(guest) for guest in found.guests])
    if found.unasked:
        yield f"and {found.unasked} more; `vnctl interfaces show` has them all"


def _program(program: "Program") -> dict[str, object]:
    return {
        "program": program.name,
        "process": program.pid or _elsewhere(program) or _runs(program),
        "since": _moment(program.since),
        "version": program.version,
    }


def _elsewhere(program: "Program") -> str:
    if not program.where:
        return ""
    return f"at {program.where}, {'reached' if program.runs else 'not reached'}"


def _runs(program: "Program") -> str:
    return "runs" if program.runs else "does not run"


def _host(host: "Host") -> dict[str, object]:
    return {
        "host": f"{host.node_id} (here)" if host.here else host.node_id,
        "datapath": host.datapath,
        "state": host.state,
        "revision": host.realised,
        "lag": host.lag,
        "drift": host.drift,
    }


def _guest(guest: "Guest") -> dict[str, object]:
    return {
        "interface": guest.interface,
        "host": guest.host or "none",
        "port": guest.port,
        "state": "up" if guest.up else f"not up: {guest.why}",
    }


def _moment(seconds: float | None) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds)) if seconds else ""

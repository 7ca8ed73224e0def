"""codec: flows a second into a real switch, against `ovs-ofctl --bundle add-flows`.

Ours: from `Flow` values, just built, to the commit of one bundle; cookies and encoding are within
the timed part, and each run has a connection of its own, which knows nothing of earlier ones.
Theirs: the same flows, as text in a file, from exec to exit. The runs alternate (ours, theirs,
theirs, ours), so that whatever else the machine does falls on both.
"""

import asyncio
import gc
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import uvloop

from bench.figures import Figure
from openvnet.openflow.driver import Switch, listen
from openvnet.pipeline.fields import (
    ARP,
    IPV4,
    UNTAGGED,
    Registers,
    arp_op,
    arp_sha,
    arp_spa,
    arp_tha,
    arp_tpa,
    eth_dst,
    eth_src,
    in_port,
    ipv4_src,
)
from openvnet.pipeline.flow import IN_PORT, Action, Flow, Goto, Output, copy, match, write
from openvnet.pipeline.tables import Table
from tests.openvswitch import OpenVSwitch, open_vswitch

FLOWS = 100_000
ROUNDS = ("ours", "theirs", "theirs", "ours") * 2


def measure() -> Iterator[Figure]:
    """The medians of both, and their ratio."""
    with open_vswitch() as bridge:
        seconds = uvloop.run(_seconds(bridge))
    ours, theirs = (FLOWS / statistics.median(seconds[name]) for name in ("ours", "theirs"))
    yield Figure("codec ours", ours, "flows/s")
    yield Figure("codec ovs-ofctl --bundle", theirs, "flows/s")
    yield Figure("codec ratio", ours / theirs, "times", "≥ 1.0")


async def _seconds(bridge: OpenVSwitch) -> dict[str, list[float]]:
    switches: asyncio.Queue[Switch] = asyncio.Queue()
    server = await listen(("127.0.0.1", 0), switches.put_nowait)
    bridge.connect("tcp:{}:{}".format(*server.sockets[0].getsockname()))
    seconds: dict[str, list[float]] = {"ours": [], "theirs": []}
    text = bridge.directory / "flows"
    switch = await switches.get()
    await _ours(switch)
    await asyncio.to_thread(_save, bridge, text)
    for name in ROUNDS:
        switch.close("the next run begins")
        switch = await switches.get()
        await asyncio.to_thread(bridge.ofctl, "del-flows")
        if name == "ours":
            seconds[name].append(await _ours(switch))
        else:
            seconds[name].append(await asyncio.to_thread(_theirs, bridge, text))
        await asyncio.to_thread(_check, bridge)
    server.close()
    return seconds


async def _ours(switch: Switch) -> float:
    flows = list(_flows())
    gc.collect()
    start = time.perf_counter()
    written = await switch.write(flows, ())
    took = time.perf_counter() - start
    assert written.added == FLOWS, written
    return took


def _theirs(bridge: OpenVSwitch, text: Path) -> float:
    start = time.perf_counter()
    bridge.run("ovs-ofctl", "-O", "OpenFlow13", "--bundle", "add-flows", bridge.bridge, str(text))
    return time.perf_counter() - start


def _save(bridge: OpenVSwitch, text: Path) -> None:
    lines = bridge.dump()
    assert len(lines) == FLOWS
    text.write_text("\n".join(lines) + "\n")


def _check(bridge: OpenVSwitch) -> None:
    assert f"flow_count={FLOWS}" in bridge.ofctl("dump-aggregate")


def _flows() -> Iterator[Flow]:
    """What the features make of interfaces on a hundred networks, four flows each."""
    for number in range(FLOWS // 4):
        mac, ip, vni = 0x525400000000 + number, 0x0A660000 + number, 1 + number % 100
        port, peer = 1 + number % 60_000, Registers.network(vni)
        security = (write(Registers.network, vni), Goto(Table.ARP))
        yield Flow(
            Table.PORT_SECURITY,
            100,
            match(in_port(port), UNTAGGED, eth_src(mac), IPV4, ipv4_src(ip)),
            security,
        )
        yield Flow(
            Table.PORT_SECURITY,
            100,
            match(in_port(port), UNTAGGED, eth_src(mac), ARP, arp_spa(ip), arp_sha(mac)),
            security,
        )
        yield Flow(Table.ARP, 100, match(peer, ARP, arp_op(1), arp_tpa(ip)), _answer(mac, ip))
        yield Flow(Table.L2_LOOKUP, 100, match(peer, eth_dst(mac)), (Output(port),))


def _answer(mac: int, ip: int) -> tuple[Action, ...]:
    return (
        copy(eth_src, eth_dst),
        write(eth_src, mac),
        write(arp_op, 2),
        copy(arp_sha, arp_tha),
        write(arp_sha, mac),
        copy(arp_spa, arp_tpa),
        write(arp_spa, ip),
        Output(IN_PORT),
    )


if __name__ == "__main__":
    for figure in measure():
        print(f"{figure.figure}: {figure.value:,.2f} {figure.unit} {figure.bar}")

"""A NIC moved into the bridge with all that the host has on it, and back.

    before   eth0 192.0.2.1/24, default via 192.0.2.254
    after    eth0 ──port of── br0 192.0.2.1/24, default via 192.0.2.254

A `Move` says both: doing it, and undoing it, are the same steps in the other order, and each may be
done again. Who is to be told whom the host reaches is a matter of minutes for others, so the bridge
takes the NIC's MAC address where it has no address of its own, and tells its neighbours where not.
"""

import ipaddress
import socket
import struct
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

import msgspec

from openvnet.host.bridging import (
    Wanted,
    prepare_bridge,
    put_uplink,
    remove_bridge,
    take_uplink,
)
from openvnet.host.devices import Device, give, read_device, without_offload
from openvnet.host.errors import HostError
from openvnet.host.kernel import has_openvswitch
from openvnet.host.path import write_path
from openvnet.host.switch import read_switch
from openvnet.uplinks import NETWORK_DEVICES, uplinks

PATH_SECONDS = 5.0
"""How long the new port may take to be there."""


class Move(msgspec.Struct, frozen=True):
    """A NIC's way into a bridge."""

    database: str
    """Address of Open vSwitch's database, unix:/path."""
    wanted: Wanted
    """The bridge, as it would be made."""
    named: tuple[str, ...]
    """The uplinks that vna.conf names."""
    device: Device
    """The NIC, and what is the host's on it."""
    hwaddr: str
    """The MAC address that the bridge takes; empty if it keeps its own."""
    hwaddr_before: str
    is_made: bool
    """The bridge was not there before."""

    @property
    def bridge(self) -> str:
        """Its name."""
        return self.wanted.name


async def planned(
    database: str, bridge: str, uplink: str, named: tuple[str, ...], target: str
) -> Move:
    """The way of a NIC into a bridge; raise HostError if it must not go it. Changes nothing."""
    device = _free(uplink, bridge)
    if not uplinks(named)(uplink):
        raise HostError(
            f"vna would not know {uplink} as an uplink, since "
            + (f"vna.conf names only {', '.join(named)}" if named else "it is no physical NIC")
            + f'. Write `uplink "{uplink}"` into vna.conf, restart vna, and try again.'
        )
    switch = await read_switch(database)
    for other in switch.bridges:
        if uplink in (port.name for port in other.ports):
            raise HostError(f"{uplink} is a port of bridge {other.name} already.")
    found = switch.bridge(bridge)
    kind = "" if "system" in switch.datapath_types and has_openvswitch() else "netdev"
    wanted = Wanted(bridge, target, kind, device.mac_address)
    is_vacant = found is None or not read_device(bridge).addresses
    before = found.other_config.get("hwaddr", "") if found else ""
    hwaddr = device.mac_address if is_vacant else ""
    return Move(database, wanted, named, device, hwaddr, before, is_made=found is None)


def _free(name: str, bridge: str) -> Device:
    """A NIC that can be put into a bridge as it is."""
    if not Path(NETWORK_DEVICES, name).exists():
        there = sorted(path.name for path in Path(NETWORK_DEVICES).iterdir())
        raise HostError(f"there is no network device {name}; there are {', '.join(there)}.")
    device = read_device(name)
    if name in {bridge, "lo"}:
        raise HostError(f"{name} cannot be an uplink.")
    if device.master and device.master != "ovs-system":
        raise HostError(f"{name} is part of {device.master}; name that, or take it out first.")
    above = [
        path.name[6:] for path in Path(NETWORK_DEVICES, name).iterdir() if path.match("upper_*")
    ]
    if above and not device.master:
        raise HostError(
            f"{', '.join(sorted(above))} is made of {name}, and would be deaf once that is in a "
            "bridge. Take it away first; a VLAN can be made of the bridge itself."
        )
    return device


async def move_in(move: Move) -> str:
    """Put the NIC into the bridge, and give the bridge what is the host's; in words what was done.

    Raises HostError; `move_out` then leads back from wherever it stopped.
    """
    device = move.device
    bridge = move.bridge
    made, _ = await prepare_bridge(move.database, move.wanted)
    if made.datapath_type == "netdev":
        without_offload(bridge)
    await put_uplink(move.database, bridge, device.name, move.hwaddr)
    # Others that vna.conf names may be on their way here.
    await write_path(
        bridge, move.named, move.database, PATH_SECONDS, needed=(device.name,) if move.named else ()
    )
    give(device, bridge, loser=device.name)
    if not move.hwaddr:
        _announce(device, bridge)
    return f"{device.name} is a port of {bridge}, which has {_words(device)} now"


async def move_out(move: Move) -> str:
    """Make the NIC the host's own again, with all that was on it; in words what was done.

    The kernel is told even if Open vSwitch does not answer. Raises HostError; may be done again.
    """
    device = move.device
    give(device, device.name, loser=move.bridge)
    if move.is_made:
        await remove_bridge(move.database, move.bridge)
    else:
        hwaddr = move.hwaddr_before if move.hwaddr else ""
        await take_uplink(move.database, move.bridge, device.name, hwaddr)
    _announce(device, device.name)
    return f"{device.name} is the host's own again, with {_words(device)}"


async def way_back(
    database: str,
    wanted: Wanted,
    uplink: str,
    named: tuple[str, ...],
    kept: Collection[str],
    recorded: Move | None,
) -> Move:
    """The move that a NIC has made, as things are now; raise HostError if it has made none.

    What the bridge has now counts, not what the NIC had then; `kept` is what came by others.
    """
    switch = await read_switch(database)
    found = switch.bridge(wanted.name)
    if found is None or uplink not in (port.name for port in found.others):
        raise HostError(f"{uplink} is no port of bridge {wanted.name}.")
    device = read_device(wanted.name).without(kept)
    device = msgspec.structs.replace(device, name=uplink)
    before = recorded.hwaddr_before if recorded else ""
    hwaddr = recorded.hwaddr if recorded and before else ""
    return Move(database, wanted, named, device, hwaddr, before, is_made=False)


def _words(device: Device) -> str:
    return ", ".join(address.local for address in device.addresses) or "no address"


def _announce(device: Device, name: str) -> None:
    """Tell the neighbours at which MAC address its IPv4 addresses are (RFC 5227, section 3)."""
    with suppress(OSError), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
        wire.bind((name, 0))
        own = wire.getsockname()[4]
        for address in device.addresses:
            if address.family == "inet":
                at = ipaddress.IPv4Address(address.local).packed
                said = struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, 1, own, at, bytes(6), at)
                wire.send(b"\xff" * 6 + own + b"\x08\x06" + said)

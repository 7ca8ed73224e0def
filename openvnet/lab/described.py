"""Environments that a file describes: hosts on one underlay, networks over them, and their guests.

    underlay: 172.16.3.0/24
    hosts: {zebra: 172.16.3.147, yellow: 172.16.3.148}
    networks: {blue: 10.1.0.0/24}
    guests:
      london: {host: zebra, blue: 10.1.0.1}
      king: {host: yellow, blue: 10.1.0.2}

A guest has a network card in each network that it names, eth0 in the first; the first underlay's
address is the router's. `encapsulation` says how networks are carried.
"""

import re
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import msgspec
import yaml

from openvnet.lab.environment import (
    ENCAPSULATIONS,
    MANAGER,
    ROUTER,
    Environment,
    Guest,
    Host,
    Network,
    Underlay,
)
from openvnet.lab.errors import LabError

LONGEST = 15
"""Letters of the name of a network card on Linux (IFNAMSIZ)."""

_NAME = re.compile(r"[a-z][a-z0-9]*")


class Description(msgspec.Struct, forbid_unknown_fields=True):
    """What a file says."""

    underlay: str
    hosts: dict[str, str]
    networks: dict[str, str]
    guests: dict[str, dict[str, str]]
    encapsulation: str = ENCAPSULATIONS[0]


def described(file: Path) -> Environment:
    """The environment that a file describes; LabError says what is wrong with it, and where."""
    try:
        return _environment(msgspec.convert(yaml.safe_load(file.read_bytes()), Description))
    except OSError as error:
        raise LabError(f"{file}: {error.strerror}") from None
    except (yaml.YAMLError, msgspec.ValidationError, LabError) as error:
        raise LabError(f"{file}: {error}") from None


def _environment(said: Description) -> Environment:
    known = ", ".join(ENCAPSULATIONS)
    if said.encapsulation not in ENCAPSULATIONS:
        raise LabError(f"encapsulation: {said.encapsulation!r} is none of {known}")
    machines = [*said.hosts, *said.guests]
    for name in (*machines, *said.networks):
        if not _NAME.fullmatch(name) or len(name) > LONGEST or name in (ROUTER, MANAGER):
            raise LabError(f"{name!r} can be no name here: letters and digits, {LONGEST} at most")
    if twice := {name for name in machines if machines.count(name) > 1}:
        raise LabError(f"{', '.join(sorted(twice))} is the name of a host and of a guest")
    underlay = _subnet("underlay", said.underlay)
    router = str(underlay.network_address + 1)
    networks = {name: _subnet(f"networks.{name}", at) for name, at in said.networks.items()}
    return Environment(
        hosts=tuple(_hosts(said, underlay, router)),
        networks=tuple(
            Network(name, f"nw-{name}", str(each.network_address), each.prefixlen)
            for name, each in networks.items()
        ),
        guests=tuple(_guests(said, networks)),
        underlays=(
            Underlay(
                name="underlay",
                uuid="nw-underlay",
                ipv4_network=str(underlay.network_address),
                ipv4_prefix=underlay.prefixlen,
                router=router,
            ),
        ),
        guest_mtu=1400,
        encapsulation=said.encapsulation,
        explicit=True,
    )


def _hosts(said: Description, underlay: IPv4Network, router: str) -> Iterator[Host]:
    for number, (name, address) in enumerate(said.hosts.items(), 1):
        if _address(f"hosts.{name}", address, underlay) == router:
            raise LabError(f"hosts.{name}: {address} is the router's")
        yield Host(
            name=name,
            datapath_uuid=f"dp-{name}",
            dpid=f"{0xAAAAAAAA0000 + number:016x}",
            node_id=f"vna-{name}",
            mac_address=f"02:00:00:00:{number >> 8:02x}:{number & 255:02x}",
            underlay="underlay",
            ipv4_address=address,
        )


def _guests(said: Description, networks: dict[str, IPv4Network]) -> Iterator[Guest]:
    """One for each card of a guest; the first is called as the guest is."""
    number = 0
    for name, its in said.guests.items():
        place = f"guests.{name}"
        host, *cards = its.pop("host", ""), *its.items()
        if host not in said.hosts:
            raise LabError(f"{place}.host: {host!r} is none of {', '.join(said.hosts)}")
        for card, (network, address) in enumerate(cards):
            if network not in networks:
                raise LabError(f"{place}.{network}: there are {', '.join(networks)}")
            port, number = f"{name}-{network}", number + 1
            if len(port) > LONGEST:
                raise LabError(f"{port!r} is too long for a port: {LONGEST} letters at most")
            yield Guest(
                name=port if card else name,
                host=host,
                network=network,
                interface_uuid=f"if-{name}{network}",
                port_name=port,
                mac_address=f"52:54:00:00:{number >> 8:02x}:{number & 255:02x}",
                ipv4_address=_address(f"{place}.{network}", address, networks[network]),
                may_move=True,
                card=f"eth{card}",
                machine=name,
            )


def _subnet(place: str, words: str) -> IPv4Network:
    try:
        return IPv4Network(words)
    except ValueError as error:
        raise LabError(f"{place}: {error}; it is to be such as 10.1.0.0/24") from None


def _address(place: str, words: str, network: IPv4Network) -> str:
    try:
        address = IPv4Address(words)
    except ValueError as error:
        raise LabError(f"{place}: {error}") from None
    if address not in network:
        raise LabError(f"{place}: {address} is not in {network}")
    return str(address)

"""Writes that go on whatever happens, and whether each one that was acknowledged has come to stay.

    with writing(lab) as written:
        lab.kill("vnmgr")
        ...
    assert list(missing(lab, written)) == []

Interfaces with an address each are added to a network that has a member on each host, and most of
them deleted again. A write that fails may have been done or not; nobody was told either. In the end
the database has what was acknowledged, and each switch answers for the addresses of the database,
and for no others.
"""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import msgspec

from openvnet.client import Client, ClientError
from openvnet.lab.environment import Guest
from openvnet.lab.lab import Lab

NETWORK, ADDRESSES, PREFIX = "nw-drill", "10.128.0.{}", 9
_ANSWERED = re.compile(r"arp_tpa=(10\.1(?:2[89]|[3-9]\d)\.\d+\.\d+)(?![\d/])")
"""An address of the network, in a flow that answers for it."""

PAUSE_SECONDS = 0.05
TIMEOUT_SECONDS, WAIT_SECONDS = 0.5, 0.2
KEPT = 10
"""So many interfaces stay before the oldest goes for each that comes."""


class Written(msgspec.Struct):
    """What became of writes."""

    acknowledged: dict[str, bool] = {}
    """Whether an interface is there, by uuid, as the last acknowledgement has it."""
    writes: int = 0
    """How many were acknowledged."""
    failed: int = 0
    longest: float = 0.0
    """Seconds that the slowest acknowledgement took."""


def prepare(lab: Lab) -> None:
    """Declare the network, and give a guest of each host an address in it."""
    lab.vnctl(
        *("networks", "add", "--uuid", NETWORK, "--ipv4-network", "10.128.0.0"),
        *("--ipv4-prefix", str(PREFIX)),
    )
    for number, guest in enumerate(_first_guests(lab), 1):
        lab.vnctl(
            *("ip-leases", "add", "--network-uuid", NETWORK),
            *("--ipv4-address", ADDRESSES.format(number)),
            *("--interface-uuid", guest.interface_uuid, "--wait"),
        )


def _first_guests(lab: Lab) -> Iterator[Guest]:
    for host in lab.environment.hosts:
        yield lab.environment.guests_of(host.name)[0]


@contextmanager
def writing(lab: Lab, name: str) -> Iterator[Written]:
    """Writes go on during the block, by interfaces of this name; then what became of them."""
    written, ended = Written(), threading.Event()
    writer = threading.Thread(target=_write_on, args=(lab, name, written, ended))
    writer.start()
    try:
        yield written
    finally:
        ended.set()
        writer.join()


def _write_on(lab: Lab, name: str, written: Written, ended: threading.Event) -> None:
    number, kept = 0, list[str]()
    with closing(Client(lab.webapi, timeout=TIMEOUT_SECONDS)) as client:
        while not ended.wait(PAUSE_SECONDS):
            number += 1
            uuid = f"if-{name}{number}"
            if _acknowledged(client, written, uuid, interface(uuid, number)):
                kept.append(uuid)
            if len(kept) > KEPT and _acknowledged(client, written, kept[0], None):
                del kept[0]


def interface(uuid: str, number: int) -> dict[str, str]:
    """One of the network, on no host."""
    high, low = divmod(number, 256)
    return {
        "uuid": uuid,
        "mode": "vif",
        "network_uuid": NETWORK,
        "mac_address": f"52:54:01:00:{high:02x}:{low:02x}",
        "ipv4_address": f"10.129.{high}.{low}",
    }


def _acknowledged(
    client: Client, written: Written, uuid: str, given: dict[str, str] | None
) -> bool:
    """Whether a write, or (nothing given) a deletion, is said to have been done."""
    path = "/interfaces" if given else f"/interfaces/{uuid}"
    written.acknowledged.pop(uuid, None)
    started = time.monotonic()
    try:
        client.write("POST" if given else "DELETE", path, given, wait=WAIT_SECONDS)
    except ClientError:
        written.failed += 1
        return False
    written.longest = max(written.longest, time.monotonic() - started)
    written.acknowledged[uuid] = given is not None
    written.writes += 1
    return True


def missing(lab: Lab, written: Written) -> Iterator[str]:
    """Where the database is not as was acknowledged, or a switch not as the database, in words."""
    with closing(Client(lab.webapi)) as client:
        found = {each["uuid"] for each in client.all("/interfaces").body["items"]}
        leases = client.all("/ip_leases", network_uuid=NETWORK).body["items"]
    for uuid, there in written.acknowledged.items():
        if there != (uuid in found):
            yield f"{uuid} was {'added' if there else 'deleted'}, and that is lost"
    addresses = {lease["ipv4_address"] for lease in leases}
    for host in lab.environment.hosts:
        flows = lab.run(host.name, "ovs-ofctl", "-O", "OpenFlow13", "dump-flows", "br0")
        answered = set(_ANSWERED.findall(flows))
        for address in sorted(addresses ^ answered):
            yield f"{address} is {'not ' * (address in addresses)}known to {host.name}"


def clear(lab: Lab) -> None:
    """Delete the interfaces that were added."""
    with closing(Client(lab.webapi)) as client:
        for lease in client.all("/ip_leases", network_uuid=NETWORK).body["items"]:
            if lease["ipv4_address"].startswith("10.129."):
                client.write("DELETE", f"/interfaces/{lease['interface_uuid']}")

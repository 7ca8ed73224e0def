"""Why an interface is not up, in words: one for each obstacle, and none without one."""

import msgspec
import pytest

from openvnet.agent.status import why_not_up
from openvnet.compiler import Compiler
from openvnet.features import STRATA
from openvnet.model import (
    Datapath,
    Interface,
    InterfaceNetwork,
    InterfacePort,
    InterfaceSegment,
    IpLease,
    MacLease,
    Network,
    Segment,
)
from openvnet.model.facts import Bridge, Port, PortIdentity
from openvnet.pipeline.flow import LOCAL
from openvnet.state import View
from tests.worlds import OTHER_DPID, key_of, seed_world


def why(*more, without=()):
    """Why if-1 of the seed is not up, after some rows are changed and some are gone."""
    world = seed_world() | {key_of(row): row for row in more}
    compiler = Compiler(STRATA)
    compiler.apply({key: row for key, row in world.items() if key not in without})
    return why_not_up("if-1", View(compiler.state))


def test_nothing_is_in_the_way():
    assert why() == ""


@pytest.mark.parametrize("uplink", [True, False])
def test_an_interface_of_mode_host_needs_a_port_and_no_lease(uplink):
    host = Interface(uuid="if-1", mode="host"), Port("vm1", 1, up=True, uplink=uplink)
    assert why(*host, without=[(IpLease, "il-1"), (MacLease, "ml-1")]) == ""


def test_in_a_segment_it_needs_no_ip_lease():
    segment = Segment(uuid="seg-1", mode="virtual", vni=9)
    station = msgspec.structs.replace(seed_world()[MacLease, "ml-1"], segment_uuid="seg-1")
    assert why(segment, station, without=[(IpLease, "il-1")]) == ""
    assert why(station, without=[(IpLease, "il-1")]) == "it has no IP lease"


def test_a_promiscuous_interface_bridges_a_network_or_a_segment():
    lan, segment = (
        Interface(uuid="if-1", mode="promiscuous"),
        Segment(uuid="seg-1", mode="virtual", vni=9),
    )
    within = Network(uuid="nw-1", ipv4_network=0x0A660000, vni=1, segment_uuid="seg-1")
    network = InterfaceNetwork(uuid="ifnw-1", interface_uuid="if-1", network_uuid="nw-1")
    joined = InterfaceSegment(uuid="ifseg-1", interface_uuid="if-1", segment_uuid="seg-1")
    assert why(lan).startswith("it bridges no network or segment: ")
    assert (
        why(lan, network) == why(lan, segment, joined) == why(lan, segment, within, network) == ""
    )
    assert why(lan, joined).startswith("it bridges no network or segment: ")


def test_an_interface_of_mode_internal_needs_no_name_of_a_port():
    network = msgspec.structs.replace(seed_world()[Network, "nw-1"], mode="internal")
    assert why(*INTERNAL, network, port_row(port_name=None)) == ""


PORT = InterfacePort(uuid="ifp-1", interface_uuid="if-1", port_name="vm1", datapath_uuid="dp-1")
ELSEWHERE = Datapath(uuid="dp-2", display_name="two", dpid=OTHER_DPID, node_id="other")
RIVAL = InterfacePort(uuid="ifp-0", interface_uuid="if-0", port_name="vm1", datapath_uuid="dp-1")
LEASE = seed_world()[IpLease, "il-1"]
OF_ANOTHER = msgspec.structs.replace(LEASE, mac_lease_uuid="ml-2")
UNJOINED = msgspec.structs.replace(LEASE, mac_lease_uuid=None)
OF_HOST = Interface(uuid="if-1", mode="host")


def port_row(**different):
    return msgspec.structs.replace(PORT, **different)


INTERNAL = Interface(uuid="if-1", mode="internal"), Port("br0", LOCAL, up=True, mac_address=2)

OBSTACLES = {
    "internal, elsewhere": (
        [*INTERNAL, port_row(datapath_uuid="dp-2"), ELSEWHERE],
        [],
        "its port is for another datapath",
    ),
    "internal, in a network that is not": (
        INTERNAL,
        [],
        "none of its IP leases is in an internal network and goes with one of its MAC leases",
    ),
    "not heard of": (
        (),
        [(Interface, "if-1")],
        "this host does not hear of it: none of its ports belongs to it",
    ),
    "mode": (
        [Interface(uuid="if-1", mode="simulated")],
        [],
        "interfaces of mode simulated are not yet done",
    ),
    "no datapath": (
        (),
        [(Datapath, "dp-1")],
        "this bridge is no datapath: no row has its dpid",
    ),
    "no bridge": (
        (),
        [(Bridge, "bridge")],
        "this bridge is no datapath: no row has its dpid",
    ),
    "any datapath, and none is this one": (
        [port_row(datapath_uuid=None)],
        [(Datapath, "dp-1")],
        "this bridge is no datapath: no row has its dpid",
    ),
    "no row of a port": (
        (),
        [(InterfacePort, "ifp-1")],
        "it names no port, and no port has it as external_ids:iface-id",
    ),
    "no name": (
        [port_row(port_name=None)],
        [],
        "it names no port, and no port has it as external_ids:iface-id",
    ),
    "not plugged": ((), [(Port, "vm1")], "no port of this host is named vm1"),
    "several names, none plugged": (
        [port_row(uuid="ifp-9", port_name="vm9")],
        [(Port, "vm1")],
        "no port of this host is named vm1 or vm9",
    ),
    "another datapath": (
        [port_row(datapath_uuid="dp-2"), ELSEWHERE],
        [],
        "port vm1 is here, but its row is for another datapath",
    ),
    "a rival by name": ([RIVAL], [], "port vm1 belongs to interface if-0, which names it too"),
    "a rival by iface-id": (
        [Port("tap1", 9, up=True), PortIdentity("tap1", "vm1"), RIVAL],
        [(Port, "vm1")],
        "port tap1 belongs to interface if-0, which names it too",
    ),
    "a rival for its own iface-id": (
        [
            port_row(port_name=None),
            Port("tap1", 9, up=True),
            PortIdentity("tap1", "if-1"),
            msgspec.structs.replace(RIVAL, port_name="tap1"),
        ],
        [],
        "port tap1 belongs to interface if-0, which names it too",
    ),
    "the bridge's own port": (
        [port_row(port_name="br0"), Port("br0", 0xFFFFFFFE, up=True)],
        [],
        "port br0 is the host's own, and no guest's",
    ),
    "an uplink": (
        [Port("vm1", 1, up=True, uplink=True)],
        [],
        "port vm1 is an uplink of the host, and no guest's",
    ),
    "mode host, not plugged": ([OF_HOST], [(Port, "vm1")], "no port of this host is named vm1"),
    "mode host, a rival": (
        [OF_HOST, RIVAL],
        [],
        "port vm1 belongs to interface if-0, which names it too",
    ),
    "mode host, link": (
        [OF_HOST, Port("vm1", 1, up=False)],
        [],
        "the link of port vm1 is down",
    ),
    "link": ([Port("vm1", 1, up=False)], [], "the link of port vm1 is down"),
    "no MAC lease": ((), [(MacLease, "ml-1")], "it has no MAC lease"),
    "no IP lease": ((), [(IpLease, "il-1")], "it has no IP lease"),
    "a lease without a MAC lease": (
        [UNJOINED],
        [],
        "none of its IP leases goes with one of its MAC leases",
    ),
    "a lease with another's MAC lease": (
        [OF_ANOTHER],
        [],
        "none of its IP leases goes with one of its MAC leases",
    ),
    "no network": (
        (),
        [(Network, "nw-1")],
        "none of its IP leases goes with one of its MAC leases",
    ),
}


@pytest.mark.parametrize("case", OBSTACLES)
def test_an_obstacle_is_told_in_words(case):
    more, without, words = OBSTACLES[case]
    assert why(*more, without=without) == words

"""One real switch for all tests of flows: dummy ports, and packets that are only traced."""

import pytest

from tests.flows.tracing import TracedBridge
from tests.openvswitch import open_vswitch


@pytest.fixture(scope="session")
def bridge():
    """A bridge with the ports 1 to 6, vm5 far off with number 300, NICs 11 to 14, tunnels 21 to 23.

    The tunnels are dummies, too: what they are to add to a packet is seen, and not done.
    """
    with open_vswitch() as ovs:
        for number in (1, 2, 3, 4):
            ovs.add_port(f"vm{number}", number)
        ovs.add_port("vm5", 300)
        for number in (11, 12, 13, 14):
            ovs.add_port(f"nic{number}", number)
        for number in (5, 6, 21, 22, 23):
            ovs.add_port(f"port{number}", number)
        bridge = TracedBridge(ovs)
        yield bridge
        bridge.close()

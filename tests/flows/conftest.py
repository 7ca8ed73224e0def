"""One real switch for all tests of flows: dummy ports, and packets that are only traced."""

import pytest

from tests.flows.tracing import TracedBridge
from tests.openvswitch import open_vswitch


@pytest.fixture(scope="session")
def bridge():
    """A bridge with the ports vm1 to vm4, vm5 far off with number 300, and NICs 11 to 14."""
    with open_vswitch() as ovs:
        for number in (1, 2, 3, 4):
            ovs.add_port(f"vm{number}", number)
        ovs.add_port("vm5", 300)
        for number in (11, 12, 13, 14):
            ovs.add_port(f"nic{number}", number)
        bridge = TracedBridge(ovs)
        yield bridge
        bridge.close()

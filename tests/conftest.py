import pytest

from tests.openvswitch import open_vswitch


@pytest.fixture
def ovs():
    """A private Open vSwitch with an empty bridge br0 of dummy ports; up in well under a second."""
    with open_vswitch() as switch:
        yield switch


@pytest.fixture(scope="module")
def shared_ovs():
    """One for all tests of a module, which clean up after themselves."""
    with open_vswitch() as switch:
        yield switch

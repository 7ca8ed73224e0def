import pytest

from openvnet.lab.building import lab
from openvnet.lab.environment import SEED, declarations
from openvnet.lab.many import many_hosts


def pytest_collection_modifyitems(items):
    for item in items:
        if "e2e" in item.path.parts:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="module")
def seed():
    """The seed's environment, running and declared; a module's tests leave it as they found it."""
    with lab(SEED) as running:
        for arguments in declarations(SEED):
            running.vnctl(*arguments, "--wait")
        running.settle()
        yield running


@pytest.fixture(scope="module")
def three():
    """Three hosts on two underlays with two guests each, declared; to be left as it is found."""
    with lab(many_hosts(3)) as running:
        running.declare()
        yield running

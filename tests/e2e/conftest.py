import pytest

from openvnet.lab.building import lab
from openvnet.lab.environment import SEED, declarations


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

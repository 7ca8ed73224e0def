from itertools import count

import pytest

from openvnet.client import Client
from tests.api.processes import vnmgr, webapi


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The run directory of a vnmgr and a webapi."""
    directory = tmp_path_factory.mktemp("run")
    with vnmgr(directory), webapi(directory):
        yield directory


@pytest.fixture(scope="module")
def client(run):
    client = Client(f"unix:{run}/webapi.sock")
    yield client
    client.close()


@pytest.fixture(scope="module")
def numbers():
    """Numbers that no other test of the module has had."""
    return count(1)

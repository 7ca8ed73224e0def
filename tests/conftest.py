import os

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

from tests.databases import SERVED, choose, server
from tests.openvswitch import open_vswitch

# How long an example takes says something of the machine, which others use too; bench/ measures.
settings.register_profile(
    "patient",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("patient")


def pytest_addoption(parser):
    parser.addoption(
        "--database",
        choices=("sqlite", "mariadb", "postgresql"),
        default="sqlite",
        help="what vnmgr keeps its rows in; a server is started for the session",
    )


def pytest_configure(config):
    choose(config.getoption("--database"))


def pytest_collection_modifyitems(config, items):
    if config.getoption("--database") != "sqlite":
        items[:] = [item for item in items if not item.get_closest_marker("sqlite")]
    if hasattr(config, "workerinput"):  # The longest are to begin first.
        items.sort(key=lambda item: item.get_closest_marker("e2e") is None)


def pytest_xdist_auto_num_workers():
    """For `-n auto`: tests wait about as long as they work. Of more, each would be too slow."""
    return min(len(os.sched_getaffinity(0)) + 1, 8)


def pytest_xdist_make_scheduler(config, log):
    config.option.loadscopereorder = False
    return ByFile(config, log)


class ByFile(LoadScopeScheduling):
    """Workers take file by file, since a file's tests share what they need, and the guides one by
    one."""

    def _split_scope(self, nodeid):
        file = nodeid.partition("::")[0]
        return nodeid if file == "tests/test_guides.py" else file


def pytest_unconfigure():
    SERVED.close()


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


@pytest.fixture(scope="session")
def mariadb():
    """A server for all tests, each of which makes a database in it."""
    with server("mariadb") as made:
        yield made


@pytest.fixture(scope="session")
def postgresql():
    """A server for all tests, each of which makes a database in it."""
    with server("postgresql") as made:
        yield made


@pytest.fixture(scope="session")
def redis():
    """A server for all tests."""
    with server("redis") as made:
        yield made

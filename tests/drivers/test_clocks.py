"""A clock that jumps by a day, vnmgr's or vna's: it is said, and nothing else depends on it."""

import pytest

from openvnet.lab.waiting import until
from tests.api import processes
from tests.drivers.test_agent import (
    DATAPATH,
    NETWORK,
    add,
    change,
    interface,
    is_as_it_must_be,
    plug,
)
from tests.system import running_vna, system

pytestmark = pytest.mark.ovs

DAY = 86_400
MOVED = """
import sys
import time
from pathlib import Path

words = " ".join(sys.orig_argv)
program = next((name for name in ("manager", "agent") if f"openvnet.{name}." in words), "none")
moved = Path(__file__).with_name(program)


def seconds():
    return int(moved.read_text()) if moved.exists() else 0


real, real_ns = time.time, time.time_ns
time.time = lambda: real() + seconds()
time.time_ns = lambda: real_ns() + seconds() * 10**9
"""
"""Python reads it as it starts: the time of day of a program is from then on what a file says."""


JUMPS = (
    ("manager", 1, -1),
    ("manager", -1, 1),
    ("manager", 0, 0),
    ("agent", 1, 1),
    ("agent", -1, -1),
)
"""Whose clock is set how many days ahead, and how many the host's is then ahead of vnmgr's."""


@pytest.fixture
def clock(tmp_path, monkeypatch):
    """Sets the clock of a program so many seconds ahead."""
    (tmp_path / "sitecustomize.py").write_text(MOVED)
    path = f"{tmp_path}:{processes.ENVIRONMENT['PYTHONPATH']}"
    monkeypatch.setitem(processes.ENVIRONMENT, "PYTHONPATH", path)

    def move(program, seconds):
        (tmp_path / "new").write_text(str(seconds))
        (tmp_path / "new").rename(tmp_path / program)

    return move


def test_a_clock_that_jumps_by_a_day_is_said_and_changes_nothing(clock):
    with system([]) as made, running_vna(made) as agent:
        add(made, "datapaths", DATAPATH)
        add(made, "networks", NETWORK)

        hellos = "".join(agent.log).count("hello to vnmgr")
        for number, (program, days, seen) in enumerate(JUMPS, 1):
            clock(program, days * DAY)
            plug(made, f"vm{number}")
            add(made, "interfaces", interface(number))
            is_as_it_must_be(made)
            renamed = change(made, "/datapaths/dp-1", {"display_name": f"jump {number}"})
            assert renamed.realised.hosts == ("vna",)
            until(lambda: is_seen(made, seen), "vnmgr sees it")  # noqa: B023
            if number == 1:
                agent.says("this host's clock is 86400 s behind vnmgr's")
        made.manager.says("The clock of node vna is 86400 s ahead of vnmgr's")
        said = "".join((*agent.log, *made.manager.log))
        assert said.count("hello to vnmgr") == hellos
        for words in ("silent", "no longer live", "Traceback", "ERROR"):
            assert words not in said


def is_seen(made, days):
    """Whether the host is live, and known to be so many days ahead of vnmgr."""
    node = made.client.get("/nodes").body["vna"]
    return node["state"] == "in sync" and abs(node["clock_ahead"] - days * DAY) < 60

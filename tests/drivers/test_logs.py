"""The logs of the real programs: one line for each change, found again by its revision."""

import json
import os
import pwd
import re
import signal

import pytest

from openvnet.client import Refused
from openvnet.lab.waiting import until
from tests.api.processes import ENVIRONMENT
from tests.drivers.test_agent import DATAPATH, NETWORK, add, delete, interface, plug
from tests.system import running_vna, system

pytestmark = pytest.mark.ovs

PROGRAMS = ("webapi", "vnmgr", "vna")


@pytest.fixture
def logs(tmp_path, monkeypatch):
    """What each program of a system that is started within has logged, object by object."""
    monkeypatch.setitem(ENVIRONMENT, "LOG_FORMAT", "json")
    monkeypatch.setitem(ENVIRONMENT, "LOG_DIRECTORY", str(tmp_path))

    def read(program):
        text = (tmp_path / f"{program}.log").read_text()
        return [json.loads(line) for line in text.splitlines()]

    return read


def about(logs, program, number):
    """The lines of a program that are about a revision."""
    return [line for line in logs(program) if line.get("revision") == number]


def test_a_change_is_one_line_of_each_program_with_its_revision_and_its_owner(logs):
    with system([]) as made, running_vna(made):
        add(made, "datapaths", DATAPATH)
        add(made, "networks", NETWORK)
        plug(made, "vm1")
        for answer, verb in (
            (add(made, "interfaces", interface(1)), "create"),
            (delete(made, "/interfaces/if-1"), "delete"),
        ):
            number = int(answer.revision.rpartition("/")[2])
            until(lambda number=number: about(logs, "vna", number), "vna has logged it")
            lines = [about(logs, program, number) for program in PROGRAMS]
            assert [len(found) for found in lines] == [1, 1, 1], lines
            for (line,) in lines:
                assert line["message"].startswith(f"revision {number}: ")
                assert (line["owner"], line["resource"]) == ("interface if-1", "interface")
                assert (line["uuid"], line["level"]) == ("if-1", "info")
                assert line["duration_ms"] > 0
            front, manager, agent = (line for (line,) in lines)
            assert front["verb"] == manager["verb"] == verb
            user = pwd.getpwuid(os.getuid()).pw_name
            assert front["asked_by"] == f"user {user} of this host openvnet"
            assert manager["asked_by"] == f"local, {front['asked_by']}"
            assert agent["host"] == "vna"
            assert agent["flows_added" if verb == "create" else "flows_removed"] > 5


def test_a_burst_that_one_bundle_realises_has_a_line_for_each_change(logs):
    with system([]) as made:
        with running_vna(made) as agent:
            add(made, "datapaths", DATAPATH)
            add(made, "networks", NETWORK)
            for number in range(1, 6):
                plug(made, f"vm{number}")
            agent.running.send_signal(signal.SIGSTOP)  # What is said meanwhile waits.
            numbers = []
            for number in range(1, 6):
                answer = made.client.write("POST", "/interfaces", interface(number))
                numbers.append(int(answer.revision.rpartition("/")[2]))
            agent.running.send_signal(signal.SIGCONT)
            for number in numbers:
                until(lambda number=number: about(logs, "vna", number), "vna has logged it")
        lines = [
            line
            for number in numbers
            for line in about(logs, "vna", number)
            if line["resource"] == "interface"  # A port may be heard of by itself, too.
        ]
    assert [line["uuid"] for line in lines] == [f"if-{number}" for number in range(1, 6)]


def test_a_write_that_is_refused_is_a_line_of_webapi(logs):
    with system([]) as made:
        with pytest.raises(Refused, match="nw-none"):
            add(made, "interfaces", interface(1, "nw-none"))
        (line,) = [line for line in logs("webapi") if line.get("verb") == "create"]
        assert re.match("refused: create interface if-1: .*nw-none", line["message"])
        assert "revision" not in line

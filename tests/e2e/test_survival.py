import json
import os
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from openvnet.client import Client
from openvnet.lab.reach import measured, wrong_cells
from openvnet.lab.traffic import traffic
from openvnet.lab.waiting import until
from tests.e2e.flow_changes import flow_changes

OURS = ("vna", "vnmgr", "webapi")

pytestmark = pytest.mark.alone  # A switch that gets no processor loses packets, too.


@pytest.mark.parametrize("victims", [("vna",), ("vnmgr",), ("webapi",), OURS], ids="+".join)
def test_no_packet_is_lost_when_it_is_killed_nor_when_it_comes_back(seed, victims):
    with traffic(seed, "vm1", "vm3") as meter:
        meter.let_pass(200)
        seed.kill(*victims)
        meter.let_pass(500)
        seed.start(*victims)
        meter.let_pass(1000)

    assert meter.report.lost == {}, meter.report
    assert meter.report.disturbed == {}, meter.report
    assert all(stream.sent >= 1700 for stream in meter.report.streams)


def test_the_meter_sees_what_is_lost_when_a_port_is_pulled_out(seed):
    with traffic(seed, "vm1", "vm3") as meter:
        meter.let_pass(200)
        seed.unplug("vm3")
        meter.let_pass(200)
        seed.plug("vm3")
        meter.let_pass(1000)

    assert len(meter.report.lost["UDP vm1 → vm3"]) >= 100
    assert "TCP vm1 → vm3" not in meter.report.lost  # It sends again what was lost.


def test_vna_restarted_while_vnmgr_is_dead_changes_no_flow(seed):
    with flow_changes(seed, "host1") as changes:
        seed.kill(*OURS)
        seed.start("vna")
        assert changes.so_far() == []

        seed.start("vnmgr", "webapi")
        _fence(seed)
        assert changes.so_far() == []


def test_twenty_seconds_without_vna_lose_no_packet_and_change_no_flow(seed):
    """In `standalone`, Open vSwitch would by then forward everything everywhere: after 15."""
    with flow_changes(seed, "host1") as changes, traffic(seed, "vm2", "vm4") as meter:
        seed.kill(*OURS)
        meter.let_pass(20_000)
        assert list(wrong_cells(seed.environment, measured(seed))) == []
        seed.start("vna")
        assert changes.so_far() == []
        seed.start("vnmgr", "webapi")
        meter.let_pass(500)

    assert meter.report.lost == {}, meter.report


@pytest.mark.parametrize("victims", [("vna",), ("vnmgr",), ("vna", "vnmgr")], ids="+".join)
def test_an_acknowledged_change_outlives_a_kill_at_any_point(seed, victims):
    """It falls so many tenths of a millisecond after the write was sent, which takes about 30."""
    vm3 = seed.environment.guest("vm3")
    for tenths in (0, 5, 10, 20, 40):
        name = f"after{tenths}"
        acknowledged = _write_and_kill(seed, vm3.interface_uuid, name, victims, tenths / 10_000)
        seed.start(*victims)
        found = json.loads(
            seed.vnctl("interfaces", "show", vm3.interface_uuid, "-o", "json").stdout
        )
        assert found["display_name"] == name or not acknowledged
    assert list(wrong_cells(seed.environment, measured(seed))) == []


def test_flows_are_whole_again_after_the_switch_was_killed(seed):
    before = _flows(seed)
    seed.restart("ovs-vswitchd")

    until(lambda: _flows(seed) == before, "all flows are back")
    assert list(wrong_cells(seed.environment, measured(seed))) == []


def test_a_restored_backup_disturbs_nobody_who_is_in_it_and_was_there(seed):
    before, vm2 = _flows(seed), seed.environment.guest("vm2")
    with closing(Client(seed.webapi)) as client:
        with client.download("/db/backup", {}) as (_, pieces):
            kept = list(pieces)
        client.write("DELETE", f"/interfaces/{vm2.interface_uuid}", wait=10)
        between = _flows(seed)
        assert between != before
        with flow_changes(seed, "host1") as changes, traffic(seed, "vm1", "vm3") as meter:
            meter.let_pass(100)
            client.upload("/db/restore", {"replace": "true"}, kept)
            _fence(seed)
            meter.let_pass(300)
            events = changes.so_far()
    assert meter.report.lost == {}, meter.report
    assert meter.report.disturbed == {}, meter.report
    assert _flows(seed) == before
    in_both = {_cookie(flow) for flow in before & between}
    assert events
    assert not [event for event in events if _cookie(event) in in_both]
    seed.settle()
    assert list(wrong_cells(seed.environment, measured(seed))) == []


def _write_and_kill(lab, uuid, name, victims, seconds):
    """Rename an interface, and kill so many seconds later; whether the change was acknowledged."""
    pids = [lab.outside_pid(victim) for victim in victims]
    with ThreadPoolExecutor() as writer, closing(Client(lab.webapi, timeout=1)) as client:
        client.get("/interfaces")  # Connects.
        begun = time.monotonic()
        write = writer.submit(
            client.write, "PUT", f"/interfaces/{uuid}", {"display_name": name}, wait=1
        )
        while time.monotonic() < begun + seconds:
            pass  # To the tenth of a millisecond: this is where the kill falls.
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        lab.kill(*victims)
        return write.exception() is None


def _cookie(text):
    return re.search(r"cookie=(0x[0-9a-f]+)", text)[1]


def _fence(lab):
    """Return when vna has realised all that vnmgr knows."""
    row = lab.environment.networks[0].uuid
    lab.vnctl("networks", "modify", row, "--display-name", "vnet1", "--wait")


def _flows(lab):
    """The flows of the switch without their counters."""
    dump = lab.run(
        "host1", "ovs-ofctl", "--protocols=OpenFlow13", "--no-stats", "dump-flows", "br0"
    )
    return {line for line in dump.splitlines() if "cookie=" in line}

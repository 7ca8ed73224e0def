import subprocess
import sys

from openvnet.lab.reach import measured, wrong_cells

RUN = (sys.executable, "-m", "openvnet.cli.openvnet")


def test_the_demo_shows_who_reaches_whom_and_ends_well():
    demo = subprocess.run((*RUN, "demo"), capture_output=True, text=True, check=False)

    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert "$ vnctl networks add --uuid nw-vnet2" in demo.stdout
    assert demo.stdout.count("✔ all 5") == 4
    assert "Every cell is as it must be." in demo.stdout


def test_each_guest_reaches_its_own_network_and_no_other(seed):
    assert list(wrong_cells(seed.environment, measured(seed))) == []


def test_the_measurement_sees_a_guest_that_is_cut_off(seed):
    vm3 = seed.environment.guest("vm3")
    seed.unplug("vm3")
    try:
        wrong = list(wrong_cells(seed.environment, measured(seed, count=2)))
    finally:
        seed.plug("vm3")

    assert f"vm1 to {vm3.ipv4_address}: 0 of 2 requests arrived at vm3, 2 should have" in wrong
    assert not any("vm2" in line or "vm4" in line for line in wrong)

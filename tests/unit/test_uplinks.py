"""Which network devices are a host's NICs, as the kernel would say it in /sys/class/net."""

import pytest

from openvnet.uplinks import is_physical, uplinks

DEVICES = {
    "eth0": {"device": None},
    "eth1": {"device": None, "phys_port_name": "p1\n"},
    "pf0vf3": {"device": None, "phys_port_name": "pf0vf3\n"},
    "sf4": {"device": None, "phys_port_name": "c1pf0sf4\n"},
    "silent": {"device": None, "phys_port_name": None},  # As a driver that has nothing to say.
    "bond0": {"bonding": None},
    "eth0.5": {"lower_eth0": None},
    "bond0.5": {"lower_bond0": None},
    "vf.5": {"lower_pf0vf3": None},
    "tap1": {"tun_flags": "0x1002\n"},
    "br0": {},
}
NICS = {"eth0", "eth1", "silent", "bond0", "eth0.5", "bond0.5"}


@pytest.fixture
def devices(tmp_path):
    for name, entries in DEVICES.items():
        (tmp_path / name).mkdir()
        for entry, content in entries.items():
            if content is None:
                (tmp_path / name / entry).mkdir()
            else:
                (tmp_path / name / entry).write_text(content)
    return str(tmp_path)


@pytest.mark.parametrize("name", [*DEVICES, "gone"])
def test_nics_and_what_stands_for_them_are_physical_and_what_is_a_guests_is_not(devices, name):
    assert is_physical(name, devices) == (name in NICS)


def test_if_uplinks_are_named_they_are_all_and_an_empty_name_is_none():
    assert [name for name in ("eth0", "eth1") if uplinks(["eth1", "x"])(name)] == ["eth1"]
    assert [name for name in ("eth0", "lo") if uplinks([""])(name)] == []
    assert not uplinks(())("lo")

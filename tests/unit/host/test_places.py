from pathlib import Path

import pytest

from openvnet.host.errors import HostError
from openvnet.host.places import places
from openvnet.host.starting import datapath_uuid


def test_root_has_the_directories_of_the_system():
    found = places({"XDG_STATE_HOME": "/x", "XDG_RUNTIME_DIR": "/y"}, 0)
    assert (found.state, found.run, found.log) == (
        Path("/var/lib/openvnet"),
        Path("/run/openvnet"),
        Path("/var/log/openvnet"),
    )


def test_a_plain_user_has_those_of_the_xdg_specification():
    found = places({"XDG_STATE_HOME": "/x", "XDG_RUNTIME_DIR": "/y", "HOME": "/h"}, 1000)
    assert found.state == Path("/x/openvnet")
    assert found.run == Path("/y/openvnet")
    assert found.log == Path("/x/openvnet/log")


def test_a_plain_user_without_xdg_variables_has_directories_too():
    found = places({"HOME": "/h"}, 1000)
    assert found.state == Path("/h/.local/state/openvnet")
    assert found.run == Path("/tmp/openvnet-1000")


def test_what_is_named_counts():
    named = {"state": Path("/s"), "run": Path("/r"), "log": Path("/l")}
    found = places({"LOG_DIRECTORY": "/elsewhere"}, 0, **named)
    assert (found.state, found.run, found.log) == tuple(named.values())
    assert places({"LOG_DIRECTORY": "/elsewhere"}, 1000).log == Path("/elsewhere")


def test_the_name_of_a_datapath_is_made_from_the_host_and_fits():
    assert datapath_uuid("Node-1.example.org") == "dp-node1"
    assert datapath_uuid("a" * 40) == f"dp-{'a' * 16}"
    assert datapath_uuid("ホスト") is None


def test_a_directory_in_which_no_socket_can_be_made_is_refused_before_anything_is(tmp_path):
    run = tmp_path / ("r" * 100)
    with pytest.raises(HostError, match="--run names a shorter one"):
        places({}, 0, state=tmp_path / "s", run=run, log=tmp_path / "l").made()
    assert not list(tmp_path.iterdir())

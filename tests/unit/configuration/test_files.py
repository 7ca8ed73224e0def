"""Files against the declared keys: what a program is told, and what it refuses to be told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openvnet.configuration.files import (
    SYSTEM,
    configuration,
    keys_of,
    search,
    values,
    vnmgr_address,
)
from openvnet.configuration.keys import LATER, MEANINGLESS, PROGRAMS, Common, Vna, Vnmgr, Webapi
from openvnet.configuration.syntax import ConfigurationError, entries


def written(directory, **files):
    directory.mkdir(exist_ok=True)
    for name, text in files.items():
        (directory / f"{name}.conf").write_text(text)
    return directory


def refused(directory, program="vna", **files):
    with pytest.raises(ConfigurationError) as raised:
        configuration(program, PROGRAMS[program], [written(directory, **files)])
    return str(raised.value).removeprefix(f"{directory}/")


def test_without_files_everything_has_its_default(tmp_path):
    for program, kind in PROGRAMS.items():
        read = configuration(program, kind, [tmp_path, tmp_path / "nowhere"])
        assert (read.common, read.own, read.places) == (Common(), kind(), {})
    assert vnmgr_address([tmp_path]) is None


def test_each_file_is_the_first_of_its_name(tmp_path):
    first = written(tmp_path / "1", vna='node { id "one" }')
    second = written(tmp_path / "2", vna='node { id "two" }', common='db { database "two" }')
    read = configuration("vna", Vna, [first, second])
    assert (read.own.node.id, read.common.db.database) == ("one", "two")


def test_the_usual_directories_are_searched_unless_one_is_named(tmp_path):
    assert search(None, {}) == SYSTEM
    assert search(None, {"CONFIG_PATH": str(tmp_path)}) == (tmp_path, *SYSTEM)
    assert search(tmp_path, {"CONFIG_PATH": "/somewhere"}) == (tmp_path,)
    with pytest.raises(ConfigurationError, match="CONFIG_PATH /no/where is no directory"):
        search(None, {"CONFIG_PATH": "/no/where"})


def test_a_programs_own_file_beats_the_common_one_key_by_key(tmp_path):
    common = 'db {\n  adapter "sqlite"\n  database "theirs"\n}'
    here = written(tmp_path, common=common, vnmgr='db { database "own" }')
    read = configuration("vnmgr", Vnmgr, [here])
    assert (read.common.db.adapter, read.common.db.database) == ("sqlite", "own")
    assert read.place("db.adapter") == f"{here}/common.conf, line 2, column 3: db.adapter"
    assert read.place("db.database") == f"{here}/vnmgr.conf, line 1, column 6: db.database"
    assert read.place("db.host") == "db.host"


def test_uplinks_may_be_several(tmp_path):
    here = written(tmp_path, vna='uplink "eth0"\nbridge "br1"\nuplink eth1')
    read = configuration("vna", Vna, [here]).own
    assert (read.uplink, read.bridge) == (("eth0", "eth1"), "br1")


def test_vnmgr_is_where_its_file_says(tmp_path):
    guide = 'node { id "vnmgr" addr { protocol "tcp" host "192.168.100.2" public "" port 9102 } }'
    assert vnmgr_address([written(tmp_path, vnmgr=guide)]) == ("192.168.100.2", 9102)
    public = 'node { addr { public "198.51.100.1" } }'
    assert vnmgr_address([written(tmp_path, vnmgr=public)]) == ("198.51.100.1", 9102)
    assert vnmgr_address([written(tmp_path, vnmgr='node { id "vnmgr" }')]) is None


def test_what_nothing_is_made_of_is_accepted_and_known_as_such(tmp_path):
    common = 'watchdog_interval 10\nregistry { adapter "redis" host "localhost" port 6379 }'
    vna = 'trema_home "/opt"\nnode { id "vna" }\nnetwork { gateway { address "10.0.0.1" } }'
    here = written(tmp_path, common=common, vna=vna)
    read = configuration("vna", Vna, [here])
    assert {key for key, why in read.idle.items() if why == MEANINGLESS} == {
        "watchdog_interval",
        "trema_home",
    }
    assert {key for key, why in read.idle.items() if why == LATER} == {
        "network",
        "network.gateway",
        "network.gateway.address",
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("uplnk eth0", "line 1, column 1: there is no key uplnk; did you mean uplink?"),
        ("node {\n  idd 1\n}", "line 2, column 3: there is no key node.idd; did you mean node.id?"),
        ("port 1", "line 1, column 1: there is no key port, but db.port and"),
        ("zzz 1", "line 1, column 1: there is no key zzz; known are db, registry,"),
        (
            "node { addr { port http } }",
            "line 1, column 20: node.addr.port 'http' must be a number from 1 to 65535.",
        ),
        ("node { addr { port 65536 } }", "line 1, column 20: node.addr.port '65536' must be a"),
        ('node { addr { protocol "udp" } }', "line 1, column 24: node.addr.protocol 'udp' must be"),
        ('node { id "a/b" }', "line 1, column 11: node.id 'a/b' must be a name of letters, digits"),
        ("uplink a-name-that-is-too-long", "line 1, column 8: uplink 'a-name-that-is-too-long' m"),
        ('node "vna"', "line 1, column 6: node is a block, node { … }, and has no value itself."),
        ("bridge { }", "line 1, column 1: bridge has a value, and is no block."),
        ("bridge a\nbridge b", "line 2, column 1: bridge is set a second time, after line 1."),
        ("node { }\nnode { }", "line 2, column 1: node is set a second time, after line 1."),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place_and_what_would_be_right(
    tmp_path, text, words
):
    assert refused(tmp_path, vna=text).startswith(f"vna.conf, {words}")


def test_a_key_that_is_true_or_false_says_so(tmp_path):
    said = refused(tmp_path, common="registry { tls yes }")
    assert said == "common.conf, line 1, column 16: registry.tls 'yes' must be true or false."


def test_a_key_of_another_program_is_none_of_the_common_ones(tmp_path):
    assert refused(tmp_path, common='uplink "eth0"').startswith("common.conf, line 1, column 1:")


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    (tmp_path / "vna.conf").mkdir()
    assert refused(tmp_path) == "vna.conf cannot be read: Is a directory."
    (tmp_path / "vna.conf").rmdir()
    (tmp_path / "vna.conf").write_bytes(b"bridge br0\n# \xff")
    assert refused(tmp_path) == "vna.conf, line 2: this is no text in UTF-8."


NAMES = sorted({name for kind in (Common, *PROGRAMS.values()) for name in values(keys_of(kind))})


@given(st.sampled_from(NAMES), st.sampled_from(["1", "text", "nil", "-1", "1.5", "true", "{}"]))
def test_any_key_with_any_value_is_taken_or_refused_with_its_place(tmp_path_factory, name, value):
    *blocks, key = name.split(".")
    text = "".join(f"{block} {{ " for block in blocks) + f"{key} {value}" + " }" * len(blocks)
    assert entries(text, "x")
    here = written(tmp_path_factory.mktemp("any"), webapi=text)
    words = ""
    try:
        configuration("webapi", Webapi, [here])
    except ConfigurationError as error:
        words = str(error)
    assert words.startswith(f"{here}/webapi.conf, line 1, column ") or not words

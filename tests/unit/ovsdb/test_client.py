"""OVSDB's stream of JSON objects, however it is cut; and bridge settings as differences."""

import asyncio
import json
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openvnet.ovsdb.client import connect, messages, plain
from openvnet.ovsdb.driver import identities, settings
from openvnet.ovsdb.errors import ProtocolError

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(st.text(), values, max_size=4)


def read(pieces):
    async def all_of():
        reader = asyncio.StreamReader()
        for piece in pieces:
            reader.feed_data(piece)
        reader.feed_eof()
        return [message async for message in messages(reader)]

    return asyncio.run(all_of())


@given(st.lists(objects, max_size=4), st.booleans(), st.data())
def test_objects_are_read_however_the_stream_is_cut(sent, spaced, data):
    stream = (b" \n" if spaced else b"").join(json.dumps(message).encode() for message in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=4)))
    edges = [0, *cuts, len(stream)]
    pieces = [stream[a:b] for a, b in pairwise(edges)]
    assert read([piece for piece in pieces if piece]) == sent


@pytest.mark.parametrize("stream", [b"[1]", b"x}", b"null}", b"\xff}"])
def test_what_is_not_ovsdb_is_refused(stream):
    with pytest.raises(ProtocolError):
        read([stream])


@given(st.binary(max_size=60))
def test_no_stream_raises_anything_else(stream):
    with suppress(ProtocolError):
        read([stream])


def test_columns_are_read_as_python_has_them():
    assert plain(["set", [1, 2]]) == [1, 2]
    assert plain(["map", [["a", ["uuid", "b"]]]]) == {"a": "b"}
    assert plain("x") == "x"


@pytest.mark.parametrize("address", ["db.sock", "tcp:here", "unix:", "tcp:host:port"])
def test_an_address_of_another_form_is_refused(address):
    with pytest.raises(ValueError, match="must be unix:/path or tcp:host:port"):
        asyncio.run(connect(address))


def tables(**bridge):
    return {
        "Bridge": {
            "b": {
                "name": "br0",
                "datapath_id": "0000aaaaaaaaaaaa",
                "fail_mode": "standalone",
                "other_config": {},
                "controller": "c",
                "flow_tables": {},
                **bridge,
            }
        },
        "Controller": {"c": {"target": "tcp:127.0.0.1:6633", "max_backoff": []}},
        "Flow_Table": {"t": {"name": "PORT_SECURITY"}},
        "Interface": {"i": {"name": "tap1", "external_ids": {"iface-id": "if-1"}}},
    }


DPID = "0x0000aaaaaaaaaaaa"


def test_a_bridge_as_it_must_be_needs_no_setting():
    found = tables(
        fail_mode="secure", other_config={"disable-in-band": "true"}, flow_tables={0: "t"}
    )
    found["Controller"]["c"]["max_backoff"] = 1000
    assert not list(settings(found, DPID, {0: "PORT_SECURITY"}, secure=True))


def test_the_fail_mode_is_set_only_when_told_to():
    written = [sentence for sentence, _ in settings(tables(), DPID, {}, secure=False)]
    assert not any("fail_mode" in sentence for sentence in written)
    written = [sentence for sentence, _ in settings(tables(), DPID, {}, secure=True)]
    assert any("fail_mode=secure" in sentence for sentence in written)


def test_another_bridge_is_left_alone():
    assert not list(settings(tables(), "0x0000bbbbbbbbbbbb", {0: "PORT_SECURITY"}, secure=True))


def test_iface_ids_are_found_by_port_name():
    assert identities(tables()) == {"tap1": "if-1"}


def test_a_switch_that_has_just_started_is_told_the_backoff_anew():
    found = tables()
    for before, after in ((1000, 1001), (1001, 1000)):
        found["Controller"]["c"]["max_backoff"] = before
        written = settings(found, DPID, {}, secure=False, overlooked=True)
        assert f"max_backoff={after}" in " ".join(sentence for sentence, _ in written)

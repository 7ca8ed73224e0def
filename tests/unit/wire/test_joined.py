"""What a host keeps of the vnmgr that it has joined, and tokens, whole and mistyped."""

import stat
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openvnet.wire.joined import (
    Joined,
    Manager,
    Token,
    TokenError,
    joined_path,
    new_pair,
    read_joined,
    read_token,
    write_joined,
    written_token,
)
from openvnet.wire.keys import KeysError

PUBLIC, SECRET = new_pair()
MANAGERS = (Manager("192.0.2.1:9102", PUBLIC), Manager("[2001:db8::1]:9102", PUBLIC))
TOKEN = Token(MANAGERS, "vna", SECRET)
TEXT = written_token(TOKEN)


def test_a_token_is_one_word_and_says_what_it_was_made_of():
    assert read_token(TEXT) == TOKEN
    assert read_token(f"  {TEXT[:70]}\n {TEXT[70:]}\n") == TOKEN, "as a terminal breaks it"
    assert TEXT.replace("-", "").replace("_", "").isalnum()
    assert SECRET not in TEXT


@given(st.integers(0, len(TEXT) - 1), st.sampled_from("aZ9-_ü=@"))
def test_a_mistyped_letter_is_noticed(place, letter):
    text = TEXT[:place] + letter + TEXT[place + 1 :]
    if text == TEXT:
        return
    with suppress(TokenError):
        assert read_token(text) == TOKEN, "only bits that mean nothing may differ"


@given(st.integers(0, len(TEXT) - 3))
def test_a_token_of_which_a_part_is_missing_is_noticed(length):
    with pytest.raises(TokenError):
        read_token(TEXT[:length])


@given(st.text())
def test_any_other_text_is_no_token(text):
    with pytest.raises(TokenError):
        read_token(text)
    with pytest.raises(TokenError):
        read_token(f"openvnet-{text}")


def test_what_is_kept_is_read_again_and_is_its_users_alone(tmp_path):
    joined = Joined("vna2", "node-vna2", "vna", SECRET, MANAGERS)
    assert read_joined(tmp_path, "vna") is None
    path = write_joined(tmp_path, joined)
    assert path == joined_path(tmp_path, "vna") == tmp_path / "keys" / "vna.json"
    assert read_joined(tmp_path, "vna") == joined
    assert read_joined(tmp_path, "webapi") is None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_what_is_damaged_or_open_to_all_is_refused_in_words(tmp_path):
    path = write_joined(tmp_path, Joined("vna2", "node-vna2", "vna", SECRET, MANAGERS))
    whole = path.read_text()
    path.chmod(0o644)
    with pytest.raises(KeysError, match="open to everybody"):
        read_joined(tmp_path, "vna")
    path.chmod(0o600)
    for text in ("", "{}", whole[:-5], whole.replace(SECRET, "short"), whole.replace(PUBLIC, "")):
        path.write_text(text)
        with pytest.raises(KeysError, match=r"vna\.json is damaged"):
            read_joined(tmp_path, "vna")

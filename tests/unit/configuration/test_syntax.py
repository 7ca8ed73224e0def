"""The block syntax: what a text says, and where it is wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openvnet.configuration.syntax import ConfigurationError, Value, entries

GUIDE = """
# the guide's
node {
  id "vnmgr"
  addr {
    protocol "tcp"   # a comment
    host "192.168.100.2"
    public ""
    port 9102
  }
}
"""
ONE_LINE = 'node { id "vnmgr" addr { protocol "tcp" host "192.168.100.2" public "" port 9102 } }'


def said(text):
    """What a text says, without places."""
    return plain(entries(text, "x.conf"))


def plain(read):
    return [
        (each.key, each.content.text if isinstance(each.content, Value) else plain(each.content))
        for each in read
    ]


def refused(text):
    with pytest.raises(ConfigurationError) as raised:
        entries(text, "x.conf")
    return str(raised.value)


def test_a_block_says_the_same_on_many_lines_and_on_one():
    addr = [("protocol", "tcp"), ("host", "192.168.100.2"), ("public", ""), ("port", "9102")]
    assert said(GUIDE) == said(ONE_LINE) == [("node", [("id", "vnmgr"), ("addr", addr)])]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("key word", "word"),
        ("key 'it is \"so\"'", 'it is "so"'),
        (r'key "a \"quote\" and a \\ and a \n"', r'a "quote" and a \ and a \n'),
        ('key "# no comment { }"', "# no comment { }"),
        ("key nil", None),
        ('key "nil"', "nil"),
        ("key /a/path#comment", "/a/path"),
        ("\tkey\tword\r\n", "word"),
        ("key äöü", "äöü"),
    ],
)
def test_values(text, value):
    assert said(text) == [("key", value)]


def test_nothing_says_nothing():
    assert said("") == said(" \n # only this") == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("host", "line 1, column 1: host has no value; it is written on the same line"),
        ("a {\n  host\n  port 1\n}", "line 2, column 3: host has no value"),
        ("a { host }", "line 1, column 5: host has no value"),
        ("a {\n  b {\n  }\n", "line 1, column 1: the block of a is not closed; a line with }"),
        ("a {\n  b { c 1\n}\n", "line 1, column 1: the block of a is not closed"),
        ("a 1\n}", "line 2, column 1: no block is open here"),
        ('a "b\nc 1', "line 1, column 3: the text that begins here has no closing quote."),
        ('"a" 1', 'line 1, column 1: a key is expected here, and "a" is none.'),
        ("a 1\n  9 1", "line 2, column 3: a key is expected here, and 9 is none."),
        ("{", "line 1, column 1: a key is expected here, and { is none."),
        ('a "\x07"', r"line 1, column 3: a '\x07' has a character that cannot be printed."),
    ],
)
def test_an_error_says_where_and_what_would_be_right(text, words):
    assert refused(text).startswith(f"x.conf, {words}")


@given(st.text(alphabet=st.sampled_from("ab {}\"'\\\n#9\t\x00ä")) | st.text())
def test_whatever_is_read_it_is_read_or_refused_in_its_own_error(text):
    words = ""
    try:
        entries(text, "x.conf")
    except ConfigurationError as error:
        words = str(error)
    assert words.startswith("x.conf, line ") or not words


@given(st.integers(1, 5000))
def test_blocks_may_be_as_deep_as_they_like(depth):
    read = entries("a {" * depth + "}" * depth, "x.conf")
    for _ in range(depth):
        ((_, _, read),) = read
    assert read == []


KEYS = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=20).filter(str.isprintable)
TREES = st.recursive(
    st.lists(st.tuples(KEYS, TEXTS), max_size=4),
    lambda inner: st.lists(st.tuples(KEYS, TEXTS | inner), max_size=4),
    max_leaves=20,
)


def written(tree):
    for key, content in tree:
        if isinstance(content, str):
            escaped = content.replace("\\", "\\\\").replace('"', '\\"')
            yield f'{key} "{escaped}"'
        else:
            yield f"{key} {{"
            yield from written(content)
            yield "}"


@given(TREES, st.sampled_from([" ", "\n", " # so\n\t"]))
def test_what_is_written_is_read_again(tree, between):
    assert said(between.join(written(tree))) == tree

"""OpenVNet's block syntax: text in, entries with their places out.

    # a comment
    node {
      id "vnmgr"
      addr { protocol "tcp" host "192.168.100.2" port 9102 }
    }

A key has a value on its own line, or a block. A value is a word, a number, or text in quotes; the
bare word `nil` is none. Which keys there are is not known here (`configuration.keys`).
"""

import re
from collections.abc import Iterator
from typing import NamedTuple


class ConfigurationError(Exception):
    """What is wrong with a configuration; the text names the file and, if it can, the place."""


class Place(NamedTuple):
    """Where something is said."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}, column {self.column}"


class Value(NamedTuple):
    """What a key is set to."""

    text: str | None
    """None was written `nil`."""
    place: Place


class Entry(NamedTuple):
    """A key, and its value or the entries of its block."""

    key: str
    place: Place
    content: "Value | list[Entry]"


class _Token(NamedTuple):
    kind: str
    text: str
    place: Place


_TOKENS = re.compile(
    r"""
      (?P<space>   [^\S\n]+ )
    | (?P<comment> \#[^\n]* )
    | (?P<newline> \n )
    | (?P<open>    \{ )
    | (?P<close>   \} )
    | (?P<text>    "(?:[^"\\\n]|\\[^\n])*" | '(?:[^'\\\n]|\\[^\n])*' )
    | (?P<word>    [^\s"'{}\#]+ )
    | (?P<unclosed> . )
    """,
    re.VERBOSE,
)
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def entries(text: str, file: str) -> list[Entry]:
    """The entries of a file's text; raise ConfigurationError."""
    read: list[Entry] = []
    blocks: list[tuple[_Token, list[Entry]]] = []
    """The open ones, each with the entries around it."""
    tokens = _tokens(text, file)
    for token in tokens:
        if token.kind == "newline":
            continue
        if token.kind == "close":
            if not blocks:
                raise ConfigurationError(f"{token.place}: no block is open here to be closed.")
            read = blocks.pop()[1]
            continue
        key = _key(token)
        after = next(tokens)
        if after.kind == "open":
            block: list[Entry] = []
            read.append(Entry(key, token.place, block))
            blocks.append((token, read))
            read = block
        else:
            read.append(Entry(key, token.place, _value(token, after)))
    if blocks:
        opened = blocks[-1][0]
        words = f"the block of {opened.text} is not closed; a line with }} is missing."
        raise ConfigurationError(f"{opened.place}: {words}")
    return read


def _key(token: _Token) -> str:
    if token.kind != "word" or not _KEY.fullmatch(token.text):
        words = f"a key is expected here, and {_shown(token.text)} is none."
        raise ConfigurationError(f"{token.place}: {words}")
    return token.text


def _value(key: _Token, token: _Token) -> Value:
    if token.kind == "word":
        text = None if token.text == "nil" else token.text
    elif token.kind == "text":
        text = re.sub(r"\\([\"'\\])", r"\1", token.text[1:-1])
    else:
        words = f"{key.text} has no value; it is written on the same line, after the key."
        raise ConfigurationError(f"{key.place}: {words}")
    if text is not None and not text.isprintable():
        words = f"{key.text} {_shown(text)} has a character that cannot be printed."
        raise ConfigurationError(f"{token.place}: {words}")
    return Value(text, token.place)


def _tokens(text: str, file: str) -> Iterator[_Token]:
    """The tokens of a text, and a newline after the last."""
    line, begin = 1, 0
    for found in _TOKENS.finditer(text):
        kind = str(found.lastgroup)
        place = Place(file, line, found.start() - begin + 1)
        if kind == "unclosed":
            raise ConfigurationError(f"{place}: the text that begins here has no closing quote.")
        if kind not in ("space", "comment"):
            yield _Token(kind, found.group(), place)
        if kind == "newline":
            line, begin = line + 1, found.end()
    yield _Token("newline", "\n", Place(file, line, len(text) - begin + 1))


def _shown(text: str) -> str:
    return ascii(text) if not text.isprintable() else text

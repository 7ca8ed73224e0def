"""Secrets taken out of text that leaves the machine.

What stands behind a key whose name tells of a secret is replaced, whatever the file is; and each
such value of the configuration and of the environment is replaced wherever else it stands.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

LEFT_OUT = "(left out)"

LEAST_LETTERS = 4
"""A shorter value is replaced behind its key only: elsewhere it would be any word."""

_NAME = r"[\w.-]*(?:password|passwd|token|secret|key|psk|credential)[\w.-]*"

_KEY = re.compile(rf"{_NAME}\Z", re.IGNORECASE)

_LINE = re.compile(
    rf"^(.*?(?:^|[\s{{;,])[\"']?{_NAME}[\"']?[ \t]*[=:]?[ \t]*)(\S.*)$", re.IGNORECASE
)
"""A line of a configuration file: a secret's key, and all that follows in that line."""

_ASSIGNMENT = re.compile(
    rf"(\b{_NAME}[\"']?\s*(?:=>|[=:])\s*)(\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|[^\s,;}}\]]+)",
    re.IGNORECASE,
)
_PEM = re.compile(r"(-----BEGIN [A-Z ]*KEY-----).*?(-----END [A-Z ]*KEY-----|\Z)", re.DOTALL)
_API_TOKEN = re.compile(r"vnt_[\w-]+")
_URL = re.compile(r"(://[^\s:/@]*:)[^\s@]+@")


def is_secret(name: str) -> bool:
    """Whether a key's name tells of a secret."""
    return _KEY.match(name) is not None


def configuration_without_secrets(text: str) -> str:
    """A configuration file, each secret's key without what follows it in its line."""
    lines = (_LINE.sub(rf"\1{LEFT_OUT}", line) for line in text.splitlines())
    return _plain("\n".join(lines) + "\n")


def without_secrets(text: str, values: Iterable[str] = ()) -> str:
    """Any text without what is assigned to a secret's key, and without these values."""
    for value in values:
        text = text.replace(value, LEFT_OUT)
    return _ASSIGNMENT.sub(rf"\1{LEFT_OUT}", _plain(text))


def _plain(text: str) -> str:
    text = _API_TOKEN.sub(LEFT_OUT, text)
    return _URL.sub(rf"\1{LEFT_OUT}@", _PEM.sub(rf"\1 {LEFT_OUT} \2", text))


def values_of(configurations: Iterable[str], variables: Mapping[str, str]) -> list[str]:
    """The secrets that stand in configuration files and in the environment; longest first."""
    found = {value for name, value in variables.items() if is_secret(name)}
    for text in configurations:
        found.update(_values(text))
    return sorted((value for value in found if len(value) >= LEAST_LETTERS), key=len, reverse=True)


def _values(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if said := _LINE.match(line):
            rest = said[2].strip()
            quoted = re.match(r"\"((?:\\.|[^\"\\])*)\"|'((?:\\.|[^'\\])*)'", rest)
            if quoted:
                yield re.sub(r"\\(.)", r"\1", quoted[1] or quoted[2] or "")
            yield rest.split()[0].strip("\"'")

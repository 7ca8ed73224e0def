"""vnctl's settings: the first of a few files, lines of `key value` as OpenVNet has always had them.

# where webapi is
webapi_uri    "192.168.100.2"
webapi_port   9090
output_format json
"""

import shlex
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

import msgspec

KEYS = (
    *("webapi_protocol", "webapi_uri", "webapi_port", "webapi_version", "webapi_ca"),
    *("output_format", "project", "token", "token_file"),
)
FORMATS = {
    "table": "table",
    "wide": "wide",
    "json": "json",
    "yaml": "yaml",
    "yml": "yaml",
    "name": "name",
}
"""Names of output formats; the original's `yml` is yaml."""


class SettingsError(Exception):
    """A settings file that cannot be read; the text names the file and the line."""


class Settings(msgspec.Struct, frozen=True):
    """What a settings file says."""

    address: str | None = None
    """Of webapi; None if the file does not say."""
    version: str = "1.0"
    """Of the API."""
    output: str | None = None
    authority: str = ""
    """A file with the certificates of those that sign webapi's."""
    project: str = ""
    """In which things are made, and of which they are listed."""
    token: str = ""
    exposed: str = ""
    """The file with the token, if others may read it."""


def files(home: Path) -> tuple[Path, ...]:
    """Where settings may be; the first that exists counts."""
    system = (Path("/etc/openvnet/vnctl.conf"), Path("/etc/wakame-vnet/vnctl.conf"))
    return home / ".vnctlrc", home / ".vnctl.conf", *system


def settings(candidates: tuple[Path, ...]) -> Settings:
    """Read the first file that exists; all defaults if there is none."""
    for file in candidates:
        if file.is_file():
            return read_settings(file)
    return Settings()


def read_settings(file: Path) -> Settings:
    """Read one file."""
    try:
        text = file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: cannot be read: {error}.") from None
    values = dict(_values(file, text))
    token, where = _token(file, values)
    return Settings(
        _address(values),
        values.get("webapi_version", "1.0"),
        _output(values),
        values.get("webapi_ca", ""),
        values.get("project", ""),
        token,
        str(where) if where and where.stat().st_mode & 0o077 else "",
    )


def _token(file: Path, values: dict[str, str]) -> tuple[str, Path | None]:
    """The token that a settings file says, and the file that it stands in."""
    if "token" in values and "token_file" in values:
        raise SettingsError(f"{file}: give token or token_file, not both.")
    if "token" in values:
        return values["token"], file
    if "token_file" not in values:
        return "", None
    path = file.parent / Path(values["token_file"]).expanduser()
    return token_in(path), path


def token_in(path: Path) -> str:
    """The token that is alone in a file."""
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise SettingsError(f"{path}, the file of the token, cannot be read: {why}.") from None


def _values(file: Path, text: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        try:
            words = shlex.split(line, comments=True)
            if words:
                yield _value(words)
        except ValueError as error:
            raise SettingsError(f"{file}, line {number}: {error}") from None


def _value(words: list[str]) -> tuple[str, str]:
    key, *rest = words
    if key not in KEYS:
        near = get_close_matches(key, KEYS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(KEYS)}."
        raise ValueError(f"{key!r} is not a setting of vnctl; {hint}")
    if len(rest) != 1:
        raise ValueError(f"{key} takes one value.")
    return key, _checked(key, rest[0])


def _checked(key: str, value: str) -> str:
    if key == "webapi_port" and not (value.isascii() and value.isdigit() and int(value) < 65536):
        raise ValueError(f"webapi_port {value!r} must be a port number.")
    if key == "webapi_protocol" and value not in ("http", "https"):
        raise ValueError(f"webapi_protocol {value!r} must be http or https.")
    if key == "output_format" and value not in FORMATS:
        raise ValueError(f"output_format {value!r} must be one of {', '.join(FORMATS)}.")
    return value


def _address(values: dict[str, str]) -> str | None:
    if not values.keys() & {"webapi_protocol", "webapi_uri", "webapi_port"}:
        return None
    host = values.get("webapi_uri", "127.0.0.1")
    if host.startswith("unix:") or "://" in host:
        return host
    has_port = ":" in host.rpartition("]")[2]
    port = "" if has_port else f":{values.get('webapi_port', '9090')}"
    return f"{values.get('webapi_protocol', 'http')}://{host}{port}"


def _output(values: dict[str, str]) -> str | None:
    return FORMATS.get(values.get("output_format", ""))

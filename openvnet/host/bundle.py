"""`openvnet bundle`: all that a bug report needs in one file, without secrets.

Each part is gathered within its time, and one that cannot be had is told in `CONTENTS`, which also
says what was left out on purpose.
"""

import io
import json
import os
import shutil
import sqlite3
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from importlib.metadata import distributions
from pathlib import Path
from urllib.parse import quote

import msgspec

from openvnet.host.errors import HostError
from openvnet.host.facts import Facts, Unknown
from openvnet.host.findings import findings
from openvnet.host.gathering import WORK_SECONDS, limit, read_only, within
from openvnet.host.redaction import (
    configuration_without_secrets,
    is_secret,
    values_of,
    without_secrets,
)
from openvnet.host.status import status
from openvnet.ovsdb.client import destination

CONFIGURATIONS = ("common.conf", "vnmgr.conf", "webapi.conf", "vna.conf", "vnctl.conf")
"""Files that are taken, by name: nothing else of their directories is."""

UNITS = ("openvnet-vnmgr", "openvnet-webapi", "openvnet-vna", "openvswitch-switch")
LOG_BYTES = 2 << 20
"""Of each log, its end."""

REVISIONS = 500
ROWS = 20_000
"""Of each table, at most."""

SECONDS = 15.0
"""How long a part may take."""

VARIABLES = ("OPENVNET_", "VNET_", "OVS_", "XDG_", "LOG_", "CONFIG_PATH", "BIND_ADDR", "PORT")

LEFT_OUT = """Left out on purpose:
  values of keys named password, token, secret, key and the like, in configuration files, in the
    environment and in logs; and these values wherever else they stand
  key files, and whatever else is in the directories of the configuration
  variables of the environment that are not OpenVNet's or Open vSwitch's
What is in it, and may be private to you: names, addresses and MAC addresses of your networks.
"""

Part = str | Unknown


def write_bundle(path: Path, facts: Facts) -> list[str]:
    """Write the bundle; return the lines of its CONTENTS. Raise HostError, and leave no file."""
    parts = collected(facts)
    contents = list(_contents(parts, facts.now))
    files = {name: text for name, text in parts.items() if isinstance(text, str)}
    files["CONTENTS"] = "\n".join(contents) + "\n"
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as raw, tarfile.open(fileobj=raw, mode="w:gz") as tar:
                for name, text in sorted(files.items()):
                    _add(tar, f"{path.name.partition('.')[0]}/{name}", text, facts.now)
            beside.rename(path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise HostError(f"{path} cannot be written: {error.strerror}.") from None
    return contents


def _add(tar: tarfile.TarFile, name: str, text: str, now: float) -> None:
    content = text.encode(errors="backslashreplace")
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = len(content), 0o600, int(now)
    tar.addfile(member, io.BytesIO(content))


def _contents(parts: dict[str, Part], now: float) -> Iterator[str]:
    yield f"OpenVNet bundle of {time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(now))} UTC"
    yield ""
    for name, part in sorted(parts.items()):
        what = f"not there: {part.why}" if isinstance(part, Unknown) else f"{len(part):,} letters"
        yield f"  {name}: {what}"
    yield ""
    yield from LEFT_OUT.splitlines()


def collected(facts: Facts) -> dict[str, Part]:
    """All parts by name, without secrets."""
    configurations = dict(_configurations())
    secrets = values_of(
        (text for text in configurations.values() if isinstance(text, str)), os.environ
    )
    parts: dict[str, Part] = {
        "doctor.json": _json(findings(facts)),
        "status.json": _json(status(facts)),
        "versions.txt": _versions(facts),
        "environment.txt": _environment(),
        **within(_slow(facts), SECONDS),
    }
    clean: dict[str, Part] = {
        name: configuration_without_secrets(part) if isinstance(part, str) else part
        for name, part in configurations.items()
    }
    clean.update(parts)
    return {
        name: without_secrets(part, secrets) if isinstance(part, str) else part
        for name, part in clean.items()
    }


def _json(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=1).decode() + "\n"


def _versions(facts: Facts) -> str:
    software = facts.software
    ours = sorted(f"{each.name} {each.version}" for each in distributions())
    return "\n".join(
        (f"OpenVNet {software.openvnet}", f"Python {software.python}", software.system, *ours, "")
    )


def _environment() -> str:
    """Variables that are OpenVNet's or Open vSwitch's, secrets among them by name only."""
    kept = {
        name: "(left out)" if is_secret(name) else value
        for name, value in sorted(os.environ.items())
        if name.startswith(VARIABLES)
    }
    return "".join(f"{name}={value}\n" for name, value in kept.items())


def _configurations() -> Iterator[tuple[str, Part]]:
    """The text of each configuration file, by its name in the bundle."""
    named = os.environ.get("CONFIG_PATH")
    for directory in (*((Path(named),) if named else ()), Path("/etc/openvnet")):
        for name in CONFIGURATIONS:
            file = directory / name
            try:
                text = file.read_text(errors="backslashreplace")
            except FileNotFoundError:
                continue
            except OSError as error:
                yield _name("conf", file), Unknown(error.strerror or str(error))
            else:
                yield _name("conf", file), text


def _name(kind: str, file: Path) -> str:
    return f"{kind}/{quote(str(file).strip('/'), safe='')}"


def _slow(facts: Facts) -> dict[str, Callable[[], Part]]:
    """Parts that may take long, or for ever."""
    parts: dict[str, Callable[[], Part]] = {
        "ovs/show.txt": partial(_program, "ovs-vsctl", f"--db={facts.ovsdb}", "show"),
        "database/schema.sql": partial(_schema, facts.places.database),
        "database/counts.json": partial(_counts, facts.places.database),
        "database/rows.json": partial(_rows, facts.places.database),
        "database/revisions.json": partial(_revisions, facts.places.database),
    }
    for table in ("Open_vSwitch", "Bridge", "Controller", "Interface"):
        listing = partial(_program, "ovs-vsctl", f"--db={facts.ovsdb}", "list", table)
        parts[f"ovs/{table}.txt"] = listing
    if facts.bridge:
        for command in ("dump-flows", "dump-ports-desc", "dump-ports", "dump-groups"):
            asking = partial(_ofctl, facts.ovsdb, command, facts.bridge.name)
            parts[f"ovs/{facts.bridge.name}-{command}.txt"] = asking
    for log in sorted(facts.places.log.glob("*.log*")):
        parts[f"log/{log.name}"] = partial(_end, log)
    if shutil.which("journalctl"):
        for unit in UNITS:
            arguments = ("--no-pager", "-n", "2000", "-u", unit)
            parts[f"journal/{unit}.txt"] = partial(_program, "journalctl", *arguments)
    return parts


def _program(*command: str) -> str:
    """What a program prints; raise HostError if it fails."""
    try:
        ended = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS - 2,
            check=False,
        )
    except FileNotFoundError:
        raise HostError(f"there is no {command[0]} here") from None
    except subprocess.TimeoutExpired:
        raise HostError(f"{command[0]} did not end") from None
    if ended.returncode:
        raise HostError(ended.stderr.decode(errors="replace").strip() or f"{command[0]} failed")
    return ended.stdout.decode(errors="replace")


def _ofctl(ovsdb: str, command: str, bridge: str) -> str:
    """What `ovs-ofctl` says of a bridge, whose socket is beside the database's."""
    place = destination(ovsdb)
    if not isinstance(place, str):
        raise HostError("Open vSwitch is on another host")
    where = str(Path(place).parent / f"{bridge}.mgmt")
    return _program("ovs-ofctl", "-O", "OpenFlow13", command, where)


def _end(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - LOG_BYTES))
        return file.read().decode(errors="replace")


def _schema(path: Path) -> str:
    with _opened(path) as connection:
        made = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")
        return "".join(f"{sql};\n" for (sql,) in made)


def _counts(path: Path) -> str:
    with _opened(path) as connection:
        counts = {name: _count(connection, name) for name in _tables(connection)}
    return json.dumps(counts, indent=1)


def _rows(path: Path) -> str:
    with _opened(path) as connection:
        tables = [name for name in _tables(connection) if name != "revisions"]
        found = {name: _objects(connection, name) for name in tables}
    return json.dumps(found, indent=1)


def _revisions(path: Path) -> str:
    with _opened(path) as connection:
        order = "WHERE kind <> 'token' ORDER BY number DESC, position"
        newest = _objects(connection, "revisions", order, REVISIONS)
        return json.dumps(newest, indent=1)


def _opened(path: Path) -> "closing[sqlite3.Connection]":
    if not path.exists():
        raise HostError(f"there is no {path}")
    connection = read_only(path)
    limit(connection, WORK_SECONDS)
    return closing(connection)


def _tables(connection: sqlite3.Connection) -> list[str]:
    """Their names, without that of clients' keys, which are theirs."""
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    return [name for (name,) in found if not is_secret(name)]


def _count(connection: sqlite3.Connection, table: str) -> int:
    (count,) = connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()  # noqa: S608
    return int(count)


def _objects(
    connection: sqlite3.Connection, table: str, order: str = "", most: int = ROWS
) -> list[dict[str, object]]:
    """Rows of a table whose name is the database's own."""
    cursor = connection.execute(f'SELECT * FROM "{table}" {order}')  # noqa: S608
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchmany(most)]


def default_path(hostname: str, now: float) -> Path:
    """A name for a bundle in the current directory."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(now))
    return Path(f"openvnet-{hostname.partition('.')[0] or 'host'}-{stamp}.tar.gz")

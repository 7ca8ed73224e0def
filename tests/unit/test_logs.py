"""Lines of the log, as the programs write them."""

import json
import re
import subprocess
import sys

import pytest

from openvnet.logs import without_secrets
from tests.api.processes import ENVIRONMENT, Process


def said(code, program="vnmgr", **start):
    """What a program writes to standard error that starts its log and runs this."""
    lines = (
        "import logging, warnings",
        "from pathlib import Path",
        "from openvnet.logs import Fields, start",
        f"start({program!r}, **{start!r})",
        "log = logging.getLogger('somewhere')",
        code,
    )
    ended = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )
    return ended.stderr


TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


def test_a_line_for_people_says_when_how_grave_and_who():
    assert re.fullmatch(rf"{TIME} WARNING vnmgr: 7 flows\n", said("log.warning('%d flows', 7)"))


def test_json_has_the_same_keys_always_and_fields_where_they_are_given():
    lines = said(
        "log.info('one'); log.info('two', extra=Fields(revision=7, owner='interface if-1'))",
        format="json",
    )
    first, second = map(json.loads, lines.splitlines())
    assert list(first) == ["time", "level", "program", "message"]
    assert re.fullmatch(TIME, first["time"])
    assert (first["level"], first["program"], first["message"]) == ("info", "vnmgr", "one")
    assert (second["revision"], second["owner"]) == (7, "interface if-1")


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_name_cannot_begin_a_line_of_its_own(form):
    said_once = said(r"log.info('by %s', 'me\n2026-01-01 INFO vnmgr: \x1b[2Jnothing')", format=form)
    assert said_once.count("\n") == 1
    assert "\x1b" not in said_once


@pytest.mark.parametrize("form", ["text", "json"])
def test_bytes_that_are_no_text_are_logged_all_the_same(form):
    assert "vnmgr" in said(r"log.error('file %s', 'x\udcff')", format=form)


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_error_that_nobody_foresaw_brings_its_traceback_and_no_password(form):
    code = """
try:
    raise ValueError("mysql://root:hush@db/vnet and redis://:hush@cache is wrong")
except ValueError:
    log.exception("cannot use %s", "mysql://root:hush@db/vnet")
"""
    lines = said(code, format=form)
    assert "Traceback" in lines
    assert "mysql://root:***@db/vnet" in lines
    assert "hush" not in lines.replace('raise ValueError("mysql://root:hush@db/vnet', "")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("mysql2://u:p@h/d", "mysql2://u:***@h/d"),
        ("a://u:p:q/r@h b://:s@h", "a://u:***@h b://:***@h"),
        ("http://127.0.0.1:9090", "http://127.0.0.1:9090"),
        ("unix:/run/openvnet, by root@here", "unix:/run/openvnet, by root@here"),
    ],
)
def test_passwords_of_urls_become_stars(text, shown):
    assert without_secrets(text) == shown


def test_less_than_the_level_is_not_logged():
    lines = said("log.info('no'); log.warning('yes')", level="warning")
    assert "no" not in lines
    assert "yes" in lines


def test_a_warning_of_python_is_a_line_too():
    assert "old" in json.loads(said("warnings.warn('old')", format="json"))["message"]


def test_a_file_that_is_rotated_away_is_made_anew(tmp_path):
    code = f"""
log.info("first")
Path({str(tmp_path)!r}, "vna.log").rename({str(tmp_path / "vna.log.1")!r})
log.info("second")
"""
    start = f"start('vna', directory=Path({str(tmp_path)!r}))\n"
    shown = said(start + code, program="vna")
    assert "first" in (tmp_path / "vna.log.1").read_text()
    assert "second" in (tmp_path / "vna.log").read_text()
    assert shown == (tmp_path / "vna.log.1").read_text() + (tmp_path / "vna.log").read_text()


def test_a_disk_that_is_full_stops_nothing(tmp_path):
    (tmp_path / "vna.log").symlink_to("/dev/full")
    start = f"start('vna', directory=Path({str(tmp_path)!r}))\n"
    shown = said(start + "log.info('first'); log.info('second')", program="vna")
    assert [line.split()[-1] for line in shown.splitlines()] == ["first", "second"]


@pytest.mark.parametrize("program", ["agent", "manager", "api"])
def test_a_directory_for_logs_that_cannot_be_is_refused_in_words(program, tmp_path):
    (tmp_path / "file").touch()
    words = ("--run", str(tmp_path / "run"), "--log-directory", str(tmp_path / "file" / "log"))
    running = Process(f"openvnet.{program}.main", *words)
    assert running.running.wait(timeout=20) == 1
    running.end()
    assert running.log == [
        f"Error: the log cannot be written: {tmp_path}/file/log: Not a directory.\n"
    ]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql2://vnet:hush@db/vnet", "--database has a password"),
        ("mysql2//vnet:hush@db/vnet", "db/vnet"),
    ],
)
def test_a_database_that_is_refused_does_not_show_its_password(url, said, tmp_path):
    words = ("--run", str(tmp_path), "--state", str(tmp_path), "--database", url)
    running = Process("openvnet.manager.main", *words)
    assert running.running.wait(timeout=20) == 1
    running.end()
    assert said in "".join(running.log)
    assert "hush" not in "".join(running.log)

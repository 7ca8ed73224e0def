"""The wheel, which pip, pipx and uv install: whole, and all that it needs outside the sources."""

import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from tests.e2e.machine import ROOT

PROGRAMS = ("vna", "vnmgr", "webapi", "vnctl", "openvnet")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from a copy of the sources."""
    place = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT / "openvnet", place / "sources" / "openvnet")
    for name in ("pyproject.toml", "README.md", "LICENSE", "COPYING"):
        shutil.copy(ROOT / name, place / "sources")
    options = ("--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", place)
    pip("wheel", *options, place / "sources")
    (built,) = place.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A new virtual environment with the wheel, and what it needs from where the tests have it."""
    place = tmp_path_factory.mktemp("installed")
    venv.create(place, symlinks=True)
    (packages,) = place.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    options = ("--quiet", "--no-deps", "--no-index", "--ignore-installed")
    pip("--python", place / "bin" / "python", "install", *options, wheel)
    return place / "bin"


def pip(*words):
    command = (sys.executable, "-m", "pip", "--isolated", "--disable-pip-version-check", *words)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_wheel_has_every_file_of_the_package(wheel):
    here = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "openvnet").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    there = set(zipfile.ZipFile(wheel).namelist())
    assert here <= there
    assert {each for each in there if each.startswith("openvnet/")} == here


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("option", ["--version", "--help", "-h"])
def test_each_program_says_what_it_is(installed, tmp_path, program, option):
    done = subprocess.run(
        (installed / program, option), cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert program in done.stdout


def test_the_demo_runs_from_it(installed, tmp_path):
    where = "import openvnet; print(openvnet.__file__)"
    found = subprocess.run(
        (installed / "python", "-c", where),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(found.stdout.strip()).is_relative_to(installed.parent)
    done = subprocess.run(
        (installed / "openvnet", "demo"), cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr

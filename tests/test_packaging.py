"""What packaging/ says to systemd and to the programs."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from openvnet.configuration.files import configuration
from openvnet.configuration.keys import PROGRAMS

PACKAGING = Path(__file__).parent.parent / "packaging"
EXPOSURE = {
    "openvnet-host-path.service": 1.2,
    "openvnet-ovsdb.service": 0.7,
    "openvnet-vna.service": 1.1,
    "openvnet-vnmgr.service": 1.1,
    "openvnet-webapi.service": 1.1,
}
"""What `systemd-analyze security` may say at most, of 10."""


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd-analyze")
@pytest.mark.parametrize("unit", EXPOSURE)
def test_a_unit_is_no_more_exposed_than_this(unit):
    threshold = f"--threshold={EXPOSURE[unit] * 10:.0f}"
    done = subprocess.run(
        ("systemd-analyze", "security", "--offline=yes", threshold, PACKAGING / "systemd" / unit),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_the_configuration_files_show_is_what_the_programs_understand(tmp_path):
    for file in (PACKAGING / "etc" / "openvnet").iterdir():
        shown = re.sub(r"^#(?! )", "", file.read_text(), flags=re.MULTILINE)
        (tmp_path / file.name).write_text(shown)
    for program, own in PROGRAMS.items():
        assert configuration(program, own, [tmp_path]).places


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_a_configuration_file_comes_with_changes_nothing(program):
    assert configuration(program, PROGRAMS[program], [PACKAGING / "etc" / "openvnet"]).places == {}

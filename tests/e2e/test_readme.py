import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from openvnet.lab.building import lab
from openvnet.lab.environment import SEED, declarations

README = Path(__file__).parents[2] / "README.md"
PROGRAMS = {"vnctl": "openvnet.cli.vnctl", "openvnet": "openvnet.cli.openvnet"}


def journey():
    """The commands that README shows, with the words of a comment behind them."""
    for block in re.findall(r"```console\n(.*?)```", README.read_text(), re.DOTALL):
        for line in re.findall(r"^\$ (.*)$", block, re.MULTILINE):
            command, _, comment = line.partition("  # ")
            yield shlex.split(command), comment


def test_the_journey_of_readme_goes_as_it_says(tmp_path):
    with lab(SEED, tmp_path / "lab") as running:
        environment = os.environ | {"OPENVNET_LAB": running.root, "VNET_WEBAPI": running.webapi}
        for arguments in declarations(SEED):
            running.vnctl(*arguments, "--wait")
        walked = 0
        for (program, *arguments), comment in journey():
            if program not in PROGRAMS:
                continue  # Activating the environment, in which the tests run already.
            start = f"from {PROGRAMS[program]} import main; main()"
            step = subprocess.run(
                (sys.executable, "-c", start, *arguments),
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            expected = 1 if comment == "nobody answers" else 0
            assert step.returncode == expected, (program, arguments, step.stdout, step.stderr)
            walked += 1
    assert walked >= 10

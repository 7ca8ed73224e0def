"""Ctrl-C while vnctl is still being read by Python."""

import subprocess
import sys

import pytest

from tests.api.processes import ENVIRONMENT

EAGER = """
import os, signal, sys

class Finder:
    def find_spec(self, name, *_):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Finder())
from openvnet.cli.start import vnctl
sys.exit(vnctl())
"""


@pytest.mark.parametrize("module", ["openvnet.cli.vnctl", "click", "openvnet.model"])
def test_it_ends_without_a_traceback(module):
    command = [sys.executable, "-c", EAGER.format(module=module), "--help"]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_it_is_vnctl_otherwise():
    code = "import sys; from openvnet.cli.start import vnctl; sys.exit(vnctl())"
    command = [sys.executable, "-c", code, "no-such-command"]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no-such-command" in done.stderr

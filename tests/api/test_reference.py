"""The reference pages are those that the declarations give."""

import subprocess
import sys

from openvnet.model.operations import operations
from tests.api.processes import ENVIRONMENT, ROOT


def test_the_pages_are_up_to_date():
    done = subprocess.run(
        [sys.executable, "docs/reference/generate.py", "--check"],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_every_route_and_parameter_is_on_the_page():
    page = (ROOT / "docs/reference/rest.md").read_text()
    for operation in operations():
        assert f"### {operation.method} {operation.path}\n" in page
        for name, attribute in operation.parameters.items():
            assert f"| `{name}` | " in page
            assert attribute.doc in page


def test_every_command_and_option_is_on_the_page():
    page = (ROOT / "docs/reference/vnctl.md").read_text()
    for operation in operations():
        assert (
            f"vnctl {operation.resource.collection.replace('_', '-')}" in page
            or operation.resource.parent
        )
        for name in operation.parameters:
            assert f"`--{name.replace('_', '-')}`" in page

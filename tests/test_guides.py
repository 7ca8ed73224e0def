"""The commands of each guide and of the tutorial: they print what the page shows, and end so.

A guide is run in a lab, of one host or of many; the tutorial, page after page, on a host where
nothing is set up.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from openvnet.lab.building import lab
from openvnet.lab.described import described
from openvnet.lab.environment import SEED
from openvnet.lab.errors import LabError
from openvnet.lab.many import many_hosts
from openvnet.lab.waiting import until
from tests.e2e.host import host

HOST = Path(__file__).parent.parent / "docs" / "guides" / "host.md"
"""Which is for a host where nothing runs yet; see tests/e2e/test_up.py."""
TUTORIAL = sorted((HOST.parents[1] / "tutorial").glob("*.md"))
MIGRATING = HOST.with_name("migrating.md")
"""Which needs a database of the original; see tests/api/test_importing.py."""
DATABASES = HOST.with_name("databases.md")
"""Which needs servers; see tests/databases.py."""
GUIDES = sorted(set(HOST.parent.glob("*.md")) - {HOST, MIGRATING, DATABASES})
THREE_HOSTS = HOST.with_name("three-hosts.md")
"""Which describes its own lab."""
ACTIVATE = ". .venv/bin/activate"
"""Which the tests have done already."""


@dataclass
class Step:
    """A command of a page, and what the page shows below it."""

    command: str
    shown: list[str] = field(default_factory=list)

    @property
    def status(self) -> int:
        """The exit status that it must have."""
        said = re.search(r"# exit status (\d+)$", self.command)
        return int(said[1]) if said else int(self.command.endswith("# nobody answers"))

    @property
    def only_reads(self) -> bool:
        """Whether it may be run again until it prints what is to come about."""
        reading = r"vnctl \S+( show\b|$)|openvnet (status|doctor)|ovs-vsctl show$"
        return re.match(reading, self.command) is not None


def steps(page: Path) -> Iterator[Step]:
    """The commands of a page, in order; `> ` before a line says that it belongs to the last one."""
    for block in re.findall(r"```console\n(.*?)```", page.read_text(), re.DOTALL):
        found: list[Step] = []
        for line in block.splitlines():
            if line.startswith(("$ ", "# ")):
                found.append(Step(line[2:]))
            elif line.startswith("> ") and not found[-1].shown:
                found[-1].command += f"\n{line[2:]}"
            else:
                found[-1].shown.append(line)
        yield from (step for step in found if step.command != ACTIVATE)


def pattern(shown: list[str]) -> str:
    """What an output must match: a line of its own `…` is any lines, else `…` is any letters."""
    lines = (r"(?:.*\n)*" if line == "…" else f"{_any_letters(line)}\n" for line in shown)
    return "".join(lines)


def _any_letters(line: str) -> str:
    return ".*".join(re.escape(part) for part in line.split("…"))


ENVIRONMENTS = dict.fromkeys(("hosts", "physical-networks"), many_hosts(3)) | {
    "segments": many_hosts(2)
}
"""The labs of guides, by name, that are not for the one of a single host."""


def environment_of(page, directory):
    """The lab that a page is for: the one that it describes, one of those above, or the seed's."""
    if page != THREE_HOSTS:
        return ENVIRONMENTS.get(page.stem, SEED)
    (description,) = re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)
    file = directory / "three-hosts.yml"
    file.write_text(description)
    return described(file)


@pytest.fixture
def shell(request, tmp_path):
    """Runs a command as a user of the lab does; returns its exit status and what it printed."""
    environment_of_page = environment_of(request.getfixturevalue("page"), tmp_path)
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("vnctl", "openvnet"):
        words = f"from openvnet.cli.{name} import main; main()"
        (programs / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{words}" "$@"\n')
        (programs / name).chmod(0o755)
    with lab(environment_of_page, tmp_path / "lab") as running:
        running.declare()
        environment = os.environ | {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "OPENVNET_LAB": str(running.root),
            "VNET_WEBAPI": running.webapi,
            "VNCTL_OUTPUT": "table",  # as on a terminal
        }

        def run(command: str) -> tuple[int, str]:
            done = subprocess.run(
                ["bash", "-c", command],
                cwd=tmp_path,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            return done.returncode, done.stdout

        yield run


@pytest.mark.e2e
@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.stem)
def test_a_guide_goes_as_it_says(page, shell):
    walk(page, shell)


@pytest.mark.e2e
def test_the_tutorial_goes_as_it_says():
    assert [page.name[0] for page in TUTORIAL] == ["1", "2"]
    with host() as machine:
        for page in TUTORIAL:
            walk(page, machine.run)


def walk(page, shell):
    """Type each command of a page; it must print what the page shows, and end as it says."""
    walked = list(steps(page))
    assert walked
    for step in walked:
        outcomes = []

        def goes(step=step, outcomes=outcomes):
            status, printed = shell(step.command)
            outcomes.append(printed)
            as_shown = not step.shown or re.fullmatch(pattern(step.shown), printed)
            return status == step.status and bool(as_shown)

        try:
            until(goes, "it prints what the page shows", seconds=20 if step.only_reads else 0)
        except LabError:
            pytest.fail(f"{step.command}\n{outcomes[-1]}")

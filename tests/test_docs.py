"""Documentation is tested: what it names exists, and what exists is named."""

import re
from pathlib import Path

import click
import pytest

from openvnet.cli.openvnet import main as openvnet
from openvnet.logs import FIELDS

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
README = (ROOT / "README.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
LAB = (ROOT / "docs" / "lab.md").read_text()


def targets():
    return set(re.findall(r"^([a-z]+):.*## ", MAKEFILE, re.MULTILINE))


def test_each_make_target_of_readme_exists():
    assert set(re.findall(r"\bmake ([a-z]+)\b", README)) <= targets()


@pytest.mark.parametrize("target", sorted(targets() - {"help"}))
def test_each_make_target_is_in_readme(target):
    assert f"make {target}" in README


def test_each_make_target_is_phony():
    (phony,) = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    assert set(phony.split()) == targets()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_link_of_a_page_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_each_lab_command_is_documented():
    lab = openvnet.commands["lab"]
    assert isinstance(lab, click.Group)
    for name in lab.commands:
        assert f"`openvnet lab {name}" in LAB


def test_each_environment_variable_is_documented():
    pages = "".join(page.read_text() for page in PAGES)
    for path in (ROOT / "openvnet").rglob("*.py"):
        for variable in re.findall(r'envvar="([A-Z_]+)"', path.read_text()):
            assert variable in pages, f"{variable} of {path.name}"


def test_each_key_of_the_log_is_documented():
    page = (ROOT / "docs" / "logs.md").read_text()
    for key in FIELDS:
        assert f"`{key}`" in page


def test_the_licence_is_where_the_package_says():
    assert "GNU LESSER GENERAL PUBLIC LICENSE" in (ROOT / "LICENSE").read_text()
    assert "GNU GENERAL PUBLIC LICENSE" in (ROOT / "COPYING").read_text()


@pytest.mark.parametrize(
    "lock", sorted(ROOT.glob("requirements*.lock")), ids=lambda lock: lock.name
)
def test_a_lock_pins_everything_by_hash_and_names_no_index(lock):
    text = lock.read_text()
    for requirement in re.split(r"\n(?=[a-z0-9])", text, flags=re.IGNORECASE)[1:]:
        assert re.match(r"[\w.-]+==\S+ ", requirement), requirement
        assert "--hash=sha256:" in requirement, requirement
    assert "://" not in text
    assert "index" not in text

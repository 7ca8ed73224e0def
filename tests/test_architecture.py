"""Who may import whom: the plan of the house, read from the code itself."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from openvnet.cli.vnctl import LATE

PACKAGE = Path(__file__).parent.parent / "openvnet"

MEASURED = {"listening", "metrics", "scraping"}
"""What each of the three programs needs to be asked how it fares."""

MAY_IMPORT = {
    "model": set(),
    "state": set(),
    "consistency": {"model"},
    "pipeline": set(),
    "packet": set(),
    "reconcile": set(),
    "compiler": {"state", "pipeline.flow"},
    "features": {"pipeline", "packet", "model", "state"},
    # The codec encodes flows as they are written, so it knows the language, but not the model.
    "openflow": {"pipeline", "reconcile"},
    "ovsdb": {"reconcile"},
    "store": {"model", "wire"},
    "wire": {"model"},
    "manager": {
        *("store", "wire", "model", "state", "consistency", "logs", "configuration"),
        *MEASURED,
    },
    "api": {"wire", "model", "logs", "configuration", *MEASURED},
    "agent": {
        *("compiler", "reconcile", "features", "openflow", "ovsdb"),
        *("wire", "model", "state", "pipeline", "logs", "uplinks", "configuration"),
        *MEASURED,
    },
    "answers": set(),
    "client": {"answers"},
    "logs": set(),
    "listening": set(),
    "metrics": set(),
    "scraping": {"listening", "metrics"},
    "configuration": set(),
    "uplinks": set(),
    # What it makes is a backup, for the database of this release.
    "importing": {"model", "consistency", "wire.backup", "store.migrations"},
    # vnctl is made from the declarations.
    # A token is made where it is shown, so that its secret never travels.
    "cli": {
        *("client", "answers", "model", "lab", "host", "configuration", "importing"),
        "wire.joined",
    },
    "lab": {"client"},
    # `host.path` computes flows without vna, by vna's own features.
    "host": {
        *("client", "ovsdb", "openflow", "compiler", "features", "model", "pipeline", "uplinks"),
        "wire",  # `host.joining` makes this host a node of a vnmgr elsewhere.
    },
}
"""Room by room; a room may import itself, and the version. "pipeline.flow" is that module alone."""

EXCEPTIONS = {("features", "compiler")}
"""The list of all features says with the compiler's word what a feature is."""

PURE = ("model", "state", "consistency", "compiler", "pipeline", "features", "reconcile", "packet")
WORLDLY = {
    *("asyncio", "socket", "subprocess", "threading", "os", "pathlib", "shutil", "tempfile"),
    *("time", "datetime", "random", "secrets", "logging", "zmq", "sqlalchemy", "httpx"),
}
"""What a pure room must not import: it does no I/O and never looks at a clock."""


def modules():
    return sorted(PACKAGE.rglob("*.py"))


def name_of(path):
    """The dotted name of a module below openvnet, as in "lab.reach"."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path):
    """The dotted name of each module that is imported anywhere in a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            if node.module == "openvnet":
                yield from (f"openvnet.{alias.name}" for alias in node.names)
            else:
                yield node.module


def ours(path):
    """What a file imports from openvnet, without that word."""
    for imported in imports(path):
        if imported.startswith("openvnet."):
            yield imported.removeprefix("openvnet.")


def is_allowed(name, imported):
    room = name.split(".")[0]
    if imported.split(".")[0] in (room, "__version__") or (name, imported) in EXCEPTIONS:
        return True
    return any(
        imported == allowed or imported.startswith(f"{allowed}.") for allowed in MAY_IMPORT[room]
    )


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_a_room_imports_only_what_the_plan_allows(path):
    room = name_of(path).split(".")[0]
    if room == "":
        return  # The package itself says the version only.
    assert room in MAY_IMPORT, f"{room} is not a room of the plan"

    assert [each for each in ours(path) if not is_allowed(name_of(path), each)] == []


def test_features_do_not_import_one_another():
    for path in modules():
        if name_of(path).startswith("features."):
            assert not [each for each in ours(path) if each.startswith("features")], path


@pytest.mark.parametrize(
    "path", [each for each in modules() if name_of(each).split(".")[0] in PURE], ids=name_of
)
def test_a_pure_room_does_no_input_or_output_and_sees_no_clock(path):
    assert WORLDLY & {imported.split(".")[0] for imported in imports(path)} == set()


@pytest.mark.parametrize("room", ["agent", "manager", "api", "cli", "web"])
def test_nothing_imports_the_rooms_at_the_edge(room):
    for path in modules():
        if name_of(path).split(".")[0] != room:
            assert [each for each in ours(path) if each.split(".")[0] == room] == [], path


def classes():
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                yield path, node


def test_no_class_inherits_from_a_class_of_ours_except_errors():
    own = {node.name for _, node in classes()}
    errors = {name for name in own if name.endswith(("Error", "Failed", "Refused"))}
    for path, node in classes():
        bases = {base.id for base in node.bases if isinstance(base, ast.Name)}
        assert not bases & (own - errors), f"{path}: {node.name}"


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_a_module_opens_by_saying_what_it_is(path):
    assert ast.get_docstring(ast.parse(path.read_text())), path


HEAVY = {
    *("asyncio", "concurrent", "email", "http", "json", "logging", "multiprocessing", "ssl"),
    *("rich", "sqlalchemy", "tempfile", "yaml", "zmq"),
}
"""What takes long to import, and what only some commands of vnctl need."""


@pytest.mark.parametrize(
    ("words", "needed"),
    [
        (("--help",), set()),
        (("networks", "show", "--help"), set()),
        (("apply", "--help"), {"json"}),
    ],
    ids=" ".join,
)
def test_vnctl_imports_what_a_command_needs(words, needed):
    program = (
        "import sys; sys.argv[1:0] = ['vnctl']; from openvnet.cli.vnctl import root; "
        "root.main(sys.argv[2:], standalone_mode=False); print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *words], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("Usage: ")
    assert HEAVY & set(done.stderr.split()) == needed


@pytest.mark.parametrize("late", LATE, ids=lambda late: late.function)
def test_a_list_of_commands_says_what_a_command_says_of_itself(late):
    assert late().get_short_help_str(limit=1000) == late.sentence

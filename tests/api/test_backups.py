"""Backups as users make them, with vnctl and over HTTP, against real processes."""

import gzip
import os
import pty
import re
import secrets
import stat
import subprocess
from contextlib import suppress

import pytest

from openvnet.client import Client, Refused, Unreachable
from openvnet.model import RESOURCES, Network
from openvnet.store.database import opened
from openvnet.store.replacing import Content
from tests.api.examples import MAKEABLE, Examples
from tests.api.processes import ENVIRONMENT, command, vnctl, vnmgr, webapi
from tests.databases import database_of


@pytest.fixture
def network(client, numbers):
    """The uuid of a network."""
    uuid = f"nw-{next(numbers)}"
    client.write("POST", "/networks", {"uuid": uuid, "ipv4_network": "10.0.0.0"})
    return uuid


def uuids(client):
    return [item["uuid"] for item in client.all("/networks").body["items"]]


def test_a_database_comes_back_out_of_its_file(run, client, network, tmp_path):
    file = tmp_path / "kept"
    done = vnctl(run, "db", "backup", str(file))
    assert re.fullmatch(rf"{file}: \d+ rows, {file.stat().st_size} bytes.\n", done.stdout)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    client.write("DELETE", f"/networks/{network}")
    checked = vnctl(run, "db", "restore", str(file), "--yes", "--dry-run")
    assert "Nothing was written" in checked.stderr
    assert network not in uuids(client)
    done = vnctl(run, "db", "restore", str(file), "--yes", "-o", "json")
    assert (done.returncode, done.stderr) == (0, "")
    assert network in uuids(client)
    assert ": restored revision " in vnctl(run, "history", "--limit", "1").stdout
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_whatever_can_be_made_comes_back_as_it_was(client):
    examples = Examples(client)
    for resource in MAKEABLE:
        examples.made(resource)

    def everything():
        lists = (r for r in RESOURCES if not r.parent and "list" in r.verbs)
        return {r.collection: client.all(f"/{r.collection}").body["items"] for r in lists}

    before = everything()
    with client.download("/db/backup", {"history": "true"}) as (_, pieces):
        kept = list(pieces)
    client.write("DELETE", f"/networks/{before['networks'][0]['uuid']}")
    client.upload("/db/restore", {"replace": "true"}, kept)
    assert everything() == before


def test_a_file_that_is_there_is_overwritten_only_by_force(run, network, tmp_path):
    file = tmp_path / "kept"
    file.write_text("mine")
    refused = vnctl(run, "db", "backup", str(file))
    assert (refused.returncode, file.read_text()) == (1, "mine")
    assert "--force" in refused.stderr
    assert vnctl(run, "db", "backup", str(file), "--force").returncode == 0
    assert network.encode() in gzip.decompress(file.read_bytes())


@pytest.mark.usefixtures("network")
def test_without_a_terminal_nothing_is_replaced_unless_that_is_said(run, tmp_path):
    file = tmp_path / "kept"
    vnctl(run, "db", "backup", str(file))
    refused = vnctl(run, "db", "restore", str(file))
    assert refused.returncode == 1
    assert re.search(r"not empty: it has \d+ rows at revision \d+. Say --yes", refused.stderr)


@pytest.mark.parametrize(("answer", "status"), [(b"n\n", 1), (b"y\n", 0)])
@pytest.mark.usefixtures("network")
def test_on_a_terminal_it_asks_whether_what_is_there_may_go(run, client, tmp_path, answer, status):
    file = tmp_path / "kept"
    vnctl(run, "db", "backup", str(file))
    epoch = client.get("/health").body["epoch"]
    ours, theirs = pty.openpty()
    asking = subprocess.Popen(
        [*command("openvnet.cli.vnctl"), "db", "restore", str(file)],
        env={**ENVIRONMENT, "VNET_WEBAPI": f"unix:{run}/webapi.sock"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    said = b""
    while b"take the place of all of it? [y/N]" not in said:
        said += os.read(ours, 1000)
    os.write(ours, answer)
    with suppress(OSError):
        while piece := os.read(ours, 1000):
            said += piece
    os.close(ours)
    assert asking.wait() == status, said
    assert (b"Nothing was changed" in said) == (status == 1)
    assert (client.get("/health").body["epoch"] == epoch) == (status == 1)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("restore", "/nowhere"), "/nowhere: No such file"),
        (("backup", "/nowhere/kept"), "/nowhere/kept: No such file"),
        (("restore",), "Missing argument 'FILE'"),
        (("restore", "/", "--yes"), "/: Is a directory"),
        (("keep",), "There is no command 'keep'"),
    ],
)
def test_what_cannot_be_is_said_in_words(run, words, said):
    refused = vnctl(run, "db", *words)
    assert refused.returncode in (1, 2)
    assert said in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.usefixtures("network")
def test_a_broken_file_is_refused_and_the_next_one_is_taken(run, client, tmp_path):
    file = tmp_path / "kept"
    vnctl(run, "db", "backup", str(file), "--with-history")
    whole = file.read_bytes()
    words = {
        b"hello" * 1000: "a file that is compressed with gzip",
        whole[: len(whole) // 2]: "cut short",
        whole + b"more": "follows the end",
        gzip.compress(gzip.decompress(whole).replace(b"10.", b"11.")[:-9]): "cut short",
        b"": "cut short",
    }
    # More often than there may be at once: none of them is left.
    for broken, said in [*words.items()] * 2:
        with pytest.raises(Refused, match=said) as refused:
            client.upload("/db/restore", {"replace": "true"}, [broken])
        assert refused.value.status == 400
    assert client.upload("/db/restore", {"replace": "true"}, [whole]).body["restored"]


@pytest.mark.parametrize(
    ("method", "path", "said"),
    [
        ("GET", "/db/backup?histroy=1", "Did you mean history"),
        ("GET", "/db/backup?history=perhaps", "history"),
        ("POST", "/db/restore?replce=1", "Did you mean replace"),
        ("POST", "/db/backup", "GET"),
    ],
)
def test_the_paths_take_nothing_that_they_do_not_know(client, method, path, said):
    with pytest.raises(Refused, match=said):
        client.request(method, path, {})


def test_a_reader_whose_backup_is_cut_short_is_told_and_keeps_no_file(tmp_path):
    run, kept = tmp_path / "run", tmp_path / "kept"
    kept.mkdir()
    _fill(run / "state", 20_000)
    with webapi(run), Client(f"unix:{run}/webapi.sock") as client:
        with vnmgr(run) as manager, client.download("/db/backup", {}) as (headers, pieces):
            assert headers["OpenVNet-Rows"] == "20000"
            next(pieces)
            # Most of it is still to come: no socket holds so much.
            manager.running.kill()
            with pytest.raises(Unreachable, match="broke off"):
                list(pieces)
        failed = vnctl(run, "db", "backup", str(kept / "file"))
    assert failed.returncode == 1
    assert "vnmgr does not answer" in failed.stderr
    assert list(kept.iterdir()) == []


def _fill(state, count):
    """A database of many rows that no compression makes small."""
    state.mkdir(parents=True)
    names = (secrets.token_hex(100) for _ in range(count))
    rows = [
        (Network(uuid=f"nw-{number}", display_name=name, ipv4_network=0, vni=number + 1), 1)
        for number, name in enumerate(names)
    ]
    store = opened(database_of(state))
    store.replace(Content(1, {Network: rows}, ()), "test")
    store.close()

"""Documents through the real programs: files to revisions, mistakes with their places, and back."""

import json
from itertools import count

import pytest

from openvnet.cli.documents import DocumentError, Documents
from openvnet.client import Refused
from tests.api.processes import vnctl

NUMBERS = count(1)

GUEST = """
networks:
  nw-{n}: {{ipv4_network: 10.0.0.0, display_name: no}}
interfaces:
  if-{n}:
    mode: vif
    enable_filtering: on
    mac_address: 10:20:30:40:50:{n:02d}
    network_uuid: nw-{n}
    ipv4_address: 10.0.0.10
"""


@pytest.fixture
def guest():
    """A document of its own for each test."""
    return GUEST.format(n=next(NUMBERS))


def applied(run, text, *words, **more):
    return vnctl(run, "apply", *words, "-f", "-", text=text, **more)


def test_the_text_of_a_file_is_what_counts(run, client, guest):
    assert applied(run, guest).returncode == 0

    network = client.get("/networks", display_name="no").body["items"][-1]
    interface = client.get("/interfaces", network_uuid=network["uuid"]).body["items"][0]
    assert interface["mac_address"].startswith("10:20:30:40:50:")
    assert interface["enable_filtering"] is True


def test_diff_tells_by_its_exit_status(run, guest, tmp_path):
    (tmp_path / "b.yml").write_text(guest)
    (tmp_path / "a.txt").write_text("{ this is no document")
    named = ("-f", str(tmp_path))

    assert vnctl(run, "diff", *named).returncode == 1
    assert vnctl(run, "apply", *named).returncode == 0
    same = vnctl(run, "diff", *named)
    assert (same.returncode, same.stdout) == (0, "Nothing differs.\n")
    wrong = vnctl(run, "diff", "-f", str(tmp_path / "a.txt"))
    assert (wrong.returncode, wrong.stderr[:7]) == (2, "Error: ")
    assert vnctl(run, "diff", *named, VNET_WEBAPI="unix:/nowhere").returncode == 2


def test_an_export_is_applied_without_a_difference(run, guest):
    applied(run, guest)
    for words in ((), ("--full",), ("-o", "json"), ("interfaces",)):
        exported = vnctl(run, "export", *words)
        again = applied(run, exported.stdout)
        assert (again.stdout, again.stderr) == ("Nothing differs.\n", "")


def test_programs_are_told_the_changes(run, guest):
    told = applied(run, guest, "-o", "json")

    kinds = {change["kind"] for change in json.loads(told.stdout)}
    assert kinds == {"network", "interface", "interface_port", "mac_lease", "ip_lease"}


def test_nothing_is_written_of_a_document_with_a_mistake(run, client, guest):
    before = client.get("/health").body["revision"]
    wrong = guest.replace("10.0.0.10", "10.9.0.10")

    refused = applied(run, wrong)

    assert refused.returncode == 1
    assert "standard input:5: interfaces.if-" in refused.stderr
    assert "ipv4_address 10.9.0.10 is not in network" in refused.stderr
    assert client.get("/health").body["revision"] == before


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"netwoks": {}}, "netwoks: is not a collection of resources. Did you mean networks?"),
        ({"networks": 1}, "networks: networks must be a mapping by uuid, or a list."),
        ({"networks": [{}]}, "networks[0]: uuid is required: a network is known by it."),
        ({"networks": {"nw-1": 5}}, "networks.nw-1: must be a mapping of names and values."),
        ({"networks": {"if-1": {}}}, 'networks.if-1.uuid: "if-1": must be nw- and 1 to 16'),
        ({"networks": {"nw-1": {"uuid": "nw-2"}}}, 'nw-1.uuid: it is "nw-1" already'),
        ({"networks": [{"uuid": "nw-1"}, {"uuid": "nw-1"}]}, "nw-1 is at networks[0] already."),
        ({"networks": {"nw-1": {"vni": 5}}}, "networks.nw-1.vni: this is nothing that is said"),
        ({"tokens": {}}, "tokens: is not a collection of resources."),
        ({"networks": {"nw-zz": {}}}, "networks.nw-zz: ipv4_network is required"),
        (
            {"interfaces": {"if-1": {"mac_address": "02:00:00:00:00:01", "mac_leases": []}}},
            "mac_address says in short what mac_leases says",
        ),
        (
            {"datapaths": {"dp-1": {"networks": [{"interface_uuid": "if-1"}]}}},
            "datapaths.dp-1.networks[0]: network_uuid is required.",
        ),
        (
            {"datapaths": {"dp-1": {"networks": ["nw-1", "nw-1"]}}},
            "datapaths.dp-1.networks[1]: nw-1 is there twice.",
        ),
        (
            {"filters": {"fil-1": {"static": [{"uuid": "fils-1"}]}}},
            "filters.fil-1.static[0].uuid: a static rule has no uuid that one could choose.",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(client, document, words):
    with pytest.raises(Refused) as refused:
        client.request("POST", "/apply", {}, document)

    assert words in str(refused.value)
    assert refused.value.status in (400, 404)


def test_mistakes_are_told_at_once(client):
    wrong = {f"nw-{number}": {"ipv4_prefix": "x"} for number in range(30)}

    with pytest.raises(Refused) as refused:
        client.request("POST", "/apply", {}, {"networks": wrong})

    lines = str(refused.value).splitlines()
    assert len(lines) == 21
    assert lines[-1] == "... and 10 more."


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("networks: {nw-1: {}}\nnetworks: {}", "f.yml:2: networks is at line 1 already."),
        ("networks: {nw-1: {}}\n---\nnetworks: {nw-1: {}}", "f.yml:3: networks.nw-1 is at f.yml:1"),
        ("- 1", "f.yml: a document must be a mapping of collections"),
        ("networks: [1", "f.yml:2: did not find expected"),
        ("networks: *x", "f.yml:1: "),
        ("networks: " + "[" * 30, "f.yml:1: it is nested too deeply."),
        ("? [a]\n: 1", "f.yml:1: a name must be text."),
        ("networks: [{}]", "f.yml:1: networks[0]: uuid is required."),
        ('{"networks":\t{"nw-1": "\\ud83d"', "f.yml: it is neither YAML nor JSON"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_by_its_line(text, words):
    with pytest.raises(DocumentError) as error:
        Documents().add(text, "f.yml")

    assert words in str(error.value)


def test_aliases_and_merge_keys_are_put_in():
    documents = Documents()
    documents.add("x: {a: &a {m: vif, n: 1}, b: {<<: *a, n: 2}}", "f.yml")

    assert documents.whole == {"x": {"a": {"m": "vif", "n": "1"}, "b": {"m": "vif", "n": "2"}}}


def test_a_few_lines_are_not_a_billion_values():
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]

    with pytest.raises(DocumentError, match="aliases make more than"):
        Documents().add("\n".join(lines), "f.yml")


def test_only_null_that_is_written_plainly_is_nothing():
    documents = Documents()
    documents.add("x: {a: null, b: 'null', c: ~, d: , e: '', f: no}", "f.yml")

    assert documents.whole["x"] == {
        "a": None,
        "b": "null",
        "c": None,
        "d": None,
        "e": "",
        "f": "no",
    }

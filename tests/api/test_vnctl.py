"""vnctl as its users run it, against a real webapi."""

import json
import re

import pytest
import yaml

from openvnet.model import RESOURCES
from openvnet.model.operations import operations_of, parent_of
from tests.api.examples import MAKEABLE
from tests.api.processes import vnctl

MINIMAL = ("--display-name", "a", "--ipv4-network", "10.0.0.0")


@pytest.fixture
def home(tmp_path):
    """A home without settings."""
    return tmp_path


@pytest.fixture
def ctl(run, home):
    def call(*words, text=None, status=0, **environment):
        environment = {"VNCTL_OUTPUT": "table", **environment}
        done = vnctl(run, *words, text=text, HOME=str(home), **environment)
        assert done.returncode == status, done.stdout + done.stderr
        return done

    return call


@pytest.fixture
def network(ctl):
    return ctl("networks", "add", *MINIMAL, "-o", "name").stdout.strip()


def test_what_is_added_is_shown_changed_and_deleted(ctl):
    added = ctl("networks", "add", "--uuid", "nw-a", *MINIMAL).stdout
    assert "nw-a" in added
    assert json.loads(ctl("networks", "show", "nw-a", "-o", "json").stdout)["display_name"] == "a"
    ctl("networks", "modify", "nw-a", "--display-name", "b")
    assert re.search(r"display_name +b\n", ctl("networks", "show", "nw-a").stdout)
    assert ctl("networks", "del", "nw-a").stdout == "nw-a\n"
    gone = ctl("networks", "show", "nw-a", status=1)
    assert (gone.stdout, gone.stderr.startswith("Error: network nw-a does not exist")) == ("", True)


@pytest.mark.parametrize("verb", ["del", "delete"])
def test_several_are_deleted_at_once(verb, ctl):
    uuids = [ctl("networks", "add", *MINIMAL, "-o", "name").stdout.strip() for _ in range(3)]
    assert ctl("networks", verb, *uuids).stdout.split() == uuids


def test_the_journey_of_the_guide(ctl):
    """Spelled with dashes and underscores, as OpenVNet's guides do."""
    ctl(
        *("datapaths", "add", "--uuid", "dp-test1", "--display-name", "test1"),
        *("--dpid", "0x0000aaaaaaaaaaaa", "--node-id", "vna"),
    )
    ctl(
        *("networks", "add", "--uuid", "nw-test1", "--display-name", "testnet1"),
        *("--ipv4-network", "10.100.0.0", "--ipv4-prefix", "24", "--network-mode", "virtual"),
    )
    ctl(
        *("interfaces", "add", "--uuid", "if-inst1", "--mode", "vif"),
        *("--owner_datapath-uuid", "dp-test1", "--mac_address", "10:54:ff:00:00:01"),
        *("--network_uuid", "nw-test1", "--ipv4-address", "10.100.0.10", "--port-name", "inst1"),
    )
    shown = json.loads(ctl("interfaces", "show", "if-inst1", "-o", "json").stdout)
    (lease,) = shown["ip_leases"]
    ctl("ip_leases", "release", lease["uuid"])
    ctl("ip-leases", "attach", lease["uuid"], "--interface_uuid", "if-inst1")
    ctl("ip-leases", "del", lease["uuid"])
    ctl(
        *("ip-leases", "add", "--interface-uuid", "if-inst1", "--network-uuid", "nw-test1"),
        *("--ipv4-address", "10.100.0.15"),
    )
    ctl("interfaces", "modify", "if-inst1", "--enable-filtering")
    text = ctl("interfaces", "show", "if-inst1").stdout
    assert "10.100.0.15" in text
    assert "inst1" in text


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--enable-routing"], True),
        (["--enable_routing", "true"], True),
        (["--enable-routing=true"], True),
        (["--enable-routing", "false"], False),
        (["--enable-routing=no"], False),
        (["--no-enable-routing"], False),
        (["--no_enable_routing"], False),
    ],
)
def test_a_boolean_is_said_in_any_of_these_ways(words, expected, ctl):
    added = ctl("interfaces", "add", "--mode", "vif", *words, "-o", "json").stdout
    assert json.loads(added)["enable_routing"] is expected


def test_a_boolean_does_not_take_the_uuid_after_it(ctl):
    uuid = ctl("interfaces", "add", "--mode", "vif", "-o", "name").stdout.strip()
    changed = ctl("interfaces", "modify", "--enable-routing", uuid, "-o", "json").stdout
    assert json.loads(changed)["enable_routing"] is True


def test_ports_of_an_interface(ctl):
    uuid = ctl("interfaces", "add", "--mode", "vif", "-o", "name").stdout.strip()
    for name in ("a", "b"):
        ctl("interfaces", "ports", "add", uuid, "--port-name", name)
    assert "\n" in ctl("interfaces", "ports", "show", uuid).stdout
    gone = ctl("interfaces", "ports", "del", uuid, "--port_name", "a", "-o", "json").stdout
    assert [port["port_name"] for port in json.loads(gone)] == ["a"]
    listed = json.loads(ctl("interfaces", "ports", "show", uuid, "-o", "json").stdout)
    (second,) = [port["uuid"] for port in listed["items"] if port["port_name"] == "b"]
    assert ctl("interfaces", "ports", "del", uuid, second).stdout == f"{second}\n"


def test_outputs(ctl, network):
    shown = json.loads(ctl("networks", "show", network, "-o", "json").stdout)
    assert yaml.safe_load(ctl("-o", "yaml", "networks", "show", network).stdout) == shown
    assert yaml.safe_load(ctl("networks", "show", network, "-o", "yml").stdout) == shown
    assert ctl("networks", "show", network, "-o", "name").stdout == f"{network}\n"
    assert network in ctl("networks", "show").stdout


def test_all_pages_are_shown_unless_a_page_is_asked_for(ctl, client):
    for number in range(35):
        client.write(
            "POST", "/datapaths", {"display_name": "a", "dpid": f"{number:x}", "node_id": "p"}
        )
    everything = json.loads(ctl("datapaths", "show", "-o", "json").stdout)
    assert len(everything["items"]) == everything["total_count"] >= 35
    page = json.loads(
        ctl("datapaths", "show", "--limit", "2", "--offset", "1", "-o", "json").stdout
    )
    assert page["items"] == everything["items"][1:3]


def test_a_page_of_what_is_named_is_no_page(ctl, network):
    assert "not both" in ctl("networks", "show", network, "--limit", "1", status=2).stderr


def test_all_missing_options_are_named_with_what_they_are(ctl):
    said = ctl("datapaths", "add", "--uuid", "dp-x", status=2).stderr
    assert "--display-name  A name for people." in said
    assert "--dpid  The bridge's datapath id." in said
    assert "--node-id" in said


def test_what_cannot_be_changed_is_said_to_be_so(ctl, network):
    said = ctl("networks", "modify", network, "--ipv4-prefix", "16", status=1).stderr
    assert said == "Error: ipv4_prefix of a network cannot be changed once it is there.\n"
    assert "ipv4-prefix" not in ctl("networks", "modify", "--help").stdout
    assert "at least one option" in ctl("networks", "modify", network, status=2).stderr


def test_the_nearest_option_and_command_are_named(ctl):
    assert "--display-name" in ctl("networks", "add", "--display-nam", "a", status=2).stderr
    assert "Did you mean 'networks'?" in ctl("network", "show", status=2).stderr
    assert "Did you mean 'modify'?" in ctl("networks", "modfy", status=2).stderr
    assert "Known are" in ctl("networks", "xyzzy", status=2).stderr


def test_what_webapi_refuses_is_said_in_its_words(ctl):
    said = ctl("networks", "add", "--display-name", "a", "--ipv4-network", "10", status=1).stderr
    assert said == 'Error: ipv4_network "10": must be an IPv4 address such as 10.102.0.10.\n'


def test_a_webapi_that_is_not_there_is_said_with_what_to_do(ctl, home):
    said = ctl("networks", "show", status=1, VNET_WEBAPI=f"unix:{home}/none").stderr
    assert said.startswith(f"Error: No webapi answers at unix:{home}/none (no such file")
    assert "VNET_WEBAPI" in said
    said = ctl("networks", "show", status=1, VNET_WEBAPI="127.0.0.1:1").stderr
    assert "connection refused" in said
    assert "must be host:port" in ctl("nodes", status=1, VNET_WEBAPI="ftp://x").stderr


def test_delete_needs_a_name(ctl):
    assert "Name at least one network" in ctl("networks", "del", status=2).stderr


COMMANDS = [
    *(["--help"], ["help"], ["help", "networks"], ["help", "networks", "add"]),
    *([resource.collection, "help"] for resource in RESOURCES if not resource.parent),
    *(["interfaces", "ports", *words] for words in (["help"], ["add", "--help"], ["help", "del"])),
    *([name, "--help"] for name in ("batch", "nodes", "networks", "mac_leases", "mac-leases")),
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_there_is_help_at_every_level(words, ctl):
    said = ctl(*words, VNET_WEBAPI="unix:/nowhere").stdout
    assert said.startswith("Usage: vnctl")


@pytest.mark.parametrize("resource", MAKEABLE, ids=lambda each: each.collection)
def test_help_says_what_each_parameter_is(resource, ctl):
    parent = parent_of(resource)
    above = [parent.collection] if parent else []
    command = "add" if "create" in resource.verbs else "modify"
    said = " ".join(ctl(*above, resource.in_paths, command, "--help").stdout.split())
    write = next(each for each in operations_of(resource) if each.verb in ("create", "update"))
    for name, attribute in write.parameters.items():
        assert f"--{name.replace('_', '-')}" in said
        assert attribute.doc in said


def test_an_option_of_former_times_works_with_a_warning(ctl):
    done = ctl("network_services", "add", "--uuid", "ns-old", "--type", "dhcp")
    assert done.stderr == "--type is deprecated; say --mode dhcp.\n"
    shown = ctl("network-services", "show", "ns-old", "-o", "json").stdout
    assert json.loads(shown)["mode"] == "dhcp"
    words = ("network-services", "add", "--type", "dhcp", "--mode", "dns")
    assert "--type and --mode are the same option" in ctl(*words, status=2).stderr


def test_a_lease_policy_makes_a_lease(ctl, network):
    ctl("ip-range-groups", "add", "--uuid", "iprg-made")
    span = ("--begin-ipv4-address", "10.0.0.50", "--end-ipv4-address", "10.0.0.50")
    ctl("ip-range-groups", "ip-ranges", "add", "iprg-made", *span)
    ctl("lease-policies", "add", "--uuid", "lp-made")
    group = ("--ip-range-group-uuid", "iprg-made")
    ctl("lease-policies", "networks", "add", "lp-made", network, *group)
    made = ctl("lease-policies", "ip-leases", "add", "lp-made", "--ip-lease-uuid", "il-made")
    assert "10.0.0.50" in made.stdout
    again = ctl("lease_policies", "ip_leases", "add", "lp-made", status=1)
    assert "lp-made is exhausted" in again.stderr


def test_batch_runs_each_line(ctl):
    text = """
# a network and what is in it
networks add --uuid nw-batch --display-name 'a batch' --ipv4-network 10.0.0.0
vnctl networks modify nw-batch --domain_name x  # a comment

-o name networks show nw-batch
networks show nw-batch -o json
"""
    done = ctl("batch", text=text)
    lines = done.stdout.splitlines()
    assert "nw-batch" in lines
    assert json.loads(lines[-1])["display_name"] == "a batch"
    assert done.stderr.startswith("BEGIN (<stdin>)\n> networks add")
    assert done.stderr.endswith("EOF\n")


def test_batch_stops_at_the_first_failure_and_names_its_line(ctl, home):
    file = home / "commands"
    file.write_text("networks show\nnetworks show nw-nothing\nnetworks del nw-batch\n")
    failed = ctl("batch", str(file), status=1)
    assert "network nw-nothing does not exist" in failed.stderr
    assert failed.stderr.endswith(f"{file}, line 2 failed.\n")


def test_batch_can_keep_going(ctl):
    last = f"networks add {' '.join(MINIMAL)} -o name"
    text = f"networks show nw-nothing\nnetworks shw\n{last}\n"
    done = ctl("batch", "-k", text=text, status=1)
    assert done.stdout.startswith("nw-")
    assert "Did you mean 'show'?" in done.stderr


def test_settings_say_where_and_how(ctl, run, home):
    (home / ".vnctlrc").write_text(
        f"# mine\nwebapi_uri 'unix:{run}/webapi.sock'\noutput_format json\n"
    )
    shown = ctl("networks", "show", VNET_WEBAPI="", VNCTL_OUTPUT="").stdout
    assert "total_count" in json.loads(shown)
    assert "total_count" not in ctl("networks", "show", "-o", "table", VNET_WEBAPI="").stdout


def test_a_wrong_setting_is_named_with_its_file_and_line(ctl, home):
    (home / ".vnctlrc").write_text("\nwebapi_prot 9090\n")
    said = ctl("networks", "show", status=1, VNET_WEBAPI="").stderr
    assert said == (
        f"Error: {home}/.vnctlrc, line 2: 'webapi_prot' is not a setting of vnctl; "
        "did you mean webapi_port?\n"
    )


def test_version(ctl):
    assert ctl("--version").stdout.startswith("vnctl ")

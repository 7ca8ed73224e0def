"""Metrics of the real programs, as Prometheus' own parser reads them."""

import socket
from contextlib import suppress

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from openvnet.client import Refused
from openvnet.lab.waiting import until
from openvnet.metrics import DECLARED
from openvnet.scraping import AT_ONCE, LONGEST_QUESTION
from tests.api.processes import Process
from tests.drivers.test_agent import DATAPATH, NETWORK, add, delete, interface, plug
from tests.system import process_of, running_vna, system

pytestmark = pytest.mark.ovs

SOCKETS = {"webapi": "webapi.sock", "vnmgr": "vnmgr.metrics.sock", "vna": "vna.metrics.sock"}


@pytest.fixture(scope="module")
def made():
    with system([]) as made, running_vna(made):
        add(made, "datapaths", DATAPATH)
        add(made, "networks", NETWORK)
        plug(made, "vm1")
        yield made


def asked(made, program, path="/metrics", method="GET"):
    transport = httpx.HTTPTransport(uds=str(made.directory / SOCKETS[program]))
    with httpx.Client(transport=transport) as client:
        return client.request(method, f"http://{program}{path}")


def scraped(made, program):
    """The families of a program by name, and its samples by name and labels."""
    answer = asked(made, program)
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in families.values()
        for sample in family.samples
    }
    return families, samples


def number(answer):
    return int(answer.revision.rpartition("/")[2])


def test_a_change_moves_the_counters_of_each_program_and_its_revision_is_in_all(made):
    before = {program: scraped(made, program)[1] for program in SOCKETS}
    revision = number(add(made, "interfaces", interface(1)))
    until(
        lambda: scraped(made, "vna")[1]["openvnet_vna_realised_revision",] == revision,
        "vna says that it has realised the revision",
    )
    after = {program: scraped(made, program)[1] for program in SOCKETS}

    def rise(program, *sample):
        return after[program][sample] - before[program].get(sample, 0)

    assert rise("webapi", "openvnet_webapi_request_seconds_count", "POST", "200") == 1
    assert rise("webapi", "openvnet_webapi_vnmgr_seconds_count", "create", "yes") == 1
    assert rise("vnmgr", "openvnet_vnmgr_changes_total", "interfaces", "create") == 1
    assert rise("vnmgr", "openvnet_vnmgr_rows", "interfaces") == 1
    for stage in ("commit", "publish", "acknowledge"):
        assert rise("vnmgr", "openvnet_vnmgr_stage_seconds_count", stage) == 1
    assert rise("vna", "openvnet_vna_changes_total") >= 1
    assert rise("vna", "openvnet_vna_flows") > 5
    assert rise("vna", "openvnet_vna_flows_written_total", "added") > 5
    for stage in ("take", "compile", "bundle", "acknowledge", "turn"):
        assert rise("vna", "openvnet_vna_stage_seconds_count", stage) >= 1
    assert after["vna"]["openvnet_vna_revision",] == revision
    assert after["vnmgr"]["openvnet_vnmgr_revision",] == revision
    assert after["vnmgr"]["openvnet_vnmgr_agent_realised_revision", "vna"] == revision
    assert after["vnmgr"]["openvnet_vnmgr_agents",] == 1
    assert after["vna"]["openvnet_vna_switch_connected",] == 1
    delete(made, "/interfaces/if-1")
    assert scraped(made, "vna")[1]["openvnet_vna_flows",] == before["vna"]["openvnet_vna_flows",]


@pytest.mark.parametrize("program", SOCKETS)
def test_what_a_program_says_is_declared_and_it_says_how_much_memory_it_has(made, program):
    families, samples = scraped(made, program)
    declared = {metric.name.removesuffix("_total"): metric for metric in DECLARED}
    for name, family in families.items():
        if not name.startswith("process_"):
            assert declared[name].program == program
            assert (family.type, family.documentation) == (declared[name].kind, declared[name].doc)
    assert samples["process_resident_memory_bytes",] > 10_000_000


@pytest.mark.parametrize("metric", DECLARED, ids=lambda metric: metric.name)
def test_a_metric_is_named_as_prometheus_names(metric):
    assert metric.name.startswith(f"openvnet_{metric.program}_")
    assert metric.name.endswith("_total") == (metric.kind == "counter")
    assert metric.name.endswith("_seconds") == (metric.kind == "histogram")
    assert metric.doc.endswith(".")


def test_a_request_that_is_refused_is_counted_by_its_error(made):
    refused = "openvnet_vnmgr_refused_total", "UnknownUUIDResource"
    before = scraped(made, "vnmgr")[1].get(refused, 0)
    with pytest.raises(Refused) as caught:
        delete(made, "/networks/nw-none")
    assert caught.value.error == refused[1]
    assert scraped(made, "vnmgr")[1][refused] == before + 1


def test_flows_that_others_change_are_counted_as_drift(made):
    made.ovs.ofctl("add-flow", "table=0,priority=7,ip,actions=drop")
    until(lambda: scraped(made, "vna")[1]["openvnet_vna_drift_total",] >= 1, "drift is counted")


@pytest.mark.parametrize("program", ["vnmgr", "vna"])
@pytest.mark.parametrize(
    ("path", "method", "status"),
    [("/", "GET", 404), ("/metrics", "POST", 405), ("/metrics?name[]=up", "GET", 200)],
)
def test_what_is_asked_for_otherwise_gets_an_answer_of_http(made, program, path, method, status):
    assert asked(made, program, path, method).status_code == status


@pytest.mark.parametrize("program", ["vnmgr", "vna"])
def test_scrapers_that_are_slow_or_talk_nonsense_disturb_nobody(made, program):
    path = str(made.directory / SOCKETS[program])
    slow = []
    for words in (b"", b"GET /metrics", b"\xff\r\n\r\n", b"x" * (2 * LONGEST_QUESTION)):
        for _ in range(AT_ONCE):
            caller = socket.socket(socket.AF_UNIX)
            slow.append(caller)
            caller.connect(path)
            with suppress(BrokenPipeError, ConnectionResetError):  # One too many, or too long.
                caller.sendall(words)
    assert number(add(made, "networks", {"uuid": "nw-slow", "ipv4_network": "10.9.0.0"})) > 0
    for caller in slow:
        caller.close()
    until(lambda: _answers(made, program), "it answers again")
    delete(made, "/networks/nw-slow")


def _answers(made, program):
    try:
        return asked(made, program).status_code == 200
    except httpx.HTTPError:
        return False


def test_metrics_are_on_tcp_if_told(made):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = ("--node-id", "second", "--state", str(made.directory), "--metrics", str(port))
    with process_of(vna(made, *words)) as second:
        second.says("listens")
        answer = httpx.get(f"http://127.0.0.1:{port}/metrics")
        assert "openvnet_vna_switch_connected 0.0" in answer.text.splitlines()


@pytest.mark.parametrize("program", ["vna", "vnmgr"])
def test_an_address_for_metrics_that_cannot_be_had_is_refused_in_words(tmp_path, program):
    module = {"vna": "agent", "vnmgr": "manager"}[program]
    words = ("--run", str(tmp_path), "--state", str(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for address, why in (
            (f"127.0.0.1:{port}", f"cannot listen on 127.0.0.1:{port}: Address already in use"),
            ("here", "'here' must be a port up to 65535, or host:port"),
            ("127.0.0.1:65536", "'127.0.0.1:65536' must be a port up to 65535, or host:port"),
        ):
            more = ("--listen", "127.0.0.1:0", "--ovsdb", "") if program == "vna" else ()
            refused = Process(f"openvnet.{module}.main", *words, *more, "--metrics", address)
            assert refused.running.wait(timeout=20) == 1
            refused.end()
            assert why in refused.log[-1]
            assert "Traceback" not in "".join(refused.log)


def test_a_path_that_another_has_is_a_line_of_the_log_and_no_more(made, tmp_path):
    with process_of(vna(made, "--state", str(tmp_path))) as second:
        second.says("no metrics: cannot listen on")
        second.says("listens")


def vna(made, *words):
    """A vna to which no bridge connects."""
    own = ("--run", str(made.directory), "--listen", "127.0.0.1:0", "--ovsdb", "")
    return Process("openvnet.agent.main", *own, *words)

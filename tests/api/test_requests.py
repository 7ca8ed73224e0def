"""How webapi reads requests and writes answers, whatever the resource."""

import json
from urllib.parse import quote

import httpx
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from openvnet.api.openapi import document
from openvnet.model import RESOURCES
from openvnet.model.operations import operations
from tests.api.processes import webapi


@pytest.fixture(scope="module")
def http(run):
    """A plain HTTP client, as anybody's."""
    transport = httpx.HTTPTransport(uds=f"{run}/webapi.sock")
    with httpx.Client(transport=transport, base_url="http://webapi") as client:
        yield client


def network(number):
    return {"uuid": f"nw-{number}", "display_name": "a", "ipv4_network": "10.0.0.0"}


BODIES = {
    "query": lambda values: {"params": values},
    "form": lambda values: {"data": values},
    "flat JSON": lambda values: {"json": values},
    "JSON below one name": lambda values: {"json": {"network": values}},
    "JSON that curl calls a form": lambda values: {
        "content": json.dumps(values),
        "headers": {"Content-Type": "application/x-www-form-urlencoded"},
    },
    "JSON of no type": lambda values: {"content": json.dumps(values)},
    "YAML": lambda values: {
        "content": yaml.safe_dump({"network": values}),
        "headers": {"Content-Type": "application/yaml"},
    },
}


@pytest.mark.parametrize("form", BODIES)
@pytest.mark.parametrize("mount", ["/api/1.0", "/api"])
def test_parameters_come_in_any_form(form, mount, http, numbers):
    values = network(f"f{next(numbers)}")
    answer = http.post(f"{mount}/networks", **BODIES[form](values))
    assert answer.status_code == 200
    assert answer.json().items() >= values.items()


def test_the_body_wins_over_the_query(http, numbers):
    values = network(f"b{next(numbers)}")
    answer = http.post("/api/networks", params={"display_name": "query"}, json=values)
    assert answer.json()["display_name"] == "a"


def test_the_extension_chooses_the_format(http, numbers):
    uuid = http.post("/api/networks", json=network(f"e{next(numbers)}")).json()["uuid"]
    plain, as_json, as_yaml = (
        http.get(f"/api/1.0/networks/{uuid}{extension}") for extension in ("", ".json", ".yml")
    )
    assert plain.json() == as_json.json() == yaml.safe_load(as_yaml.text)
    assert as_json.headers["content-type"] == "application/json"
    assert as_yaml.headers["content-type"] == "application/yaml"
    assert ":uuid" not in as_yaml.text
    wrong = http.get("/api/1.0/networks/nw-nothing.yml")
    assert yaml.safe_load(wrong.text)["code"] == "100"


BROKEN = {
    "not JSON": {"content": b'{"uuid": '},
    "not an object": {"json": [1]},
    "not UTF-8": {"content": b"uuid=\xff", "headers": {"Content-Type": ""}},
    "nested too deeply": {"content": b'{"a":' * 10_000},
    "not YAML": {"content": b"a: [", "headers": {"Content-Type": "text/yaml"}},
    "YAML nested too deeply": {"content": b"[" * 9_000, "headers": {"Content-Type": "text/yaml"}},
    "YAML that names itself": {
        "content": b"&a [*a]",
        "headers": {"Content-Type": "application/yaml"},
    },
    "too large": {"content": b"{" + b" " * 70_000 + b"}"},
    "of another type": {"files": {"a": b"b"}},
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_body_that_cannot_be_read_is_refused(broken, http):
    answer = http.post("/api/networks", **BROKEN[broken])
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("Invalid request body. ")


TWICE = {
    "query": {"params": [("uuid", "nw-1"), ("uuid", "nw-2")]},
    "form": {
        "content": "uuid=nw-1&uuid=nw-2",
        "headers": {"Content-Type": "application/x-www-form-urlencoded"},
    },
    "JSON": {"content": b'{"uuid": "nw-1", "uuid": "nw-2"}'},
    "JSON below one name": {"content": b'{"network": {"uuid": "nw-1", "uuid": "nw-2"}}'},
    "YAML": {
        "content": b"uuid: nw-1\ndisplay_name: one\nuuid: nw-2\n",
        "headers": {"Content-Type": "application/yaml"},
    },
    "YAML below one name": {
        "content": b"network: {uuid: nw-1, 'uuid': nw-1}",
        "headers": {"Content-Type": "text/x-yaml"},
    },
}


@pytest.mark.parametrize("form", TWICE)
def test_a_parameter_given_twice_is_refused(form, http):
    answer = http.post("/api/networks", **TWICE[form])
    assert answer.status_code == 400
    assert answer.json()["message"] == '"uuid" is given more than once.'


def test_the_nearest_parameter_is_named(http):
    answer = http.post("/api/networks", params={"ipv4_netwrk": "10.0.0.0"})
    assert answer.json()["message"].endswith("Did you mean ipv4_network?")


def test_an_unknown_path_is_a_problem_that_names_the_nearest(http):
    answer = http.get("/api/1.0/netwoks")
    assert answer.status_code == 404
    assert (
        answer.json()["message"] == "There is nothing at /api/1.0/netwoks. Did you mean networks?"
    )


@pytest.mark.parametrize("host", ["", "[", "a/b?c#d", "\xff"])
def test_a_refusal_names_the_path_whatever_the_host_is_called(host, http):
    answer = http.get("/api/netwoks", headers=[("Host", host.encode("latin-1"))])
    assert answer.json()["message"] == "There is nothing at /api/netwoks. Did you mean networks?"
    answer = http.post("/version", headers=[("Host", host.encode("latin-1"))])
    assert answer.json()["message"] == "POST /version is not possible; it knows GET."


@pytest.mark.parametrize("path", ["/", "/api", "/api/", "//", "/networks/nw-1/x/y/z", "/api/1.0"])
def test_other_paths_are_problems_too(path, http):
    answer = http.get(path)
    assert (answer.status_code, answer.json()["error"]) == (404, "NotFound")


def test_a_method_that_a_path_does_not_know_is_refused(http):
    answer = http.request("PATCH", "/api/networks/nw-1")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "DELETE, GET, PUT"
    assert answer.json()["error"] == "MethodNotAllowed"
    assert http.post("/version").status_code == 405


def test_head_is_get_without_a_body(http):
    answer = http.head("/api/networks")
    assert (answer.status_code, answer.text) == (200, "")


def test_pages_are_honoured(http, numbers):
    for _ in range(5):
        http.post("/api/networks", json=network(f"p{next(numbers)}"))
    whole = http.get("/api/networks", params={"limit": 1000}).json()
    page = http.get("/api/networks", params={"limit": 2, "offset": 3}).json()
    assert page == {
        "total_count": whole["total_count"],
        "offset": 3,
        "limit": 2,
        "items": whole["items"][3:5],
    }
    assert http.get("/api/networks").json()["limit"] == 30
    beyond = http.get("/api/networks", params={"offset": 10_000}).json()
    assert beyond["items"] == []


@pytest.mark.parametrize("wrong", [{"limit": -1}, {"limit": "all"}, {"offset": 2**31}, {"page": 2}])
def test_a_wrong_page_is_refused(wrong, http):
    answer = http.get("/api/networks", params=wrong)
    assert (answer.status_code, answer.json()["code"]) == (400, "110")


def test_paging_is_ignored_where_one_is_shown(http, numbers):
    uuid = http.post("/api/networks", json=network(f"g{next(numbers)}")).json()["uuid"]
    assert http.get(f"/api/networks/{uuid}", params={"limit": 1, "offset": 0}).status_code == 200


@pytest.mark.parametrize("wait", ["-1", "soon", "601", "nan", "1e999", [1], {"a": 1}, 10**400])
def test_a_wrong_wait_is_refused(wait, http):
    answer = http.post("/api/networks", json={"wait": wait})
    assert answer.json()["message"].endswith("must be true, false, or seconds from 0 to 600.")


def test_a_reference_is_cleared_by_null_and_by_the_empty_text(http, numbers):
    number = next(numbers)
    datapath = {"uuid": f"dp-c{number}", "display_name": "a", "dpid": "c1", "node_id": f"c{number}"}
    http.post("/api/datapaths", json=datapath)
    for nothing in (None, ""):
        interface = http.post(
            "/api/interfaces",
            json={"mode": "vif", "owner_datapath_uuid": datapath["uuid"], "port_name": "c"},
        ).json()
        path = f"/api/interfaces/{interface['uuid']}"
        changed = http.put(path, json={"owner_datapath_uuid": nothing}).json()
        assert [port["datapath_uuid"] for port in changed["ports"]] == [None]
        http.delete(path)


def test_ports_are_deleted_by_what_describes_them(http):
    uuid = http.post("/api/interfaces", json={"mode": "vif", "port_name": "d1"}).json()["uuid"]
    path = f"/api/interfaces/{uuid}/ports"
    assert http.post(path, json={"port_name": "d2"}).status_code == 200
    gone = http.delete(path, params={"port_name": "d1"}).json()
    assert [port["port_name"] for port in gone] == ["d1"]
    assert http.delete(path, params={"port_name": "d1"}).json() == []
    assert [port["port_name"] for port in http.get(path).json()["items"]] == ["d2"]
    assert len(http.delete(path).json()) == 1
    assert http.get(path).json()["total_count"] == 0


def test_each_write_says_its_revision(http, numbers):
    first, second = (
        http.post("/api/networks", json=network(f"r{next(numbers)}")).headers["openvnet-revision"]
        for _ in range(2)
    )
    epoch, _, number = first.partition("/")
    assert second == f"{epoch}/{int(number) + 1}"
    assert "openvnet-revision" not in http.get("/api/networks").headers


def test_a_web_page_of_another_site_may_not_write(http, numbers):
    values = network(f"o{next(numbers)}")
    foreign = http.post("/api/networks", data=values, headers={"Origin": "http://evil.example"})
    assert (foreign.status_code, foreign.json()["error"]) == (403, "ForeignOrigin")
    assert "access-control-allow-origin" not in http.get("/api/networks").headers
    for host, status in (("127.0.0.1:9090", 200), ("[::1]:9090", 200), ("evil.example", 403)):
        values = network(f"o{next(numbers)}")
        headers = {"Host": host, "Origin": f"http://{host}"}
        assert http.post("/api/networks", data=values, headers=headers).status_code == status


def test_a_named_origin_may_read_and_write(run, numbers, tmp_path):
    (tmp_path / "rpc.sock").symlink_to(run / "rpc.sock")
    console = {"Origin": "http://console:8080"}
    with (
        webapi(tmp_path, "--allow-origin", "http://console:8080"),
        httpx.Client(
            transport=httpx.HTTPTransport(uds=f"{tmp_path}/webapi.sock"), base_url="http://webapi"
        ) as http,
    ):
        asked = {**console, "Access-Control-Request-Method": "PUT"}
        before = http.options("/api/networks/nw-1", headers=asked)
        assert "PUT" in before.headers["access-control-allow-methods"]
        written = http.post("/api/networks", json=network(f"n{next(numbers)}"), headers=console)
        assert written.status_code == 200
        assert written.headers["access-control-allow-origin"] == "http://console:8080"
        foreign = http.get("/api/networks", headers={"Origin": "http://evil.example"})
        assert "access-control-allow-origin" not in foreign.headers


def test_what_is_beside_the_resources(http):
    assert http.get("/version").json() == http.get("/api/version").json()
    assert set(http.get("/version").json()) == {"version", "api"}
    health = http.get("/health").json()
    assert (health["vnmgr"], health["database"], health["hosts"]) == ("answers", "answers", 0)
    place = f"{health['epoch']}/{health['revision']}"
    assert http.get("/health").headers["openvnet-revision"] == place
    assert http.get("/api/1.0/nodes").status_code == 200


def test_the_newest_revision_can_be_asked_for(http, numbers):
    written = http.post("/api/networks", json=network(f"n{next(numbers)}"))
    for path in ("/api/1.0/nodes", "/health"):
        newest = http.get(path).headers["OpenVNet-Revision"]
        assert newest == written.headers["OpenVNet-Revision"]


def test_the_page_for_people_needs_nothing_from_other_hosts(http):
    answer = http.get("/api/1.0/docs")
    assert answer.headers["content-type"].startswith("text/html")
    assert "<script" not in answer.text
    assert "//" not in answer.text.replace("<!doctype", "")
    for operation in operations():
        assert f"<code>{operation.path}</code>" in answer.text


def test_openapi_names_every_operation(http):
    described = http.get("/openapi.json").json()
    assert described == json.loads(json.dumps(document()))
    for operation in operations():
        assert operation.method.lower() in described["paths"][operation.path]
    names = {resource.kind.__name__ for resource in RESOURCES}
    assert names < set(described["components"]["schemas"])


_text = st.text(max_size=30) | st.sampled_from(
    ["uuid", "nw-1", "if-1", "mode", "vif", "true", "10.0.0.1", "wait", "limit", "1", "\x00", "é"]
)
_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=6,
)
_names = st.sampled_from(
    sorted({name for operation in operations() for name in operation.parameters})
)
_requests = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
        "path": st.sampled_from(sorted({operation.path for operation in operations()}))
        | st.lists(_text, max_size=4).map("/".join),
        "uuid": _text | st.sampled_from(["nw-1", "if-1", "dp-1", "ml-1", "il-1", "ifp-1"]),
        "query": st.dictionaries(_names | _text, _text, max_size=3),
        "body": st.dictionaries(_names | _text, _values, max_size=4) | st.binary(max_size=60),
        "type": st.sampled_from(["application/json", "text/yaml", "", "multipart/form-data"]),
    }
)


@settings(max_examples=300, deadline=None)
@given(asked=_requests)
def test_nothing_that_is_sent_makes_it_fail(asked, http):
    path = asked["path"].replace("{uuid}", asked["uuid"]).replace("{interface_uuid}", asked["uuid"])
    body = asked["body"]
    answer = http.request(
        asked["method"],
        f"/api/1.0/{quote(path.lstrip('/'), errors='surrogatepass')}",
        params={name: value for name, value in asked["query"].items() if name != "wait"},
        content=body if isinstance(body, bytes) else json.dumps(body),
        headers={"Content-Type": asked["type"]},
    )
    assert answer.status_code in (200, 400, 404, 405), answer.text
    assert answer.status_code == 200 or set(answer.json()) == {"error", "code", "message"}

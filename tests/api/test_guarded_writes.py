"""Writes that happen once, only if, or not at all; and many as one."""

import asyncio

import httpx
import pytest

from openvnet.store import keys
from openvnet.store.database import opened
from openvnet.wire.messages import Request
from tests.databases import database_of
from tests.vnmgr import house, in_house, ip


@pytest.fixture(scope="module")
def http(run):
    transport = httpx.HTTPTransport(uds=f"{run}/webapi.sock")
    with httpx.Client(transport=transport, base_url="http://webapi/api/1.0") as client:
        yield client


def network(number, **more):
    return {"uuid": f"nw-{number}", "display_name": "a", "ipv4_network": "10.0.0.0", **more}


@pytest.fixture
def made(http, numbers):
    return http.post("/networks", json=network(f"g{next(numbers)}"))


def interface(uuid, mac):
    return {"uuid": uuid, "mode": "vif", "mac_address": mac}


def test_an_etag_stays_until_something_changes(http, made):
    path = f"/networks/{made.json()['uuid']}"
    first = http.get(path).headers["etag"]
    assert first == made.headers["etag"] == http.get(path).headers["etag"]
    assert http.get(path, params={"fields": "uuid"}).headers["etag"] == first
    changed = http.put(path, json={"display_name": "b"})
    assert changed.headers["etag"] == http.get(path).headers["etag"] != first
    assert http.put(path, json={"display_name": "a"}).headers["etag"] == first


def test_the_etag_of_an_interface_is_also_of_its_leases(http, numbers):
    number = next(numbers)
    values = interface(f"if-e{number}", f"02:00:00:01:00:{number:02x}")
    before = http.post("/interfaces", json=values).headers["etag"]
    assert http.get(f"/interfaces/if-e{number}").headers["etag"] == before
    http.post(
        "/mac_leases",
        json={"interface_uuid": f"if-e{number}", "mac_address": f"02:00:00:02:00:{number:02x}"},
    )
    assert http.get(f"/interfaces/if-e{number}").headers["etag"] != before


@pytest.mark.parametrize("form", ["{}", "W/{}", '"x", {}', "*"])
def test_what_a_client_has_is_not_sent_again(form, http, made):
    path, etag = f"/networks/{made.json()['uuid']}", made.headers["etag"]
    answer = http.get(path, headers={"If-None-Match": form.format(etag)})
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
    assert http.get(path, headers={"If-None-Match": '"x"'}).status_code == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_write_of_what_has_changed_is_refused(method, http, made):
    path, seen = f"/networks/{made.json()['uuid']}", {"If-Match": made.headers["etag"]}
    http.put(path, json={"display_name": "someone else's"})
    late = http.request(method, path, headers=seen)
    assert (late.status_code, late.json()["error"]) == (412, "PreconditionFailed")
    assert http.get(path).headers["etag"] in late.json()["message"]
    again = {"If-Match": f'"x", {http.get(path).headers["etag"]}'}
    assert http.request(method, path, headers=again).status_code == 200


def test_any_etag_means_that_it_must_be_there(http, made):
    path = f"/networks/{made.json()['uuid']}"
    assert http.put(path, headers={"If-Match": "*"}).status_code == 200
    assert http.put("/networks/nw-none", headers={"If-Match": "*"}).status_code == 404


WRONG = [
    ("PUT", "/networks/nw-1", {"If-Match": "abc"}),
    ("PUT", "/networks/nw-1", {"If-None-Match": '"abc"'}),
    ("POST", "/networks", {"If-Match": '"abc"'}),
    ("POST", "/networks", {"Idempotency-Key": "x" * 256}),
    ("GET", "/networks/nw-1", {"If-None-Match": "abc"}),
]


@pytest.mark.parametrize(("method", "path", "headers"), WRONG)
def test_a_header_that_cannot_be_meant_is_refused(method, path, headers, http):
    http.post("/networks", json=network(1))
    values = network("h") if method == "POST" else None
    answer = http.request(method, path, headers=headers, json=values)
    assert (answer.status_code, answer.json()["code"]) == (400, "110")
    assert answer.json()["message"].startswith(next(iter(headers)))


def test_a_write_that_is_repeated_with_its_key_is_done_once(http, numbers):
    headers = {"Idempotency-Key": f"key {next(numbers)}"}
    values = {"display_name": "once", "ipv4_network": "10.0.0.0"}
    first, second = (http.post("/networks", json=values, headers=headers) for _ in range(2))
    assert first.json() == second.json()
    for name in ("openvnet-revision", "etag"):
        assert first.headers[name] == second.headers[name]
    assert http.get("/networks", params={"display_name": "once"}).json()["total_count"] == 1
    other = http.post("/networks", json={**values, "ipv4_prefix": 8}, headers=headers)
    assert (other.status_code, other.json()["error"]) == (422, "IdempotencyKeyReused")
    waiting = http.post("/networks", json=values, headers=headers, params={"wait": 5})
    assert waiting.json() == first.json()


def test_a_key_of_what_was_refused_may_be_used_again(http, numbers):
    headers, uuid = {"Idempotency-Key": f"key {next(numbers)}"}, f"k{next(numbers)}"
    wrong = network(uuid, ipv4_network="10.0.0.1", mode="nonsense")
    assert http.post("/networks", json=wrong, headers=headers).status_code == 400
    assert http.post("/networks", json=network(uuid), headers=headers).status_code == 200


def test_a_key_outlives_vnmgr_and_is_forgotten_after_a_day(tmp_path):
    values = {"display_name": "a", "ipv4_network": ip("10.0.0.0")}

    async def once():
        with house(tmp_path) as here:
            request = await here.call.rpc.ask(asked)
            return request.result["uuid"]

    asked = Request(0, "create", "networks", values=values, key="k")
    first = asyncio.run(once())
    assert asyncio.run(once()) == first
    store = opened(database_of(tmp_path))
    with store.connection.begin():
        late = 2**40
        assert keys.kept(store.connection, "k", late) is None
        keys.keep(store.connection, "other", keys.Kept("", 1, "{}"), late)
        count = store.connection.exec_driver_sql("select count(*) from idempotency_keys").scalar()
    store.close()
    assert count == 1


@pytest.mark.parametrize(
    ("method", "path", "values"),
    [
        ("POST", "/networks", network("dry")),
        ("POST", "/networks", [network("dry"), network("dry2")]),
        ("PUT", "/networks/{uuid}", {"display_name": "dry"}),
        ("DELETE", "/networks/{uuid}", None),
    ],
)
def test_a_rehearsal_is_answered_and_not_done(method, path, values, http, made):
    path, before = path.format(uuid=made.json()["uuid"]), http.get("/networks").json()
    newest = http.get("/health").headers["openvnet-revision"]
    answer = http.request(method, path, json=values, params={"dry_run": "true"})
    assert (answer.status_code, answer.headers["openvnet-dry-run"]) == (200, "true")
    assert "openvnet-revision" not in answer.headers
    assert http.get("/networks").json() == before
    assert http.get("/health").headers["openvnet-revision"] == newest
    done = http.request(method, path, json=values)
    assert "openvnet-revision" in done.headers
    if method == "POST":
        shown = [answer.json(), done.json()]
        lists = [each if isinstance(each, list) else [each] for each in shown]
        assert [one["uuid"] for one in lists[0]] == [one["uuid"] for one in lists[1]]
        for one in lists[1]:
            http.delete(f"/networks/{one['uuid']}")


def test_a_rehearsal_is_refused_as_the_write_would_be(http, made):
    values = network(made.json()["uuid"][3:])
    for given in ({}, {"dry_run": "yes"}):
        assert http.post("/networks", json=values, params=given).json()["code"] == "102"
    assert http.post("/networks", json=values, params={"dry_run": "maybe"}).status_code == 400


def test_a_list_becomes_one_revision(http, numbers):
    number = next(numbers)
    newest = int(http.get("/health").headers["openvnet-revision"].partition("/")[2])
    answer = http.post("/networks", json=[network(f"l{number}x{n}") for n in range(3)])
    assert [one["uuid"] for one in answer.json()] == [f"nw-l{number}x{n}" for n in range(3)]
    assert int(answer.headers["openvnet-revision"].partition("/")[2]) == newest + 1


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ([network("bad0"), network("bad1", ipv4_prefix=99)], "Item 1 of the list (the first is 0)"),
        ([network("bad0"), {}], "Item 1 of the list (the first is 0): ipv4_network is required"),
        ([network("bad0"), network("bad0")], "Item 1 of the list (the first is 0): uuid nw-bad0"),
        ([network("bad0"), 7], "Invalid request body. Item 1"),
        ([], "Invalid request body. A list must have 1 to 1000 items."),
        ([network("bad0")] * 1001, "Invalid request body. A list must have 1 to 1000 items."),
    ],
)
def test_a_list_is_written_whole_or_not_at_all(items, words, http):
    answer = http.post("/networks", json=items)
    assert (answer.status_code, answer.json()["message"][: len(words)]) == (400, words)
    assert http.get("/networks/nw-bad0").status_code == 404


def test_who_has_what_an_item_wants_is_named(http):
    mac = "02:00:00:03:00:01"
    answer = http.post("/interfaces", json=[interface("if-w1", mac), interface("if-w2", mac)])
    assert answer.status_code == 400
    words = f"Item 1 of the list (the first is 0): mac_address {mac} belongs to MAC lease ml-"
    assert answer.json()["message"].startswith(words)
    http.post("/interfaces", json=interface("if-w1", mac))
    answer = http.post("/interfaces", json=[interface("if-w2", mac)])
    assert "of interface if-w1 already" in answer.json()["message"]
    assert answer.json()["message"].startswith("Item 0")


@in_house
async def test_whoever_repeats_a_write_waits_for_it_too(here):
    ears = await here.ears("vm1")
    values = {"mode": "vif", "port_name": "vm1"}
    asked = Request(0, "create", "interfaces", values=values, key="k", wait=5)
    first = await here.call.rpc.ask(asked)
    second = await here.call.rpc.ask(asked)
    assert (first.result, first.revision) == (second.result, second.revision)
    assert first.realised.hosts == ("vna",)
    assert second.realised.lagging == ()
    assert len(ears.uuids()) == 3

"""The revision log, the stream of changes, and undoing."""

import json
import threading

import httpx
import pytest

from openvnet.api.changes import MOST_BYTES, Reader
from tests.api.processes import vnmgr, webapi


@pytest.fixture(scope="module")
def http(run):
    transport = httpx.HTTPTransport(uds=f"{run}/webapi.sock")
    with httpx.Client(transport=transport, base_url="http://webapi/api/1.0", timeout=10) as client:
        yield client


def network(uuid, **more):
    return {"uuid": uuid, "display_name": "a", "ipv4_network": "10.0.0.0", **more}


def made(http, collection, **values):
    answer = http.post(f"/{collection}", json=values)
    assert answer.status_code == 200, answer.text
    return answer.json()


def number(answer):
    return int(answer.headers["openvnet-revision"].partition("/")[2])


def newest(http):
    return http.get("/health").headers["openvnet-revision"]


@pytest.fixture
def uuid(http, numbers):
    return made(http, "networks", **network(f"nw-c{next(numbers)}"))["uuid"]


def test_what_came_after_a_revision_is_told_in_order(http, uuid):
    place = newest(http)
    http.put(f"/networks/{uuid}", json={"display_name": "b"})
    http.delete(f"/networks/{uuid}")
    for since in (place, place.partition("/")[2]):
        told = http.get("/changes", params={"since": since}).json()
        assert told["epoch"] == place.partition("/")[0]
        first, second = (item["changes"][0] for item in told["items"])
        assert (first["kind"], first["uuid"]) == ("network", uuid)
        assert (first["before"]["display_name"], first["after"]["display_name"]) == ("a", "b")
        assert first["after"]["ipv4_network"] == "10.0.0.0"
        assert (second["before"], second["after"]) == (first["after"], None)
    assert "python-httpx" in told["items"][0]["asked_by"]


def test_without_a_beginning_the_newest_come_first(http, uuid):
    http.delete(f"/networks/{uuid}")
    part = http.get("/changes", params={"limit": 1}).json()
    assert part["items"][0]["changes"][0]["after"] is None
    more = http.get("/changes", params={"limit": 1, "before": part["before"]}).json()
    assert more["items"][0]["revision"] == part["items"][0]["revision"] - 1


@pytest.mark.parametrize("way", [{"since": "0"}, {}])
@pytest.mark.usefixtures("uuid")
def test_parts_of_the_log_lead_through_all_of_it(way, http):
    found, path = [], httpx.URL("/changes", params={"limit": 3, **way})
    while path:
        answer = http.get(path)
        found += [item["revision"] for item in answer.json()["items"]]
        link = answer.headers.get("link", "<>").partition(">")[0][1:]
        path = link.removeprefix("/api/1.0")
    last = int(newest(http).partition("/")[2])
    assert found == (list(range(1, last + 1)) if way else list(range(last, 0, -1)))


def test_changes_are_chosen_by_kind_and_by_what_they_name(http, uuid):
    since = newest(http)
    made(http, "interfaces", uuid="if-c1", mode="vif", mac_address="02:00:00:00:0c:01")
    made(http, "ip_leases", uuid="il-c1", network_uuid=uuid, ipv4_address="10.0.0.9")
    made(http, "networks", **network("nw-unrelated"))

    def chosen(**more):
        told = http.get("/changes", params={"since": since, **more}).json()["items"]
        return [change["kind"] for item in told for change in item["changes"]]

    assert chosen(uuid=uuid) == ["ip_lease"]
    assert sorted(chosen(uuid="if-c1")) == ["interface", "interface_port", "mac_lease"]
    assert chosen(kind="networks") == chosen(kind="network") == ["network"]
    assert sorted(chosen(kind="ip_leases,network")) == ["ip_lease", "network"]


WRONG = [
    ({"since": "x"}, 400, "must be a revision"),
    ({"since": "999999"}, 400, "there is no such revision"),
    ({"since": "abc/1"}, 410, "Revisions of epoch abc are not known"),
    ({"since": "1", "before": "2"}, 400, "not both"),
    ({"kind": "netwrk"}, 400, "Did you mean network?"),
    ({"uuid": "%"}, 400, "must be a uuid"),
    ({"sinec": "1"}, 400, "Did you mean since?"),
    ({"limit": "0"}, 400, "1 to 1000"),
]


@pytest.mark.parametrize(("query", "status", "words"), WRONG)
@pytest.mark.usefixtures("uuid")
def test_what_cannot_be_told_is_refused(query, status, words, http):
    answer = http.get("/changes", params=query)
    assert (answer.status_code, words in answer.json()["message"]) == (status, True), answer.text


class Listener:
    """Reads a stream in a thread of its own."""

    def __init__(self, run, headers=None, **query):
        transport = httpx.HTTPTransport(uds=f"{run}/webapi.sock")
        self.client = httpx.Client(transport=transport, base_url="http://webapi", timeout=10)
        self.context = self.client.stream(
            "GET", "/api/1.0/changes/stream", params=query, headers=headers
        )
        self.response = self.context.__enter__()
        self.lines = self.response.iter_lines()

    def event(self):
        """The next event: its id, kind and data."""
        found = {}
        for line in self.lines:
            name, _, value = line.partition(": ")
            if not line and "data" in found:
                return found.get("id"), found["event"], json.loads(found["data"])
            found[name] = value
        return None

    def close(self):
        self.context.__exit__(None, None, None)
        self.client.close()


@pytest.fixture
def listen(run):
    opened_ones = []

    def open_one(headers=None, where=run, **query):
        opened_ones.append(Listener(where, headers, **query))
        return opened_ones[-1]

    yield open_one
    for each in opened_ones:
        each.close()


def test_changes_are_told_as_they_happen(http, listen, uuid):
    one, other = listen(), listen(uuid=uuid, kind="network")
    assert one.response.headers["content-type"].startswith("text/event-stream")
    made(http, "networks", **network("nw-stream"))
    http.put(f"/networks/{uuid}", json={"display_name": "b"})
    place, kind, told = one.event()
    assert (kind, told["changes"][0]["uuid"]) == ("revision", "nw-stream")
    assert place == f"{newest(http).partition('/')[0]}/{told['revision']}"
    assert one.event()[2]["changes"][0]["uuid"] == uuid
    assert other.event()[2]["changes"][0]["after"]["display_name"] == "b"


def test_whoever_comes_back_misses_nothing(http, listen, uuid):
    place = newest(http)
    for name in "bcd":
        http.put(f"/networks/{uuid}", json={"display_name": name})
    for given in ({"headers": {"Last-Event-ID": place}}, {"since": place}):
        reader = listen(**given)
        found = [reader.event()[2]["changes"][0]["after"]["display_name"] for _ in range(3)]
        assert found == ["b", "c", "d"]
    http.put(f"/networks/{uuid}", json={"display_name": "e"})
    assert reader.event()[2]["changes"][0]["after"]["display_name"] == "e"


def test_a_stream_of_another_epoch_is_refused(http):
    answer = http.get("/changes/stream", headers={"Last-Event-ID": "abc/1"})
    assert (answer.status_code, answer.json()["error"]) == (410, "OtherEpoch")


def test_nothing_is_lost_or_told_twice_while_others_write(http, run, listen, uuid):
    place = newest(http)

    def write():
        transport = httpx.HTTPTransport(uds=f"{run}/webapi.sock")
        with httpx.Client(transport=transport, base_url="http://webapi/api/1.0") as writer:
            for count in range(150):
                writer.put(f"/networks/{uuid}", json={"display_name": str(count)})

    writing = threading.Thread(target=write)
    writing.start()
    readers = [listen(since=place) for _ in range(4)]
    for reader in readers:
        found = [reader.event()[2]["changes"][0]["after"]["display_name"] for _ in range(150)]
        assert found == [str(count) for count in range(150)]
    writing.join()


def test_streams_end_with_a_word_when_vnmgr_or_webapi_goes(tmp_path, listen):
    with webapi(tmp_path) as front:
        with vnmgr(tmp_path):
            reader = listen(where=tmp_path)
        kind, told = reader.event()[1:]
        assert (kind, "vnmgr is away" in told["message"]) == ("dropped", True)
        with vnmgr(tmp_path):
            reader = listen(where=tmp_path)
            assert front.end() == 0
            assert "webapi ends" in reader.event()[2]["message"]


def test_a_reader_that_is_too_slow_is_dropped_and_holds_nothing():
    reader = Reader({"hears": "admin", "token_uuid": None, "expires_at": None})
    told = {"revision": 1, "changes": []}
    reader.put(told, MOST_BYTES)
    assert (reader.dropped, len(reader.waiting)) == ("", 1)
    reader.put(told, 1)
    assert (reader.dropped, len(reader.waiting), reader.bytes) == (
        "You read too slowly.",
        0,
        0,
    )


def undo(http, revision, **query):
    return http.post(f"/changes/{revision}/undo", params=query)


def last(http):
    return int(newest(http).partition("/")[2])


def test_a_deletion_is_undone_with_all_that_went_with_it(http, uuid):
    mac = "02:00:00:00:0d:01"
    values = {"mode": "vif", "network_uuid": uuid, "mac_address": mac, "ipv4_address": "10.0.0.7"}
    before = made(http, "interfaces", uuid="if-u1", port_name="u1", **values)
    assert number(http.delete("/interfaces/if-u1")) == last(http)
    done = undo(http, last(http))
    assert {change["kind"] for change in done.json()} == {
        *("interface", "interface_port", "mac_lease", "ip_lease")
    }
    after = http.get("/interfaces/if-u1").json()
    assert {name: after[name] for name in before} == before
    again = undo(http, number(done))
    assert again.status_code == 200, again.text
    assert http.get("/interfaces/if-u1").status_code == 404


def test_a_change_is_undone_and_a_rehearsal_of_it_is_not_done(http, uuid):
    http.put(f"/networks/{uuid}", json={"display_name": "b"})
    revision = last(http)
    rehearsed = undo(http, revision, dry_run=True)
    assert rehearsed.json()[0]["after"]["display_name"] == "a"
    assert last(http) == revision
    undo(http, revision)
    assert http.get(f"/networks/{uuid}").json()["display_name"] == "a"


def test_what_was_changed_again_is_refused_unless_forced(http, uuid):
    http.put(f"/networks/{uuid}", json={"display_name": "b"})
    revision = last(http)
    http.put(f"/networks/{uuid}", json={"display_name": "c"})
    refused = undo(http, revision)
    assert (refused.status_code, refused.json()["error"]) == (409, "Conflict")
    words = f"network {uuid} was changed again by revision {revision + 1}."
    assert refused.json()["message"].startswith(words)
    forced = undo(http, revision, force=True)
    assert forced.status_code == 200, forced.text
    assert http.get(f"/networks/{uuid}").json()["display_name"] == "a"


def test_what_others_have_come_to_need_is_not_undone_even_by_force(http, numbers):
    uuid = f"nw-c{next(numbers)}"
    made(http, "networks", **network(uuid))
    revision = last(http)
    lease = made(http, "ip_leases", network_uuid=uuid, ipv4_address="10.0.0.7")["uuid"]
    for force in (False, True):
        refused = undo(http, revision, force=force)
        assert refused.status_code == 409
        words = f"IP lease {lease} has come since, and cannot be without network {uuid}."
        assert refused.json()["message"].startswith(words)


def test_what_refers_to_nothing_any_more_is_not_brought_back(http, numbers):
    uuid = f"nw-c{next(numbers)}"
    made(http, "networks", **network(uuid))
    lease = made(http, "ip_leases", network_uuid=uuid, ipv4_address="10.0.0.7")["uuid"]
    http.delete(f"/ip_leases/{lease}")
    revision = last(http)
    http.delete(f"/networks/{uuid}")
    refused = undo(http, revision, force=True).json()
    assert refused["message"].startswith(f"network {uuid} is no longer there, and IP lease {lease}")


def test_what_somebody_else_has_now_is_not_taken_back(http, uuid):
    taken = {"network_uuid": uuid, "ipv4_address": "10.0.0.7"}
    http.delete(f"/ip_leases/{made(http, 'ip_leases', **taken)['uuid']}")
    revision = last(http)
    holder = made(http, "ip_leases", **taken)["uuid"]
    refused = undo(http, revision, force=True)
    assert refused.status_code == 400
    assert f"belongs to IP lease {holder} already" in refused.json()["message"]


def test_a_lease_whose_mac_lease_has_moved_is_not_brought_back(http, uuid):
    for name in ("m1", "m2"):
        made(http, "interfaces", uuid=f"if-{name}", mode="vif")
    mac = made(http, "mac_leases", interface_uuid="if-m1", mac_address="02:00:00:00:0e:01")["uuid"]
    lease = {"network_uuid": uuid, "ipv4_address": "10.0.0.8", "mac_lease_uuid": mac}
    http.delete(f"/ip_leases/{made(http, 'ip_leases', **lease)['uuid']}")
    revision = last(http)
    http.put(f"/mac_leases/{mac}", json={"interface_uuid": "if-m2"})
    refused = undo(http, revision)
    assert refused.status_code == 409
    assert f"MAC lease {mac}, which IP lease" in refused.json()["message"]


@pytest.mark.parametrize(
    ("revision", "query", "status"),
    [("999999", {}, 404), ("x", {}, 400), ("0", {}, 400), ("1", {"froce": 1}, 400)],
)
@pytest.mark.usefixtures("uuid")
def test_an_undoing_of_nothing_is_refused(revision, query, status, http):
    assert undo(http, revision, **query).status_code == status


def test_an_undoing_may_be_repeated_with_its_key(http, uuid):
    http.delete(f"/networks/{uuid}")
    path, headers = f"/changes/{last(http)}/undo", {"Idempotency-Key": uuid}
    first, second = (http.post(path, headers=headers) for _ in range(2))
    assert first.json() == second.json()
    assert number(first) == number(second) == last(http)

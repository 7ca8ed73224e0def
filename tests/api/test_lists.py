"""Lists: parts of them, filters, order, and what is shown of each."""

import re
from itertools import count
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from openvnet.client import Client
from openvnet.model.filters import filters
from openvnet.model.operations import operations_of
from tests.api.examples import MAKEABLE, Examples
from tests.api.processes import webapi

NETWORKS = ("nw-red", "nw-green", "nw-blue")
LISTED = [each for each in MAKEABLE if "list" in each.verbs]
"""Nodes are shown with what lives of them, and are no list."""


@pytest.fixture(scope="module")
def http(run):
    transport = httpx.HTTPTransport(uds=f"{run}/webapi.sock")
    with httpx.Client(transport=transport, base_url="http://webapi/api/1.0") as client:
        yield client


@pytest.fixture(scope="module", autouse=True)
def _world(client):
    """Three networks, and seven interfaces that are spread over the first two of them."""
    for uuid in NETWORKS:
        values = {"uuid": uuid, "display_name": uuid[3:], "ipv4_network": "10.9.0.0"}
        client.write("POST", "/networks", values)
    client.write("POST", "/datapaths", {**DATAPATH})
    for number in range(7):
        client.write("POST", "/interfaces", interface(number))


@pytest.fixture(scope="module")
def examples(client):
    return Examples(client, count(1000))


DATAPATH = {"uuid": "dp-1", "display_name": "one", "dpid": "0x1", "node_id": "one"}


def interface(number):
    values = {
        "uuid": f"if-{number}",
        "mode": "vif",
        "enable_routing": number % 3 == 0,
        "display_name": "bacabcd"[number],
        "network_uuid": "nw-green" if number % 2 else "nw-red",
        "mac_address": f"02:00:00:00:00:0{number}",
        "ipv4_address": f"10.9.0.{number + 8}",
        "port_name": f"inst{number}",
    }
    return {**values, "owner_datapath_uuid": "dp-1"} if number == 5 else values


def numbers(client, **query):
    found = client.get("/interfaces", **query).body["items"]
    return "".join(item["uuid"].removeprefix("if-") for item in found)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, "0123456"),
        ({"network_uuid": "nw-green"}, "135"),
        ({"network_uuid": "nw-green", "enable_routing": "false"}, "15"),
        ({"network_uuid": "nw-blue"}, ""),
        ({"enable_routing": "yes"}, "036"),
        ({"ipv4_address": "10.9.0.10"}, "2"),
        ({"mac_address": "02-00-00-00-00-04"}, "4"),
        ({"port_name": "inst6"}, "6"),
        ({"uuid": "if-3"}, "3"),
        ({"uuid": "if-3", "enable_routing": "true"}, "3"),
        ({"uuid": "if-3", "enable_routing": "no"}, ""),
        ({"owner_datapath_uuid": "dp-1"}, "5"),
        ({"owner_datapath_uuid": ""}, "012346"),
        ({"display_name": "a", "network_uuid": "nw-red"}, ""),
        ({"mode": "vif", "limit": 2, "offset": 3}, "34"),
        ({"sort": "display_name"}, "1304256"),
        ({"sort": "-created"}, "6543210"),
        ({"sort": "-enable_routing,-uuid"}, "6305421"),
        ({"sort": "-display_name,-created", "limit": 3}, "652"),
    ],
)
def test_a_list_has_what_was_asked_for(query, found, client):
    assert numbers(client, **query) == found


def test_the_total_counts_what_was_filtered(client):
    page = client.get("/interfaces", network_uuid="nw-red", limit=2, offset=1).body
    assert (page["total_count"], len(page["items"])) == (4, 2)


def test_a_part_of_a_list_leads_to_the_others(http):
    found, path = [], "/interfaces?network_uuid=nw-red&limit=2&fields=uuid"
    while path:
        answer = http.get(path.removeprefix("/api/1.0"))
        found += [item["uuid"] for item in answer.json()["items"]]
        path = relations(answer).get("next")
    assert found == ["if-0", "if-2", "if-4", "if-6"]


@pytest.mark.parametrize(
    ("offset", "limit", "expected"),
    [
        (0, 3, {"first": 0, "next": 3, "last": 6}),
        (3, 3, {"first": 0, "prev": 0, "next": 6, "last": 6}),
        (6, 3, {"first": 0, "prev": 3, "last": 6}),
        (1, 3, {"first": 0, "prev": 0, "next": 4, "last": 4}),
        (100, 3, {"first": 0, "prev": 4, "last": 4}),
        (0, 7, {"first": 0, "last": 0}),
        (0, 0, {}),
    ],
)
def test_links_lead_to_the_parts_around_it(offset, limit, expected, http):
    answer = http.get("/interfaces", params={"offset": offset, "limit": limit})
    found = {
        relation: int(dict(parse_qsl(urlsplit(path).query))["offset"])
        for relation, path in relations(answer).items()
    }
    assert found == expected


def relations(answer):
    pairs = re.findall(r'<([^>]*)>; rel="(\w+)"', answer.headers.get("link", ""))
    return {relation: path for path, relation in pairs}


def test_only_what_is_asked_for_is_shown(client):
    shown = client.get("/interfaces", fields="mac_address,uuid", limit=1).body["items"]
    assert [list(item.items()) for item in shown] == [
        [("mac_address", "02:00:00:00:00:00"), ("uuid", "if-0")]
    ]
    (host,) = client.get("/interfaces/if-1", fields="status").body["status"]
    assert host["up"] is False
    assert client.get("/networks/nw-red", fields="ipv4_network").body == {
        "ipv4_network": "10.9.0.0"
    }


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"netwrk_uuid": "nw-1"}, "Did you mean network_uuid?"),
        ({"network_uuid": "if-1"}, "must be nw- and"),
        ({"mode": "virtual"}, "must be one of vif"),
        ({"sort": "display_nam"}, "Did you mean display_name?"),
        ({"sort": "mac_address"}, "there is no such attribute"),
        ({"fields": "uuid,statsu"}, "Did you mean status?"),
        ({"colour": "blue"}, "Known are uuid"),
    ],
)
def test_what_is_not_known_is_refused_with_the_nearest(query, words, http):
    answer = http.get("/interfaces", params=query)
    assert answer.status_code == 400
    assert words in answer.json()["message"]


@pytest.mark.parametrize("resource", LISTED, ids=lambda each: each.collection)
def test_every_resource_is_found_by_each_of_its_attributes(resource, examples, client):
    made = examples.made(resource)
    path = next(each for each in operations_of(resource) if each.verb == "list").path.format(**made)
    for name in filters(resource):
        if name in made:
            value = "" if made[name] is None else made[name]
            found = client.get(path, **{name: str(value), "limit": 1000}).body["items"]
            rows = [item.get("association", item) for item in found]  # of a relation, what joins
            assert made["uuid"] in [row.get("uuid") for row in rows], name


def test_the_configuration_says_how_long_a_list_is(run, tmp_path):
    (tmp_path / "rpc.sock").symlink_to(run / "rpc.sock")
    (tmp_path / "webapi.conf").write_text("pagination_limit 2\n")
    with (
        webapi(tmp_path, "--config", str(tmp_path)),
        Client(f"unix:{tmp_path}/webapi.sock") as client,
    ):
        assert len(client.get("/interfaces").body["items"]) == 2
        assert len(client.get("/interfaces", limit=3).body["items"]) == 3

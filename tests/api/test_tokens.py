"""Tokens, projects, quotas and TLS, against the real programs."""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from openvnet.client import Client, Refused, Unreachable
from tests.api.processes import ENVIRONMENT, command, process, vnctl, vnmgr, webapi
from tests.api.test_rights import address_of
from tests.certificates import self_signed


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    directory = tmp_path_factory.mktemp("run")
    with vnmgr(directory):
        yield directory


@pytest.fixture(scope="module")
def front(run):
    with webapi(run, "--require-tokens") as running:
        yield running


@pytest.fixture(scope="module")
def local(run, front):
    assert address_of(front)
    with Client(f"unix:{run}/webapi.sock") as client:
        for uuid, name in (("pj-red", "red"), ("pj-blue", "blue"), ("pj-green", "green")):
            client.write("POST", "/projects", {"uuid": uuid, "display_name": name})
        yield client


@pytest.fixture(scope="module")
def closing():
    with ExitStack() as stack:
        yield stack


@pytest.fixture(scope="module")
def token(local, front, closing):
    """Makes tokens; a client that has one, and its uuid."""

    def made(role="member", project="pj-red", **more):
        given = {"role": role, "display_name": f"{role} of {project}", **more}
        given |= {"project_uuid": project} if project else {}
        answer = local.write("POST", "/tokens", given).body
        client = closing.enter_context(Client(address_of(front), token=answer["secret"]))
        return client, answer["uuid"]

    return made


@pytest.fixture(scope="module")
def red(token):
    return token()[0]


@pytest.fixture(scope="module")
def blue(token):
    return token(project="pj-blue")[0]


def network(client, uuid, **more):
    given = {"uuid": uuid, "ipv4_network": "10.0.0.0", **more}
    return client.write("POST", "/networks", given).body


def refused(client, method, path, given=None, **query):
    with pytest.raises(Refused) as caught:
        client.request(method, path, query, given)
    return caught.value


def test_whoever_has_no_token_is_told_how_to_send_one(front):
    with Client(address_of(front)) as nobody:
        problem = refused(nobody, "GET", "/networks")
        assert (problem.status, problem.error) == (401, "Unauthorized")
        assert "Authorization: Bearer" in problem.message
        assert set(nobody.get("/health").body) == {"vnmgr", "database"}
        assert "version" in nobody.get("/version").body
        assert refused(nobody, "GET", "/whoami").status == 401
    front.says("had no token that is good")


def test_a_token_in_a_url_is_refused_and_not_repeated(red):
    problem = refused(red, "GET", "/networks", token="vnt_secret")
    assert (problem.status, "header Authorization" in problem.message) == (400, True)
    assert "vnt_secret" not in problem.message
    assert refused(red, "GET", "/networks/vnt_secret").status == 400


def test_a_secret_is_shown_once_and_kept_nowhere(run, local):
    answer = local.write("POST", "/tokens", {"role": "viewer", "display_name": "once"}).body
    secret = answer["secret"]
    assert len(secret) > 40
    shown = local.get(f"/tokens/{answer['uuid']}").body
    assert not {"secret", "digest"} & set(shown)
    told = local.get("/changes", limit=1000).text.decode()
    assert secret not in told
    assert "digest" not in told
    files = [path for path in run.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if secret.encode() in path.read_bytes()]


def test_a_token_that_is_revoked_is_no_good_at_once_and_ends_its_stream(local, token):
    client, uuid = token()
    events = client.events("/changes/stream", {"since": "0"})
    assert next(events).kind == "revision"
    with Client(client.address, token=client._token) as other:
        network(other, "nw-before")
        while "nw-before" not in str(next(events).data):
            pass
        local.write("DELETE", f"/tokens/{uuid}")
        assert refused(other, "GET", "/networks").status == 401
        assert refused(other, "POST", "/networks", {"ipv4_network": "10.0.0.0"}).status == 401
    (last,) = list(events)
    assert (last.kind, "revoked" in last.data["message"]) == ("dropped", True)
    revision = local.get("/changes", limit=1).body["items"][0]["revision"]
    problem = refused(local, "POST", f"/changes/{revision}/undo")
    assert (problem.status, "stays so" in problem.message) == (409, True)


def test_a_token_ends_and_so_does_its_stream(token):
    client, _ = token(lifetime=3)
    assert [event.kind for event in client.events("/changes/stream", {})][-1] == "dropped"
    assert "expired" in refused(client, "GET", "/networks").message


def test_a_stream_tells_a_project_what_is_its_own(local, red, blue):
    with Client(red.address, token=red._token) as listener:
        events = listener.events("/changes/stream", {"since": "0"})
        next(events)
        network(blue, "nw-unheard")
        network(local, "nw-unheard2")
        network(red, "nw-heard")
        told = ""
        while "nw-heard" not in told:
            told += str(next(events).data)
    assert "nw-unheard" not in told


def test_a_shared_network_may_be_used_and_not_changed(local, red, blue):
    network(red, "nw-shared")
    lease = {"network_uuid": "nw-shared", "ipv4_address": "10.0.0.9"}
    assert refused(blue, "POST", "/ip_leases", lease).status == 404
    local.write("POST", "/networks/nw-shared/projects/pj-blue")
    made = blue.write("POST", "/ip_leases", lease).body
    assert made["project_uuid"] == "pj-blue"
    assert "nw-shared" in [each["uuid"] for each in blue.all("/networks").body["items"]]
    for method, given in (("PUT", {"display_name": "mine"}), ("DELETE", None)):
        problem = refused(blue, method, "/networks/nw-shared", given)
        assert (problem.status, "shared with your project" in problem.message) == (403, True)
    taken = refused(red, "POST", "/ip_leases", lease)
    assert "is taken already" in taken.message
    assert made["uuid"] not in taken.message
    problem = refused(red, "DELETE", "/networks/nw-shared")
    assert (problem.status, made["uuid"] in problem.message) == (409, False)
    problem = refused(local, "DELETE", "/networks/nw-shared/projects/pj-blue")
    assert (problem.status, made["uuid"] in problem.message) == (409, True)
    blue.write("DELETE", f"/ip_leases/{made['uuid']}")
    local.write("DELETE", "/networks/nw-shared/projects/pj-blue")
    assert refused(blue, "GET", "/networks/nw-shared").status == 404
    local.write("PUT", "/networks/nw-shared", {"shared": True})
    assert blue.get("/networks/nw-shared").body["shared"]


def test_a_quota_is_never_passed_by_clients_that_race(local, blue):
    given = {"resource": "networks", "maximum": 5}
    quota = local.write("POST", "/projects/pj-blue/quotas", given).body
    there = blue.get("/networks", project="blue").body["total_count"]
    mine = len([1 for each in blue.all("/networks").body["items"] if each["uuid"] != "nw-shared"])
    assert mine <= there

    def tries(number):
        with Client(blue.address, token=blue._token) as client:
            found = []
            for each in range(5):
                try:
                    network(client, f"nw-race{number}x{each}")
                    found.append("made")
                except Refused as refusal:
                    named = f"5 networks (quota {quota['uuid']})" in refusal.message
                    found.append(refusal.error if named else refusal.message)
            return found

    with ThreadPoolExecutor(8) as pool:
        results = [result for found in pool.map(tries, range(8)) for result in found]
    assert results.count("made") == 5 - mine
    assert results.count("QuotaExceeded") == 40 - (5 - mine)
    several = [{"ipv4_network": "10.0.0.0"}] * 2
    local.write("PUT", f"/projects/pj-blue/quotas/{quota['uuid']}", {"maximum": 6})
    assert refused(blue, "POST", "/networks", several).error == "QuotaExceeded"
    usage = {each["resource"]: each for each in blue.get("/projects/pj-blue/usage").body}
    assert usage["networks"] == {"resource": "networks", "used": 5, "maximum": 6}
    document = {"networks": {f"nw-doc{each}": {"ipv4_network": "10.0.0.0"} for each in range(2)}}
    assert refused(blue, "POST", "/apply", document).error == "QuotaExceeded"
    local.write("DELETE", f"/projects/pj-blue/quotas/{quota['uuid']}")


def test_what_is_leased_to_something_is_of_its_project_and_moves_with_it(local, red, blue):
    network(red, "nw-moving")
    given = {"uuid": "if-moving", "mode": "vif", "mac_address": "02:00:00:00:77:01"}
    given |= {"network_uuid": "nw-moving", "ipv4_address": "10.0.0.7"}
    made = red.write("POST", "/interfaces", given).body
    assert {made["project_uuid"], *(each["project_uuid"] for each in made["ip_leases"])} == {
        "pj-red"
    }
    lease = made["ip_leases"][0]["uuid"]
    problem = refused(local, "PUT", f"/ip_leases/{lease}", {"project_uuid": "pj-blue"})
    assert "belongs to if-moving" in problem.message
    assert refused(red, "PUT", "/interfaces/if-moving", {"project_uuid": "pj-blue"}).status == 403
    local.write("PUT", "/interfaces/if-moving", {"project_uuid": "pj-blue"})
    assert blue.get(f"/ip_leases/{lease}").body["project_uuid"] == "pj-blue"
    assert refused(red, "GET", f"/ip_leases/{lease}").status == 404
    told = red.get("/changes", limit=1).body["items"][0]["changes"]
    assert {(each["uuid"], each["after"]) for each in told} >= {("if-moving", None)}
    told = blue.get("/changes", limit=1).body["items"][0]["changes"]
    assert {(each["uuid"], each["before"]) for each in told} >= {("if-moving", None)}


def test_a_project_goes_only_when_it_is_empty(local):
    local.write("POST", "/projects", {"uuid": "pj-full"})
    local.write("POST", "/networks?project=pj-full", {"uuid": "nw-in", "ipv4_network": "10.0.0.0"})
    problem = refused(local, "DELETE", "/projects/pj-full")
    assert (problem.status, "1 network (nw-in)" in problem.message) == (409, True)
    local.write("DELETE", "/networks/nw-in")
    local.write("DELETE", "/projects/pj-full")
    assert refused(local, "DELETE", "/projects/pj-default").status == 409


def test_a_member_undoes_what_is_its_own_and_hears_of_nothing_else(red, blue):
    network(red, "nw-undone")
    own = red.get("/changes", limit=1).body["items"][0]["revision"]
    network(blue, "nw-kept")
    foreign = blue.get("/changes", limit=1).body["items"][0]["revision"]
    problem = refused(red, "POST", f"/changes/{foreign}/undo")
    assert (problem.status, "nw-kept" in problem.message) == (404, False)
    red.write("POST", f"/changes/{own}/undo")
    assert refused(red, "GET", "/networks/nw-undone").status == 404


def test_an_idempotency_key_is_of_one_token(red, blue):
    import http.client
    from urllib.parse import urlsplit

    def post(client, uuid):
        connection = http.client.HTTPConnection(urlsplit(client.address).netloc)
        headers = {"Idempotency-Key": "the same", "Content-Type": "application/json"}
        headers["Authorization"] = f"Bearer {client._token}"
        body = f'{{"uuid": "{uuid}", "ipv4_network": "10.0.0.0"}}'
        connection.request("POST", "/api/networks", body, headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, text

    assert post(red, "nw-key1") == post(red, "nw-key1")
    assert post(red, "nw-key2")[0] == 422
    assert post(blue, "nw-key2")[0] == 200


def test_the_history_says_who_from_where_and_what(local, red):
    network(red, "nw-audit")
    (item,) = local.get("/changes", uuid="nw-audit").body["items"]
    assert item["asked_by"].startswith("member of pj-red (tok-")
    assert "127.0.0.1 openvnet" in item["asked_by"]
    network(local, "nw-audit2")
    (item,) = local.get("/changes", uuid="nw-audit2").body["items"]
    assert item["asked_by"].startswith("local, user ")


def test_an_applied_document_touches_what_is_the_projects_own(token, blue):
    green, _ = token(project="pj-green")
    network(green, "nw-pruned")
    network(blue, "nw-theirs")
    for given in ({"ipv4_network": "10.0.0.0"}, {"ipv4_network": "10.9.0.0"}):
        problem = refused(green, "POST", "/apply", {"networks": {"nw-theirs": given}})
        assert problem.error == "DuplicateUUID"
    document = {"networks": {"nw-mine": {"ipv4_network": "10.0.0.0"}}}
    changes = green.request("POST", "/apply", {"prune": "true"}, document).body
    assert {each["uuid"] for each in changes} == {"nw-mine", "nw-pruned"}
    assert blue.get("/networks/nw-theirs").body["uuid"] == "nw-theirs"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return self_signed(tmp_path_factory.mktemp("tls"))


def test_tls_and_tokens_from_the_file_of_webapi_and_vnctls(local, run, tmp_path, certificate):
    made, key = certificate
    (tmp_path / "webapi.conf").write_text(
        f'tls {{ certificate "{made}" key "{key}" }}\nrequire_tokens true\n'
    )
    answer = local.write("POST", "/tokens", {"role": "operator", "display_name": "op"}).body
    endpoint = tmp_path / "rpc.sock"
    endpoint.symlink_to(run / "rpc.sock")
    words = ("--run", str(tmp_path), "--config", str(tmp_path), "--port", "0", "--bind", "0.0.0.0")
    with process("openvnet.api.main", *words, says="listening") as serving:
        address = address_of(serving).replace("0.0.0.0", "127.0.0.1")
        assert address.startswith("https://")
        with Client(address, token=answer["secret"]) as strict, pytest.raises(Unreachable) as bad:
            strict.get("/networks")
        assert "certificate is not good" in str(bad.value)
        settings = tmp_path / ".vnctlrc"
        settings.write_text(f'webapi_uri "{address}"\nwebapi_ca {made}\ntoken_file secret\n')
        (tmp_path / "secret").write_text(answer["secret"])
        (tmp_path / "secret").chmod(0o644)
        home = {"HOME": str(tmp_path), "VNET_WEBAPI": ""}
        done = vnctl(tmp_path, "networks", "show", "-o", "name", **home)
        assert done.returncode == 0, done.stderr
        assert "others may read" in done.stderr
        (tmp_path / "secret").chmod(0o600)
        assert vnctl(tmp_path, "networks", "show", **home).stderr == ""
        plain = vnctl(tmp_path, "networks", "show", **home | {"VNET_WEBAPI": address[8:]})
        assert "say https://" in plain.stderr
        wrong = vnctl(tmp_path, "networks", "show", **home | {"VNET_TOKEN": "vnt_wrong"})
        assert (wrong.returncode, "not known" in wrong.stderr) == (1, True)


UNSAFE = [
    pytest.param(("--bind", "0.0.0.0"), "without TLS", id="no TLS"),
    pytest.param(("--bind", "::"), "--insecure", id="no TLS, IPv6"),
    pytest.param(("--tls-certificate", "{made}"), "needs both", id="no key"),
    pytest.param(
        ("--tls-certificate", "{made}", "--tls-key", "/nowhere"), "no such file", id="nowhere"
    ),
    pytest.param(("--tls-certificate", "{key}", "--tls-key", "{key}"), "in PEM", id="no PEM"),
]


@pytest.mark.parametrize(("words", "says"), UNSAFE)
def test_webapi_refuses_to_listen_unsafely(words, says, tmp_path, certificate):
    made, key = certificate
    words = [word.format(made=made, key=key) for word in words]
    where = ("--run", str(tmp_path), "--config", str(tmp_path), "--port", "0")
    done = subprocess.run(
        [*command("openvnet.api.main"), *where, *words],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 1
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_webapi_listens_unsafely_if_told_so_in_as_many_words(run, tmp_path):
    (tmp_path / "rpc.sock").symlink_to(run / "rpc.sock")
    with webapi(tmp_path, "--bind", "0.0.0.0", "--insecure") as front:
        assert any("it is insecure" in line for line in front.log)
        with Client(address_of(front).replace("0.0.0.0", "127.0.0.1")) as anybody:
            assert anybody.get("/networks").body["items"]


def test_vnctl_makes_shows_and_revokes_tokens_and_names_a_project(run, red):
    done = vnctl(run, "tokens", "add", "--display-name", "ci", "--role", "viewer")
    assert "secret" in done.stdout
    uuid = vnctl(run, "tokens", "show", "-o", "name", "--filter", "display_name=ci").stdout.strip()
    assert vnctl(run, "tokens", "revoke", uuid).returncode == 0
    add = ("networks", "add", "--uuid", "nw-red", "--ipv4-network", "10.0.0.0")
    assert "pj-red" in vnctl(run, "--project", "red", *add).stdout
    listed = vnctl(run, "networks", "show", "-o", "name", VNET_PROJECT="red").stdout.split()
    assert "nw-red" in listed
    assert "nw-theirs" not in listed
    wrong = vnctl(run, "networks", "show", "--project", "rad")
    assert (wrong.returncode, "project rad does not exist" in wrong.stderr) == (1, True)
    shown = vnctl(run, "projects", "usage", "red").stdout
    assert "networks" in shown
    assert "nw-red" in [each["uuid"] for each in red.all("/networks").body["items"]]

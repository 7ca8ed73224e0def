"""Who may do what, held against the real programs: every resource, by its declaration."""

from contextlib import ExitStack

import pytest

from openvnet.client import Client, Refused
from openvnet.model import RESOURCES
from openvnet.model.operations import operations_of, parent_of, reader_of, writer_of
from openvnet.model.ownership import PROJECTLESS
from openvnet.model.resource import attributes
from openvnet.model.rights import ROLES
from tests.api.examples import MAKEABLE, Examples, creation_path
from tests.api.processes import vnmgr, webapi

CALLERS = {
    "admin": ("admin", None),
    "operator": ("operator", None),
    "watcher": ("viewer", None),
    "member": ("member", "pj-own"),
    "viewer": ("viewer", "pj-own"),
}
SAID_BY_MEMBERS = {
    "networks": {"mode": "virtual", "network_mode": "virtual"},
    "segments": {"mode": "virtual"},
    "interfaces": {"enable_port_security": True},
}
"""Instead of values of the examples that only operators may say."""
PROJECTS = ("pj-own", "pj-foreign")


class World:
    """One of each resource in two projects, and a client for each role."""

    def __init__(self, where, local, closing):
        self.local = local
        self.clients = {}
        for project in PROJECTS:
            local.write("POST", "/projects", {"uuid": project, "display_name": project})
        for name, (role, project) in CALLERS.items():
            given = {"uuid": f"tok-{name}", "display_name": name, "role": role}
            given |= {"project_uuid": project} if project else {}
            secret = local.write("POST", "/tokens", given).body["secret"]
            self.clients[name] = closing.enter_context(Client(where, token=secret))
        self.examples = {
            project: Examples(local, project_uuid=project) for project in reversed(PROJECTS)
        }
        numbers = self.examples["pj-own"].numbers
        self.examples["pj-foreign"].numbers = numbers
        self.made = {
            project: {each.collection: examples.made(each) for each in MAKEABLE}
            for project, examples in self.examples.items()
        }


def address_of(process):
    line = next(line for line in process.log if "listening on" in line)
    return line.partition("listening on ")[2].partition(" ")[0]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    run = tmp_path_factory.mktemp("run")
    with vnmgr(run), webapi(run, "--require-tokens") as front, ExitStack() as closing:
        local = closing.enter_context(Client(f"unix:{run}/webapi.sock"))
        yield World(address_of(front), local, closing)


def is_at_least(role, wanted):
    return ROLES.index(role) >= ROLES.index(wanted)


def status_of(client, method, path, given=None, **query):
    try:
        client.request(method, path, query, given)
    except Refused as refused:
        return refused.status
    return 200


def expected(name, resource, writes, project):
    """The status of an answer, as the declaration of a resource says."""
    role, own = CALLERS[name]
    reads_as = "operator" if (role, own) == ("viewer", None) else role
    if writes:
        allowed = is_at_least(role, writer_of(resource))
    else:
        allowed = is_at_least(reads_as, reader_of(resource))
    if not allowed:
        return 403
    confined = own is not None and resource.kind not in PROJECTLESS
    return 404 if confined and project != own else 200


NOT_MADE = [each for each in RESOURCES if each not in MAKEABLE]

every_resource = pytest.mark.parametrize("resource", MAKEABLE, ids=lambda each: each.collection)


@every_resource
@pytest.mark.parametrize("project", PROJECTS)
@pytest.mark.parametrize("name", CALLERS)
def test_each_role_reads_what_its_resource_says(name, project, resource, world):
    client, made = world.clients[name], world.made[project][resource.collection]
    for operation in operations_of(resource):
        if operation.writes:
            continue
        path = operation.path.format(**made)
        wanted = expected(name, resource, False, project)
        if resource.collection in ("projects", "quotas") and CALLERS[name][1]:
            wanted = 404  # The examples are of other projects.
        if operation.verb == "list" and not resource.parent and wanted == 404:
            items = client.all(path).body["items"]
            assert made["uuid"] not in [item["uuid"] for item in items]
        else:
            assert status_of(client, "GET", path) == wanted, path


def said_by(name, resource, values):
    """Those of the values that a role may say."""
    if is_at_least(CALLERS[name][0], "operator"):
        return values
    declared = {**attributes(resource.kind), **(resource.parameters or {})}
    free = {"project_uuid"}
    own = {key: value for key, value in values.items() if key in free or not declared[key].role}
    return own | SAID_BY_MEMBERS.get(resource.collection, {})


def tried(world, name, project, operation):
    """The path and the values of a write; those of a creation are fresh."""
    resource, made = operation.resource, world.made[project][operation.resource.collection]
    if operation.verb == "create":
        values = world.examples[project].values(resource)
        path = creation_path(resource, values)
        values = said_by(name, resource, values)
        return path, values
    path = operation.path.format(**made)
    if operation.by_values:
        return path, {each: made[each] for each in resource.deleted_by if made[each] is not None}
    if operation.verb == "update":
        fresh = {"display_name": "new", "static": False, "maximum": 9}
        names = [each for each in operation.parameters if each in fresh]
        names = names or sorted(operation.parameters, key=lambda each: each == "project_uuid")
        return path, {names[0]: fresh.get(names[0], made.get(names[0]))}
    return path, None


WRITES = [
    pytest.param(operation, id=f"{operation.verb}-{operation.path}")
    for resource in MAKEABLE
    for operation in operations_of(resource)
    if operation.writes and operation.verb in ("create", "update", "delete")
]


@pytest.mark.parametrize("operation", WRITES)
def test_each_role_writes_what_its_resource_says(operation, world):
    resource = operation.resource
    for project in PROJECTS:
        for name in CALLERS:
            path, values = tried(world, name, project, operation)
            wanted = expected(name, resource, True, project)
            if wanted == 200 and values and operation.verb == "update":
                (said,) = values
                role = operation.parameters[said].role or "viewer"
                wanted = 200 if is_at_least(CALLERS[name][0], role) else 403
            status = status_of(world.clients[name], operation.method, path, values, dry_run="true")
            assert status == wanted, (name, project, path, values)


ACTIONS = [
    pytest.param(operation, id=f"{operation.verb}-{operation.path}")
    for resource in MAKEABLE
    for operation in operations_of(resource)
    if operation.verb in (resource.actions or {}) and resource.kind not in PROJECTLESS
]


@pytest.mark.parametrize("operation", ACTIONS)
def test_a_foreign_resource_is_not_acted_on(operation, world):
    values = {"new_uuid": "if-renamed"} if "new_uuid" in operation.parameters else None
    for project, name, wanted in (
        ("pj-foreign", "member", {404}),
        ("pj-own", "viewer", {403}),
        ("pj-own", "member", {200, 400}),
    ):
        path = operation.path.format(**world.made[project][operation.resource.collection])
        status = status_of(world.clients[name], "PUT", path, values, dry_run="true")
        assert status in wanted, (project, name)


def test_no_reference_leads_out_of_a_project(world):
    foreign = world.made["pj-foreign"]
    for resource in MAKEABLE:
        if not is_at_least("member", writer_of(resource)) or "create" not in resource.verbs:
            continue
        for name, attribute in attributes(resource.kind).items():
            if attribute.type.refers_to is None or name == "project_uuid":
                continue
            if not (attribute.create and foreign[resource.collection].get(name)):
                continue
            values = world.examples["pj-own"].values(resource)
            values[name] = foreign[resource.collection][name]
            path = creation_path(resource, values)
            given = said_by("member", resource, values)
            status = status_of(world.clients["member"], "POST", path, given, dry_run="true")
            assert status == 404, (resource.collection, name)


def test_no_answer_of_a_member_names_what_is_anothers(world):
    client, local = world.clients["member"], world.local
    foreign = {
        row["uuid"]
        for resource in MAKEABLE
        if resource.parent is None and resource.kind not in PROJECTLESS
        for row in local.all(f"/{resource.collection}", project_uuid="pj-foreign").body["items"]
    }
    assert len(foreign) > 60
    answers = []
    for resource in MAKEABLE:
        made = world.made["pj-foreign"][resource.collection]
        for operation in operations_of(resource):
            if operation.writes:
                continue
            own = world.made["pj-own"][resource.collection]
            answers.append(text_of(client, operation.path.format(**own), limit=1000))
            nearly = {key: f"{value}x"[-24:] for key, value in made.items()}
            refused = text_of(client, operation.path.format(**nearly))
            answers += [refused.replace(value, "") for value in nearly.values()][-1:]
    answers += [text_of(client, "/changes", limit=1000), text_of(client, "/export")]
    for uuid in foreign:
        assert not any(f'"{uuid}"' in answer or f" {uuid}?" in answer for answer in answers), uuid


def text_of(client, path, **query):
    try:
        return client.get(path, **query).text.decode()
    except Refused as refused:
        return refused.message


def test_a_route_to_each_parent_leads_to_the_same_project(world):
    for resource in MAKEABLE:
        parent = parent_of(resource)
        if parent is not None and parent.kind not in PROJECTLESS:
            made = world.made["pj-own"][resource.collection]
            above = world.local.get(f"/{parent.collection}/{made[resource.parent]}").body
            assert above["project_uuid"] == "pj-own"


@pytest.mark.parametrize("name", CALLERS)
def test_where_interfaces_are_is_told_as_its_declaration_says(name, world):
    """Only agents make these rows, so there is none of a project to ask for."""
    client, (resource,) = world.clients[name], NOT_MADE
    wanted = expected(name, resource, False, CALLERS[name][1])
    assert status_of(client, "GET", f"/{resource.collection}") == wanted
    nowhere = f"/{resource.collection}/{resource.prefix}-none"
    assert status_of(client, "GET", nowhere) == (404 if wanted == 200 else wanted)

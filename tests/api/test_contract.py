"""What each declaration promises, held against the real webapi, vnmgr and SQLite."""

import re

import pytest

from openvnet.api.shown import SHOWN
from openvnet.client import Refused
from openvnet.model import PROJECTS, RESOURCES
from openvnet.model.operations import (
    creation,
    description,
    named_by,
    operations,
    operations_of,
    parent_of,
    related_of,
)
from openvnet.model.resource import attributes
from tests.api.examples import GOOD, WRONG, Examples, creation_path, filled

MADE = [each for each in RESOURCES if {"create", "update"} & set(each.verbs)]
"""All but what only vnmgr writes."""
CREATED = [each for each in RESOURCES if "create" in each.verbs]


def each_of(resources):
    return pytest.mark.parametrize("resource", resources, ids=lambda each: each.collection)


every_resource = each_of(CREATED)
with_page_of_its_own = each_of([each for each in CREATED if each.parent is None])
with_name = each_of([each for each in CREATED if "uuid" in creation(each)])
that_changes = each_of(
    [
        each
        for each in CREATED
        if each.parent is None and any(one.verb == "update" for one in operations_of(each))
    ]
)


@pytest.fixture
def examples(client, numbers):
    return Examples(client, numbers)


def refused(client, method, path, given=None):
    with pytest.raises(Refused) as caught:
        client.write(method, path, given)
    return caught.value


def operation_of(resource, verb):
    return next(each for each in operations_of(resource) if each.verb == verb)


@every_resource
def test_the_examples_have_every_parameter(resource, examples):
    values = examples.values(resource)
    assert set(values) - {resource.parent, resource.related} == set(creation(resource))


@every_resource
def test_what_is_created_is_answered_as_it_was_given(resource, examples, client):
    values = examples.values(resource)
    given = dict(values)
    made = client.write("POST", creation_path(resource, values), values).body
    assert set(attributes(resource.kind)) <= set(made)
    assert {name: made[name] for name in given if name in attributes(resource.kind)} == {
        name: value for name, value in given.items() if name in attributes(resource.kind)
    }


@with_page_of_its_own
def test_what_is_created_is_shown(resource, examples, client):
    made = examples.made(resource)
    shown = client.get(f"/{resource.collection}/{made['uuid']}").body
    assert {name: shown[name] for name in made} == made
    assert set(shown) == {*attributes(resource.kind), *SHOWN.get(resource.collection, {})}


@with_page_of_its_own
def test_required_parameters_are_enough(resource, examples, client):
    values = examples.values(resource)
    required = {name: values[name] for name, each in creation(resource).items() if each.required}
    made = client.write("POST", f"/{resource.collection}", required).body
    assert made["uuid"].startswith(f"{resource.prefix}-")


def listed(resource, made, client):
    """What is in the list in which a resource must be; of a relation, what leads there."""
    if "list" not in resource.verbs:  # What there is beside its rows is shown too, by name.
        return list(client.get(f"/{resource.collection}").body.values())
    path = operation_of(resource, "list").path.format(**made)
    items = client.all(path).body["items"]
    if not resource.related:
        return items
    return [item["association"] for item in items if "uuid" in item["association"]]


@every_resource
def test_what_is_created_is_in_the_list(resource, examples, client):
    made = examples.made(resource)
    assert made["uuid"] in [item["uuid"] for item in listed(resource, made, client)]


@each_of([each for each in RESOURCES if each.related])
def test_the_list_of_a_relation_shows_what_it_leads_to(resource, examples, client):
    made = examples.made(resource)
    path = operation_of(resource, "list").path.format(**made)
    (item,) = [
        each
        for each in client.all(path).body["items"]
        if each["association"].get("uuid") == made["uuid"]
    ]
    assert item["uuid"] == made[resource.related]
    assert item["association"] == made
    shown = client.get(f"/{related_of(resource).collection}/{item['uuid']}").body
    assert {name: shown[name] for name in item if name != "association"} == {
        name: value for name, value in item.items() if name != "association"
    }


@each_of([each for each in CREATED if each.related])
def test_two_resources_are_joined_once(resource, examples, client):
    values = examples.values(resource)
    path = creation_path(resource, values)
    client.write("POST", path, values)
    problem = refused(client, "POST", path, values)
    assert (problem.error, problem.code, problem.status) == ("RelationAlreadyExists", "112", 400)
    client.write("DELETE", path)
    client.write("POST", path, values)


@each_of([each for each in CREATED if each.deleted_by])
def test_what_is_described_is_deleted(resource, examples, client):
    values = examples.values(resource)
    described = {name: values[name] for name in resource.deleted_by}
    given = dict(values)
    path = creation_path(resource, given)
    made = client.write("POST", path, given).body
    described_by_one = any(each.required for each in description(resource).values())
    gone = client.write("DELETE", path, described).body
    assert gone == (made if described_by_one else [made])
    if described_by_one:
        problem = refused(client, "DELETE", path, described)
        assert (problem.error, problem.code, problem.status) == ("UnknownResource", "114", 404)


@each_of(MADE)
def test_what_anything_refers_to_takes_it_along(resource, examples, client):
    for name, attribute in attributes(resource.kind).items():
        made = examples.made(resource)
        if attribute.type.refers_to is None or made[name] is None:
            continue
        if attribute.type.refers_to == PROJECTS.prefix and name != resource.parent:
            continue  # A project goes only when nothing is left in it.
        client.write("DELETE", f"/{named_by(resource, name).collection}/{made[name]}")
        if resource.parent is None:
            assert refused(client, "GET", f"/{resource.collection}/{made['uuid']}").code == "100"
        elif name != resource.parent:
            assert made["uuid"] not in [item["uuid"] for item in listed(resource, made, client)]


@every_resource
def test_what_is_deleted_is_gone(resource, examples, client):
    made = examples.made(resource)
    one = next(each for each in operations_of(resource) if each.verb == "delete" and each.names_one)
    assert client.write("DELETE", filled(one, made)).body == [made[one.own_name]]
    problem = refused(client, "DELETE", filled(one, made))
    assert (problem.error, problem.code, problem.status) == ("UnknownUUIDResource", "100", 404)
    assert made["uuid"] not in [item["uuid"] for item in listed(resource, made, client)]


UPDATES = [
    pytest.param(operation, name, id=f"{operation.resource.collection}-{name}")
    for operation in operations()
    if operation.verb == "update" and not operation.resource.related
    for name in operation.parameters
]
OTHER = {"boolean": True, "text": "another"}


@pytest.mark.parametrize(("operation", "name"), UPDATES)
def test_what_may_change_changes(operation, name, examples, client):
    made = examples.made(operation.resource)
    attribute = operation.parameters[name]
    other = OTHER.get(attribute.type.name) or examples.values(operation.resource)[name]
    changed = client.write("PUT", filled(operation, made), {name: other})
    assert changed.revision
    if operation.resource.parent:
        assert changed.body == {**made, name: other}
        return
    shown = client.get(filled(operation, made)).body
    assert {key: shown[key] for key in changed.body} == changed.body
    if name in attributes(operation.resource.kind):
        assert shown[name] == other


CLEARED = [
    pytest.param(operation, name, id=f"{operation.resource.collection}-{name}")
    for operation in operations()
    if operation.verb == "update"
    for name, attribute in operation.parameters.items()
    if attribute.clears
]


@pytest.mark.parametrize("nothing", [None, ""])
@pytest.mark.parametrize(("operation", "name"), CLEARED)
def test_what_may_be_cleared_is_cleared(operation, name, nothing, examples, client):
    made = examples.made(operation.resource)
    assert client.write("PUT", filled(operation, made), {name: nothing}).body[name] is None


@that_changes
def test_what_may_not_change_is_refused_in_these_words(resource, examples, client):
    update = next((each for each in operations_of(resource) if each.verb == "update"), None)
    made = examples.made(resource)
    fixed = set(creation(resource)) - set(update.parameters if update else ())
    for name in fixed:
        problem = refused(client, "PUT", f"/{resource.collection}/{made['uuid']}", {name: "x"})
        assert (problem.code, problem.status) == ("110", 400)
        assert f"{name} of" in problem.message
        assert "cannot be changed" in problem.message


def is_cleared_by_nothing(attribute):
    return attribute.clears or attribute.type.refers_to


WRONG_VALUES = [
    pytest.param(
        operation, name, value, id=f"{operation.verb}-{operation.path}-{name}-{value!r:.20}"
    )
    for operation in operations()
    if operation.parameters
    for name, attribute in operation.parameters.items()
    for value in WRONG[attribute.type.name]
    if not (operation.verb == "update" and value == "" and is_cleared_by_nothing(attribute))
]


@pytest.fixture(scope="module")
def one_of_each(client, numbers):
    examples = Examples(client, numbers)
    return {resource.collection: examples.made(resource) for resource in MADE}


@pytest.mark.parametrize(("operation", "name", "value"), WRONG_VALUES)
def test_a_wrong_value_is_refused_by_name(operation, name, value, one_of_each, client):
    path = filled(operation, one_of_each[operation.resource.collection])
    needed = {key: _any_good(each) for key, each in operation.parameters.items() if each.required}
    problem = refused(client, operation.method, path, {**needed, name: value})
    uuid = operation.parameters[name].type.name == "uuid"
    expected = ("InvalidUUID", "101") if uuid else ("ArgumentError", "110")
    assert (problem.error, problem.code, problem.status) == (*expected, 400)
    assert problem.message.startswith(f"{name} ")
    assert "must be" in problem.message


def _any_good(attribute):
    """Something that the scalar reads: what is wrong comes before what is not there."""
    scalar = attribute.type
    if scalar.refers_to:
        return f"{scalar.refers_to}-x"
    return scalar.schema.get("enum", [_GOOD_BY_SCALAR.get(scalar.name)])[0]


_GOOD_BY_SCALAR = {
    "public key": "x" * 40,
    "text": "x",
    "boolean": "true",
    "IPv4 address": "10.0.0.0",
    "MAC address": "02:00:00:00:00:01",
    "datapath id": "0x1",
    "integer": "1",
    "uuid": "if-x",
    "IPv4 prefix": "10.0.0.0/8",
    "IPv4 addresses": "8.8.8.8",
    "domain name": "example.com",
}


REQUIRED = [
    pytest.param(resource, name, id=f"{resource.collection}-{name}")
    for resource in CREATED
    for name, attribute in creation(resource).items()
    if attribute.required
]


@pytest.mark.parametrize(("resource", "name"), REQUIRED)
def test_a_missing_parameter_is_named(resource, name, examples, client):
    values = examples.values(resource)
    path = creation_path(resource, values)
    del values[name]
    problem = refused(client, "POST", path, values)
    assert (problem.error, problem.code, problem.status) == ("MissingArgument", "111", 400)
    assert problem.message.startswith(f"{name} is required")


REFERENCES = [
    pytest.param(resource, name, id=f"{resource.collection}-{name}")
    for resource in CREATED
    for name, attribute in creation(resource).items()
    if attribute.type.refers_to
]


@pytest.mark.parametrize(("resource", "name"), REFERENCES)
def test_a_reference_to_nothing_is_refused(resource, name, examples, client):
    values = examples.values(resource)
    path = creation_path(resource, values)
    nothing = f"{creation(resource)[name].type.refers_to}-nothing"
    problem = refused(client, "POST", path, {**values, name: nothing})
    assert (problem.error, problem.code, problem.status) == ("UnknownUUIDResource", "100", 404)
    assert nothing in problem.message


@each_of([each for each in RESOURCES if each.parent])
def test_a_parent_that_is_not_there_is_refused(resource, examples, client):
    nothing = f"{parent_of(resource).prefix}-nothing"
    values = {**examples.values(resource), resource.parent: nothing}
    list_path = operation_of(resource, "list").path.format(**values)
    method = "POST" if "create" in resource.verbs else "PUT"
    given = values if method == "POST" else {**values, "static": True}
    problem = refused(client, method, creation_path(resource, given), given)
    assert (problem.code, nothing in problem.message) == ("100", True)
    with pytest.raises(Refused, match=nothing):
        client.get(list_path)


@each_of([each for each in RESOURCES if each.related])
def test_a_related_resource_that_is_not_there_is_refused(resource, examples, client):
    made = examples.made(resource)
    nothing = f"{related_of(resource).prefix}-nothing"
    paths = {
        one.path.format(**{**made, resource.related: nothing}): one.method
        for one in operations_of(resource)
        if one.names_one
    }
    for path, method in paths.items():
        given = (
            {}
            if method == "DELETE"
            else {
                name: made.get(name) for name in (*creation(resource), "static") if made.get(name)
            }
        )
        problem = refused(client, method, path, given)
        assert (problem.code, nothing in problem.message) == ("100", True)


@with_name
def test_a_uuid_that_is_in_use_is_refused(resource, examples, client):
    made, values = examples.made(resource), examples.values(resource)
    path = creation_path(resource, values)
    problem = refused(client, "POST", path, {**values, "uuid": made["uuid"]})
    assert (problem.error, problem.code, problem.status) == ("DuplicateUUID", "102", 400)


@with_name
def test_the_uuid_of_what_is_gone_can_be_used_again(resource, examples, client):
    values = examples.values(resource)
    path = creation_path(resource, values)
    made = client.write("POST", path, values).body
    client.write("DELETE", f"{path}/{made['uuid']}")
    again = client.write("POST", path, values).body
    assert again["uuid"] == made["uuid"]


UNIQUE = [
    pytest.param(resource, names, id=f"{resource.collection}-{'-'.join(names)}")
    for resource in CREATED
    for names in resource.unique
    if set(names) <= {*creation(resource), resource.parent} and resource.related not in names
]


@pytest.mark.parametrize(("resource", "names"), UNIQUE)
def test_what_only_one_may_have_is_refused_to_a_second(resource, names, examples, client):
    first, second = examples.values(resource), examples.values(resource)
    shared = {name: first[name] for name in names}
    client.write("POST", creation_path(resource, first), first)
    second |= shared
    problem = refused(client, "POST", creation_path(resource, second), second)
    assert (problem.error, problem.code, problem.status) == ("ArgumentError", "110", 400)


WRITES = [
    pytest.param(operation, id=f"{operation.method} {operation.path}")
    for operation in operations()
    if operation.writes
]


@pytest.mark.parametrize("operation", WRITES)
def test_a_parameter_that_is_not_declared_is_refused(operation, one_of_each, client):
    path = filled(operation, one_of_each[operation.resource.collection])
    problem = refused(client, operation.method, path, {"colour": "blue"})
    assert (problem.error, problem.code, problem.status) == ("ArgumentError", "110", 400)
    assert '"colour" is not a parameter' in problem.message


PATHS_WITH_UUIDS = [
    pytest.param(operation, id=f"{operation.method} {operation.path}")
    for operation in operations()
    if "{" in operation.path
]


@pytest.mark.parametrize("operation", PATHS_WITH_UUIDS)
@pytest.mark.parametrize("wrong", ["xx-1", "nothing", "%00", "if-%F0%9F%A6%86", "zz-" + "9" * 300])
def test_a_path_with_a_uuid_of_wrong_form_is_refused(operation, wrong, client):
    path = re.sub(r"{\w+}", lambda _: wrong, operation.path)
    problem = refused(client, operation.method, path)
    assert (problem.error, problem.code, problem.status) == ("InvalidUUID", "101", 400)


def test_every_resource_has_examples():
    assert set(GOOD) == {resource.collection for resource in MADE}

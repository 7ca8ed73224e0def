"""What each declaration promises, held against the real webapi, vnmgr and SQLite."""

import pytest

from openvnet.api.shown import SHOWN
from openvnet.client import Refused
from openvnet.model import RESOURCES
from openvnet.model.operations import creation, operations, operations_of, parent_of
from openvnet.model.resource import attributes
from tests.api.examples import GOOD, WRONG, Examples, collection_path, filled

every_resource = pytest.mark.parametrize("resource", RESOURCES, ids=lambda each: each.collection)
with_page_of_its_own = pytest.mark.parametrize(
    "resource",
    [each for each in RESOURCES if each.parent is None],
    ids=lambda each: each.collection,
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
    assert set(values) - {resource.parent} == set(creation(resource))


@every_resource
def test_what_is_created_is_answered_as_it_was_given(resource, examples, client):
    values = examples.values(resource)
    given = dict(values)
    made = client.write("POST", collection_path(resource, values), values).body
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


@every_resource
def test_what_is_created_is_in_the_list(resource, examples, client):
    made = examples.made(resource)
    path = operation_of(resource, "list").path.format(**made)
    assert made["uuid"] in [item["uuid"] for item in client.all(path).body["items"]]


@every_resource
def test_what_is_deleted_is_gone(resource, examples, client):
    made = examples.made(resource)
    one = next(each for each in operations_of(resource) if each.verb == "delete" and each.names_one)
    assert client.write("DELETE", filled(one, made)).body == [made["uuid"]]
    problem = refused(client, "DELETE", filled(one, made))
    assert (problem.error, problem.code, problem.status) == ("UnknownUUIDResource", "100", 404)
    path = operation_of(resource, "list").path.format(**made)
    assert made["uuid"] not in [item["uuid"] for item in client.all(path).body["items"]]


UPDATES = [
    pytest.param(operation, name, id=f"{operation.resource.collection}-{name}")
    for operation in operations()
    if operation.verb == "update"
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
    shown = client.get(filled(operation, made)).body
    assert {key: shown[key] for key in changed.body} == changed.body
    if name in attributes(operation.resource.kind):
        assert shown[name] == other


@with_page_of_its_own
def test_what_may_not_change_is_refused_in_these_words(resource, examples, client):
    update = next((each for each in operations_of(resource) if each.verb == "update"), None)
    made = examples.made(resource)
    fixed = set(creation(resource)) - set(update.parameters if update else ())
    for name in fixed:
        problem = refused(client, "PUT", f"/{resource.collection}/{made['uuid']}", {name: "x"})
        assert (problem.code, problem.status) == ("110", 400)
        assert f"{name} of" in problem.message
        assert "cannot be changed" in problem.message


WRONG_VALUES = [
    pytest.param(
        operation, name, value, id=f"{operation.verb}-{operation.path}-{name}-{value!r:.20}"
    )
    for operation in operations()
    if operation.parameters
    for name, attribute in operation.parameters.items()
    for value in WRONG[attribute.type.name]
    if not (attribute.type.refers_to and operation.verb == "update" and value == "")
]


@pytest.fixture(scope="module")
def one_of_each(client, numbers):
    examples = Examples(client, numbers)
    return {resource.collection: examples.made(resource) for resource in RESOURCES}


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
    prefix = attribute.type.refers_to
    return f"{prefix}-x" if prefix else _GOOD_BY_SCALAR[attribute.type.name]


_GOOD_BY_SCALAR = {
    "text": "x",
    "boolean": "true",
    "IPv4 address": "10.0.0.0",
    "MAC address": "02:00:00:00:00:01",
    "datapath id": "0x1",
    "integer": "1",
    "word": "vif",
}


REQUIRED = [
    pytest.param(resource, name, id=f"{resource.collection}-{name}")
    for resource in RESOURCES
    for name, attribute in creation(resource).items()
    if attribute.required
]


@pytest.mark.parametrize(("resource", "name"), REQUIRED)
def test_a_missing_parameter_is_named(resource, name, examples, client):
    values = examples.values(resource)
    path = collection_path(resource, values)
    del values[name]
    problem = refused(client, "POST", path, values)
    assert (problem.error, problem.code, problem.status) == ("MissingArgument", "111", 400)
    assert problem.message.startswith(f"{name} is required")


REFERENCES = [
    pytest.param(resource, name, id=f"{resource.collection}-{name}")
    for resource in RESOURCES
    for name, attribute in creation(resource).items()
    if attribute.type.refers_to
]


@pytest.mark.parametrize(("resource", "name"), REFERENCES)
def test_a_reference_to_nothing_is_refused(resource, name, examples, client):
    values = examples.values(resource)
    path = collection_path(resource, values)
    nothing = f"{creation(resource)[name].type.refers_to}-nothing"
    problem = refused(client, "POST", path, {**values, name: nothing})
    assert (problem.error, problem.code, problem.status) == ("UnknownUUIDResource", "100", 404)
    assert nothing in problem.message


@pytest.mark.parametrize(
    "resource", [each for each in RESOURCES if parent_of(each)], ids=lambda each: each.collection
)
def test_a_parent_that_is_not_there_is_refused(resource, client):
    path = operation_of(resource, "create").path.format(**{str(resource.parent): "if-nothing"})
    assert refused(client, "POST", path).code == "100"
    with pytest.raises(Refused, match="if-nothing"):
        client.get(path)


@with_page_of_its_own
def test_a_uuid_that_is_in_use_is_refused(resource, examples, client):
    made, values = examples.made(resource), examples.values(resource)
    problem = refused(client, "POST", f"/{resource.collection}", {**values, "uuid": made["uuid"]})
    assert (problem.error, problem.code, problem.status) == ("DuplicateUUID", "102", 400)


@with_page_of_its_own
def test_the_uuid_of_what_is_gone_can_be_used_again(resource, examples, client):
    values = examples.values(resource)
    made = client.write("POST", f"/{resource.collection}", values).body
    client.write("DELETE", f"/{resource.collection}/{made['uuid']}")
    again = client.write("POST", f"/{resource.collection}", values).body
    assert again["uuid"] == made["uuid"]


UNIQUE = [
    pytest.param(resource, names, id=f"{resource.collection}-{'-'.join(names)}")
    for resource in RESOURCES
    for names in resource.unique
    if set(names) <= {*creation(resource), resource.parent}
]


@pytest.mark.parametrize(("resource", "names"), UNIQUE)
def test_what_only_one_may_have_is_refused_to_a_second(resource, names, examples, client):
    first, second = examples.values(resource), examples.values(resource)
    shared = {name: first[name] for name in names}
    client.write("POST", collection_path(resource, first), first)
    second |= shared
    problem = refused(client, "POST", collection_path(resource, second), second)
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
    path = operation.path.format(uuid=wrong, interface_uuid=wrong)
    problem = refused(client, operation.method, path)
    assert (problem.error, problem.code, problem.status) == ("InvalidUUID", "101", 400)


def test_every_resource_has_examples():
    assert set(GOOD) == {resource.collection for resource in RESOURCES}

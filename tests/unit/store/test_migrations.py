"""A database of an earlier release gets today's tables as it is opened, and keeps its rows."""

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Text, create_engine, text
from sqlalchemy.engine import make_url

import openvnet.store.migrations
from openvnet.model import RESOURCES, Interface, MacLease, Network, Project
from openvnet.model.resource import attributes, indexes
from openvnet.store.database import opened
from openvnet.store.migrations import NEWEST, versions
from openvnet.store.schema import METADATA, REVISIONS, tag

CORE = (
    "INSERT INTO store VALUES (1, 'e', 7)",
    "INSERT INTO networks VALUES ('nw-1', 'one', 'virtual', 0, 24, 'one', 1, 5)",
    "INSERT INTO interfaces VALUES ('if-1', 'vif', '', FALSE, FALSE, TRUE, 6)",
    "INSERT INTO mac_leases VALUES ('ml-1', 'if-1', 2, 7)",
)
"""What a database had before there was more than networks, interfaces and leases."""


EARLIER = sorted(versions() - {NEWEST})


@pytest.fixture(params=["sqlite", "mariadb", "postgresql"])
def url(request, tmp_path):
    """A database without tables, of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/vnet.sqlite"
    return request.getfixturevalue(request.param).nothing()


def take(url, step, *rows):
    """Take the migrations up to a step, and put rows in."""
    engine = create_engine(url)
    with engine.begin() as connection:
        steps = Config()
        directory = Path(openvnet.store.migrations.__file__).parent
        steps.set_main_option("script_location", str(directory))
        steps.attributes["connection"] = connection
        command.upgrade(steps, step)
        for row in rows:
            connection.execute(text(row))
    engine.dispose()


@pytest.mark.parametrize("step", EARLIER)
def test_a_database_of_any_release_becomes_whole_and_keeps_its_rows(url, step):
    take(url, "0001", *CORE)
    take(url, step)
    store = opened(url)
    rows = dict(store.rows())
    assert (store.epoch, store.number) == ("e", 7)
    with store.connection.begin():
        assert differences(store.connection) == []
    store.close()
    assert rows.pop(
        Project(
            uuid="pj-default", display_name="default", description="What nobody says a project of."
        )
    ) in (0, 7)
    assert {row.project_uuid for row in rows} == {"pj-default"}
    assert rows == {
        Network(uuid="nw-1", display_name="one", domain_name="one", ipv4_network=0, vni=1): 5,
        Interface(uuid="if-1", mode="vif", enable_filtering=True): 6,
        MacLease(uuid="ml-1", interface_uuid="if-1", mac_address=2): 7,
    }


def differences(connection):
    """What the tables have that is not declared, and the other way round."""

    def differs(_, __, ___, ____, declared):
        # How long a long text may be: MariaDB tells it in another way.
        return False if isinstance(declared, Text) else None

    context = MigrationContext.configure(connection, opts={"compare_type": differs})
    return compare_metadata(context, METADATA)


def test_a_migration_that_was_interrupted_is_taken_again(mariadb):
    url = mariadb.nothing()
    take(url, "0001", *CORE)
    take(url, "0002")
    # MariaDB has committed each of its statements by then, but not that it was taken.
    take(url, "0002", "UPDATE alembic_version SET version_num = '0001'")
    mariadb.say("DROP TABLE segments", database=make_url(url).database)
    store = opened(url)
    with store.connection.begin():
        assert differences(store.connection) == []
    assert len(dict(store.rows())) == 4
    store.close()


def test_each_reference_has_an_index_by_which_what_refers_is_found():
    for resource in RESOURCES:
        for name, attribute in attributes(resource.kind).items():
            if attribute.type.refers_to:
                assert name in indexes(resource.kind), (resource.collection, name)


def test_the_log_has_room_for_the_name_of_each_kind():
    assert max(len(tag(resource.kind)) for resource in RESOURCES) <= REVISIONS.c.kind.type.length

"""A database of an earlier release gets today's tables as it is opened, and keeps its rows."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

import openvnet.store.migrations
from openvnet.model import RESOURCES, Interface, MacLease, Network, Project
from openvnet.model.resource import attributes, indexes
from openvnet.store.database import opened

CORE = (
    "INSERT INTO store VALUES (1, 'e', 7)",
    "INSERT INTO networks VALUES ('nw-1', 'one', 'virtual', 0, 24, 'one', 1, 5)",
    "INSERT INTO interfaces VALUES ('if-1', 'vif', '', 0, 0, 1, 6)",
    "INSERT INTO mac_leases VALUES ('ml-1', 'if-1', 2, 7)",
)
"""What a database had before there was more than networks, interfaces and leases."""


def database_of(path, step, rows):
    """A database that has taken the migrations up to a step, with these rows."""
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        steps = Config()
        directory = Path(openvnet.store.migrations.__file__).parent
        steps.set_main_option("script_location", str(directory))
        steps.attributes["connection"] = connection
        command.upgrade(steps, step)
        for row in rows:
            connection.execute(text(row))
    engine.dispose()


def test_a_core_becomes_whole_and_keeps_its_rows(tmp_path):
    database_of(tmp_path / "vnet.sqlite", "0001", CORE)
    store = opened(f"sqlite:///{tmp_path}/vnet.sqlite")
    rows = dict(store.rows())
    assert (store.epoch, store.number) == ("e", 7)
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


def test_each_reference_has_an_index_by_which_what_refers_is_found():
    for resource in RESOURCES:
        for name, attribute in attributes(resource.kind).items():
            if attribute.type.refers_to:
                assert name in indexes(resource.kind), (resource.collection, name)

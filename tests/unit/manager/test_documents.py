"""Documents that are applied, and exported: what is asked for comes about, and nothing else."""

import re
from contextlib import closing

import msgspec
import pytest
from hypothesis import given, settings

from openvnet.manager.draft import Draft
from openvnet.manager.errors import RequestRefused
from openvnet.model import IpLease
from openvnet.store.transaction import Transaction
from tests.unit.manager.declared import World, documents


@given(documents())
@settings(max_examples=12, deadline=None)
def test_an_export_changes_nothing_where_it_is_from_and_makes_the_same_elsewhere(document):
    with closing(World()) as world, closing(World()) as other:
        world.apply(document)
        for whole in (False, True):
            assert world.is_so(world.export(whole=whole))
        assert list(world.apply(world.export(), prune=list(world.export()))) == []
        assert world.rows()[0] == world.rows()[1]

        other.apply(world.export())
        assert other.export() == world.export()


@given(documents(), documents())
@settings(max_examples=12, deadline=None)
def test_from_any_world_an_export_leads_to_the_one_that_it_is_of(document, wished):
    with closing(World()) as world, closing(World()) as other:
        world.apply(document)
        other.apply(wished)
        goal = other.export(whole=True)

        told = world.apply(goal, replace=True, prune=list(goal), dry_run=True)
        changed = world.apply(goal, replace=True, prune=list(goal))

        assert len(told) == len(changed)
        assert world.export(whole=True) == goal
        assert world.rows()[0] == world.rows()[1]


NETWORK = {"networks": {"nw-1": {"ipv4_network": "10.0.0.0"}}}
SHORT = {
    "mode": "vif",
    "port_name": "vm1",
    "mac_address": "02:00:00:00:00:01",
    "network_uuid": "nw-1",
    "ipv4_address": "10.0.0.10",
}


@pytest.fixture
def world():
    with closing(World()) as made:
        yield made


def kinds(changes):
    """What was done to rows: a sign and a kind, for each."""
    signs = {(True, False): "+", (False, True): "-", (False, False): "~"}
    return sorted(
        f"{signs[change.before is None, change.after is None]}{change.kind.__name__}"
        for change in changes
    )


def test_what_is_as_wanted_makes_no_revision(world):
    document = {**NETWORK, "interfaces": {"if-1": SHORT}}

    assert kinds(world.apply(document)) == [
        *("+Interface", "+InterfacePort", "+IpLease", "+MacLease", "+Network")
    ]
    assert world.is_so(document)
    assert not world.apply(document)
    assert world.store.number == 1


def test_only_what_differs_is_written(world):
    rules = [{"protocol": "tcp", "action": "pass", "dst_port": port} for port in (80, 443)]
    filters = {"fil-1": {"mode": "static", "interface_uuid": "if-1", "static": rules}}
    document = {**NETWORK, "interfaces": {"if-1": SHORT}, "filters": filters}
    world.apply(document)

    document["interfaces"]["if-1"] = {**SHORT, "ipv4_address": "10.0.0.11", "enabled": "no"}
    rules[0] = {**rules[0], "dst_port": 81}

    assert kinds(world.apply(document)) == [
        *("+FilterStatic", "+IpLease", "-FilterStatic", "-IpLease", "~Interface")
    ]


def test_what_a_document_leaves_out_stays(world):
    world.apply({**NETWORK, "interfaces": {"if-1": {**SHORT, "display_name": "one"}}})

    assert not world.apply({"interfaces": {"if-1": {"mode": "vif"}}})
    assert kinds(world.apply({"interfaces": {"if-1": {"mac_leases": []}}})) == [
        *("-IpLease", "-MacLease")
    ]


def test_pruning_deletes_what_is_not_named_of_the_collections_that_are(world):
    world.apply({**NETWORK, "interfaces": {"if-1": SHORT, "if-2": {"mode": "vif"}}})

    changes = world.apply({"interfaces": {"if-1": {}}}, prune=["interfaces"])

    assert kinds(changes) == ["-Interface", "-InterfacePort"]


def test_a_document_may_not_prune_what_it_needs(world):
    world.apply({**NETWORK, "interfaces": {"if-1": SHORT}})

    with pytest.raises(RequestRefused, match="network_uuid nw-1 does not exist") as refusal:
        world.apply({"networks": {}, "interfaces": {"if-1": SHORT}}, prune=["networks"])

    assert refusal.value.__notes__ == ["interfaces.if-1: "]


def test_what_cannot_be_changed_is_told_all_at_once_and_replaced_if_that_is_said(world):
    world.apply({**NETWORK, "interfaces": {"if-1": SHORT, "if-2": {"mode": "vif"}}})
    changed = {f"if-{n}": {"mode": "host"} for n in (1, 2)}

    with pytest.raises(RequestRefused) as refusal:
        world.apply({"interfaces": changed})
    assert [line.partition(",")[0] for line in str(refusal.value).splitlines()] == [
        f"interfaces.if-{n}.mode: interface if-{n} has mode vif" for n in (1, 2)
    ]

    told = world.apply({"interfaces": {"if-1": {"mode": "host"}}}, replace=True)
    assert kinds(told) == [
        *("+InterfacePort", "-InterfacePort", "-IpLease", "-MacLease", "~Interface")
    ]


def test_an_address_changes_hands_within_one_document(world):
    address = {"network_uuid": "nw-1", "ipv4_address": "10.0.0.10"}
    one = {"mode": "vif", "mac_leases": [{"mac_address": "02:00:00:00:00:01"}]}
    two = {"mode": "vif", "mac_leases": [{"mac_address": "02:00:00:00:00:02"}]}
    one["mac_leases"][0]["ip_leases"], two["mac_leases"][0]["ip_leases"] = {"il-1": address}, []
    world.apply({**NETWORK, "interfaces": {"if-1": one, "if-2": two}})

    one["mac_leases"][0]["ip_leases"], two["mac_leases"][0]["ip_leases"] = [], {"il-1": address}
    world.apply({"interfaces": {"if-1": one, "if-2": two}})

    assert [row.interface_uuid for row in world.replica.every(IpLease)] == ["if-2"]


def test_a_policy_gives_no_address_to_who_is_said_to_have_others(world):
    document = {
        **NETWORK,
        "ip_range_groups": {
            "iprg-1": {
                "ip_ranges": [{"begin_ipv4_address": "10.0.0.10", "end_ipv4_address": "10.0.0.11"}]
            }
        },
        "lease_policies": {
            "lp-1": {
                "timing": "immediate",
                "networks": {"nw-1": {"ip_range_group_uuid": "iprg-1"}},
                "interfaces": ["if-1", "if-2"],
            }
        },
        "interfaces": {
            "if-1": {**SHORT, "ipv4_address": "10.0.0.11"},
            "if-2": {"mode": "vif", "mac_address": "02:00:00:00:00:02"},
        },
    }
    world.apply(document)

    leases = world.replica.every(IpLease)
    held = {row.interface_uuid: row.ipv4_address & 255 for row in leases}
    assert len(leases) == 2
    assert held == {"if-1": 11, "if-2": 10}
    assert world.is_so(document)


def test_a_draft_is_read_and_written_like_a_transaction():
    """Whatever a rule may do with a transaction, it may do with a draft of many rows."""
    offered = {name for name in vars(Transaction) if not name.startswith("_")}

    assert offered - {"take"} <= set(vars(Draft))


@given(documents(), documents())
@settings(max_examples=6, deadline=None)
def test_in_memory_the_same_comes_about_as_in_the_database(document, wished):
    with closing(World()) as world, closing(World()) as other:
        for each in (document, wished):
            world.apply(each, replace=True)
            other.apply(each, replace=True, memory=False)

        assert _named(world.export(whole=True)) == _named(other.export(whole=True))
        assert other.rows()[0] == other.rows()[1]


def _named(document):
    """Without what vnmgr names or chooses by chance."""
    text = msgspec.json.encode(document).decode()
    return re.sub(r'"(ml|il|mr)-[a-z0-9]{8}"', "chosen", text)

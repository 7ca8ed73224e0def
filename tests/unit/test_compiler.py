"""Incremental equals from scratch, whatever happened before: over the real features, and beyond."""

from collections.abc import Hashable

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openvnet.compiler import Compiler
from openvnet.features import STRATA
from openvnet.model import MacLease, Network
from openvnet.model.host import Attachment
from tests.worlds import histories, seed_world


class Clause(msgspec.Struct, frozen=True):
    """An output that owners merge, as conjunction clauses do."""

    mac: int
    of: frozenset

    @property
    def key(self) -> Hashable:
        return "clause", self.mac

    @staticmethod
    def merge(clauses):
        return Clause(clauses[0].mac, frozenset().union(*(clause.of for clause in clauses)))


class Mark(msgspec.Struct, frozen=True):
    """An output over which owners quarrel."""

    by: str

    @property
    def key(self) -> Hashable:
        return "mark", 0


def clauses(lease, _):
    yield Clause(lease.mac_address, frozenset({lease.uuid}))


def quarrel(network, _):
    yield Mark(network.uuid)


def raising(network, _):
    yield Clause(0, frozenset({network.uuid}))
    if network.vni == 2:
        raise ValueError("two is one too many")


ODD = ((MacLease, clauses), (Network, quarrel), (Network, raising))
FEATURES = (*STRATA[:-1], (*STRATA[-1], *ODD))


def rows_of(compiler):
    """The rows that were given, derived ones left out."""
    return {
        (kind, id): row
        for kind, rows in compiler.state.rows.items()
        for id, row in rows.items()
        if not hasattr(row, "key")
    }


def installed(compiler, switch, changes):
    """What a switch holds after a change; each removal is of something that was there."""
    difference = compiler.apply(changes)
    for output in difference.remove:
        assert switch.pop(output.key) == output
    switch.update({output.key: output for output in difference.add})
    return switch


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(histories)
def test_incremental_equals_from_scratch_for_any_history(history):
    compiler, switch = Compiler(FEATURES), {}
    for changes in history:
        installed(compiler, switch, changes)
        fresh = Compiler(FEATURES)
        assert installed(fresh, {}, rows_of(compiler)) == switch
        assert {output.key: output for output in compiler.all()} == switch
        assert fresh.failures.keys() == compiler.failures.keys()
        assert fresh.conflicts == compiler.conflicts


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(histories)
def test_teardown_leaves_nothing(history):
    compiler, switch = Compiler(FEATURES), {}
    for changes in history:
        installed(compiler, switch, changes)
    installed(compiler, switch, dict.fromkeys(rows_of(compiler)))
    assert not switch
    assert not any(compiler.state.rows.values())
    for memory in ("_reads", "failures", "conflicts"):
        assert not getattr(compiler, memory), memory
    assert not any(compiler._yields)
    for memory in ("_readers", "_wanted"):
        assert not any(getattr(compiler, memory).values()), memory
    indexes = [index for made in compiler.state._indexes.values() for index in made.values()]
    assert not any(index.members for index in indexes)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(histories, st.randoms())
def test_order_does_not_matter(history, random):
    rows = {}
    for changes in history:
        rows.update(changes)
    shuffled = list(rows.items())
    random.shuffle(shuffled)
    one_by_one, switch = Compiler(FEATURES), {}
    for key, row in shuffled:
        installed(one_by_one, switch, {key: row})
    assert installed(Compiler(FEATURES), {}, rows) == switch


def test_a_change_and_its_reverse_change_nothing():
    compiler = Compiler(STRATA)
    world = seed_world()
    switch = installed(compiler, {}, world)
    for key, row in world.items():
        changed = installed(compiler, dict(switch), {key: None})
        assert changed != switch
        assert installed(compiler, changed, {key: row}) == switch


def test_a_feature_that_raises_costs_its_own_row_only():
    good, bad = (
        Network(uuid="nw-1", ipv4_network=0, vni=1),
        Network(uuid="nw-2", ipv4_network=0, vni=2),
    )
    compiler = Compiler([[(Network, raising)]])
    difference = compiler.apply({(Network, "nw-1"): good, (Network, "nw-2"): bad})
    assert [output.of for output in difference.add] == [frozenset({"nw-1"})]
    ((owner, error),) = compiler.failures.items()
    assert (owner.id, str(error)) == ("nw-2", "two is one too many")


def test_of_owners_that_quarrel_the_first_wins_and_the_conflict_is_reported():
    compiler = Compiler([[(Network, quarrel)]])
    rows = [Network(uuid=f"nw-{digit}", ipv4_network=0) for digit in (2, 1)]
    for row in rows:
        compiler.apply({(Network, row.uuid): row})
    assert compiler.desired(("mark", 0)) == Mark("nw-1")
    assert [owner.id for owner in compiler.conflicts["mark", 0]] == ["nw-1", "nw-2"]
    compiler.apply({(Network, "nw-1"): None})
    assert compiler.desired(("mark", 0)) == Mark("nw-2")
    assert not compiler.conflicts


def test_a_derived_row_that_is_read_in_its_own_stratum_is_refused():
    class Derived(msgspec.Struct, frozen=True):
        uuid: str

        @property
        def key(self):
            return Derived, self.uuid

    def yields(network, _):
        yield Derived(network.uuid)

    def reads(network, view):
        view.get(Derived, network.uuid)
        yield from ()

    compiler = Compiler([[(Network, reads), (Network, yields)]])
    with pytest.raises(RuntimeError, match="Derived is read in the stratum that yields it"):
        compiler.apply({(Network, "nw-1"): Network(uuid="nw-1", ipv4_network=0)})


def test_a_change_costs_what_it_touches():
    compiler = Compiler(STRATA)
    compiler.apply(seed_world())
    key = next(key for key in seed_world() if key[1] == "il-1")
    difference = compiler.apply({key: None})
    touched = {flow.match for flow in (*difference.add, *difference.remove)}
    assert len(touched) <= 8


def test_what_a_row_makes_desired_by_itself_can_be_asked():
    compiler = Compiler(STRATA)
    world = seed_world()
    compiler.apply(world)
    lease = next(row for key, row in world.items() if key[0] is MacLease)
    assert not list(compiler.yielded(MacLease, lease.uuid))
    of_port = list(compiler.yielded(Attachment, lease.interface_uuid))
    assert of_port
    assert all(output in list(compiler.all()) for output in of_port)

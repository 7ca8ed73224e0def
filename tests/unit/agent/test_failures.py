"""What could not be realised is said of a row that users know, whatever row was derived of it."""

import pytest

from openvnet.agent.failures import failures, word_of
from openvnet.compiler import Compiler
from openvnet.features import STRATA
from openvnet.model.host import Chunk, Member, OpenPort, Peer, Station
from openvnet.state import State
from tests.worlds import hosts_world, segments_world


def defect(_, __):
    raise ZeroDivisionError("nobody thought of this")
    yield


def said(world, kind):
    """What is said when a feature that runs on a kind has a defect."""
    compiler = Compiler((*STRATA, ((kind, defect),)))
    compiler.apply(world)
    return {(each.kind, each.uuid) for each in failures(compiler, {}) if "nobody" in each.reason}


@pytest.mark.parametrize(
    ("world", "kind", "word"),
    [
        (segments_world(), Station, ("mac_lease", "ml-1")),
        (segments_world(3), OpenPort, ("interface", "if-5")),
        (segments_world(), Chunk, ("segment", "seg-1")),
        (segments_world(), Peer, ("segment", "seg-1")),
        (hosts_world(), Chunk, ("network", "nw-1")),
        (hosts_world(), Member, ("ip_lease", "il-1")),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_it_is_said_of_the_row_that_another_was_derived_of(world, kind, word):
    assert word in said(world, kind)


def test_there_is_a_word_for_each_kind_that_a_feature_runs_on():
    kinds = {kind for stratum in STRATA for kind, _ in stratum}
    assert "None" not in {word_of(kind, "", State()) for kind in kinds}

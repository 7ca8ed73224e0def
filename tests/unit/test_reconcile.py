from hypothesis import given
from hypothesis import strategies as st

from openvnet.reconcile import difference

things = st.tuples(st.integers(0, 9), st.booleans(), st.booleans())
"""An actual thing: its identity, whether it proves it, whether it is obsolete."""


def compare(desired, actual, sweep):
    return difference(
        {identity: identity for identity in desired},
        actual,
        lambda thing: thing[0] if thing[1] else None,
        sweep,
        lambda thing: thing[2],
    )


def written(desired, actual, sweep):
    """The other side, once the difference is written."""
    found = compare(desired, actual, sweep)
    kept = [thing for thing in actual if thing not in found.extra]
    return kept + [(identity, True, False) for identity in found.missing]


@given(st.sets(st.integers(0, 9)), st.lists(things), st.booleans())
def test_once_written_nothing_is_left_to_do(desired, actual, sweep):
    found = compare(desired, written(desired, actual, sweep), sweep)
    assert (list(found.missing), list(found.extra), set(found.present)) == ([], [], desired)


@given(st.sets(st.integers(0, 9)), st.lists(things))
def test_a_sweep_leaves_just_what_is_desired(desired, actual):
    assert {thing[:2] for thing in written(desired, actual, sweep=True)} == {
        (identity, True) for identity in desired
    }


@given(st.sets(st.integers(0, 9)), st.lists(things))
def test_without_a_sweep_only_what_is_obsolete_and_not_desired_goes(desired, actual):
    for thing in compare(desired, actual, sweep=False).extra:
        assert thing[2]
        assert thing[0] not in desired or not thing[1]


def test_what_is_missing_keeps_its_order():
    assert list(compare({5: 5, 3: 3, 4: 4}, [(3, True, False)], sweep=True).missing) == [5, 4]

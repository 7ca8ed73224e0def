"""Allocation: each free number can be had, once, and then there is none."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openvnet.manager.ranges import Span, allotted, disjoint

TYPES = ("incremental", "decremental", "random")
numbers = st.integers(0, 30)
spans = st.lists(st.tuples(numbers, numbers).map(lambda drawn: Span(*drawn)), max_size=4)


def used_of(taken):
    def used(span, descending=False):
        found = sorted(number for number in taken if span.first <= number <= span.last)
        return reversed(found) if descending else found

    return used


def next_of(spans, taken, allocation_type):
    return allotted(disjoint(spans), used_of(taken), allocation_type)


@pytest.mark.parametrize("allocation_type", TYPES)
@given(spans, st.sets(numbers))
def test_all_that_is_free_is_allotted_and_nothing_else(allocation_type, spans, taken):
    free = {number for span in spans for number in range(span.first, span.last + 1)} - taken
    held = set(taken)
    for _ in range(len(free)):
        number = next_of(spans, held, allocation_type)
        assert number in free - held
        held.add(number)
    assert next_of(spans, held, allocation_type) is None


def test_what_was_given_back_waits_until_the_others_were_used():
    spans = [Span(1, 4), Span(8, 9)]
    assert next_of(spans, {1, 3}, "incremental") == 4
    assert next_of(spans, {1, 3, 4}, "incremental") == 8
    assert next_of(spans, {1, 3, 4, 9}, "incremental") == 2
    assert next_of(spans, {9, 3}, "decremental") == 2
    assert next_of(spans, {9, 8, 1}, "decremental") == 4
    assert next_of(spans, set(), "decremental") == 9


def test_random_is_fair_when_most_is_in_use():
    spans = [Span(0, 999)]
    taken = set(range(1000)) - {0, 500, 999}
    counted = Counter(next_of(spans, taken, "random") for _ in range(600))
    assert set(counted) == {0, 500, 999}
    assert min(counted.values()) > 100

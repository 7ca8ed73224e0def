from hypothesis import given
from hypothesis import strategies as st

from openvnet.lab.traffic import Came, Report, became


def stream(sent, *numbers):
    return became("there", sent, Came(list(numbers), 0.002))


def test_what_came_in_order_is_neither_lost_nor_reordered_nor_duplicated():
    whole = stream(3, 0, 1, 2)

    assert (whole.lost, whole.reordered, whole.duplicated) == ((), 0, 0)
    assert Report((whole,)).lost == {}
    assert str(whole) == ("there: 3 sent, 0 lost, 0 reordered, 0 duplicated, longest gap 2.0 ms")


def test_each_lost_number_is_named():
    assert stream(6, 0, 2, 5).lost == (1, 3, 4)
    assert Report((stream(2, 0),)).lost == {"there": (1,)}


def test_the_last_numbers_can_be_lost_too():
    assert stream(4).lost == (0, 1, 2, 3)


def test_a_late_number_is_reordered_not_lost():
    late = stream(4, 0, 2, 1, 3)

    assert (late.lost, late.reordered) == ((), 1)
    assert Report((late,)).disturbed == {"there": (1, 0)}


def test_a_number_that_comes_twice_is_duplicated_and_not_reordered():
    twice = stream(3, 0, 1, 0, 2, 2)

    assert (twice.lost, twice.reordered, twice.duplicated) == ((), 0, 2)


@given(st.integers(0, 40), st.data())
def test_every_number_is_lost_or_came(sent, data):
    numbers = data.draw(st.lists(st.integers(0, max(0, sent - 1)), max_size=60)) if sent else []
    result = stream(sent, *numbers)

    assert set(result.lost) | set(numbers) == set(range(sent))
    assert not set(result.lost) & set(numbers)
    assert result.duplicated == len(numbers) - len(set(numbers))

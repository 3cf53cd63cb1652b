import pytest

from planner.interval import Interval
from planner.merge import gaps, merge


def spans(*pairs):
    return [Interval(start, end) for start, end in pairs]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], []),
        ([(5, 9)], [(5, 9)]),
        ([(5, 9), (1, 3)], [(1, 3), (5, 9)]),
        ([(1, 4), (3, 8)], [(1, 8)]),
        ([(1, 4), (4, 8)], [(1, 8)]),
        ([(1, 10), (2, 3)], [(1, 10)]),
    ],
)
def test_merge(given, expected):
    assert merge(spans(*given)) == spans(*expected)


def test_gaps_between_meetings():
    assert gaps(spans((10, 20), (30, 40)), Interval(0, 50)) == spans((0, 10), (20, 30), (40, 50))


def test_a_free_day_is_one_gap():
    assert gaps([], Interval(0, 50)) == spans((0, 50))

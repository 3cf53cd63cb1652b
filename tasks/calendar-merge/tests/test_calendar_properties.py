"""Everything is checked minute by minute against sets."""

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from planner.calendar import Calendar, Conflict, common_slots
from planner.interval import Interval
from planner.merge import gaps, merge

quick = settings(max_examples=120, deadline=None, database=None, derandomize=True, phases=[Phase.generate])
intervals = st.tuples(st.integers(0, 60), st.integers(1, 30)).map(lambda pair: Interval(pair[0], pair[0] + pair[1]))
many = st.lists(intervals, max_size=8)


def minutes(spans):
    return {minute for span in spans for minute in range(span.start, span.end)}


@quick
@given(many)
def test_merge_keeps_the_minutes_and_leaves_no_seam(spans):
    merged = merge(spans)
    assert minutes(merged) == minutes(spans)
    assert all(one.end < two.start for one, two in zip(merged, merged[1:]))


@quick
@given(many, st.integers(0, 40), st.integers(1, 40))
def test_gaps_are_the_rest_of_the_day(spans, start, length):
    day = Interval(start, start + length)
    free = gaps(spans, day)
    assert minutes(free) == minutes([day]) - minutes(spans)
    assert free == sorted(free)


@quick
@given(many, many, st.integers(1, 20))
def test_slots_are_the_long_enough_gaps(first, second, length):
    day = Interval(10, 70)
    slots = common_slots([Calendar("ana", first), Calendar("bo", second)], day, length)
    assert slots == [gap for gap in merge(gaps(first + second, day)) if gap.end - gap.start >= length]


@quick
@given(intervals, intervals)
def test_overlap_is_sharing_a_minute(one, two):
    shared = bool(minutes([one]) & minutes([two]))
    assert one.overlaps(two) == shared
    calendar = Calendar("ana", [one])
    try:
        calendar.book(two)
    except Conflict:
        assert shared
    else:
        assert not shared

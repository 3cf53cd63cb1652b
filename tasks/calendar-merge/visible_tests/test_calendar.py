import pytest

from planner.calendar import Calendar, Conflict, common_slots
from planner.interval import Interval

DAY = Interval(540, 1020)


def test_overlapping_meetings_conflict():
    calendar = Calendar("ana", [Interval(600, 660)])
    with pytest.raises(Conflict, match="ana is busy 600..660"):
        calendar.book(Interval(630, 700))


def test_meetings_may_touch():
    calendar = Calendar("ana", [Interval(600, 660)])
    calendar.book(Interval(660, 700))
    calendar.book(Interval(540, 600))
    assert len(calendar.meetings) == 3


def test_a_short_meeting_inside_a_long_one():
    people = [Calendar("ana", [Interval(540, 900)]), Calendar("bo", [Interval(600, 630)])]
    assert common_slots(people, DAY, 30) == [Interval(900, 1020)]


def test_early_birds_do_not_widen_the_day():
    people = [Calendar("ana", [Interval(480, 520), Interval(900, 960)])]
    assert common_slots(people, DAY, 90) == [Interval(540, 900)]


def test_long_slots_are_offered():
    assert common_slots([Calendar("ana", [Interval(600, 960)])], DAY, 45) == [Interval(540, 600), Interval(960, 1020)]

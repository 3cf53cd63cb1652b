"""Random histories against a list that is sorted afresh each time."""

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from events.scheduler import Scheduler

plans = st.lists(st.tuples(st.integers(0, 6), st.integers(-1, 1)), max_size=12)


@settings(max_examples=150, deadline=None, database=None, derandomize=True, phases=[Phase.generate])
@given(plans, st.lists(st.integers(0, 11), max_size=6), st.integers(0, 7))
def test_events_run_by_time_priority_and_order(plan, cancelled, end):
    scheduler, log = Scheduler(), []
    events = [
        scheduler.at(time, lambda number=number: log.append(number), priority)
        for number, (time, priority) in enumerate(plan)
    ]
    gone = set()
    for number in cancelled:
        if number < len(events):
            assert scheduler.cancel(events[number]) == (number not in gone)
            gone.add(number)
    alive = [number for number in range(len(plan)) if number not in gone]
    due = sorted((number for number in alive if plan[number][0] <= end), key=lambda number: (*plan[number], number))
    assert scheduler.pending == len(alive)
    assert scheduler.run_until(end) == len(due)
    assert log == due
    assert scheduler.now == end
    assert scheduler.pending == len(alive) - len(due)
    assert [scheduler.cancel(events[number]) for number in due] == [False] * len(due)


def test_a_callback_can_cancel_what_is_due_at_the_same_time():
    scheduler, log = Scheduler(), []
    events = []
    scheduler.at(1, lambda: log.append(scheduler.cancel(events[0])))
    events.append(scheduler.at(1, lambda: log.append("never")))
    assert scheduler.run_until(1) == 1
    assert log == [True]


def test_a_callback_cannot_cancel_itself():
    scheduler, log, events = Scheduler(), [], []
    events.append(scheduler.at(1, lambda: log.append(scheduler.cancel(events[0]))))
    scheduler.run_until(1)
    assert log == [False]


def test_what_is_scheduled_for_now_still_runs():
    scheduler, log = Scheduler(), []
    scheduler.at(2, lambda: scheduler.after(0, lambda: log.append("now")))
    assert scheduler.run_until(2) == 2
    assert log == ["now"]


def test_when_all_is_cancelled_nothing_is_pending():
    scheduler, log = Scheduler(), []
    events = [scheduler.at(1, lambda: log.append("never")) for _ in range(3)]
    assert [scheduler.cancel(event) for event in reversed(events)] == [True, True, True]
    assert scheduler.pending == 0
    assert scheduler.run_until(5) == 0
    assert log == []

import pytest

from events.scheduler import Scheduler


@pytest.fixture
def log():
    return []


def test_callbacks_run_in_the_order_of_time(log):
    scheduler = Scheduler()
    scheduler.at(2, lambda: log.append("two"))
    scheduler.at(1, lambda: log.append("one"))
    assert scheduler.run_until(3) == 2
    assert (log, scheduler.now) == (["one", "two"], 3)


def test_what_is_due_at_the_end_runs(log):
    scheduler = Scheduler()
    scheduler.at(2, lambda: log.append("two"))
    scheduler.at(5, lambda: log.append("five"))
    scheduler.run_until(2)
    assert (log, scheduler.pending) == (["two"], 1)


def test_equal_times_run_as_scheduled(log):
    scheduler = Scheduler()
    for name in "abc":
        scheduler.at(1, lambda name=name: log.append(name))
    scheduler.run_until(2)
    assert log == ["a", "b", "c"]


def test_the_smaller_priority_goes_first(log):
    scheduler = Scheduler()
    scheduler.at(1, lambda: log.append("late"), priority=5)
    scheduler.at(1, lambda: log.append("early"), priority=-1)
    scheduler.run_until(2)
    assert log == ["early", "late"]


def test_a_cancelled_event_does_not_run(log):
    scheduler = Scheduler()
    event = scheduler.at(1, lambda: log.append("never"))
    scheduler.at(2, lambda: log.append("two"))
    assert scheduler.cancel(event)
    assert scheduler.pending == 1
    assert scheduler.run_until(3) == 1
    assert log == ["two"]


def test_what_has_run_cannot_be_cancelled():
    scheduler = Scheduler()
    event = scheduler.at(1, lambda: None)
    scheduler.run_until(2)
    assert not scheduler.cancel(event)


def test_callbacks_may_schedule(log):
    scheduler = Scheduler()
    scheduler.at(1, lambda: scheduler.after(0.5, lambda: log.append(scheduler.now)))
    scheduler.run_until(2)
    assert log == [1.5]


def test_the_past_is_refused():
    scheduler = Scheduler()
    scheduler.run_until(5)
    with pytest.raises(ValueError, match="4 is over"):
        scheduler.at(4, lambda: None)

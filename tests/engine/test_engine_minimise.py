"""Carrying out a minimisation: batches, slots, the clock."""

import asyncio
from dataclasses import replace
from types import SimpleNamespace

from engine_doubles import BASELINE, TASK, Halves, patch, text_of

from moa_code.core.patch import FileChange, patch_of
from moa_code.core.task import CheckKind, Checks
from moa_code.engine.minimise import minimise, screen_of


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def run(reducer, holds, *, slots=2, seconds=10.0, screen=None, clock=None):
    work = minimise(reducer, holds, slots=slots, seconds=seconds, screen=screen, clock=clock or Clock())
    return asyncio.run(work)


class Batches:
    """Hands out given batches, whatever it is told."""

    lines_before = lines_after = 1
    unexercised = None

    def __init__(self, *batches):
        self.patch = patch("whole")
        self.left = list(batches)
        self.told = []

    def next_batch(self):
        return tuple(map(patch, self.left.pop(0))) if self.left else ()

    def tell(self, results):
        self.told.append(results)


def test_it_goes_on_for_as_long_as_something_smaller_holds():
    async def holds(smaller):
        return len(text_of(smaller)) >= 3

    assert text_of(run(Halves(patch("0123456789abcdef")), holds)) == "0123"


def test_nothing_smaller_leaves_the_patch():
    async def holds(smaller):
        return False

    assert text_of(run(Halves(patch("whole")), holds)) == "whole"


def test_answers_come_in_the_order_of_the_batch_whoever_is_first():
    async def holds(smaller):
        for _ in range(5 if text_of(smaller) == "slow" else 0):
            await asyncio.sleep(0)
        return text_of(smaller) == "slow"

    reducer = Batches(["slow", "quick", "third"])
    run(reducer, holds)
    assert reducer.told == [(True, False, False)]


def test_no_more_than_the_slots_run_at_once():
    running, most = 0, 0

    async def holds(smaller):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return True

    run(Batches([str(n) for n in range(10)]), holds, slots=3)
    assert most == 3


def test_when_the_time_is_up_nothing_more_is_tried():
    clock, tried = Clock(), []

    async def holds(smaller):
        tried.append(text_of(smaller))
        clock.now += 6.0
        return True

    reducer = Batches(["a", "b", "c"], ["d"])
    run(reducer, holds, slots=1, clock=clock)
    assert tried == ["a", "b"]
    assert reducer.told == [(True, True, False)]  # what was not tried does not hold


def test_no_time_at_all_leaves_the_patch():
    async def holds(smaller):
        raise AssertionError("nothing is tried")

    assert text_of(run(Batches(["a"]), holds, seconds=0)) == "whole"


def test_what_the_screen_refuses_is_not_tried_and_what_it_lets_through_decides_nothing():
    tried = []

    async def holds(smaller):
        tried.append(text_of(smaller))
        return text_of(smaller) == "good"

    async def screen(whole, patches):
        assert text_of(whole) == "whole"
        return [{"bad": False, "looks good": True, "good": True}.get(text_of(p)) for p in patches]

    reducer = Batches(["bad", "looks good", "good", "unknown"])
    run(reducer, holds, screen=screen)
    assert tried == ["looks good", "good", "unknown"]
    assert reducer.told == [(False, False, True, False)]


def test_a_screen_that_can_tell_nothing_for_long_is_not_asked_again():
    asked = []

    async def holds(smaller):
        return False

    async def screen(whole, patches):
        asked.append(text_of(patches[0]))
        return [True if text_of(p) == "seen" else None for p in patches]

    pairs = [[name, name + "2"] for name in ("a", "b", "seen", "c", "d", "e", "f", "g")]
    run(Batches(["alone"], *pairs), holds, screen=screen)
    assert asked == ["a", "b", "seen", "c", "d", "e"]  # one patch alone is not worth a trip


class Screens:
    """A judge whose screen finds what it is told; `None`: it cannot say."""

    slots = 2

    def __init__(self, **found):
        self.found = found
        self.asked = []

    async def screen(self, task, baseline, candidates, *, on):
        self.asked.append((text_of(on), [text_of(c.patch) for c in candidates]))
        looks = [(c, self.found[text_of(c.patch)]) for c in candidates]
        return [SimpleNamespace(candidate=c, supported=look is not None, passed=bool(look)) for c, look in looks]


def test_the_judges_batches_are_a_screen_for_pytest_alone():
    judge = Screens(a=True, b=False, c=None)
    created = patch_of(FileChange(path="new.py", before=None, after=b"x = 1\n"))
    look = screen_of(judge, TASK, BASELINE)
    assert asyncio.run(look(patch("abc"), [patch("a"), created, patch("b"), patch("c")])) == [True, None, False, None]
    assert judge.asked == [("abc", ["a", "b", "c"])]
    assert asyncio.run(look(patch("abc"), [patch("a"), created])) == [None, None]
    for kind in (CheckKind.ORACLE, CheckKind.COMMAND):
        assert screen_of(judge, replace(TASK, checks=Checks(kind=kind)), BASELINE) is None

"""The way to a provider: places, requests and tokens a minute, pauses."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from virtual_time import Clock

from moa_code.config.sections import ProviderLimits
from moa_code.models.limits import WINDOW_S, Gate, Gates


def begun(limits, calls, *, pauses=()):
    """When each of `calls` (arrives at, lasts, tokens) was let through, in the order in which they were."""
    clock = Clock()
    times = []
    inside = []

    async def one(gate, arrives, lasts, tokens):
        await clock.sleep(arrives)
        async with gate.place(tokens):
            times.append((clock.now, tokens))
            inside.append(1)
            assert limits.at_once is None or len(inside) <= limits.at_once
            await clock.sleep(lasts)
            inside.pop()

    async def pausing(gate, at, seconds):
        await clock.sleep(at)
        gate.pause(seconds)

    async def run():
        gate = Gate(limits, clock=clock, sleep=clock.sleep)
        work = [one(gate, *call) for call in calls] + [pausing(gate, *pause) for pause in pauses]
        for result in await clock.run(*work):
            assert result is None

    asyncio.run(run())
    return times


def test_without_limits_nobody_waits():
    calls = [(0, 5, 10**9)] * 20
    assert [at for at, _ in begun(ProviderLimits(at_once=None), calls)] == [0.0] * 20


def test_calls_at_once_are_bounded():
    assert [at for at, _ in begun(ProviderLimits(at_once=2), [(0, 5, 1)] * 5)] == [0, 0, 5, 5, 10]


def test_requests_a_minute_are_bounded():
    times = [at for at, _ in begun(ProviderLimits(rpm=2), [(0, 1, 1), (10, 1, 1), (20, 1, 1), (20, 1, 1)])]
    assert times == [0, 10, WINDOW_S, WINDOW_S + 10]


def test_tokens_a_minute_are_bounded():
    times = begun(ProviderLimits(tpm=100), [(0, 1, 60), (1, 1, 60), (2, 1, 40)])
    assert times == [(0, 60), (WINDOW_S, 60), (WINDOW_S, 40)]


def test_a_call_beyond_the_tokens_of_a_minute_goes_alone():
    times = begun(ProviderLimits(tpm=100), [(0, 1, 60), (1, 1, 500), (2, 1, 10)])
    assert times == [(0, 60), (WINDOW_S, 500), (2 * WINDOW_S, 10)]


def test_a_pause_holds_up_who_comes_and_who_waits():
    times = [at for at, _ in begun(ProviderLimits(at_once=1), [(0, 2, 1), (1, 2, 1), (5, 2, 1)], pauses=[(1, 30)])]
    assert times == [0, 31, 33]


def test_the_longest_pause_counts():
    assert begun(ProviderLimits(), [(2, 1, 1)], pauses=[(0, 30), (1, 5)]) == [(30, 1)]


_CALLS = st.lists(st.tuples(st.integers(0, 90), st.integers(0, 40), st.integers(1, 120)), min_size=1, max_size=12)


@given(_CALLS, st.integers(1, 4), st.integers(1, 4), st.integers(50, 150))
def test_no_minute_holds_more_than_its_share_and_nobody_is_forgotten(calls, at_once, rpm, tpm):
    times = begun(ProviderLimits(at_once=at_once, rpm=rpm, tpm=tpm), calls)
    assert len(times) == len(calls)
    for first, _ in times:
        minute = [tokens for at, tokens in times if first <= at < first + WINDOW_S]
        assert len(minute) <= rpm
        assert sum(minute) <= tpm or len(minute) == 1


def test_whoever_gives_up_waiting_holds_no_place():
    async def run():
        gate = Gate(ProviderLimits(at_once=1))
        async with gate.place(1):
            waiting = [asyncio.create_task(enter(gate)) for _ in range(3)]
            await asyncio.sleep(0)
            for task in waiting[:2]:
                task.cancel()
            await asyncio.sleep(0)
        await asyncio.wait_for(waiting[2], 10)
        with gate.spare(1) as got:
            return got

    async def enter(gate):
        async with gate.place(1):
            pass

    assert asyncio.run(run())


@pytest.mark.parametrize("limits", [ProviderLimits(at_once=1), ProviderLimits(rpm=1), ProviderLimits(tpm=15)])
def test_a_spare_place_is_one_that_is_free_at_once(limits):
    async def run():
        gate = Gate(limits)
        with gate.spare(10) as first, gate.spare(10) as second:
            return first, second

    assert asyncio.run(run()) == (True, False)


def test_there_is_no_spare_place_in_a_pause():
    gate = Gate(ProviderLimits())
    gate.pause(5)
    with gate.spare(1) as got:
        assert not got


def test_models_share_the_gate_of_their_provider():
    gates = Gates(default=ProviderLimits(at_once=3))
    gates.know("a", "p", ProviderLimits(rpm=1))
    gates.know("b", "p")
    assert gates.of("a") is gates.of("b")
    assert gates.of("a") is not gates.of("c")

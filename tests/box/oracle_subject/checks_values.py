# ruff: noqa - code as other people write it
"""Checks of values, functions, generators and callbacks. Each passes in one process, and must pass across two."""

import asyncio
import collections
import datetime
import itertools
import math
import re
import zoneinfo
from decimal import Decimal
from fractions import Fraction

import pytest
import shapes
from hypothesis import given
from hypothesis import strategies as st
from shapes import *
from shapes import same as candidate


def test_every_kind():
    found = shapes.every_kind()
    assert [type(item) for item in found] == [
        type(None), bool, int, int, float, float, complex, str, bytes, bytearray, tuple, dict, set, frozenset, range,
        Decimal, type(...), type(NotImplemented), type, type,
    ]  # fmt: skip
    assert found[-2:] == [int, ValueError]
    assert found[3] == 2**90
    assert found[7] == "é\ud800"
    assert candidate(found) is found


def test_kinds_there_and_back():
    for value in [Fraction(1, 3), -(2**200), float("-inf"), Decimal("NaN"), range(5), (), [], {}, set(), "", b"", -0.0]:
        assert repr(candidate(value)) == repr(value)
    assert math.isnan(candidate(math.nan))
    assert candidate(True) is True
    assert candidate(int) is int


def test_nested_keys():
    value = {(1, (2, 3)): [frozenset({4})], frozenset({5}): {6: {7}}, None: 1, 1.5: 2}
    assert candidate(value) == value
    assert candidate(dict(value)) == value


@given(st.recursive(st.integers() | st.text() | st.floats(allow_nan=False), st.lists))
def test_property(value):
    assert candidate(value) == value


def test_in_place():
    grid = [[1, 2], [3, 4]]
    rows = list(grid)
    assert rotate_in_place(grid) is None
    assert grid == [[3, 1], [4, 2]]
    assert grid[0] is not rows[0]


def test_every_container_in_place():
    items, table, names = [1, 2], {"old": 1}, {"y"}
    raw, queue = bytearray(b"abc"), collections.deque([1, 2, 3])
    shapes.change_all(items, table, names, raw, queue)
    assert (items, table, names) == ([2, 1], {"new": {"deep": [1]}}, {"x"})
    assert raw == b"\x07bc"
    assert list(queue) == [3, 1, 2]
    table["new"]["deep"].append(2)
    assert candidate(table) == {"new": {"deep": [1, 2]}}


def test_shared_and_cyclic():
    outer = []
    inner = shapes.link(outer)
    assert outer[0] is outer[1] is inner
    assert outer[2] is outer
    inner.append(5)
    assert candidate(outer)[1] == [5]


def test_module_constants_are_the_modules_own():
    assert (LIMIT, shapes.LIMIT) == (10, 10)
    shapes.TABLE["a"].append(9)
    assert shapes.TABLE["a"] == [1, 2, 9]
    shapes.TABLE["a"].pop()
    assert TABLE["a"] == [1, 2]


def test_setting_a_module_variable():
    shapes.LIMIT = 3
    assert shapes.until(lambda n: n, 3) == 4
    shapes.LIMIT = 10


def test_cached_function():
    fib.cache_clear()
    assert fib(60) == 1548008755920
    assert fib.cache_info().misses == 61
    assert fib.cache_info()[0] > 0


def test_closures():
    add = shapes.adder(5)
    assert add(2) == 7
    step, other = shapes.counter(), shapes.counter()
    assert [step(), step(), other()] == [1, 2, 1]
    assert callable(step)


def test_decorated():
    before = shapes.shout.calls
    assert shapes.shout("hi", times=2) == "HI!HI!"
    assert shapes.shout.calls == before + 1
    assert shapes.shout.__name__ == "shout"
    assert "loudly" in shapes.shout.__doc__
    assert shapes.shout.__wrapped__("a") == "A!"


def test_partial():
    assert shapes.triple()(3) == 27


def test_keyword_arguments():
    with pytest.raises(TypeError, match="unexpected keyword"):
        shapes.shout("a", loud=True)
    with pytest.raises(TypeError):
        shapes.shout()


def test_callbacks():
    seen = []

    def note(item):
        seen.append(item)
        return item * 2

    assert shapes.apply_to(note, [1, 2]) == [2, 4]
    assert seen == [1, 2]
    assert shapes.apply_to(str, [1]) == ["1"]
    assert shapes.apply_to("ab".count, ["a"]) == [1]
    assert shapes.sort_by(["bb", "a"], key=len) == ["a", "bb"]


def test_callback_identity():
    def one(): ...

    assert shapes.both(one, one) == (True, True)
    assert shapes.both(one, lambda: 1) == (False, False)
    assert shapes.both([].append, [].append) == (False, False)
    assert candidate(one) is one


def test_callbacks_that_are_kept():
    heard = []

    class Ear:
        def hear(self, *words):
            heard.append(words)

    ear, emitter = Ear(), shapes.Emitter()
    emitter.on(ear.hear)
    emitter.on(heard.append)
    emitter.emit("one")
    emitter.off(ear.hear)
    emitter.emit("two")
    assert heard == [("one",), "one", "two"]
    with pytest.raises(ValueError, match="not in list"):
        emitter.off(print)


def test_callback_recursion():
    def further(n):
        return shapes.until(further, n)

    assert shapes.until(further, 1) == 11


def test_callback_raises():
    def fail():
        raise ValueError("from the check")

    class Own(Exception):
        pass

    def fail_otherwise():
        raise IndexError("out")

    assert shapes.guarded(fail) == "caught from the check"
    with pytest.raises(IndexError, match="out"):
        shapes.guarded(fail_otherwise)


def test_callback_gets_objects():
    nodes = [Node(2), Node(1)]
    assert shapes.sort_by(nodes, key=lambda node: node.value)[0].value == 1
    assert nodes[0].value == 1


def test_iterator_arguments():
    assert shapes.total(x * x for x in range(4)) == 14
    assert shapes.total(iter([1, 2])) == 3
    assert shapes.total(range(4)) == 6
    assert shapes.total(map(int, "12")) == 3
    assert shapes.total({1: 2, 3: 4}.values()) == 6
    assert shapes.total({1: 2, 3: 4}.keys()) == 4
    assert shapes.pairs(iter("abcd")) == [("a", "b"), ("c", "d")]
    numbers = itertools.count(7)
    assert shapes.first_item(numbers) == 7
    assert next(numbers) == 8


def test_generator():
    assert list(countdown(3)) == [3, 2, 1]
    steps = countdown(1)
    assert next(steps) == 1
    with pytest.raises(StopIteration) as end:
        next(steps)
    assert end.value.value == "lift-off"
    assert list(itertools.islice(shapes.numbers_for_ever(), 3)) == [0, 1, 2]
    assert sum(x for x in countdown(4)) == 10
    assert list(shapes.flatten([1, [2, [3]]])) == [1, 2, 3]


def test_generator_send_throw_close():
    mean = shapes.average()
    next(mean)
    assert mean.send(10) == 10
    assert mean.send(20) == 15
    assert mean.throw(KeyError(30)) == 20
    with pytest.raises(ValueError, match="bye"):
        mean.throw(ValueError("bye"))
    before = len(shapes.CLOSED)
    steps = shapes.closing()
    next(steps)
    steps.close()
    assert len(shapes.CLOSED) == before + 1


def test_own_iterator():
    ticker = shapes.Ticker(3)
    assert next(ticker) == 1
    assert list(ticker) == [2, 3]
    assert next(ticker, "done") == "done"
    assert iter(ticker) is ticker


def test_sequence_protocol():
    shelf = shapes.Shelf(1, 2, 3)
    assert (len(shelf), shelf[0], shelf[-1]) == (3, 1, 3)
    assert list(shelf) == [1, 2, 3]
    assert list(shelf[1:]) == [2, 3]
    shelf[0] = 9
    del shelf[1]
    assert list(reversed(shelf)) == [3, 9]
    assert 9 in shelf
    assert 2 not in shelf
    with pytest.raises(IndexError):
        shelf[7]


def test_async():
    assert asyncio.run(shapes.twice(4)) == 8
    assert asyncio.run(shapes.all_of(1, 2)) == [2, 4]

    async def several():
        return await asyncio.gather(shapes.twice(1), shapes.twice(2))

    assert asyncio.run(several()) == [2, 4]
    with pytest.raises(TooPoor):
        asyncio.run(shapes.failing())


def test_async_objects():
    async def use():
        async with shapes.Pool() as pool:
            found = await asyncio.gather(pool.take(3), pool.put(1, 2, 3))
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(pool.wait(), 0.01)
        return found[0], pool.log, [number async for number in shapes.ticks(3)]

    assert asyncio.run(use()) == ([1, 2, 3], ["in", "cancelled", "out"], [0, 1, 2])


def test_views_slices_and_zones():
    table = {"a": 1, "b": 2}
    assert candidate(table.keys()) == {"a", "b"}
    assert list(candidate(table.values())) == [1, 2]
    assert ("a", 1) in candidate(table.items())
    assert candidate(slice(1, None)) == slice(1, None)
    noon = datetime.datetime(2024, 7, 1, 12, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"))
    assert candidate(noon) == noon
    assert candidate(noon).tzinfo.key == "Europe/Berlin"
    assert candidate(noon.replace(tzinfo=datetime.UTC)).isoformat() == "2024-07-01T12:00:00+00:00"


def test_collections():
    assert shapes.words_by_letter("ab ac b") == {"a": ["ab", "ac"], "b": ["b"]}
    found = shapes.words_by_letter("x")
    found["y"].append(1)
    assert found["y"] == [1]
    assert shapes.tally("aab") == collections.Counter("aba")
    assert shapes.tally("aab").most_common(1) == [("a", 2)]
    assert list(shapes.ordered([("b", 1), ("a", 2)])) == ["b", "a"]
    assert shapes.last([1, 2, 3], 2) == collections.deque([2, 3])
    assert shapes.last([1, 2, 3], 2).maxlen == 2


def test_output(capsys):
    shapes.say("hello")
    shapes.say("again")
    assert capsys.readouterr().out == "hello\nagain\n"


def test_warnings():
    with pytest.warns(DeprecationWarning, match="old"):
        assert shapes.warn_of("old") == "old"


def test_nesting():
    assert shapes.deep(60) == shapes.deep(60)


def test_recursion_error():
    with pytest.raises(RecursionError):
        shapes.endless()
    assert candidate(1) == 1


def test_exit():
    with pytest.raises(SystemExit) as leaving:
        shapes.leave(3)
    assert leaving.value.code == 3


def test_unicode_and_regex():
    assert re.fullmatch(r"\w+", candidate("Ünïcode"))


def test_floats():
    assert candidate(0.1) + 0.2 == pytest.approx(0.3)
    assert candidate(1e308 * 10) == math.inf


def test_large():
    big = list(range(20_000))
    assert candidate(big) is big
    assert candidate("x" * 1_000_000) == "x" * 1_000_000

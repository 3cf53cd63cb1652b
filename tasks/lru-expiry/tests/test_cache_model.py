"""The cache against a plain list that is searched from end to end."""

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from cachekit.cache import ExpiringCache
from cachekit.clock import ManualClock

TTL = 5.0


class Model:
    """(key, value, expiry) from least to most recently used."""

    def __init__(self, capacity):
        self.capacity, self.rows = capacity, []

    def live(self, now):
        return [row for row in self.rows if now < row[2]]

    def get(self, key, now):
        self.rows = self.live(now)
        for row in self.rows:
            if row[0] == key:
                self.rows.remove(row)
                self.rows.append(row)
                return row[1]
        return None

    def put(self, key, value, now):
        self.rows = [row for row in self.live(now) if row[0] != key] + [(key, value, now + TTL)]
        self.rows = self.rows[-self.capacity :]


steps = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, 5)),
        st.tuples(st.just("get"), st.integers(0, 5)),
        st.tuples(st.just("wait"), st.integers(1, 3)),
    ),
    max_size=40,
)


@settings(max_examples=150, deadline=None, database=None, derandomize=True, phases=[Phase.generate])
@given(capacity=st.integers(1, 4), steps=steps)
def test_the_cache_behaves_like_the_model(capacity, steps):
    clock = ManualClock()
    cache, model = ExpiringCache(capacity, TTL, clock), Model(capacity)
    for number, (what, value) in enumerate(steps):
        if what == "wait":
            clock.advance(value)
        elif what == "put":
            cache.put(value, number)
            model.put(value, number, clock.now())
        else:
            assert cache.get(value) == model.get(value, clock.now())
        assert {key for key in range(6) if key in cache} == {row[0] for row in model.live(clock.now())}
        assert len(cache) == len(model.live(clock.now()))


def test_overwriting_counts_as_use_and_starts_the_time_anew():
    clock = ManualClock()
    cache = ExpiringCache(2, TTL, clock)
    cache.put("a", 1)
    cache.put("b", 2)
    clock.advance(4)
    cache.put("a", 3)
    cache.put("c", 4)
    clock.advance(4)
    assert ("a" in cache, "b" in cache, "c" in cache) == (True, False, True)


def test_asking_whether_a_key_is_there_is_no_use():
    clock = ManualClock()
    cache = ExpiringCache(2, TTL, clock)
    cache.put("a", 1)
    cache.put("b", 2)
    assert "a" in cache
    cache.put("c", 3)
    assert "a" not in cache


def test_discard_tells_whether_something_was_there():
    clock = ManualClock()
    cache = ExpiringCache(2, TTL, clock)
    cache.put("a", 1)
    assert cache.discard("a")
    assert not cache.discard("a")
    cache.put("a", 1)
    clock.advance(TTL)
    assert not cache.discard("a")

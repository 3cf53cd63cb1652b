import pytest

from cachekit.cache import ExpiringCache
from cachekit.clock import ManualClock


@pytest.fixture
def clock():
    return ManualClock(100.0)


def cache_of(clock, capacity=2, ttl=10.0):
    return ExpiringCache(capacity, ttl, clock)


def test_what_was_put_is_found(clock):
    cache = cache_of(clock)
    cache.put("a", 1)
    assert cache.get("a") == 1
    assert cache.get("b", 7) == 7


def test_an_entry_is_there_until_its_time_is_up(clock):
    cache = cache_of(clock)
    cache.put("a", 1)
    clock.advance(9.9)
    assert "a" in cache
    clock.advance(0.1)
    assert "a" not in cache
    assert cache.get("a") is None


def test_reading_counts_as_use(clock):
    cache = cache_of(clock)
    cache.put("a", 1)
    cache.put("b", 2)
    cache.get("a")
    cache.put("c", 3)
    assert ("a" in cache, "b" in cache, "c" in cache) == (True, False, True)


def test_expired_entries_make_room_first(clock):
    cache = cache_of(clock, capacity=2)
    cache.put("keep", 1)
    clock.advance(4)
    cache.put("late", 2)
    clock.advance(5)
    cache.get("keep")
    clock.advance(1)
    cache.put("new", 3)
    assert ("keep" in cache, "late" in cache, "new" in cache) == (False, True, True)


def test_purge_counts_what_it_forgets(clock):
    cache = cache_of(clock, capacity=3)
    cache.put("a", 1)
    cache.put("b", 2)
    clock.advance(11)
    cache.put("c", 3)
    assert cache.purge() == 2
    assert len(cache) == 1


@pytest.mark.parametrize(("capacity", "ttl"), [(0, 1.0), (1, 0.0), (-1, 5.0)])
def test_impossible_limits_are_refused(clock, capacity, ttl):
    with pytest.raises(ValueError):
        ExpiringCache(capacity, ttl, clock)

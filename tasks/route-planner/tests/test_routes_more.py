import itertools

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from routes.describe import describe
from routes.errors import NoRoute, UnknownPlace, UnknownRoad
from routes.planner import Route, shortest_route
from routes.roads import RoadMap

PLACES = "abcde"
pairs = st.sampled_from(list(itertools.combinations(PLACES, 2)))
maps = st.dictionaries(pairs, st.integers(1, 9), min_size=1, max_size=9)


def distances(roads):
    """Floyd and Warshall over the open roads."""
    known = {(one, two): 0 if one == two else float("inf") for one in PLACES for two in PLACES}
    for (one, two), length in roads.items():
        known[one, two] = known[two, one] = length
    for middle, one, two in itertools.product(PLACES, repeat=3):
        known[one, two] = min(known[one, two], known[one, middle] + known[middle, two])
    return known


@settings(max_examples=150, deadline=None, database=None, derandomize=True, phases=[Phase.generate])
@given(maps, st.sets(pairs, max_size=4), st.lists(st.sampled_from(PLACES), min_size=2, max_size=5))
def test_routes_have_the_length_of_their_legs(lengths, closed, ends):
    roads = RoadMap([(one, two, length) for (one, two), length in lengths.items()])
    for one, two in closed:
        if (one, two) in lengths:
            roads.close(two, one)
        else:
            with pytest.raises(UnknownRoad):
                roads.close(one, two)
    known = distances({pair: length for pair, length in lengths.items() if pair not in closed})
    start, *via, goal = ends
    if any(place not in roads.places for place in ends):
        with pytest.raises(UnknownPlace):
            shortest_route(roads, start, goal, via=tuple(via))
        return
    broken = [leg for leg in zip(ends, ends[1:]) if known[leg] == float("inf")]
    if broken:
        with pytest.raises(NoRoute) as caught:
            shortest_route(roads, start, goal, via=tuple(via))
        assert (caught.value.start, caught.value.goal) == broken[0]
        return
    route = shortest_route(roads, start, goal, via=tuple(via))
    assert route.length == sum(known[leg] for leg in zip(ends, ends[1:]))
    assert (route.stops[0], route.stops[-1], route.via) == (start, goal, tuple(via))
    steps = list(zip(route.stops, route.stops[1:]))
    assert all(tuple(sorted(step)) in lengths and tuple(sorted(step)) not in closed for step in steps)
    assert sum(lengths[tuple(sorted(step))] for step in steps) == route.length
    stops = iter(route.stops)
    wanted = [place for place, _ in itertools.groupby(ends)]
    assert all(place in stops for place in wanted)


def test_closing_twice_and_reopening_once():
    roads = RoadMap([("a", "b", 1)])
    roads.close("a", "b")
    roads.close("b", "a")
    with pytest.raises(NoRoute):
        shortest_route(roads, "a", "b")
    roads.reopen("a", "b")
    roads.reopen("a", "b")
    assert list(roads.neighbours("a")) == [("b", 1)]
    with pytest.raises(UnknownRoad):
        roads.reopen("a", "z")


def test_a_closed_road_can_be_reopened_although_it_is_closed():
    roads = RoadMap([("a", "b", 1), ("b", "c", 1)])
    roads.close("a", "b")
    assert roads.places == ["a", "b", "c"]
    roads.reopen("b", "a")
    assert shortest_route(roads, "a", "c").length == 2


def test_places_that_repeat_add_nothing():
    roads = RoadMap([("a", "b", 1), ("b", "c", 1)])
    route = shortest_route(roads, "a", "c", via=("a", "b", "b", "c"))
    assert route.stops == ("a", "b", "c")
    assert describe(route) == "a to c, 2 km, 1 stop between via a, b, b, c"


def test_what_was_there_stays():
    roads = RoadMap([("a", "b", 1)])
    assert shortest_route(roads, "a", "b") == Route(("a", "b"), 1)
    assert describe(Route(("a", "b"), 1)) == "a to b, 1 km, 0 stops between"

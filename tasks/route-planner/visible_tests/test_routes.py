import pytest

from routes.describe import describe
from routes.errors import NoRoute, UnknownPlace
from routes.planner import shortest_route
from routes.roads import RoadMap

ROADS = [("a", "b", 2), ("b", "c", 2), ("a", "c", 5), ("c", "d", 1), ("x", "y", 1)]


@pytest.fixture
def roads():
    return RoadMap(ROADS)


def test_the_shortest_way(roads):
    route = shortest_route(roads, "a", "d")
    assert (route.stops, route.length) == (("a", "b", "c", "d"), 5)


def test_a_route_to_where_one_is(roads):
    assert shortest_route(roads, "a", "a").stops == ("a",)


def test_places_that_are_not_connected(roads):
    with pytest.raises(NoRoute, match="from a to x"):
        shortest_route(roads, "a", "x")


def test_unknown_places(roads):
    with pytest.raises(UnknownPlace):
        shortest_route(roads, "a", "nowhere")


def test_a_closed_road_is_not_used(roads):
    roads.close("c", "b")
    assert shortest_route(roads, "a", "d").stops == ("a", "c", "d")
    roads.reopen("b", "c")
    assert shortest_route(roads, "a", "d").stops == ("a", "b", "c", "d")


def test_only_roads_can_be_closed(roads):
    from routes.errors import UnknownRoad

    with pytest.raises(UnknownRoad):
        roads.close("a", "d")


def test_places_are_passed_in_order(roads):
    route = shortest_route(roads, "a", "b", via=("c", "d"))
    assert (route.stops, route.length) == (("a", "b", "c", "d", "c", "b"), 8)


def test_a_route_in_words(roads):
    assert describe(shortest_route(roads, "a", "c")) == "a to c, 4 km, 1 stop between"
    assert describe(shortest_route(roads, "a", "c", via=("d",))) == "a to c, 6 km, 3 stops between via d"

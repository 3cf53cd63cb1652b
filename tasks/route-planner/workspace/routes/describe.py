"""Routes in words."""

from __future__ import annotations

from routes.planner import Route


def describe(route: Route) -> str:
    """One line, such as "a to c, 7.5 km, 1 stop between"."""
    between = max(len(route.stops) - 2, 0)
    word = "stop" if between == 1 else "stops"
    return f"{route.stops[0]} to {route.stops[-1]}, {route.length:g} km, {between} {word} between"

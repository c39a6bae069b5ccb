"""The way around rectangles."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from interlock.policy.route import Rectangle, shortest_route

WALL = Rectangle(x_min=-0.1, x_max=0.1, y_min=-0.5, y_max=0.3, grown_m=0.05)


def crosses(rectangle: Rectangle, line: np.ndarray) -> bool:
    for first, last in pairwise(line):
        for t in np.linspace(0.0, 1.0, 200):
            x, y = first + t * (last - first)
            if rectangle.x_min < x < rectangle.x_max and rectangle.y_min < y < rectangle.y_max:
                return True
    return False


def test_goes_straight_where_nothing_stands() -> None:
    route = shortest_route(np.array([0.0, 0.0]), np.array([1.0, 0.5]), [])
    assert route is not None
    assert route.tolist() == [[0.0, 0.0], [1.0, 0.5]]


def test_goes_around_the_nearer_end() -> None:
    route = shortest_route(np.array([-1.0, 0.0]), np.array([1.0, 0.0]), [WALL])
    assert route is not None
    assert not crosses(WALL, route)
    assert route[1:-1, 1] == pytest.approx([0.301, 0.301])


def test_never_crosses_whatever_stands_where() -> None:
    draw = np.random.default_rng(1)
    for _ in range(100):
        blocked = []
        for _ in range(4):
            x, y, wide, deep = draw.uniform(-0.6, 0.6), draw.uniform(-0.6, 0.6), *draw.uniform(0.05, 0.2, 2)
            blocked.append(Rectangle(x_min=x - wide, x_max=x + wide, y_min=y - deep, y_max=y + deep))
        route = shortest_route(np.array([-1.0, 0.0]), np.array([1.0, 0.0]), blocked)
        assert route is not None
        assert not any(crosses(rectangle, route) for rectangle in blocked)


def test_a_start_inside_the_clearance_gives_up_only_clearance() -> None:
    start = np.array([-0.07, 0.0])
    shrunk = WALL.shrunk_off(start)
    assert shrunk is not None
    assert shrunk.x_min > start[0]
    assert shrunk.grown_m > 0.0
    route = shortest_route(start, np.array([1.0, 0.0]), [WALL])
    assert route is not None
    assert not crosses(shrunk, route)


def test_a_start_inside_the_thing_itself_leaves_it_out() -> None:
    assert WALL.shrunk_off(np.array([0.0, 0.0])) is None
    assert shortest_route(np.array([0.0, 0.0]), np.array([1.0, 0.0]), [WALL]) is not None


def test_says_when_there_is_no_way() -> None:
    ring = [
        Rectangle(x_min=0.5, x_max=1.5, y_min=0.4, y_max=0.6),
        Rectangle(x_min=0.5, x_max=1.5, y_min=-0.6, y_max=-0.4),
        Rectangle(x_min=0.4, x_max=0.6, y_min=-0.6, y_max=0.6),
        Rectangle(x_min=1.4, x_max=1.6, y_min=-0.6, y_max=0.6),
    ]
    assert shortest_route(np.array([0.0, 0.0]), np.array([1.0, 0.0]), ring) is None

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.planners.footprint import Footprint, distance_to_way

UNIT = Footprint(x=0.0, y=0.0, half_x=1.0, half_y=1.0)
coordinate = st.floats(-3, 3)
half = st.floats(0, 2)
rectangles = st.builds(Footprint, x=coordinate, y=coordinate, half_x=half, half_y=half)


@pytest.mark.parametrize(
    ("x", "y", "gap"), [(0, 0, 0), (1.5, 0, 0), (2.0, 0, 0), (2.5, 0, 0.5), (0, -4, 2), (5, 6, 5)]
)
def test_gap_is_the_shortest_distance(x: float, y: float, gap: float) -> None:
    assert UNIT.gap_to(Footprint(x=x, y=y, half_x=1.0, half_y=1.0)) == pytest.approx(gap)


@settings(deadline=None)
@given(rectangles, rectangles)
def test_gap_is_the_same_both_ways_and_zero_exactly_on_overlap(a: Footprint, b: Footprint) -> None:
    assert a.gap_to(b) == pytest.approx(b.gap_to(a))
    if a.overlap(b) is None:
        assert max(a.gap_to(b), 0.0) >= 0.0
    else:
        assert a.gap_to(b) == pytest.approx(0.0, abs=1e-9)


@settings(deadline=None)
@given(rectangles, rectangles)
def test_overlap_lies_in_both(a: Footprint, b: Footprint) -> None:
    both = a.overlap(b)
    if both is not None:
        for shape in (a, b):
            assert shape.contains(both.x - both.half_x, both.y - both.half_y, 1e-6)
            assert shape.contains(both.x + both.half_x, both.y + both.half_y, 1e-6)


@pytest.mark.parametrize(
    ("start", "end", "crossed"),
    [
        ((-2, 0), (2, 0), True),
        ((-2, 0), (-1.01, 0), False),
        ((-2, 0), (-1, 0), True),
        ((-2, 1.5), (2, 1.5), False),
        ((-2, -2), (2, 2), True),
        ((-3, 0), (0, 3), False),
        ((0, 0), (0, 0), True),
        ((2, 2), (2, 2), False),
        ((0.5, -3), (0.5, 3), True),
        ((1.5, -3), (1.5, 3), False),
    ],
)
def test_a_way_crosses_exactly_if_it_touches(
    start: tuple[float, float], end: tuple[float, float], crossed: bool
) -> None:
    assert UNIT.crossed_by((*start, 0.0), (*end, 0.0)) is crossed
    assert UNIT.crossed_by((*end, 0.0), (*start, 0.0)) is crossed


@settings(deadline=None)
@given(rectangles, coordinate, coordinate, coordinate, coordinate, st.floats(0, 1))
def test_a_way_with_a_point_inside_crosses(
    shape: Footprint, x: float, y: float, u: float, v: float, share: float
) -> None:
    point = (x + share * (u - x), y + share * (v - y))
    if shape.inner_distance(*point) > 1e-6:
        assert shape.crossed_by((x, y, 0.0), (u, v, 0.0))


def test_shrinking_below_nothing_leaves_a_point() -> None:
    assert UNIT.grown(-2.0) == Footprint(x=0.0, y=0.0, half_x=0.0, half_y=0.0)


@pytest.mark.parametrize(
    ("point", "distance"), [((1, 1), 1), ((-3, 4), 5), ((5, 4), 5), ((1.5, 0), 0), ((2, -0.5), 0.5)]
)
def test_distance_to_a_way_counts_its_ends(point: tuple[float, float], distance: float) -> None:
    start, end = (0.0, 0.0, 0.3), (2.0, 0.0, 9.0)
    assert distance_to_way((*point, 0.0), start, end) == pytest.approx(distance)
    assert distance_to_way((*point, 0.0), end, start) == pytest.approx(distance)
    assert distance_to_way((3.0, 4.0, 0.0), start[:1] * 3, start[:1] * 3) == pytest.approx(5.0)

"""Segments and boxes: projector and verifier, which share no code here, say the same and both are right."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace

import coal
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.guards.axis_cases import CASES, COUNT, SOLIDS, Case, by_projector, by_verifier
from tests.guards.solid_cases import turned

from interlock.guards.box_nearest import box_way_out, nearest_on_box
from interlock.guards.compile import NUMERIC_PATH
from interlock.guards.segment_nearest import nearest_on_segments

RADIUS = 0.01
TOLERANCE = 1e-12
COORDINATE = st.floats(-2.0, 2.0)
POINT = st.tuples(COORDINATE, COORDINATE, COORDINATE).map(np.array)


def _is_on_segment(point: np.ndarray, a: np.ndarray, b: np.ndarray, rounding: float = 1e-12) -> bool:
    length = float((b - a) @ (b - a))
    share = min(max(float((point - a) @ (b - a)) / length, 0.0), 1.0) if length > 0.0 else 0.0
    return bool(np.linalg.norm(a + share * (b - a) - point) < rounding)


def _is_of_part(point: np.ndarray, case: Case) -> bool:
    if case.half is None:
        return _is_on_segment(point, case.c, case.d)
    return bool((np.abs(case.rot.T @ (point - case.c)) <= case.half + 1e-12).all())


@pytest.mark.parametrize("solid", SOLIDS)
def test_both_sides_say_the_same_and_their_points_are_real(solid):
    for case in CASES[solid](2, COUNT):
        distance, point, other = by_projector(case)
        assert distance == pytest.approx(by_verifier(case)[0], abs=TOLERANCE)
        assert np.linalg.norm(point - other) == pytest.approx(distance, abs=TOLERANCE)
        assert _is_on_segment(point, case.a, case.b)
        assert _is_of_part(other, case)


@given(a=POINT, b=POINT, c=POINT, d=POINT)
def test_both_sides_say_the_same_of_any_segments(a, b, c, d):
    case = Case(a=a, b=b, c=c, d=d, rot=np.eye(3))
    assert by_projector(case)[0] == pytest.approx(by_verifier(case)[0], abs=TOLERANCE)


@given(a=POINT, b=POINT, half=st.tuples(*[st.floats(0.0, 1.5)] * 3).map(np.array))
def test_both_sides_say_the_same_of_any_box(a, b, half):
    case = Case(a=a, b=b, c=np.zeros(3), d=np.zeros(3), rot=np.eye(3), half=half)
    assert by_projector(case)[0] == pytest.approx(by_verifier(case)[0], abs=TOLERANCE)


def _coal_capsule(a: np.ndarray, b: np.ndarray) -> tuple[coal.Capsule, coal.Transform3s]:
    length = float(np.linalg.norm(b - a))
    along = (b - a) / length if length > 1e-9 else np.array([0.0, 0.0, 1.0])
    side = np.cross(np.eye(3)[int(np.argmin(np.abs(along)))], along)
    side /= np.linalg.norm(side)
    pose = coal.Transform3s(np.stack([side, np.cross(along, side), along], axis=1), (a + b) / 2.0)
    return coal.Capsule(RADIUS, length), pose


@pytest.mark.parametrize("solid", SOLIDS)
def test_matches_coal(solid):
    """Of axes nearly parallel or nearly points, coal's iteration ends up to 1e-5 m too far: never nearer."""
    apart, together = 0, 0
    for k, case in enumerate(CASES[solid](3, 2000)):
        mate = _coal_capsule(case.c, case.d)
        gap = 2.0 * RADIUS
        if case.half is not None:
            mate, gap = (coal.Box(*(2.0 * case.half)), coal.Transform3s(case.rot, case.c)), RADIUS
        theirs = coal.distance(
            *_coal_capsule(case.a, case.b), *mate, coal.DistanceRequest(), coal.DistanceResult()
        )
        ours = by_projector(case)[0] - gap
        if theirs > 0.0:
            assert ours <= theirs + 1e-9
            assert ours >= theirs - (1e-9 if k % 5 < 2 else 1e-5)
            apart += k % 5 < 2
        else:
            assert ours <= 1e-9
            together += 1
    assert apart > 400
    assert together > 100


@pytest.mark.skipif(NUMERIC_PATH == "interpreted", reason="there is nothing to compare")
def test_interpreted_kernels_give_the_same_numbers():
    done = subprocess.run(
        [sys.executable, "-m", "tests.guards.axis_cases"],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    ours = [[by_projector(case)[0] for case in CASES[solid](1, 500)] for solid in SOLIDS]
    np.testing.assert_allclose(ours, json.loads(done.stdout), rtol=0.0, atol=1e-9)


@pytest.mark.parametrize("solid", SOLIDS)
def test_the_gradient_is_the_way_between_the_points(solid):
    generator, step, compared = np.random.default_rng(3), 1e-6, 0
    for case in CASES[solid](4, 2000):
        distance, point, other = by_projector(case)
        if not distance > 1e-3:
            continue
        normal, way = (point - other) / distance, generator.normal(size=3)
        ahead, behind = (
            by_projector(replace(case, a=case.a + s * way, b=case.b + s * way))[0] for s in (step, -step)
        )
        one, two = (ahead - distance) / step, (distance - behind) / step
        if abs(one - two) < 1e-4:  # else the closest points are about to change places
            assert (one + two) / 2 == pytest.approx(normal @ way, abs=1e-4)
            compared += 1
    assert compared > 1000


@pytest.mark.parametrize("solid", SOLIDS)
@pytest.mark.parametrize("away_m", [1e2, 1e4, 1e6])
def test_far_from_the_origin_only_rounding_is_lost(solid, away_m):
    away = away_m * np.array([1.0, -0.7, 0.4])
    for case in CASES[solid](5, 500):
        moved = replace(case, **{name: getattr(case, name) + away for name in "abcd"})
        assert by_projector(moved)[0] == pytest.approx(by_projector(case)[0], abs=1e-15 * away_m + TOLERANCE)


def test_crossing_segments_meet():
    a, b, c, d = map(np.array, ([-1.0, 0, 0], [1.0, 0, 0], [0, -1.0, 0], [0, 1.0, 0]))
    distance, point, other = by_projector(Case(a=a, b=b, c=c, d=d, rot=np.eye(3)))
    assert distance == 0.0
    assert np.all(point == 0.0)
    assert np.all(other == 0.0)


@pytest.mark.parametrize("lean", [0.0, 1e-16, -1e-15])
def test_of_parallel_segments_the_middle_is_nearest_whatever_rounding_says(lean):
    """The row of two parallel links must not jump along them from tick to tick."""
    a, b = np.array([0.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0])
    c, d = np.array([0.3, 0.0, -1.0]), np.array([0.3 + lean, 0.0, 2.0])
    distance, point, other = by_projector(Case(a=a, b=b, c=c, d=d, rot=np.eye(3)))
    assert distance == pytest.approx(0.3, abs=TOLERANCE)
    np.testing.assert_allclose(point, [0.0, 0.0, 0.5], atol=TOLERANCE)
    np.testing.assert_allclose(other, [0.3, 0.0, 0.5], atol=TOLERANCE)


@pytest.mark.parametrize(
    ("a", "b", "met"),
    [
        ([0.2, 0.1, 0.0], [3.0, 0.1, 0.0], [0.2, 0.1, 0.0]),
        ([3.0, 0.1, 0.0], [0.2, 0.1, 0.0], [0.2, 0.1, 0.0]),
        ([-3.0, 0.1, 0.2], [3.0, 0.1, 0.2], [-1.0, 0.1, 0.2]),
        ([0.2, 0.1, 0.0], [0.4, 0.1, 0.0], [0.2, 0.1, 0.0]),
        ([1.0, 1.0, 1.0], [2.0, 2.0, 2.0], [1.0, 1.0, 1.0]),
    ],
)
def test_where_a_segment_meets_a_box_the_points_are_one(a, b, met):
    case = Case(a=np.array(a), b=np.array(b), c=np.zeros(3), d=np.zeros(3), rot=np.eye(3), half=np.ones(3))
    distance, point, other = by_projector(case)
    assert distance == 0.0
    np.testing.assert_allclose(point, met, atol=TOLERANCE)
    np.testing.assert_array_equal(point, other)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e32])
@pytest.mark.parametrize("place", range(12))
def test_segments_give_nan_for_any_number_that_is_none(bad, place):
    ends = np.array([[0.0, 0, 0], [1.0, 0, 0], [0, 1.0, 0], [1.0, 1.0, 1.0]])
    ends.flat[place] = bad
    point, other = np.zeros(3), np.zeros(3)
    with np.errstate(invalid="ignore"):
        assert np.isnan(nearest_on_segments(ends, ends, 0, ends, ends, 2, point, other)) or place // 3 in (
            1,
            3,
        )
        assert np.isnan(nearest_on_segments(ends[:1], ends[1:2], 0, ends, ends[1:], 2, point, other))
    assert np.isnan(point).all()
    assert np.isnan(other).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e32])
@pytest.mark.parametrize("place", range(21))
def test_a_box_gives_nan_for_any_number_that_is_none(bad, place):
    values = np.concatenate(
        [[-3.0, 0.5, 0.2, 3.0, 0.4, 0.1], np.eye(3).ravel(), [0.1, 0.2, 0.3], [1.0, 1.0, 1.0]]
    )
    values[place] = bad
    a, b, rot = values[:3], values[3:6], values[6:15].reshape(3, 3)
    box = (rot[None], values[None, 15:18], values[None, 18:], 0)
    point, other, normal = np.zeros(3), np.zeros(3), np.zeros(3)
    with np.errstate(invalid="ignore"):
        assert np.isnan(nearest_on_box(a[None], b[None], 0, *box, point, other))
        height = box_way_out(a, *box, normal)
    assert np.isnan(point).all()
    assert np.isnan(other).all()
    if not 3 <= place < 6:
        assert np.isnan(height)
        assert np.isnan(normal).all()


@given(
    inside=st.tuples(*[st.floats(-0.99, 0.99)] * 3).map(np.array),
    pos=POINT,
    half=st.tuples(*[st.floats(0.01, 1.5)] * 3).map(np.array),
    seed=st.integers(0, 99),
)
def test_the_way_out_of_a_box_is_the_shortest(inside, pos, half, seed):
    rot, normal = turned(np.random.default_rng(seed)), np.empty(3)
    point = pos + rot @ (inside * half)
    depth = -box_way_out(point, rot[None], pos[None], half[None], 0, normal)
    assert depth == pytest.approx(float((half - np.abs(inside * half)).min()), abs=1e-9)
    assert np.linalg.norm(normal) == pytest.approx(1.0)
    out = rot.T @ (point + (depth + 1e-6) * normal - pos)
    assert np.any(np.abs(out) > half)

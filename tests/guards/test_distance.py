"""Distances are exact, their points are real, and what is not finite never gives a finite distance."""

from __future__ import annotations

import coal
import numpy as np
import pytest
import scipy.optimize
from hypothesis import given
from hypothesis import strategies as st

from interlock.guards.distance import (
    segment_box,
    segment_box_scalars,
    segment_segment,
    segment_segment_scalars,
)

COORDINATE = st.floats(-2.0, 2.0, allow_subnormal=False)
POINT = st.tuples(COORDINATE, COORDINATE, COORDINATE).map(np.array)
GRID_POINT = st.tuples(*[st.sampled_from([-1.0, -0.5, 0.0, 0.5, 1.0])] * 3).map(np.array)
HALF = st.tuples(*[st.floats(0.01, 1.5)] * 3).map(np.array)
ANGLES = st.tuples(*[st.floats(-3.1, 3.1)] * 3)


def _rotation(angles: tuple[float, float, float]) -> np.ndarray:
    rot = np.eye(3)
    for axis, angle in enumerate(angles):
        c, s = np.cos(angle), np.sin(angle)
        turn = np.eye(3)
        i, j = (axis + 1) % 3, (axis + 2) % 3
        turn[i, i], turn[i, j], turn[j, i], turn[j, j] = c, -s, s, c
        rot = rot @ turn
    return np.ascontiguousarray(rot)


def _segments(a0, a1, b0, b1):
    pa, pb = np.empty(3), np.empty(3)
    return segment_segment(a0, a1, b0, b1, pa, pb), pa, pb


def _box(a, b, rot, pos, half):
    pa, pb = np.empty(3), np.empty(3)
    return segment_box(a, b, rot, pos, half, pa, pb), pa, pb


def _least_over_square(a0, a1, b0, b1) -> float:
    """Reference: a bounded convex least-squares problem in the two segment parameters."""
    columns = np.stack([a1 - a0, b0 - b1], axis=1)
    found = scipy.optimize.lsq_linear(columns, b0 - a0, bounds=(0.0, 1.0), tol=1e-14)
    return float(np.linalg.norm(a0 - b0 + columns @ found.x))


def _least_along_segment(a, b, rot, pos, half) -> float:
    """Reference: golden-section search of the convex distance along the segment, in the box's frame."""

    def distance(t: float) -> float:
        p = rot.T @ (a + t * (b - a) - pos)
        return float(np.linalg.norm(p - np.clip(p, -half, half)))

    low, high = 0.0, 1.0
    for _ in range(200):
        one, two = low + (high - low) / 3, high - (high - low) / 3
        if distance(one) < distance(two):
            high = two
        else:
            low = one
    return min(distance(0.0), distance(1.0), distance((low + high) / 2))


@given(a0=POINT, a1=POINT, b0=POINT, b1=POINT)
def test_segments_match_a_least_squares_solver(a0, a1, b0, b1):
    distance, pa, pb = _segments(a0, a1, b0, b1)
    assert distance == pytest.approx(_least_over_square(a0, a1, b0, b1), abs=2e-7)
    assert np.linalg.norm(pa - pb) == pytest.approx(distance, abs=1e-12)


@given(a0=GRID_POINT, a1=GRID_POINT, b0=GRID_POINT, b1=GRID_POINT)
def test_segments_that_touch_align_or_shrink_to_a_point_match_too(a0, a1, b0, b1):
    """A coarse grid makes parallel, collinear, crossing and zero-length segments common."""
    distance, pa, pb = _segments(a0, a1, b0, b1)
    assert distance == pytest.approx(_least_over_square(a0, a1, b0, b1), abs=2e-7)
    for point, start, end in ((pa, a0, a1), (pb, b0, b1)):
        off = np.linalg.norm(np.cross(point - start, end - start))
        assert off < 1e-12 or np.allclose(start, end)


@given(a0=POINT, a1=POINT, shift=POINT, tilt=st.floats(-1e-9, 1e-9))
def test_nearly_parallel_segments_never_overestimate(a0, a1, shift, tilt):
    b0, b1 = a0 + shift, a1 + shift + tilt * np.array([1.0, -1.0, 1.0])
    distance, _, _ = _segments(a0, a1, b0, b1)
    s, t = np.meshgrid(np.linspace(0, 1, 60), np.linspace(0, 1, 60))
    gap = (a0 + s[..., None] * (a1 - a0)) - (b0 + t[..., None] * (b1 - b0))
    assert distance <= np.linalg.norm(gap, axis=-1).min() + 1e-12


def test_crossing_segments_meet():
    distance, pa, pb = _segments(*map(np.array, ([-1.0, 0, 0], [1.0, 0, 0], [0, -1.0, 0], [0, 1.0, 0])))
    assert distance == 0.0
    assert np.all(pa == 0.0)
    assert np.all(pb == 0.0)


def test_segments_match_coal_on_capsules():
    rng = np.random.default_rng(3)
    for _ in range(300):
        ends = rng.uniform(-1.0, 1.0, (4, 3))
        radii = rng.uniform(0.01, 0.1, 2)
        shapes, poses = [], []
        for (a, b), radius in zip((ends[:2], ends[2:]), radii, strict=True):
            along = (b - a) / np.linalg.norm(b - a)
            side = np.linalg.svd(along[None])[2][1]
            rot = np.stack([side, np.cross(along, side), along], axis=1)
            shapes.append(coal.Capsule(radius, float(np.linalg.norm(b - a))))
            poses.append(coal.Transform3s(rot, (a + b) / 2))
        result = coal.DistanceResult()
        theirs = coal.distance(shapes[0], poses[0], shapes[1], poses[1], coal.DistanceRequest(), result)
        ours = _segments(*ends)[0] - radii.sum()
        if theirs > 0.0:
            assert ours == pytest.approx(theirs, abs=1e-5)
        else:
            assert ours < 1e-5


@given(a=POINT, b=POINT, angles=ANGLES, pos=POINT, half=HALF)
def test_box_matches_a_search_along_the_segment(a, b, angles, pos, half):
    rot = _rotation(angles)
    distance, pa, pb = _box(a, b, rot, pos, half)
    assert distance == pytest.approx(_least_along_segment(a, b, rot, pos, half), abs=1e-9)
    assert np.linalg.norm(pa - pb) == pytest.approx(distance, abs=1e-9)
    assert np.all(np.abs(rot.T @ (pb - pos)) <= half + 1e-9)
    t = (pa - a) @ (b - a) / max((b - a) @ (b - a), 1e-300)
    assert np.linalg.norm(a + t * (b - a) - pa) < 1e-9
    assert -1e-9 <= t <= 1.0 + 1e-9


@given(a=GRID_POINT, b=GRID_POINT, half=st.tuples(*[st.sampled_from([0.5, 1.0])] * 3).map(np.array))
def test_box_matches_where_the_segment_lies_in_faces_and_edges(a, b, half):
    distance, _, _ = _box(a, b, np.eye(3), np.zeros(3), half)
    assert distance == pytest.approx(_least_along_segment(a, b, np.eye(3), np.zeros(3), half), abs=1e-12)


@given(a=POINT, angles=ANGLES, pos=POINT, half=HALF)
def test_box_treats_a_point_as_a_segment(a, angles, pos, half):
    rot = _rotation(angles)
    local = rot.T @ (a - pos)
    expected = np.linalg.norm(local - np.clip(local, -half, half))
    assert _box(a, a, rot, pos, half)[0] == pytest.approx(expected, abs=1e-12)


def test_box_distance_is_zero_right_through_and_the_points_are_one():
    distance, pa, pb = _box(
        np.array([-3.0, 0.1, 0.2]), np.array([3.0, 0.1, 0.2]), np.eye(3), np.zeros(3), np.ones(3)
    )
    assert distance == 0.0
    assert np.allclose(pa, pb)
    assert np.all(np.abs(pa) <= 1.0)


def test_box_matches_coal():
    rng = np.random.default_rng(4)
    for _ in range(300):
        a, b, pos = rng.uniform(-1.0, 1.0, (3, 3))
        half, rot = rng.uniform(0.05, 0.4, 3), _rotation(tuple(rng.uniform(-3, 3, 3)))
        along = (b - a) / np.linalg.norm(b - a)
        side = np.linalg.svd(along[None])[2][1]
        pose = coal.Transform3s(np.stack([side, np.cross(along, side), along], axis=1), (a + b) / 2)
        capsule = coal.Capsule(0.02, float(np.linalg.norm(b - a)))
        box = coal.Box(*(2.0 * half))
        theirs = coal.distance(
            capsule, pose, box, coal.Transform3s(rot, pos), coal.DistanceRequest(), coal.DistanceResult()
        )
        ours = _box(a, b, rot, pos, half)[0] - 0.02
        if theirs > 0.0:
            assert ours == pytest.approx(theirs, abs=1e-5)
        else:
            assert ours < 1e-5


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", range(12))
def test_segments_give_nan_for_any_number_that_is_not_finite(bad, place):
    ends = np.array([[0.0, 0, 0], [1.0, 0, 0], [0, 1.0, 0], [1.0, 1.0, 1.0]])
    ends.flat[place] = bad
    distance, pa, pb = _segments(*ends)
    assert np.isnan(distance)
    assert np.isnan(pa).all()
    assert np.isnan(pb).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", range(21))
def test_box_gives_nan_for_any_number_that_is_not_finite(bad, place):
    values = np.concatenate(
        [[-3.0, 0.5, 0.2, 3.0, 0.4, 0.1], np.eye(3).ravel(), [0.1, 0.2, 0.3], [1.0, 1.0, 1.0]]
    )
    values[place] = bad
    a, b, rot = values[:3], values[3:6], values[6:15].reshape(3, 3)
    with np.errstate(invalid="ignore"):
        assert not np.isfinite(_box(a, b, rot, values[15:18], values[18:])[0])


def test_scalar_forms_give_the_same_bits():
    rng = np.random.default_rng(5)
    ends = rng.uniform(-1.0, 1.0, (4, 3))
    distance, pa, pb = _segments(*ends)
    assert segment_segment_scalars(*ends.ravel()) == (distance, *pa, *pb)
    rot, pos, half = _rotation((0.3, 0.5, -0.7)), rng.uniform(-1, 1, 3), np.array([0.2, 0.3, 0.4])
    distance, pa, pb = _box(ends[0], ends[1], rot, pos, half)
    stacked = (np.stack([np.eye(3), rot]), np.stack([np.zeros(3), pos]), np.stack([np.ones(3), half]))
    assert segment_box_scalars(*ends[:2].ravel(), 1, *stacked) == (distance, *pa, *pb)

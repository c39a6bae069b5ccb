"""The box around a shape holds it, and a half-space has one only if it is level with the axes."""

from __future__ import annotations

import numpy as np
import pytest
from tests.guards.closed_loop import WEDGE
from tests.properties.released import rotation

from interlock.hal.bounds import shape_bounds
from interlock.hal.half_space import plane_of
from interlock.hal.scene import Box, Capsule, ConvexHull, HalfSpace, Sphere


def _pose(seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = rotation(generator), generator.normal(size=3)
    return pose


@pytest.mark.parametrize("seed", range(5))
def test_a_hull_is_bounded_by_its_vertices(seed):
    pose = _pose(seed)
    lower, upper = shape_bounds(ConvexHull(vertices_m=WEDGE), pose)
    points = np.array(WEDGE) @ pose[:3, :3].T + pose[:3, 3]
    np.testing.assert_allclose(lower, points.min(axis=0))
    np.testing.assert_allclose(upper, points.max(axis=0))


@pytest.mark.parametrize("seed", range(5))
def test_a_hull_of_a_box_is_bounded_as_the_box_is(seed):
    half = np.array([0.1, 0.2, 0.3])
    corners = half * np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    pose = _pose(seed)
    for one, other in zip(
        shape_bounds(Box(half_extents_m=half), pose),
        shape_bounds(ConvexHull(vertices_m=corners), pose),
        strict=True,
    ):
        np.testing.assert_allclose(one, other, atol=1e-12)


def test_a_ball_and_a_rod_are_bounded_by_their_radius():
    lower, upper = shape_bounds(Sphere(radius_m=0.1), np.eye(4))
    np.testing.assert_allclose([lower, upper], [[-0.1] * 3, [0.1] * 3])
    lower, upper = shape_bounds(Capsule(radius_m=0.1, length_m=0.4), np.eye(4))
    np.testing.assert_allclose([lower, upper], [[-0.1, -0.1, -0.3], [0.1, 0.1, 0.3]])


def test_a_floor_ends_at_its_plane_and_a_slope_is_a_point_of_it():
    pose = np.eye(4)
    pose[:3, 3] = [1.0, 2.0, 3.0]
    lower, upper = shape_bounds(HalfSpace(normal=[0, 0, 1.0], offset_m=0.5), pose)
    np.testing.assert_allclose([lower, upper], [[-10, -10, -6.5], [10, 10, 3.5]])
    lower, upper = shape_bounds(HalfSpace(normal=[-1.0, 0, 0], offset_m=0.0), pose)
    np.testing.assert_allclose([lower, upper], [[1, -10, -10], [11, 10, 10]])
    lower, upper = shape_bounds(HalfSpace(normal=[0.6, 0, 0.8], offset_m=0.5), pose)
    np.testing.assert_allclose([lower, upper], [[2.1, 0, 2.8]] * 2)


def test_a_normal_that_is_no_unit_does_not_move_the_plane():
    normal = np.array([0.6, 0.0, 0.8]) * (1.0 + 9e-7)
    plane = plane_of(HalfSpace(normal=normal, offset_m=900.0), np.eye(4))
    assert normal @ plane[:3, 3] == pytest.approx(900.0, abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_the_plane_of_a_half_space_is_where_its_normal_and_offset_put_it(seed):
    pose = _pose(seed)
    normal = rotation(np.random.default_rng(seed + 50))[:, 0]
    plane = plane_of(HalfSpace(normal=normal, offset_m=0.3), pose)
    np.testing.assert_allclose(plane[:3, :3].T @ plane[:3, :3], np.eye(3), atol=1e-12)
    assert np.linalg.det(plane[:3, :3]) == pytest.approx(1.0)
    np.testing.assert_allclose(pose[:3, :3].T @ plane[:3, 2], normal, atol=1e-12)
    assert normal @ (pose[:3, :3].T @ (plane[:3, 3] - pose[:3, 3])) == pytest.approx(0.3)

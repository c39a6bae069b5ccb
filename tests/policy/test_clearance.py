"""Distances to boxes, balls and capsules."""

from __future__ import annotations

import math

import numpy as np
import pytest

from interlock.hal.scene import (
    Box,
    Capsule,
    ConvexHull,
    HalfSpace,
    ObjectKind,
    Part,
    SceneObject,
    Shape,
    Sphere,
)
from interlock.policy.clearance import ClearanceField

BRICK = [[x, y, z] for x in (-0.1, 0.1) for y in (-0.2, 0.2) for z in (-0.3, 0.3)]


def thing(shape: Shape, pose: np.ndarray) -> SceneObject:
    return SceneObject(
        name="thing",
        kind=ObjectKind.FIXED,
        parts=(Part(shape=shape, part_in_object=np.eye(4)),),
        object_in_world=pose,
        position_std_m=0.0,
        max_speed_m_s=0.0,
        stamp_ns=0,
    )


def turned() -> np.ndarray:
    pose = np.eye(4)
    c, s = math.cos(0.7), math.sin(0.7)
    pose[:3, :3] = [[c, -s, 0], [s, c, 0], [0, 0, 1]]
    pose[:3, 3] = 0.3, -0.2, 0.1
    return pose


def at(pose: np.ndarray, *local: float) -> np.ndarray:
    return (pose[:3, :3] @ np.array(local) + pose[:3, 3])[None]


@pytest.mark.parametrize(
    ("shape", "local", "expected"),
    [
        (Box(half_extents_m=[0.1, 0.2, 0.3]), (0.25, 0.0, 0.0), 0.15),
        (Box(half_extents_m=[0.1, 0.2, 0.3]), (0.14, 0.23, 0.3), 0.05),
        (Box(half_extents_m=[0.1, 0.2, 0.3]), (0.0, 0.15, 0.0), -0.05),
        (Sphere(radius_m=0.1), (0.0, 0.3, 0.4), 0.4),
        (Capsule(radius_m=0.05, length_m=0.4), (0.0, 0.0, 0.35), 0.10),
        (Capsule(radius_m=0.05, length_m=0.4), (0.12, 0.0, 0.0), 0.07),
        (ConvexHull(vertices_m=BRICK), (0.25, 0.0, 0.0), 0.15),
        (ConvexHull(vertices_m=BRICK), (0.14, 0.23, 0.3), 0.04),  # at an edge less than there is
        (ConvexHull(vertices_m=BRICK), (0.0, 0.15, 0.0), -0.05),
        (HalfSpace(normal=[0.0, 0.6, 0.8], offset_m=0.1), (5.0, 0.6, 0.8), 0.9),
        (HalfSpace(normal=[0.0, 0.6, 0.8], offset_m=0.1), (5.0, 0.0, 0.0), -0.1),
    ],
)
def test_distance_to_a_turned_shape(shape: Shape, local: tuple[float, ...], expected: float) -> None:
    pose = turned()
    field = ClearanceField([(thing(shape, pose), 0.0)])
    assert field.distance(at(pose, *local), np.zeros(1)) == pytest.approx(expected, abs=1e-9)


def test_radii_and_wanted_clearance_come_off() -> None:
    pose = turned()
    field = ClearanceField([(thing(Sphere(radius_m=0.1), pose), 0.03)])
    assert field.distance(at(pose, 0.0, 0.0, 0.3), np.array([0.02])) == pytest.approx(0.15)


def test_beads_count_like_things() -> None:
    field = ClearanceField([], np.array([[0.0, 0.0, 0.5]]), 0.1)
    assert field.distance(np.zeros((1, 3)), np.zeros(1)) == pytest.approx(0.4)


def test_nothing_is_infinitely_far() -> None:
    assert math.isinf(ClearanceField([]).distance(np.zeros((2, 3)), np.zeros(2)))

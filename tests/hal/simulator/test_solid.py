"""Bullet's hulls and half-spaces are where the guards think they are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

pybullet = pytest.importorskip("pybullet")

import coal  # noqa: E402
from tests.guards.closed_loop import WEDGE, box, hull, plane  # noqa: E402
from tests.guards.solid_cases import turned  # noqa: E402
from tests.properties.oracle import convex  # noqa: E402

from interlock.hal.scene import Box, ConvexHull, Part, SceneObject  # noqa: E402
from interlock.hal.simulator.solid import build_solid  # noqa: E402

RADIUS = 0.01
HULL_MARGIN_M = 0.0015  # Bullet makes hulls 1 mm fatter


@pytest.fixture
def client() -> Iterator[int]:
    number = pybullet.connect(pybullet.DIRECT)
    yield number
    pybullet.disconnect(number)


def _apart(client: int, item: SceneObject, at: np.ndarray) -> float:
    """Distance of a small ball at `at`, [m]."""
    body = build_solid(client, item, color=(1.0, 0.0, 0.0, 1.0), friction=0.5, mass_kg=None)
    shape = pybullet.createCollisionShape(pybullet.GEOM_SPHERE, radius=RADIUS, physicsClientId=client)
    ball = pybullet.createMultiBody(0.1, shape, -1, at.tolist(), physicsClientId=client)
    points = pybullet.getClosestPoints(body, ball, 2.0, physicsClientId=client)
    return min(point[8] for point in points)


@pytest.mark.parametrize("seed", range(12))
def test_a_hull_is_where_coal_has_it(client: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    rotation, at = turned(generator), generator.normal(size=3)
    item = hull("h", at, WEDGE, rotation=rotation)
    way = generator.normal(size=3)
    ball = at + way / np.linalg.norm(way) * generator.uniform(0.2, 0.5)
    theirs = coal.distance(
        coal.Sphere(RADIUS), coal.Transform3s(np.eye(3), ball), convex(np.array(WEDGE)),
        coal.Transform3s(rotation, at), coal.DistanceRequest(), coal.DistanceResult(),
    )  # fmt: skip
    assert theirs - HULL_MARGIN_M <= _apart(client, item, ball) <= theirs + 1e-5


@pytest.mark.parametrize("seed", range(12))
def test_a_half_space_is_where_its_plane_is(client: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    rotation, at = turned(generator), generator.normal(size=3) * 0.3
    normal = turned(generator)[:, 0]
    ball = at + generator.uniform(-0.5, 0.5, size=3)
    height = float(rotation @ normal @ (ball - at)) - 0.2
    item = plane("p", at, normal, 0.2 + height - abs(height), rotation=rotation)  # the ball is above it
    assert _apart(client, item, ball) == pytest.approx(abs(height) - RADIUS, abs=1e-6)


def test_a_half_space_said_from_afar_is_under_the_robot_too(client: int) -> None:
    item = plane("p", [500.0, 300.0, -0.2], [0.0, 0.0, 1.0], 0.1)
    assert _apart(client, item, np.array([0.5, 0.0, 0.4])) == pytest.approx(0.5 - RADIUS, abs=1e-6)


def test_a_hull_may_be_one_part_of_several(client: int) -> None:
    aside = np.eye(4)
    aside[:3, 3] = [0.0, 0.0, 1.0]
    both = box("both", [0, 0, 0], [0.1, 0.1, 0.1])
    parts = (
        Part(shape=Box(half_extents_m=[0.1, 0.1, 0.1]), part_in_object=np.eye(4)),
        Part(shape=ConvexHull(vertices_m=WEDGE), part_in_object=aside),
    )
    item = SceneObject(
        name=both.name, kind=both.kind, parts=parts, object_in_world=both.object_in_world,
        position_std_m=0.0, max_speed_m_s=0.0, stamp_ns=0,
    )  # fmt: skip
    assert _apart(client, item, np.array([0.0, 0.0, 1.3])) == pytest.approx(0.2 - RADIUS, abs=HULL_MARGIN_M)
    assert _apart(client, item, np.array([0.3, 0.0, 0.0])) == pytest.approx(0.2 - RADIUS, abs=HULL_MARGIN_M)


def test_two_hulls_of_other_shapes_are_kept_apart(client: int) -> None:
    """Bullet remembers mesh files by name."""
    at = np.array([0.0, 0.0, 0.5])
    low = _apart(client, hull("low", [0, 0, 0], WEDGE), at)
    high = _apart(client, hull("high", [0, 0, 0], 2.0 * np.array(WEDGE)), at)
    assert low - high == pytest.approx(0.1, abs=1e-6)


def test_both_are_in_the_picture(client: int) -> None:
    things = [hull("h", [0, 0, 0], WEDGE), plane("p", [0, 0, -0.2], [0.0, 0.0, 1.0], 0.0)]
    bodies = [
        build_solid(client, item, color=(1.0, 0.0, 0.0, 1.0), friction=0.5, mass_kg=None) for item in things
    ]
    picture = pybullet.getCameraImage(
        48,
        48,
        pybullet.computeViewMatrix([0.6, 0.0, 0.4], [0.0, 0.0, 0.0], [0.0, 0.0, 1.0]),
        pybullet.computeProjectionMatrixFOV(60.0, 1.0, 0.05, 5.0),
        renderer=pybullet.ER_TINY_RENDERER,
        physicsClientId=client,
    )
    seen = np.asarray(picture[4])
    assert all((seen == body).sum() > 50 for body in bodies)

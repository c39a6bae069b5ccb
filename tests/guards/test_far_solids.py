"""As far out as a scene may reach, and at any scale, no distance to a solid comes out too great."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pinocchio as pin
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.guards.closed_loop import IDLE, NOW_NS, box, hull, plane, thing
from tests.guards.solid_cases import CUBE, Case, by_verifier, turned
from tests.guards.true_distance import to_box, to_hull

from interlock.guards.config import GateConfig
from interlock.guards.obstacles import flatten
from interlock.guards.part_distance import part_distance
from interlock.guards.part_kind import BOX, SEGMENT
from interlock.guards.scene_check import scene_fault
from interlock.hal.polytope import THINNEST_M, Polytope, polytope_of
from interlock.hal.scene import FURTHEST_M, Box, ConvexHull, Part, Scene

TOO_GREAT_M = 1e-9
WALL = np.array([1.0, 1.0, 0.1])


def _asked(a: np.ndarray, b: np.ndarray, hull: Polytope, rot: np.ndarray, pos: np.ndarray) -> float:
    """What the verifier says of a hull whose frame is at `pos`; the vertices need not be about it."""
    case = Case(a=a, b=b, rot=rot, pos=pos + rot @ hull.centre, hull=hull)
    distance, point, other = by_verifier(case)
    assert np.linalg.norm(point - other) == pytest.approx(distance, abs=TOO_GREAT_M)
    return distance


def _edge(generator: np.random.Generator) -> np.ndarray:
    """A point at the bound of what a scene may say."""
    return FURTHEST_M * generator.choice([-1.0, 1.0], size=3)


@pytest.mark.parametrize("seed", range(4))
def test_a_wall_a_kilometre_off_is_as_far_as_rational_numbers_say(seed):
    generator = np.random.default_rng(seed)
    for _ in range(150):
        centre = _edge(generator)
        centre -= np.sign(centre)  # the vertices are at the bound
        hull = polytope_of(CUBE * WALL + centre)
        around = centre + generator.uniform(-1.0, 1.0, size=3) + [0.0, 0.0, generator.choice([-1.0, 1.0])]
        a, b = around, around + generator.uniform(-0.3, 0.3, size=3)
        true = to_box(a, b, centre - WALL, centre + WALL)
        assert hull is not None
        assert _asked(a, b, hull, np.eye(3), np.zeros(3)) == pytest.approx(true, abs=TOO_GREAT_M)


@pytest.mark.parametrize("seed", range(4))
def test_a_frame_a_kilometre_off_takes_nothing_away_from_the_hull_beside_the_robot(seed):
    generator = np.random.default_rng(seed)
    for _ in range(150):
        rot, away = turned(generator), _edge(generator)
        leaning = (CUBE * WALL) @ turned(generator).T
        vertices = leaning + away - np.sign(away) * 2.0
        a = generator.uniform(-1.5, 1.5, size=3)
        b = a + generator.uniform(-0.3, 0.3, size=3)
        hull = polytope_of(vertices)
        pos = -rot @ (away - np.sign(away) * 2.0)
        true = to_hull(rot.T @ (a - pos), rot.T @ (b - pos), vertices)
        assert hull is not None
        assert _asked(a, b, hull, rot, pos) == pytest.approx(true, abs=TOO_GREAT_M)


@pytest.mark.parametrize("away_m", [1e3, 1e4, 1e5])
def test_tables_that_are_far_off_give_less_distance_and_never_more(away_m):
    generator = np.random.default_rng(1)
    for _ in range(400):
        leaning, near = turned(generator), polytope_of(CUBE * WALL)
        away = generator.normal(size=3)
        away *= away_m / np.linalg.norm(away)
        normals = near.facets[:, :3] @ leaning.T
        facets = np.column_stack([normals, near.facets[:, 3] + normals @ away])
        edges = np.empty_like(near.edges)
        for k in (0, 3):
            edges[:, k : k + 3] = near.edges[:, k : k + 3] @ leaning.T + away
        for k in (6, 10):
            edges[:, k : k + 3] = near.edges[:, k : k + 3] @ leaning.T
            edges[:, k + 3] = near.edges[:, k + 3] + edges[:, k : k + 3] @ away
        hull = replace(near, facets=facets, edges=edges)
        a = generator.uniform(-1.0, 1.0, size=3) * [0.9, 0.9, 0.0] + [0.0, 0.0, 0.13]
        b = a + generator.uniform(-0.1, 0.1, size=3) + [0.0, 0.0, 0.1]
        case = Case(a=leaning @ a + away, b=leaning @ b + away, rot=np.eye(3), pos=np.zeros(3), hull=hull)
        found, true = by_verifier(case)[0], to_box(a, b, -WALL, WALL)
        assert true - 1e-13 * away_m - TOO_GREAT_M <= found <= true + 1e-14 * away_m + TOO_GREAT_M


@settings(max_examples=300)
@given(seed=st.integers(0, 2**31), scale=st.floats(-3.0, 3.0), away=st.floats(-3.0, 3.0), thin=st.booleans())
def test_no_distance_is_too_great_at_any_scale(seed, scale, away, thin):
    generator = np.random.default_rng(seed)
    points = generator.normal(size=(int(generator.integers(4, 40)), 3))
    if thin:  # a blade, whose edges are as sharp as they may be
        points[:, 2] *= 3.0 * THINNEST_M / 10.0**scale
    vertices = np.clip(points @ turned(generator).T * 10.0**scale, -FURTHEST_M, FURTHEST_M)
    hull = polytope_of(vertices)
    if hull is None:
        return
    near = 10.0 ** generator.uniform(-6.0, 0.5)
    on_it = generator.dirichlet(np.full(len(vertices), 0.1)) @ vertices
    a = on_it + generator.normal(size=3) * near * 10.0 ** generator.choice([scale, 0.0])
    b = a + generator.normal(size=3) * 10.0 ** generator.choice([away, scale])
    assert _asked(a, b, hull, np.eye(3), np.zeros(3)) <= to_hull(a, b, vertices) + TOO_GREAT_M


def _stretched(generator: np.random.Generator, off: float) -> np.ndarray:
    """A pose whose rotation is about `off` from one."""
    pose = np.eye(4)
    pose[:3, :3] = turned(generator) @ (np.eye(3) + off * generator.uniform(-1.0, 1.0, size=(3, 3)))
    return pose


def test_a_rotation_that_is_not_quite_one_costs_no_more_than_micrometres_or_is_refused():
    generator, taken, refused = np.random.default_rng(0), [], 0
    for _ in range(3000):
        size, off = 10.0 ** generator.uniform(-2.0, 2.99), 10.0 ** generator.uniform(-13.0, -5.0)
        first, second = _stretched(generator, off), _stretched(generator, off * generator.choice([0.0, 1.0]))
        vertices = CUBE * generator.uniform(0.2, 1.0, size=3) * size
        second[:3, 3] = generator.uniform(-0.5, 0.5, size=3) * size
        corner = first[:3, :3] @ (second[:3, :3] @ vertices[0] + second[:3, 3])
        first[:3, 3] = np.clip(-corner + generator.uniform(-1.0, 1.0, size=3), -FURTHEST_M, FURTHEST_M)
        shape = (ConvexHull(vertices_m=vertices), Box(half_extents_m=vertices.max(axis=0)))[
            int(generator.integers(2))
        ]
        wall = replace(
            thing("wall", shape, [0.0, 0.0, 0.0]),
            object_in_world=first,
            parts=(Part(shape=shape, part_in_object=second),),
        )
        scene = Scene(stamp_ns=NOW_NS, objects=(wall,))
        if scene_fault(scene, IDLE, NOW_NS, 1.0) is not None:
            refused += 1
            continue
        found = flatten(scene, GateConfig(period_s=0.01), NOW_NS, None)
        a = generator.uniform(-0.5, 0.5, size=(1, 3))
        b = a + generator.uniform(-0.2, 0.2, size=(1, 3))
        told = part_distance(
            a, b, 0, 0, found.kind, found.rot, found.pos, found.half, found.a, found.b,
            found.span, found.facets, found.edges,
        )[0]  # fmt: skip
        corners = (vertices @ second[:3, :3].T + second[:3, 3]) @ first[:3, :3].T + first[:3, 3]
        assert told == pytest.approx(to_hull(a[0], b[0], corners), abs=2.1e-6), (size, off)
        taken.append(off * size)
    assert refused > 300
    assert len(taken) > 300
    assert max(taken) > 1e-8  # as much as it may be, and not none at all


@pytest.mark.parametrize("seed", range(20))
def test_a_rotation_made_of_a_quaternion_is_taken_however_large_the_solid(seed):
    quaternion = np.random.default_rng(seed).normal(size=4)
    turn = pin.Quaternion(quaternion / np.linalg.norm(quaternion)).matrix()
    objects = (
        box("box", [FURTHEST_M] * 3, [FURTHEST_M] * 3, rotation=turn),
        hull("hull", [-FURTHEST_M] * 3, CUBE * FURTHEST_M, rotation=turn),
        plane("plane", [FURTHEST_M] * 3, [0.0, 0.0, 1.0], -FURTHEST_M, rotation=turn),
    )
    assert scene_fault(Scene(stamp_ns=NOW_NS, objects=objects), IDLE, NOW_NS, 1.0) is None


def test_a_half_space_turned_not_quite_is_where_its_points_are_or_is_refused():
    generator, taken, refused = np.random.default_rng(2), 0, 0
    for _ in range(1000):
        off, normal = 10.0 ** generator.uniform(-13.0, -5.0), turned(generator)[0]
        wall = plane("wall", [0.0, 0.0, 0.0], normal, float(generator.uniform(-1.0, 1.0)) * FURTHEST_M)
        pose = _stretched(generator, off)
        pose[:3, 3] = generator.uniform(-FURTHEST_M, FURTHEST_M, size=3)
        scene = Scene(stamp_ns=NOW_NS, objects=(replace(wall, object_in_world=pose),))
        if scene_fault(scene, IDLE, NOW_NS, 1.0) is not None:
            refused += 1
            continue
        found = flatten(scene, GateConfig(period_s=0.01), NOW_NS, None)
        a = generator.uniform(-1.0, 1.0, size=3)
        told = float(found.rot[0, :, 2] @ (a - found.pos[0]))
        local = np.linalg.solve(pose[:3, :3], a - pose[:3, 3])  # the point in the frame of the half-space
        shape = wall.parts[0].shape
        way = np.linalg.solve(pose[:3, :3].T, shape.normal)
        true = (local @ shape.normal - shape.offset_m) / np.linalg.norm(way)
        assert told == pytest.approx(true, abs=2.1e-6), off
        taken += 1
    assert refused > 100
    assert taken > 100


def test_a_box_and_a_ball_a_kilometre_off_are_as_far_as_beside_the_robot():
    generator = np.random.default_rng(0)
    half = np.array([[0.1, 0.2, 0.3]])
    empty = np.zeros((1, 6), dtype=np.int64), np.empty((0, 4)), np.empty((0, 14))
    for k in range(200):
        rot, away = turned(generator)[None], _edge(generator)
        a, b, c, d = generator.integers(-512, 513, size=(4, 1, 3)) / 512.0  # exact after the shift
        kind = np.array([(BOX, SEGMENT)[k % 2]], dtype=np.int8)
        near, far = (
            part_distance(
                a + s, b + s, 0, 0, kind, rot, s[None], half, c + s, d + s, *empty
            )[0]
            for s in (np.zeros(3), away)
        )  # fmt: skip
        assert far == pytest.approx(near, abs=TOO_GREAT_M)

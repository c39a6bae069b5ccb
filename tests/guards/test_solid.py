"""What is held moves with the tool as capsules that hold it, under bounds that hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.guards.closed_loop import CELLS, NOW_NS, body_of, box
from tests.properties.oracle import Oracle
from tests.properties.released import oracle_of, rotation

from interlock.guards.solid import HeldObject, attach, held_from_scene
from interlock.hal.scene import Box, Capsule, ConvexHull, ObjectKind, Part, SceneObject, Sphere


def _thing(generator: np.random.Generator, shapes: list) -> SceneObject:
    parts = []
    for shape in shapes:
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = rotation(generator), generator.normal(size=3) * 0.05
        parts.append(Part(shape=shape, part_in_object=pose))
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = rotation(generator), generator.normal(size=3)
    return SceneObject(
        name="load",
        kind=ObjectKind.MOVABLE,
        parts=tuple(parts),
        object_in_world=pose,
        position_std_m=0.001,
        max_speed_m_s=0.0,
        stamp_ns=NOW_NS,
    )


def _surface(generator: np.random.Generator, thing: SceneObject) -> np.ndarray:
    """Points on every part, corners included, in the world."""
    found = []
    for part in thing.parts:
        shape = part.shape
        if isinstance(shape, Box):
            unit = generator.uniform(-1, 1, size=(200, 3))
            unit[np.arange(200), generator.integers(3, size=200)] = generator.choice([-1, 1], size=200)
            corners = np.array(np.meshgrid([-1, 1], [-1, 1], [-1, 1])).reshape(3, -1).T
            local = np.vstack([unit, corners]) * shape.half_extents_m
        elif isinstance(shape, ConvexHull):
            shares = generator.dirichlet(np.full(len(shape.vertices_m), 0.3), size=200)
            local = np.vstack([shares @ shape.vertices_m, shape.vertices_m])
        else:
            way = generator.normal(size=(200, 3))
            local = shape.radius_m * way / np.linalg.norm(way, axis=1)[:, None]
            if isinstance(shape, Capsule):
                local[:, 2] += np.sign(local[:, 2]) * shape.length_m / 2
        pose = thing.object_in_world @ part.part_in_object
        found.append(local @ pose[:3, :3].T + pose[:3, 3])
    return np.vstack(found)


def _outside(points: np.ndarray, held: HeldObject) -> np.ndarray:
    """How far each point is outside all capsules, negative inside."""
    along = held.b - held.a
    length = np.maximum((along**2).sum(axis=1), 1e-30)
    share = np.clip(np.einsum("pkx,kx->pk", points[:, None] - held.a, along) / length, 0, 1)
    nearest = held.a + share[:, :, None] * along
    return np.asarray((np.linalg.norm(points[:, None] - nearest, axis=2) - held.radius_m).min(axis=1))


extent = st.floats(1e-4, 0.3)
shapes = st.lists(
    st.one_of(
        st.builds(lambda x, y, z: Box(half_extents_m=[x, y, z]), extent, extent, extent),
        st.builds(lambda r, h: Capsule(radius_m=r, length_m=h), extent, extent),
        st.builds(lambda r: Sphere(radius_m=r), extent),
        st.builds(
            lambda seed, x, y, z: ConvexHull(
                vertices_m=np.random.default_rng(seed).normal(size=(8, 3)) * [x, y, z] + [z, x, y]
            ),
            st.integers(0, 1000),
            extent,
            extent,
            extent,
        ),
    ),
    min_size=1,
    max_size=3,
)


@given(seed=st.integers(0, 1000), shapes=shapes)
def test_capsules_of_a_held_object_hold_all_of_it(seed, shapes):
    generator = np.random.default_rng(seed)
    thing = _thing(generator, shapes)
    tool = np.eye(4)
    tool[:3, :3], tool[:3, 3] = rotation(generator), generator.normal(size=3)
    held = held_from_scene(thing, tool, 3.0)
    points = _surface(generator, thing)
    local = (points - tool[:3, 3]) @ tool[:3, :3]
    assert _outside(local, held).max() <= -3.0 * thing.position_std_m + 1e-9


def test_capsules_of_a_block_stand_out_by_millimetres_only():
    held = held_from_scene(box("block", [0, 0, 0], [0.02, 0.02, 0.03]), np.eye(4), 3.0)
    top = np.maximum(held.a, held.b)[:, 2] + held.radius_m
    side = np.abs(held.a[:, 0]) + held.radius_m
    assert top.max() < 0.03 + 0.0075
    assert side.max() < 0.02 + 0.009


def _load(name: str, at: tuple[float, float, float]) -> HeldObject:
    body = body_of(name)
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = body.tool_rot, body.tool_pos + np.array(at)
    thing = SceneObject(
        name="load",
        kind=ObjectKind.MOVABLE,
        parts=(Part(shape=Box(half_extents_m=[0.02, 0.1, 0.03]), part_in_object=np.eye(4)),),
        object_in_world=pose,
        position_std_m=0.0,
        max_speed_m_s=0.0,
        stamp_ns=NOW_NS,
    )
    return held_from_scene(thing, np.eye(4), 3.0)


@pytest.mark.parametrize("name", CELLS)
def test_nothing_held_is_the_bare_body(name):
    body = body_of(name)
    solid = attach(body, None)
    assert solid.cap_link == body.cap_link
    assert solid.held_from == len(body.cap_link)
    np.testing.assert_array_equal(solid.lever, body.lever)
    np.testing.assert_array_equal(solid.self_pairs, body.self_pairs)


@pytest.mark.parametrize("name", CELLS)
def test_a_held_object_is_judged_against_every_link_but_those_on_the_tools_joint(name):
    body = body_of(name)
    solid = attach(body, _load(name, (0.0, 0.0, 0.0)))
    mine = solid.self_pairs[len(body.self_pairs) :]
    judged = {solid.cap_link[c] for c, h in mine}
    assert all(h >= solid.held_from for _, h in mine)
    assert judged == {
        link for link, joint in zip(body.cap_link, body.cap_joint, strict=True) if joint != body.tool_joint
    }


@pytest.mark.parametrize("name", CELLS)
def test_levers_bound_how_far_a_held_object_moves_and_how_its_distances_change(name):
    body, oracle = body_of(name), oracle_of(name, 0.03)
    solid = attach(body, _load(name, (0.03, -0.05, 0.04)))
    generator = np.random.default_rng(4)
    limits = body.robot.limits
    held = range(solid.held_from, len(solid.cap_link))
    for _ in range(60):
        q = generator.uniform(limits.q_min, limits.q_max)
        step = generator.normal(size=body.n) * 10.0 ** generator.uniform(-4, -1)
        ends = [_ends(oracle, solid, x) for x in (q, q + step)]
        for c in held:
            moved = np.linalg.norm(ends[1][c] - ends[0][c], axis=1).max()
            assert moved <= solid.lever[c] @ np.abs(step) + 1e-12
        for k in range(len(body.self_pairs), len(solid.self_pairs)):
            c, h = solid.self_pairs[k]
            change = [_middle_distance(e[c], e[h]) for e in ends]
            assert abs(change[1] - change[0]) <= solid.pair_lever[k] @ np.abs(step) + 1e-12


def _ends(oracle: Oracle, solid, q: np.ndarray) -> np.ndarray:
    frames = oracle.frames(q)
    found = np.stack([solid.cap_a, solid.cap_b], axis=1)
    for c, joint in enumerate(solid.cap_joint):
        if joint >= 0:
            found[c] = found[c] @ frames[joint][:3, :3].T + frames[joint][:3, 3]
    return found


def _middle_distance(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.linalg.norm(first[:, None] - second[None], axis=2).min())


def test_the_digest_covers_the_held_capsules():
    body = body_of(CELLS[0])
    here, there = attach(body, _load(CELLS[0], (0, 0, 0))), attach(body, _load(CELLS[0], (0, 0, 1e-12)))
    assert here.held_digest != there.held_digest != attach(body, None).held_digest

"""What is said to recede does: dense samples by coal and Pinocchio never come nearer."""

from __future__ import annotations

import coal
import numpy as np
import pytest
from tests.guards.closed_loop import (
    CELLS,
    ask,
    ball,
    body_of,
    box,
    hold,
    node_at_rest,
    rod,
    seen_at,
)
from tests.properties.oracle import sample_curve
from tests.properties.released import rotation
from tests.properties.retreats import ROUNDING_M, capsules_of, open_gate

from interlock.guards.curve import travel_bounds
from interlock.guards.recede import BROKEN_FACE, BROKEN_PART, BROKEN_SELF, recedes
from interlock.guards.stop import stop_tail

PERIOD_S = 0.01
NOW_NS = 1_000_000_000


def _motion(name: str, generator: np.random.Generator) -> np.ndarray:
    """A start on the move, and its stop."""
    limits, home = body_of(name).robot.limits, body_of(name).robot.home
    node = node_at_rest(home + 0.4 * (generator.uniform(limits.q_min, limits.q_max) - home))
    node[1] = generator.normal(size=len(home)) * generator.choice([0.02, 0.2])
    node[1] *= generator.random(len(home)) < generator.choice([0.3, 1.0])
    node[2] = generator.normal(size=len(home)) * generator.choice([0.0, 0.5])
    together = bool(generator.random() < 0.5)
    return np.concatenate([node[None], stop_tail(node, limits.a_max, limits.j_max, PERIOD_S, together, 400)])


def _around(name: str, q: np.ndarray, generator: np.random.Generator):
    tool = capsules_of(name).oracle.tool(q)
    at = tool + generator.normal(size=3) * 0.2
    kind = generator.integers(3)
    if kind == 0:
        thing = ball("thing", at, 0.02)
    elif kind == 1:
        thing = box("thing", at, generator.uniform(0.01, 0.1, size=3), rotation=rotation(generator))
    else:
        thing = rod("thing", at, 0.01, 0.15, rotation=rotation(generator))
    given = ask(name, node_at_rest(q), hold(name, q), seen_at([thing], NOW_NS))
    return thing, open_gate(name)._surveyor.survey(given)


def _recedes(name: str, nodes: np.ndarray, around, broken: list[tuple[int, int, int]]) -> int:
    body, solid, obstacles = body_of(name), around.solid, around.obstacles
    speed, travel = np.empty((len(nodes) - 1, body.n)), np.empty((len(nodes), body.n))
    travel_bounds(nodes, PERIOD_S, speed, travel)
    return recedes(
        nodes, speed, PERIOD_S,
        body.joint_parent, body.joint_rot, body.joint_pos, body.joint_axis, body.joint_prismatic,
        solid.cap_joint, solid.cap_a, solid.cap_b, solid.lever, solid.self_pairs,
        obstacles.kind, obstacles.rot, obstacles.pos, obstacles.half, obstacles.a, obstacles.b,
        obstacles.span, obstacles.facets, obstacles.edges,
        body.tool_joint, body.tool_pos, body.tool_lever,
        np.array(broken, dtype=np.int64).reshape(-1, 3),
    )  # fmt: skip


@pytest.mark.parametrize("name", CELLS)
def test_a_part_said_to_recede_never_comes_nearer(name):
    generator = np.random.default_rng(5)
    capsules, body = capsules_of(name), body_of(name)
    said, opening = 0, 0
    for _ in range(150):
        nodes = _motion(name, generator)
        thing, around = _around(name, nodes[0, 0], generator)
        capsule = int(generator.choice(np.flatnonzero(body.cap_joint >= 1)))
        part = capsules.oracle.parts_of([thing])[0]
        _, places = sample_curve(nodes, PERIOD_S, per_tick=4)
        gaps = np.array([capsules.gap(capsule, part, q)[0] for q in places])
        if gaps.min() <= 0.0:
            continue
        opening += bool((np.diff(gaps) > 1e-6).all())
        if _recedes(name, nodes, around, [(BROKEN_PART, capsule, 0)]) == -1:
            assert (np.diff(gaps) > -ROUNDING_M).all()
            said += bool(gaps[-1] > gaps[0] + 1e-4)
    assert said > 15
    assert said > 0.3 * opening


@pytest.mark.parametrize("name", CELLS)
def test_a_pair_of_links_said_to_recede_never_comes_nearer(name):
    generator = np.random.default_rng(6)
    body, capsules = body_of(name), capsules_of(name)
    request, said = coal.DistanceRequest(), 0
    for _ in range(200):
        nodes = _motion(name, generator)
        _, around = _around(name, nodes[0, 0], generator)
        pair = int(generator.integers(len(body.self_pairs)))
        _, places = sample_curve(nodes, PERIOD_S, per_tick=4)
        gaps = []
        for q in places:
            frames = capsules.oracle.frames(q)
            sides = []
            for c in body.self_pairs[pair]:
                base = np.eye(4) if body.cap_joint[c] < 0 else frames[body.cap_joint[c]]
                pose = base @ capsules.places[c]
                sides += [capsules.solids[c], coal.Transform3s(pose[:3, :3].copy(), pose[:3, 3].copy())]
            gaps.append(coal.distance(*sides, request, coal.DistanceResult()))
        steps = np.diff(gaps)
        if min(gaps) > 0.0 and _recedes(name, nodes, around, [(BROKEN_SELF, pair, 0)]) == -1:
            assert (steps > -ROUNDING_M).all()
            said += bool(gaps[-1] > gaps[0] + 1e-4)
    assert said > 10


@pytest.mark.parametrize("name", CELLS)
def test_a_face_of_a_zone_said_to_recede_never_comes_nearer(name):
    generator = np.random.default_rng(7)
    said = 0
    for _ in range(150):
        nodes = _motion(name, generator)
        _, around = _around(name, nodes[0, 0], generator)
        face = int(generator.integers(6))
        _, places = sample_curve(nodes, PERIOD_S, per_tick=4)
        inwards = (-1.0 if face % 2 else 1.0) * capsules_of(name).oracle.tools(places)[:, face // 2]
        if _recedes(name, nodes, around, [(BROKEN_FACE, 0, face)]) == -1:
            assert (np.diff(inwards) > -1e-9).all()
            said += bool(inwards[-1] > inwards[0] + 1e-4)
    assert said > 10


def test_what_is_no_number_does_not_recede():
    name, generator = CELLS[0], np.random.default_rng(8)
    while True:
        nodes = _motion(name, generator)
        _, around = _around(name, nodes[0, 0], generator)
        broken = [(BROKEN_PART, len(around.solid.cap_link) - 1, 0), (BROKEN_FACE, 0, 1)]
        if _recedes(name, nodes, around, broken) == -1:
            break
    for row in range(3):
        spoilt = nodes.copy()
        spoilt[1, row, 0] = np.nan
        assert _recedes(name, spoilt, around, broken) >= 0


def test_the_first_that_does_not_recede_is_named():
    name, generator = CELLS[0], np.random.default_rng(9)
    nodes = _motion(name, generator)
    _, around = _around(name, nodes[0, 0], generator)
    faces = [(BROKEN_FACE, 0, k) for k in range(6)]
    alone = [_recedes(name, nodes, around, [face]) == -1 for face in faces]
    assert _recedes(name, nodes, around, faces) == alone.index(False)
    assert _recedes(name, nodes, around, []) == -1

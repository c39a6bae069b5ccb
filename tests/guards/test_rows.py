"""The projector's rows are the rates of the distances, and the closest pairs win."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.guards.closed_loop import CELLS, ask, ball, body_of, box, cell_of, hold, node_at_rest, rod, seen_at
from tests.properties.released import oracle_of, rotation

from interlock.guards.distance import segment_segment_scalars
from interlock.guards.kinematics import capsules_world, forward
from interlock.guards.part_distance import part_distance
from interlock.guards.projector import Projector
from interlock.guards.rows import closing_rows
from interlock.guards.surveyor import Surveyor

GAIN, SOFT = 6.0, 0.004
WIDE = 1e6  # a box so wide that it implies no row


def _rows(name: str, q: np.ndarray, around, *, horizon_s: float = 0.0, wide: float = WIDE):
    """Rows, bounds, what is left of each distance, and the pairs."""
    body, solid, obstacles = body_of(name), around.solid, around.obstacles
    room = around.skip.size + len(solid.self_pairs)
    rows, bound = np.zeros((room, body.n)), np.empty(room)
    items = np.zeros(room, dtype=np.int64)
    count = closing_rows(
        q, body.joint_parent, body.joint_rot, body.joint_pos, body.joint_axis, body.joint_prismatic,
        solid.cap_joint, solid.cap_a, solid.cap_b, solid.cap_radius, solid.tube_m,
        solid.self_pairs, solid.pair_tube_m, 0.005,
        obstacles.kind, obstacles.rot, obstacles.pos, obstacles.half, obstacles.a, obstacles.b,
        obstacles.span, obstacles.facets, obstacles.corners,
        obstacles.inflation_m, obstacles.speed_m_s, around.skip,
        solid.lever, solid.pair_lever, np.full(body.n, -wide), np.full(body.n, wide),
        horizon_s, SOFT, GAIN, 1e9, rows, bound, items,
    )  # fmt: skip
    return rows[:count], bound[:count], -bound[:count] / GAIN, items[:count]


def _around(name: str, q: np.ndarray, objects: list):
    scene = seen_at(objects, 1_000_000_000)
    return Surveyor(body_of(name), cell_of(name).gate_config()).survey(
        ask(name, node_at_rest(q), hold(name, q), scene)
    )


def _near(name: str, generator: np.random.Generator):
    """A configuration with three things close to the arm."""
    limits, home = body_of(name).robot.limits, body_of(name).robot.home
    q = home + 0.5 * (generator.uniform(limits.q_min, limits.q_max) - home)
    tool = oracle_of(name, 0.03).tool(q)
    objects = [
        ball("ball", tool + generator.normal(size=3) * 0.15, 0.02, speed_m_s=0.25),
        box("box", tool + generator.normal(size=3) * 0.15, [0.03, 0.02, 0.05], rotation=rotation(generator)),
        rod("rod", tool + generator.normal(size=3) * 0.15, 0.01, 0.1, rotation=rotation(generator)),
    ]
    return q, objects


@pytest.mark.parametrize("name", CELLS)
def test_a_row_is_the_rate_of_its_slack(name):
    generator = np.random.default_rng(1)
    compared = 0
    for _ in range(12):
        q, objects = _near(name, generator)
        around = _around(name, q, objects)
        rows, _, slack, items = _rows(name, q, around)
        velocity = generator.normal(size=len(q))
        step = 1e-6
        ahead, behind = (_rows(name, q + s * step * velocity, around) for s in (1, -1))
        for k, (row, here) in enumerate(zip(rows, slack, strict=True)):
            if not -0.02 < here < 0.05:
                continue  # deep inside, the nearest face is a choice
            assert ahead[3][k] == behind[3][k] == items[k]
            one, other = (ahead[2][k] - here) / step, (here - behind[2][k]) / step
            if abs(one - other) < 1e-4:  # else the closest points are about to change places
                assert row @ velocity == pytest.approx((one + other) / 2, abs=1e-4)
                compared += 1
    assert compared > 30


@pytest.mark.parametrize("name", CELLS)
def test_a_row_of_two_links_is_the_rate_of_their_distance(name):
    generator, step, compared = np.random.default_rng(5), 1e-6, 0
    for _ in range(12):
        q, _ = _near(name, generator)
        around, velocity = _around(name, q, []), generator.normal(size=len(q))
        rows, _, slack, items = _rows(name, q, around)
        ahead, behind = (_rows(name, q + s * step * velocity, around)[2] for s in (1, -1))
        for k in np.flatnonzero((items >= around.skip.size) & (slack > -0.02)):
            one, other = (ahead[k] - slack[k]) / step, (slack[k] - behind[k]) / step
            if abs(one - other) < 1e-4:  # else the closest points are about to change places
                assert rows[k] @ velocity == pytest.approx((one + other) / 2, abs=1e-4)
                compared += 1
    assert compared > 100


@pytest.mark.parametrize("name", CELLS)
def test_a_row_has_the_distance_that_the_verifier_has(name):
    generator = np.random.default_rng(6)
    for _ in range(6):
        q, objects = _near(name, generator)
        around, body = _around(name, q, objects), body_of(name)
        solid, world = around.solid, around.obstacles
        _, _, slack, items = _rows(name, q, around)
        rot, pos = np.empty((body.n, 3, 3)), np.empty((body.n, 3))
        a, b = np.empty((2, len(solid.cap_joint), 3))
        forward(
            q, body.joint_parent, body.joint_rot, body.joint_pos, body.joint_axis, body.joint_prismatic,
            rot, pos,
        )  # fmt: skip
        capsules_world(rot, pos, solid.cap_joint, solid.cap_a, solid.cap_b, a, b)
        for left, item in zip(slack, items, strict=True):
            c, e = divmod(int(item), around.skip.shape[1])
            if item < around.skip.size:
                found = part_distance(
                    a, b, c, e, world.kind, world.rot, world.pos, world.half, world.a, world.b,
                    world.span, world.facets, world.edges,
                )  # fmt: skip
                need = solid.cap_radius[c] + world.inflation_m[e] + solid.tube_m[c]
            else:
                k = item - around.skip.size
                c, d = solid.self_pairs[k]
                found = segment_segment_scalars(*a[c], *b[c], *a[d], *b[d])
                need = solid.cap_radius[c] + solid.cap_radius[d] + solid.pair_tube_m[k] + 0.005
            assert left == pytest.approx(found[0] - need - SOFT, abs=1e-12)


@pytest.mark.parametrize("name", CELLS)
def test_a_wide_box_implies_nothing_and_every_pair_gets_a_row(name):
    q, objects = _near(name, np.random.default_rng(3))
    around = _around(name, q, objects)
    moving = int((around.solid.cap_joint >= 0).sum())
    _, _, _, items = _rows(name, q, around)
    assert len(items) == moving * len(around.obstacles.owner) + len(around.solid.self_pairs)
    assert len(set(items.tolist())) == len(items)


@pytest.mark.parametrize("name", CELLS)
def test_what_is_left_out_is_exactly_what_the_box_implies(name):
    generator = np.random.default_rng(4)
    fewer = 0
    for _ in range(10):
        q, objects = _near(name, generator)
        around, wide = _around(name, q, objects), float(generator.choice([0.1, 0.5, 2.0]))
        rows, bound, _, items = _rows(name, q, around)
        kept = set(_rows(name, q, around, wide=wide)[3].tolist())
        least = -wide * np.abs(rows).sum(axis=1)
        broken = {int(i) for i, low, b in zip(items, least, bound, strict=True) if low < b}
        assert kept == broken
        fewer += len(kept) < len(items)
    assert fewer == 10


@pytest.mark.parametrize("what", ["pos", "rot", "half", "a", "b", "inflation_m", "speed_m_s"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e31])
def test_a_part_that_is_no_number_gets_its_rows_however_far_it_is(what, bad):
    name = CELLS[0]
    home, away = body_of(name).robot.home, np.array([30.0, 0.0, 0.0])
    thing = ball("ball", away, 0.02) if what in ("a", "b") else box("box", away, [0.03, 0.02, 0.05])
    around = _around(name, home, [thing])
    clean = getattr(around.obstacles, what)
    poisoned = np.array(clean)
    at = around.obstacles.owner.index(thing.name)
    poisoned[at] = bad
    poisoned.setflags(write=clean.flags.writeable)  # or the kernel is compiled anew
    spoilt = replace(around, obstacles=replace(around.obstacles, **{what: poisoned}))
    for kept, each in ((False, around), (True, spoilt)):
        _, _, _, items = _rows(name, home, each, horizon_s=0.1, wide=1.0)
        of_thing = (items < around.skip.size) & (items % around.skip.shape[1] == at)
        assert bool(of_thing.any()) is kept


def test_a_pair_that_may_touch_gets_no_row():
    name = CELLS[0]
    q, objects = _near(name, np.random.default_rng(3))
    around = _around(name, q, objects)
    items = _rows(name, q, replace(around, skip=np.ones_like(around.skip)))[3]
    assert (items >= around.skip.size).all()
    assert len(items) == len(around.solid.self_pairs)


def test_never_asks_for_more_than_the_largest_retreat():
    name = CELLS[0]
    q, objects = _near(name, np.random.default_rng(3))
    desk = Projector(body_of(name), cell_of(name).gate_config())
    around = _around(name, q, [*objects, ball("pearl", oracle_of(name, 0.03).tool(q), 0.02)])
    for most in (0.0, 0.05):
        _, bound, _ = desk._pair_rows(q, around, desk.box(node_at_rest(q)), 0.0, most)
        assert bound.max() == most


@pytest.mark.parametrize(("speed_m_s", "grown_m"), [(0.25, 0.05), (0.0, 0.0)])
def test_a_moving_obstacle_is_grown_over_the_horizon_and_a_standing_one_is_not(speed_m_s, grown_m):
    name = CELLS[0]
    home = body_of(name).robot.home
    tool = oracle_of(name, 0.03).tool(home)
    around = _around(name, home, [ball("ball", tool + np.array([0.15, 0.0, 0.0]), 0.02, speed_m_s=speed_m_s)])
    at = around.obstacles.owner.index("ball")
    left = []
    for horizon_s in (0.0, 0.2):
        _, _, slack, items = _rows(name, home, around, horizon_s=horizon_s)
        of_ball = [
            s
            for s, i in zip(slack, items, strict=True)
            if i < around.skip.size and i % around.skip.shape[1] == at
        ]
        left.append(min(of_ball))
    assert left[0] - left[1] == pytest.approx(grown_m, abs=1e-12)

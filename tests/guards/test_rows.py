"""The projector's rows are the rates of the distances, and the closest pairs win."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.guards.closed_loop import CELLS, ask, ball, body_of, box, cell_of, hold, node_at_rest, rod, seen_at
from tests.properties.released import oracle_of, rotation

from interlock.guards.rows import closing_rows
from interlock.guards.surveyor import Surveyor

ROOM, GAIN, SOFT, REACH = 12, 6.0, 0.004, 0.15


def _rows(
    name: str, q: np.ndarray, around, *, horizon_s: float = 0.0, room: int = ROOM, reach: float = REACH
):
    body, solid, obstacles = body_of(name), around.solid, around.obstacles
    rows, bound, slack = np.zeros((room, body.n)), np.full(room, -1.0), np.empty(room)
    items = np.zeros(room, dtype=np.int64)
    count = closing_rows(
        q, body.joint_parent, body.joint_rot, body.joint_pos, body.joint_axis, body.joint_prismatic,
        solid.cap_joint, solid.cap_a, solid.cap_b, solid.cap_radius, solid.tube_m,
        solid.self_pairs, solid.pair_tube_m, 0.005,
        obstacles.is_box, obstacles.rot, obstacles.pos, obstacles.half, obstacles.a, obstacles.b,
        obstacles.inflation_m, obstacles.speed_m_s, around.skip,
        horizon_s, SOFT, reach, GAIN, 0.05, rows, bound, slack, items,
    )  # fmt: skip
    return rows[:count], bound[:count], slack[:count]


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
        rows, _, slack = _rows(name, q, around, reach=0.05)
        velocity = generator.normal(size=len(q))
        step = 1e-6
        ahead = _rows(name, q + step * velocity, around, reach=0.06, room=200)[2]
        behind = _rows(name, q - step * velocity, around, reach=0.06, room=200)[2]
        for row, here in zip(rows, slack, strict=True):
            rate = row @ velocity
            if here < -0.02:
                continue  # deep inside, the nearest face is a choice
            left = np.abs(ahead - (here + step * rate)).min()
            right = np.abs(behind - (here - step * rate)).min()
            assert min(left, right) < 1e-9
            compared += 1
    assert compared > 30


@pytest.mark.parametrize("name", CELLS)
def test_rows_come_closest_first_and_the_closest_win(name):
    q, objects = _near(name, np.random.default_rng(3))
    around = _around(name, q, objects)
    every = _rows(name, q, around, room=400, reach=1.0)[2]
    few = _rows(name, q, around, room=5, reach=1.0)[2]
    assert (np.diff(every) >= 0).all()
    np.testing.assert_array_equal(few, every[:5])


def test_a_pair_that_may_touch_gets_no_row_and_nothing_around_gets_none():
    name = CELLS[0]
    q, objects = _near(name, np.random.default_rng(3))
    around = _around(name, q, objects)
    skipped = replace(around, skip=np.ones_like(around.skip))
    bare = _around(name, q, [])
    zones = [z.name for z in cell_of(name).zones()]
    assert set(bare.obstacles.owner) <= set(zones)
    np.testing.assert_array_equal(
        _rows(name, q, skipped, room=400, reach=1.0)[2],
        _rows(name, q, replace(bare, skip=np.ones_like(bare.skip)), room=400, reach=1.0)[2],
    )


def test_a_damper_bounds_the_rate_and_never_asks_for_more_than_the_largest_retreat():
    name = CELLS[0]
    q, objects = _near(name, np.random.default_rng(3))
    _, bound, slack = _rows(name, q, _around(name, q, objects))
    np.testing.assert_allclose(bound, np.minimum(-GAIN * slack, 0.05))


@pytest.mark.parametrize(("speed_m_s", "grown_m"), [(0.25, 0.05), (0.0, 0.0)])
def test_a_moving_obstacle_is_grown_over_the_horizon_and_a_standing_one_is_not(speed_m_s, grown_m):
    name = CELLS[0]
    home = body_of(name).robot.home
    tool = oracle_of(name, 0.03).tool(home)
    around = _around(name, home, [ball("ball", tool + np.array([0.15, 0.0, 0.0]), 0.02, speed_m_s=speed_m_s)])
    alone = replace(around, solid=replace(around.solid, self_pairs=np.empty((0, 2), dtype=np.int64)))
    now, later = (_rows(name, home, alone, horizon_s=h, room=1, reach=1.0)[2][0] for h in (0.0, 0.2))
    assert now - later == pytest.approx(grown_m, abs=1e-12)

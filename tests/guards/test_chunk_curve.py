"""A whole chunk as one curve: inside the limits, as near to the proposal as another solver finds."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pytest
from tests.guards.closed_loop import CELLS, body_of, node_at_rest

from interlock.guards.chunk_curve import ChunkCurve, Rows
from interlock.guards.curve import largest_gap

KNOTS, TICKS, PERIOD = 16, 4, 0.01
PANDA = CELLS[0]


def curve_of(name: str) -> ChunkCurve:
    robot = body_of(name).robot
    return ChunkCurve(robot.limits, robot.tube, PERIOD)


def proposal(name: str, seed: int, share: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    """A start in motion and a proposal that the joints cannot follow at once."""
    robot = body_of(name).robot
    generator = np.random.default_rng(seed)
    start = node_at_rest(robot.home)
    start[1] = generator.uniform(-0.3, 0.3, len(robot.home)) * robot.limits.v_max
    start[2] = generator.uniform(-0.3, 0.3, len(robot.home)) * robot.limits.a_max
    goal = robot.home + share * generator.uniform(-1.0, 1.0, len(robot.home))
    way = np.linspace(0.0, 1.0, KNOTS)[:, None] * (goal - robot.home)
    return start, np.stack(
        [robot.home + way, np.tile((goal - robot.home) / (KNOTS * TICKS * PERIOD), (KNOTS, 1))]
    )


def some_rows(start: np.ndarray, wanted: np.ndarray, seed: int) -> Rows:
    """Rows that cut the proposal off."""
    generator = np.random.default_rng(seed)
    knot = np.repeat(np.arange(1, KNOTS + 1), 3)
    gradient = generator.normal(size=(len(knot), len(start[0]))) * 0.3
    bound = np.einsum("mn,mn->m", gradient, wanted[0][knot - 1]) + generator.uniform(-0.03, 0.01, len(knot))
    return Rows(knot=knot, gradient=gradient, bound=bound, on_velocity=np.zeros(len(knot), dtype=bool))


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("seed", range(8))
def test_a_curve_keeps_every_limit_of_the_joints_and_is_one_curve(name, seed):
    start, wanted = proposal(name, seed, share=1.5)
    limits = body_of(name).robot.limits
    rows = some_rows(start, wanted, seed) if seed % 2 else None
    curve = curve_of(name).fit(start, wanted, TICKS, rows)
    assert curve.status in ("daqp 1", "free")
    assert len(curve.nodes) == KNOTS * TICKS + 1
    np.testing.assert_array_equal(curve.nodes[0], start)
    assert largest_gap(curve.nodes, PERIOD) < 1e-9
    assert (np.abs(curve.nodes[:, 1]) <= limits.v_max).all()
    assert (np.abs(curve.nodes[:, 2]) <= limits.a_max).all()
    assert (np.abs(np.diff(curve.nodes[:, 2], axis=0)) <= limits.j_max * PERIOD).all()
    assert (curve.nodes[:, 0] <= limits.q_max).all()
    assert (curve.nodes[:, 0] >= limits.q_min).all()
    np.testing.assert_array_equal(curve.knots, curve.nodes[::TICKS])
    assert curve.change_rad == np.abs(curve.knots[1:, 0] - wanted[0]).max()


def reference(
    name: str, start: np.ndarray, wanted: np.ndarray, rows: Rows | None, metric: np.ndarray | None = None
) -> np.ndarray:
    """The same program written down a second time, for Clarabel: positions at the knots."""
    robot = body_of(name).robot
    limits, h = robot.limits, TICKS * PERIOD
    n = len(robot.home)
    q, v, a = (cp.Variable((KNOTS + 1, n)) for _ in range(3))
    slack = cp.Variable(nonneg=True)
    scale = np.tile(0.95 * limits.a_max, (KNOTS, 1))
    room = robot.tube.position_rad + 1e-3
    middle = v[:-1] + h * (3.0 * a[:-1] + a[1:]) / 8.0
    roots = np.tile(np.eye(n), (KNOTS, 1, 1)) if metric is None else np.linalg.cholesky(metric).swapaxes(1, 2)
    cost = sum(cp.sum_squares(root @ (q[k + 1] - wanted[0][k])) for k, root in enumerate(roots))
    cost += sum(0.15**2 * cp.sum_squares(root @ (v[k + 1] - wanted[1][k])) for k, root in enumerate(roots))
    cost += 1e-4 * cp.sum_squares(a[1:] / scale) + 10.0 * cp.square(slack)
    keep = [q[0] == start[0], v[0] == start[1], a[0] == start[2]]
    keep += [q[1:] == q[:-1] + h * v[:-1] + h * h * (a[:-1] / 3.0 + a[1:] / 6.0)]
    keep += [v[1:] == v[:-1] + h * (a[:-1] + a[1:]) / 2.0]
    keep += [cp.abs(a[1:]) <= scale]
    keep += [cp.abs(a[1:] - a[:-1]) <= np.tile(0.95 * limits.j_max * h, (KNOTS, 1))]
    keep += [cp.abs(each) <= np.tile(0.985 * limits.v_max, (KNOTS, 1)) for each in (v[1:], middle)]
    keep += [
        q[1:] <= np.tile(limits.q_max - room, (KNOTS, 1)),
        q[1:] >= np.tile(limits.q_min + room, (KNOTS, 1)),
    ]
    if rows is not None:
        keep += [cp.sum(cp.multiply(rows.gradient, q[rows.knot]), axis=1) + 0.02 * slack >= rows.bound]
    cp.Problem(cp.Minimize(cost / 2), keep).solve(solver=cp.CLARABEL)
    return np.asarray(q.value[1:])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("cut", [False, True])
def test_it_is_the_curve_that_clarabel_finds(seed, cut):
    start, wanted = proposal(PANDA, seed, share=1.0)
    rows = some_rows(start, wanted, seed) if cut else None
    curve = curve_of(PANDA).fit(start, wanted, TICKS, rows)
    np.testing.assert_allclose(curve.knots[1:, 0], reference(PANDA, start, wanted, rows), atol=2e-5)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("cut", [False, True])
@pytest.mark.parametrize("share", [0.02, 1.0])
def test_with_a_metric_of_its_own_too(seed, cut, share):
    start, wanted = proposal(PANDA, seed, share=share)
    if share < 0.1:
        start[1:] = 0.0
    rows = some_rows(start, wanted, seed) if cut else None
    roots = np.random.default_rng(seed).normal(size=(KNOTS, 7, 7))
    metric = roots @ roots.swapaxes(1, 2) / 7.0 + 0.02 * np.eye(7)
    curve = curve_of(PANDA).fit(start, wanted, TICKS, rows, metric)
    assert curve.status in ("daqp 1", "free")
    np.testing.assert_allclose(curve.knots[1:, 0], reference(PANDA, start, wanted, rows, metric), atol=1e-4)


def test_rows_on_the_velocity_are_kept():
    start, wanted = proposal(PANDA, 1, share=1.0)
    start[1:] = 0.0
    along = np.sign(wanted[1][0])
    rows = Rows(
        knot=np.arange(1, KNOTS + 1),
        gradient=np.tile(-along, (KNOTS, 1)),
        bound=np.full(KNOTS, -0.4),
        on_velocity=np.ones(KNOTS, dtype=bool),
    )
    free = curve_of(PANDA).fit(start, wanted, TICKS)
    slow = curve_of(PANDA).fit(start, wanted, TICKS, rows)
    assert (free.knots[1:, 1] @ along).max() > 0.6
    assert (slow.knots[1:, 1] @ along).max() < 0.41


def test_the_same_question_gets_the_same_bits_whatever_was_asked_before():
    start, wanted = proposal(PANDA, 3)
    rows = some_rows(start, wanted, 3)
    fresh = curve_of(PANDA).fit(start, wanted, TICKS, rows).nodes.tobytes()
    used = curve_of(PANDA)
    for ticks in (1, 2, TICKS):
        used.fit(start, wanted[:, ::-1].copy(), ticks)
    assert used.fit(start, wanted, TICKS, rows).nodes.tobytes() == fresh


@pytest.mark.parametrize("spoil", ["nan", "too fast", "out of its range"])
def test_where_there_is_no_curve_there_is_none(spoil):
    start, wanted = proposal(PANDA, 0)
    if spoil == "nan":
        wanted[0, 3, 2] = np.nan
    elif spoil == "too fast":
        start[1, 0] = 3.0 * body_of(PANDA).robot.limits.v_max[0]
    else:
        start[0, 0] = body_of(PANDA).robot.limits.q_max[0] + 0.5
    curve = curve_of(PANDA).fit(start, wanted, TICKS)
    assert np.isnan(curve.nodes[1:]).any()
    assert not curve.change_rad <= 1e9

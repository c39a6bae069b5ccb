"""The projector's candidates steer away from what is near; they are never evidence."""

from __future__ import annotations

from dataclasses import replace

import cvxpy as cp
import numpy as np
import pytest
from tests.guards.closed_loop import CELLS, ask, ball, body_of, hold, node_at_rest, seen_at
from tests.properties.released import oracle_of

from interlock.guards.config import GateConfig
from interlock.guards.projector import Projector
from interlock.guards.surveyor import Surveyor
from interlock.hal.zone import Zone, ZoneKind


def _scene(objects):
    return seen_at(objects, 1_000_000_000)


class Desk:
    """A projector, a configuration, and a wish."""

    def __init__(self, name: str, objects: list, zones: tuple[Zone, ...] = ()) -> None:
        self.body = body_of(name)
        self.config = GateConfig(period_s=0.01, zones=zones)
        self.projector = Projector(self.body, self.config)
        self.node = node_at_rest(self.body.robot.home)
        given = ask(name, self.node, hold(name, self.node[0]), _scene(objects))
        self.around = Surveyor(self.body, self.config).survey(given)
        self.oracle = oracle_of(name, 0.03)

    def answer(self, wanted: np.ndarray):
        return self.projector.project(self.node, wanted, self.projector.box(self.node), self.around)

    def tool_velocity(self, velocity: np.ndarray) -> np.ndarray:
        q, h = self.node[0], 1e-6
        return (self.oracle.tool(q + h * velocity) - self.oracle.tool(q - h * velocity)) / (2 * h)


@pytest.mark.parametrize("name", CELLS)
def test_with_nothing_near_a_small_wish_is_met(name):
    desk = Desk(name, [])
    wanted = np.full(desk.body.n, 0.01)
    np.testing.assert_allclose(desk.answer(wanted).velocity, wanted, atol=1e-6)


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("seed", range(3))
def test_with_a_metric_it_is_the_velocity_nearest_in_that_that_clarabel_finds(name, seed):
    """A ball beside the tool; leaving the wish costs what the metric says."""
    desk = Desk(name, [])
    tool = desk.oracle.tool(desk.node[0])
    desk = Desk(name, [ball("near", tool + np.array([0.0, 0.13, 0.0]), 0.05)])
    generator = np.random.default_rng(seed)
    root = generator.normal(size=(desk.body.n, desk.body.n))
    metric = root @ root.T / desk.body.n + 0.05 * np.eye(desk.body.n)
    box, wanted = desk.projector.box(desk.node), 0.02 * generator.normal(size=desk.body.n)
    given = (desk.node, wanted, box, desk.around)
    plain, weighed = desk.projector.project(*given), desk.projector.project(*given, metric=metric)
    ahead = desk.node[0]
    rows, bound, _ = desk.projector._pair_rows(ahead, desk.around, box, 0.04, 0.05)
    assert len(bound)
    velocity, slack = cp.Variable(desk.body.n), cp.Variable()
    cost = 0.5 * cp.quad_form(velocity - wanted, cp.psd_wrap(metric)) + 100.0 * cp.square(slack)
    keep = [velocity >= box.lower, velocity <= box.upper, slack >= 0, rows @ velocity + slack >= bound]
    cp.Problem(cp.Minimize(cost), keep).solve(solver=cp.CLARABEL)
    np.testing.assert_allclose(weighed.velocity, velocity.value, atol=1e-5)
    assert plain.status == weighed.status


@pytest.mark.parametrize("name", CELLS)
def test_a_wish_too_fast_is_shortened_but_not_turned(name):
    desk = Desk(name, [])
    direction = np.random.default_rng(0).normal(size=desk.body.n)
    node = desk.node.copy()
    slow = 1e-3 * direction
    # wide acceleration: what is left is the share of the speed limits
    candidate = desk.projector.project(node, 50.0 * slow, desk.projector.box(node), desk.around)
    assert np.isfinite(candidate.velocity).all()
    cosine = candidate.velocity @ direction / np.linalg.norm(candidate.velocity) / np.linalg.norm(direction)
    assert cosine > 0.99


@pytest.mark.parametrize("name", CELLS)
def test_moves_slower_towards_what_is_close(name):
    free = Desk(name, [])
    tool = free.oracle.tool(free.node[0])
    toward = np.array([0.0, 1.0, 0.0])
    near = Desk(name, [ball("ball", tool + 0.09 * toward, 0.02)])
    wanted = np.zeros(free.body.n)
    wanted[0] = 0.05  # the base turns the tool to its left
    speeds = [desk.tool_velocity(desk.answer(wanted).velocity) @ toward for desk in (free, near)]
    assert speeds[0] > 0.01
    assert speeds[1] < 0.5 * speeds[0]


def test_the_tool_is_turned_back_at_the_wall_of_a_keep_in_zone():
    name = CELLS[0]
    tool = oracle_of(name, 0.03).tool(body_of(name).robot.home)
    wall = np.array([0.5, 0.006, 0.5])
    zone = Zone(name="in", kind=ZoneKind.KEEP_IN, lower=tool - 0.5, upper=tool + wall)
    free, near = Desk(name, []), Desk(name, [], (zone,))
    wanted = np.zeros(7)
    wanted[0] = 0.05
    speeds = [desk.tool_velocity(desk.answer(wanted).velocity)[1] for desk in (free, near)]
    assert speeds[1] < 0.5 * speeds[0]


@pytest.mark.parametrize("name", CELLS)
def test_the_answer_is_that_of_clarabel_with_every_row(name):
    """Rows that the box implies are left out of ours, and none of the reference."""
    generator = np.random.default_rng(2)
    turned = 0
    for _ in range(12):
        tool = oracle_of(name, 0.03).tool(body_of(name).robot.home)
        desk = Desk(name, [ball(f"b{k}", tool + 0.12 * generator.normal(size=3), 0.02) for k in range(6)])
        box, wanted = desk.projector.box(desk.node), generator.normal(size=desk.body.n) * 0.1
        ours = desk.projector.project(desk.node, wanted, box, desk.around).velocity
        wide = replace(box, lower=np.full(desk.body.n, -1e6), upper=np.full(desk.body.n, 1e6))
        ahead = desk.node[0]  # the node is at rest
        stop_s = 4.0 * desk.config.period_s
        rows, bound, _ = desk.projector._pair_rows(ahead, desk.around, wide, stop_s, 0.05)
        velocity, slack = cp.Variable(desk.body.n), cp.Variable()
        cost = 0.5 * cp.sum_squares(velocity - wanted) + 100.0 * cp.square(slack)
        kept = [velocity >= box.lower, velocity <= box.upper, slack >= 0, rows @ velocity + slack >= bound]
        cp.Problem(cp.Minimize(cost), kept).solve(
            solver=cp.CLARABEL, tol_gap_abs=1e-11, tol_gap_rel=1e-11, tol_feas=1e-11
        )
        np.testing.assert_allclose(ours, velocity.value, atol=2e-6)
        turned += bool(np.abs(ours - np.clip(wanted, box.lower, box.upper)).max() > 1e-3)
    assert turned >= 3


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_wish_that_is_not_finite_gives_no_candidate(bad):
    desk = Desk(CELLS[0], [])
    wanted = np.zeros(7)
    wanted[3] = bad
    with np.errstate(invalid="ignore"):
        candidate = desk.answer(wanted)
    assert np.isnan(candidate.velocity).all()


def test_equal_wishes_give_equal_bits():
    desk = Desk(CELLS[0], [ball("ball", [0.4, 0.1, 0.5], 0.05)])
    wanted = np.random.default_rng(0).normal(size=7)
    first = desk.answer(wanted).velocity.tobytes()
    desk.answer(-wanted)
    assert desk.answer(wanted).velocity.tobytes() == first

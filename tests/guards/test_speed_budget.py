"""The example plug-in keeps the sum of joint speeds at its budget, in the projector and in the verifier."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.guards.closed_loop import CELLS, Loop, body_of, cell_of, gate_with, node_at_rest, straight
from tests.properties.oracle import nodes_of, sample_curve

from interlock.errors import BadInputError
from interlock.guards.constraint import Constraint, ConstraintContext
from interlock.guards.curve import next_node
from interlock.guards.gate import Gate
from interlock.guards.speed_budget import SpeedBudget

PERIOD = 0.01


def _budget(value: object) -> SpeedBudget:
    robot = body_of(CELLS[0]).robot
    return SpeedBudget(ConstraintContext(robot=robot, period_s=PERIOD, parameters={"budget_rad_s": value}))


def _curve(seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    nodes = [generator.normal(size=(3, 4))]
    for _ in range(8):
        nodes.append(next_node(nodes[-1], generator.normal(size=4) * 5, PERIOD))
    return np.array(nodes)


@given(seed=st.integers(0, 500))
def test_the_slack_is_never_more_than_what_is_left_between_samples(seed):
    nodes = _curve(seed)
    _, places = sample_curve(nodes, PERIOD, 50)
    total = np.abs(np.diff(places, axis=0)).sum(axis=1).max() * 50 / PERIOD
    slack, where = _budget(10.0).slack(nodes, PERIOD)
    assert slack <= 10.0 - total + 1e-9
    assert slack >= 10.0 - total * 1.1 - 0.2
    assert "s ahead" in where


def test_not_a_number_has_no_slack():
    nodes = _curve(0)
    nodes[3, 1, 2] = np.nan
    assert not _budget(10.0).slack(nodes, PERIOD)[0] >= 0.0


def test_steers_the_projector_by_its_one_norm():
    velocity = cp.Variable(4)
    rows = _budget(2.0).program(velocity)
    cp.Problem(cp.Maximize(cp.sum(velocity)), [*rows, velocity <= 5]).solve(solver=cp.CLARABEL)
    assert 1.9 <= np.abs(velocity.value).sum() <= 2.0


@pytest.mark.parametrize("value", [None, 0.0, -1.0, float("nan"), float("inf"), "3", True, [3.0]])
def test_refuses_a_budget_that_is_none(value):
    with pytest.raises(BadInputError, match="budget_rad_s"):
        _budget(value)


def test_is_a_constraint():
    assert isinstance(_budget(1), Constraint)


@pytest.mark.parametrize("name", CELLS)
def test_a_reckless_proposal_is_held_to_the_budget_and_mostly_released(name):
    budget = 1.0
    gate: Gate = gate_with(name, (_budget(budget),))
    loop = Loop(name, gate, cell_of(name).scene_objects(0), node_at_rest(body_of(name).robot.home))
    generator = np.random.default_rng(0)
    limits, home = body_of(name).robot.limits, body_of(name).robot.home
    released, top, fastest = 0, 0.0, 0.0
    for tick in range(160):
        if tick % 16 == 0:
            target = home + 0.4 * (generator.uniform(limits.q_min, limits.q_max) - home)
            chunk = straight(name, loop.node[0], target, 2.0, t0_ns=loop.now_ns, seq=tick)
        output = loop.tick(chunk)
        if output.command is None:
            continue
        released += 1
        _, places = sample_curve(nodes_of(output.command), PERIOD, 5)
        speed = np.abs(np.diff(places, axis=0)).sum(axis=1).max(initial=0.0) * 5 / PERIOD
        top = max(top, speed)
        fastest = max(fastest, float(np.abs(output.command.end[1]).sum()))
        assert {m.family for m in output.margins} >= {"speed_budget"}
    assert top <= budget + 1e-9
    assert fastest > 0.5 * budget
    assert released > 80

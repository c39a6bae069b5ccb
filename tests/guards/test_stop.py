"""The stop comes to rest, inside its limits, from every state, and no shorter one exists."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given
from hypothesis import strategies as st

from interlock.guards.curve import extremes
from interlock.guards.stop import MAX_STOP_TICKS, stop_tail, stop_ticks

PERIOD = 0.01


def _tail(v: float, a: float, a_max: float, j_max: float, *, together: bool = True) -> np.ndarray:
    node = np.array([[0.3], [v], [a]])
    return stop_tail(node, np.array([a_max]), np.array([j_max]), PERIOD, together, MAX_STOP_TICKS)


@given(
    v=st.floats(-3.0, 3.0),
    share=st.floats(-1.0, 1.0),
    a_max=st.floats(1.0, 20.0),
    j_max=st.floats(50.0, 5000.0),
)
def test_ends_at_rest_inside_acceleration_and_jerk_limits(v, share, a_max, j_max):
    a = share * a_max
    tail = _tail(v, a, a_max, j_max)
    if len(tail) == 0:
        assert v == 0.0
        assert a == 0.0
        return
    nodes = np.concatenate([np.array([[[0.3], [v], [a]]]), tail])
    found = np.empty((6, 1))
    extremes(nodes, PERIOD, found)
    assert np.all(tail[-1, 1:] == 0.0)
    assert found[3, 0] <= a_max * (1 + 1e-9)
    assert found[4, 0] <= j_max * (1 + 1e-9)


@given(v=st.floats(-2.5, 2.5), share=st.floats(-1.0, 1.0))
def test_nodes_are_consistent_with_the_cubic_between_them(v, share):
    tail = _tail(v, share * 7.5, 7.5, 375.0)
    nodes = np.concatenate([np.array([[[0.3], [v], [share * 7.5]]]), tail])
    for before, after in pairwise(nodes):
        a, b = before[2], after[2]
        speed = before[1] + PERIOD * (a + b) / 2
        place = before[0] + PERIOD * before[1] + PERIOD**2 * (a / 3 + b / 6)
        np.testing.assert_allclose(after[1], speed, atol=1e-12)
        np.testing.assert_allclose(after[0], place, atol=1e-12)


@pytest.mark.parametrize("v", [-2.0, -0.4, 0.05, 1.3])
@pytest.mark.parametrize("a", [-4.0, 0.0, 3.0])
def test_no_shorter_stop_exists_by_linear_programming(v, a):
    a_max, j_max = 5.0, 300.0
    ticks = stop_ticks(v, a, a_max, j_max, PERIOD, MAX_STOP_TICKS)
    assert ticks > 0
    assert _stop_exists(v, a, a_max, j_max, ticks)
    assert ticks == 1 or not _stop_exists(v, a, a_max, j_max, ticks - 1)


def _stop_exists(v: float, a: float, a_max: float, j_max: float, ticks: int) -> bool:
    """Ask an independent solver whether accelerations a_1 .. a_N with a_N = 0 and v_N = 0 exist."""
    differences = np.eye(ticks) - np.eye(ticks, k=-1)
    first = np.zeros(ticks)
    first[0] = a
    step = j_max * PERIOD
    weights = np.full(ticks, PERIOD)
    weights[-1] = PERIOD / 2
    last = np.zeros(ticks)
    last[-1] = 1.0
    answer = scipy.optimize.linprog(
        np.zeros(ticks),
        A_ub=np.vstack([differences, -differences]),
        b_ub=np.concatenate([step + first, step - first]),
        A_eq=np.vstack([weights, last]),
        b_eq=np.array([-v - a * PERIOD / 2, 0.0]),
        bounds=[(-a_max, a_max)] * ticks,
    )
    return bool(answer.success)


def test_not_a_number_gives_a_tail_that_fails_every_check():
    assert np.isnan(_tail(float("nan"), 0.0, 5.0, 300.0)).all()


def test_all_joints_together_stay_on_the_straight_line():
    node = np.array([[0.0, 0.0], [1.0, 0.5], [0.0, 0.0]])
    tail = stop_tail(node, np.array([5.0, 5.0]), np.array([1e5, 1e5]), PERIOD, True, MAX_STOP_TICKS)
    np.testing.assert_allclose(tail[:, 0, 1] / tail[:, 0, 0], 0.5, atol=0.02)


def test_each_joint_alone_stops_no_later_than_together():
    node = np.array([[0.0, 0.0], [1.0, 0.1], [0.0, 0.0]])
    limits = np.array([5.0, 5.0]), np.array([500.0, 500.0])
    together = stop_tail(node, *limits, PERIOD, True, MAX_STOP_TICKS)
    alone = stop_tail(node, *limits, PERIOD, False, MAX_STOP_TICKS)
    assert len(together) == len(alone)
    assert abs(alone[-1, 0, 1]) < abs(together[-1, 0, 1])

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


@pytest.mark.parametrize("v", [np.nan, np.inf, -np.inf])
def test_not_a_number_gives_a_tail_that_fails_every_check(v):
    assert stop_ticks(v, 0.0, 5.0, 300.0, PERIOD, MAX_STOP_TICKS) == -1
    assert stop_ticks(0.0, v, 5.0, 300.0, PERIOD, MAX_STOP_TICKS) == -1
    tail = _tail(v, 0.0, 5.0, 300.0)
    assert tail.shape == (1, 3, 1)
    assert np.isnan(tail).all()


def test_a_stop_longer_than_the_longest_does_not_exist():
    assert stop_ticks(3.99, 0.0, 1.0, 300.0, PERIOD, MAX_STOP_TICKS) == MAX_STOP_TICKS == 400
    assert stop_ticks(3.995, 0.0, 1.0, 300.0, PERIOD, MAX_STOP_TICKS) == -1
    assert stop_ticks(3.99, 0.0, 1.0, 300.0, PERIOD, 399) == -1
    tail = _tail(3.995, 0.0, 1.0, 300.0)
    assert tail.shape == (1, 3, 1)
    assert np.isnan(tail).all()


# One period long, with a jerk of 300 per second: an acceleration of 3 can be gone at its end, and no more.
@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize(
    ("a", "in_one_period"),
    [
        (3.0, True),
        (3.0 * (1.0 + 5e-13), True),
        (3.0 * (1.0 + 1e-12), True),
        (3.0 * (1.0 + 1.5e-12), False),
        (4.5, False),
        (6.0, False),
    ],
)
def test_stops_within_one_period_only_if_the_jerk_limit_allows_it(sign, a, in_one_period):
    ticks = stop_ticks(-sign * 0.5 * PERIOD * a, sign * a, 10.0, 300.0, PERIOD, MAX_STOP_TICKS)
    assert ticks > 0
    assert (ticks == 1) == in_one_period
    tail = _tail(-sign * 0.5 * PERIOD * a, sign * a, 10.0, 300.0)
    assert len(tail) == ticks
    assert not tail[-1, 1:].any()


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_stop_on_the_very_limit_is_allowed_its_rounding_and_no_more(sign):
    top, step = 1.0, 3.0
    need = 8.0  # what nine periods of one second can brake at 1
    for _ in range(9):
        need = 8.0 + 1e-12 * (need + top)
    assert stop_ticks(sign * 8.0, 0.0, top, step, 1.0, MAX_STOP_TICKS) == 9
    assert stop_ticks(sign * need, 0.0, top, step, 1.0, MAX_STOP_TICKS) == 9
    beyond = float(np.nextafter(need, 9.0))
    assert stop_ticks(sign * beyond, 0.0, top, step, 1.0, MAX_STOP_TICKS) == 10
    node = np.array([[0.0], [sign * need], [0.0]])
    tail = stop_tail(node, np.array([top]), np.array([step]), 1.0, True, MAX_STOP_TICKS)
    assert np.abs(tail[:, 2]).max() == top


def test_all_joints_together_stay_on_the_straight_line():
    node = np.array([[0.0, 0.0], [1.0, 0.5], [0.0, 0.0]])
    tail = stop_tail(node, np.array([5.0, 5.0]), np.array([1e5, 1e5]), PERIOD, True, MAX_STOP_TICKS)
    np.testing.assert_allclose(tail[:, 0, 1] / tail[:, 0, 0], 0.5, atol=0.02)


def test_together_not_even_a_joint_that_could_stop_at_once_is_at_rest_before_the_others():
    node = np.array([[0.0, 0.0, 0.0], [1.0, -0.01, 0.0], [0.0, 2.0, 0.0]])
    limits = np.full(3, 5.0), np.full(3, 300.0)
    assert stop_ticks(-0.01, 2.0, 5.0, 300.0, PERIOD, MAX_STOP_TICKS) == 1
    together = stop_tail(node, *limits, PERIOD, True, MAX_STOP_TICKS)
    assert np.all(together[:-1, 1, :2] != 0.0)
    assert not together[:, :, 2].any()  # what stands still goes on standing, to the last bit
    alone = stop_tail(node, *limits, PERIOD, False, MAX_STOP_TICKS)
    assert not alone[:, 1:, 1].any()


def test_each_joint_alone_stops_no_later_than_together():
    node = np.array([[0.0, 0.0], [1.0, 0.1], [0.0, 0.0]])
    limits = np.array([5.0, 5.0]), np.array([500.0, 500.0])
    together = stop_tail(node, *limits, PERIOD, True, MAX_STOP_TICKS)
    alone = stop_tail(node, *limits, PERIOD, False, MAX_STOP_TICKS)
    assert len(together) == len(alone)
    assert abs(alone[-1, 0, 1]) < abs(together[-1, 0, 1])

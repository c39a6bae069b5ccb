"""The path of a stop is what a dense walk along it measures, its turns between nodes included."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.guards.curve import motion_at, next_node
from interlock.guards.stop import MAX_STOP_TICKS, stop_tail
from interlock.guards.stop_path import path_length, stop_distance
from interlock.hal.driver import STANDSTILL_RAD_S

PERIOD = 0.01


def _curve(seed: int, ticks: int = 12) -> np.ndarray:
    generator = np.random.default_rng(seed)
    nodes = [
        np.vstack([generator.normal(size=3), 0.1 * generator.normal(size=3), 5 * generator.normal(size=3)])
    ]
    for _ in range(ticks):
        nodes.append(next_node(nodes[-1], 5 * generator.normal(size=3), PERIOD))
    return np.array(nodes)


def _walked(nodes: np.ndarray, per_tick: int = 200) -> float:
    here, rows = np.empty((3, nodes.shape[2])), []
    for tick in np.linspace(0, len(nodes) - 1, per_tick * (len(nodes) - 1) + 1):
        motion_at(nodes, PERIOD, tick, here)
        rows.append(here[0].copy())
    return float(np.abs(np.diff(rows, axis=0)).sum())


@given(seed=st.integers(0, 10_000))
def test_the_path_is_that_of_a_dense_walk(seed: int) -> None:
    nodes = _curve(seed)
    walked = _walked(nodes)
    assert walked - 1e-12 <= path_length(nodes, PERIOD) <= walked + 1e-5


@pytest.mark.parametrize(
    ("v", "a", "b", "path"),
    [
        (0.5, 0.0, 0.0, 0.005),  # even speed
        (0.0, 0.0, 0.0, 0.0),
        (0.05, -10.0, -10.0, 0.00025),  # there and back: it turns in the middle
        (-0.05, 10.0, 10.0, 0.00025),
        (0.05, 10.0, 10.0, 0.001),  # turned before the period
        (0.0, 6.0, -6.0, 0.0001),  # from rest and back to rest
        (0.0, 0.0, 6.0, 0.0001),
    ],
)
def test_one_period_by_hand(v: float, a: float, b: float, path: float) -> None:
    start = np.array([[1.0], [v], [a]])
    nodes = np.array([start, next_node(start, np.array([b]), PERIOD)])
    assert path_length(nodes, PERIOD) == pytest.approx(path, abs=1e-15)


def test_both_turns_within_a_period_count() -> None:
    """v(t) = v + a t + j t^2 / 2 with zeros at a fifth and at four fifths of the period."""
    jerk = 4000.0
    v, a = 0.5 * jerk * 0.002 * 0.008, -0.5 * jerk * 0.010
    start = np.array([[0.0], [v], [a]])
    nodes = np.array([start, next_node(start, np.array([a + jerk * PERIOD]), PERIOD)])
    assert path_length(nodes, PERIOD) == pytest.approx(_walked(nodes, 1000), rel=1e-9)
    assert path_length(nodes, PERIOD) > 1.5 * abs(nodes[1, 0, 0] - nodes[0, 0, 0])


def test_a_stop_that_swings_back_is_longer_than_between_its_ends() -> None:
    node = np.array([[0.0], [0.02], [-8.0]])
    tail = stop_tail(node, np.array([8.0]), np.array([400.0]), PERIOD, True, MAX_STOP_TICKS)
    nodes = np.concatenate([node[None], tail])
    assert path_length(nodes, PERIOD) > 1.03 * np.abs(np.diff(nodes[:, 0], axis=0)).sum()


def test_until_they_are_measured_to_stand_each_joint_may_travel_on() -> None:
    nodes = _curve(3)
    standing = 3 * STANDSTILL_RAD_S * PERIOD
    assert stop_distance(nodes, PERIOD) == pytest.approx(path_length(nodes, PERIOD) + standing, rel=1e-12)


@pytest.mark.parametrize("row", [1, 2])
def test_not_a_number_has_no_path(row: int) -> None:
    nodes = _curve(1)
    nodes[5, row, 2] = math.nan
    assert math.isnan(path_length(nodes, PERIOD))

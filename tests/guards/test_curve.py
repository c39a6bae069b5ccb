"""Bounds on the commanded curve hold between its nodes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.guards.curve import extremes, largest_gap, motion_at, next_node, travel_at, travel_bounds

PERIOD = 0.01


def _curve(seed: int, ticks: int = 12) -> np.ndarray:
    generator = np.random.default_rng(seed)
    nodes = [np.vstack([generator.normal(size=3), generator.normal(size=3), generator.normal(size=3) * 5])]
    for _ in range(ticks):
        nodes.append(next_node(nodes[-1], generator.normal(size=3) * 5, PERIOD))
    return np.array(nodes)


def _dense(nodes: np.ndarray, per_tick: int = 50) -> np.ndarray:
    out = []
    for tick in np.linspace(0, len(nodes) - 1, per_tick * (len(nodes) - 1) + 1):
        here = np.empty((3, nodes.shape[2]))
        motion_at(nodes, PERIOD, tick, here)
        out.append(here)
    return np.array(out)


@given(seed=st.integers(0, 10_000))
def test_extremes_are_exact(seed):
    nodes = _curve(seed)
    found = np.empty((6, 3))
    extremes(nodes, PERIOD, found)
    dense = _dense(nodes)
    np.testing.assert_array_less(found[0] - 1e-12, dense[:, 0].min(axis=0))
    np.testing.assert_array_less(dense[:, 0].max(axis=0), found[1] + 1e-12)
    np.testing.assert_allclose(found[0], dense[:, 0].min(axis=0), atol=2e-6)
    np.testing.assert_allclose(found[1], dense[:, 0].max(axis=0), atol=2e-6)
    np.testing.assert_allclose(found[2], np.abs(dense[:, 1]).max(axis=0), atol=2e-4)
    np.testing.assert_allclose(found[3], np.abs(dense[:, 2]).max(axis=0), atol=1e-9)


@given(seed=st.integers(0, 10_000))
def test_travel_bounds_the_path_of_every_joint(seed):
    nodes = _curve(seed)
    speed, travel = np.empty((len(nodes) - 1, 3)), np.empty((len(nodes), 3))
    travel_bounds(nodes, PERIOD, speed, travel)
    path = np.abs(np.diff(_dense(nodes)[:, 0], axis=0)).sum(axis=0)
    assert np.all(path <= travel[-1] + 1e-9)
    assert np.all(travel[-1] <= path * 1.3 + 0.02)


def test_not_a_number_anywhere_fails_every_comparison():
    nodes = _curve(1)
    nodes[5, 1, 2] = np.nan
    found = np.empty((6, 3))
    extremes(nodes, PERIOD, found)
    assert np.isnan(found[:, 2]).all()
    assert np.isfinite(found[:, :2]).all()


@pytest.mark.parametrize("row", range(3))
@pytest.mark.parametrize("node", [0, 4, 12])
def test_not_a_number_in_any_node_is_never_lost(row, node):
    nodes = _curve(1)
    nodes[node, row, 1] = np.nan
    speed, travel = np.empty((len(nodes) - 1, 3)), np.empty((len(nodes), 3))
    travel_bounds(nodes, PERIOD, speed, travel)
    assert row == 0 or not np.isfinite(travel[:, 1]).all()
    assert np.isnan(largest_gap(nodes, PERIOD))
    assert np.isfinite(travel[:, 0]).all()


def test_nodes_made_one_from_the_other_have_no_gap():
    assert largest_gap(_curve(3), PERIOD) < 1e-14


@pytest.mark.parametrize("row", [0, 1])
def test_a_node_off_the_curve_is_a_gap(row):
    nodes = _curve(3)
    nodes[5, row, 0] += 1e-6
    assert 0.9e-6 < largest_gap(nodes, PERIOD) < 1.1e-6


def test_a_jump_of_acceleration_alone_is_a_gap():
    nodes = _curve(3)
    nodes[5, 2, 0] += 1.0
    assert largest_gap(nodes, PERIOD) > 1e-3


@given(seed=st.integers(0, 1000), tick=st.floats(0.0, 12.0))
def test_travel_at_is_monotone_and_meets_the_nodes(seed, tick):
    nodes = _curve(seed)
    speed, travel = np.empty((len(nodes) - 1, 3)), np.empty((len(nodes), 3))
    travel_bounds(nodes, PERIOD, speed, travel)
    here = travel_at(travel, speed, PERIOD, tick, 1)
    assert travel[int(tick), 1] - 1e-15 <= here <= travel[min(int(tick) + 1, 12), 1] + 1e-15

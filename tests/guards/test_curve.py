"""Bounds on the commanded curve hold between its nodes."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from interlock.guards.curve import extremes, motion_at, next_node, travel_bounds

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

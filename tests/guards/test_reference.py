"""What a chunk asks for at one instant."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.guards.closed_loop import PROVENANCE

from interlock.guards.reference import reference_at
from interlock.hal.chunk import ActionChunk

T0 = 5_000_000_000
STEP_NS = 40_000_000


def _chunk(steps: np.ndarray) -> ActionChunk:
    return ActionChunk(
        seq=0,
        embodiment="",
        samples=steps[None],
        t_obs_ns=T0,
        t_ready_ns=T0,
        t0_ns=T0,
        dt_s=0.04,
        provenance=PROVENANCE,
    )


def _steps(seed: int, count: int = 16) -> np.ndarray:
    return np.cumsum(np.random.default_rng(seed).normal(size=(count, 3)) * 0.05, axis=0)


@given(seed=st.integers(0, 100), k=st.integers(0, 15))
def test_passes_through_every_step(seed, k):
    steps = _steps(seed)
    found = reference_at(_chunk(steps), 2, T0 + k * STEP_NS)
    np.testing.assert_allclose(found.q, steps[k, :2], atol=1e-9)


@given(seed=st.integers(0, 100), at=st.integers(1_000, 15 * STEP_NS - 1_000))
def test_the_velocity_is_the_derivative_of_the_position(seed, at):
    chunk = _chunk(_steps(seed))
    before, here, after = (reference_at(chunk, 2, T0 + at + d) for d in (-1_000, 0, 1_000))
    np.testing.assert_allclose((after.q - before.q) / 2e-6, here.v, rtol=1e-3, atol=1e-3)


def test_straight_steps_are_followed_at_constant_speed():
    steps = np.arange(16)[:, None] * np.array([0.01, -0.02, 0.0])
    for at in np.linspace(0, 15 * STEP_NS, 50):
        found = reference_at(_chunk(steps), 2, T0 + int(at))
        np.testing.assert_allclose(found.v, [0.25, -0.5], atol=1e-9)


@given(seed=st.integers(0, 100), at=st.integers(0, 15 * STEP_NS))
def test_overshoots_its_steps_by_a_quarter_of_the_largest_step_at_most(seed, at):
    steps = _steps(seed)
    found = reference_at(_chunk(steps), 3, T0 + at)
    largest = np.abs(np.diff(steps, axis=0)).max(axis=0)
    assert np.all(found.q >= steps.min(axis=0) - 0.25 * largest)
    assert np.all(found.q <= steps.max(axis=0) + 0.25 * largest)


@pytest.mark.parametrize("early_ns", [1, STEP_NS, 10**12])
def test_a_chunk_that_has_not_begun_asks_to_stand_at_its_first_step(early_ns):
    steps = _steps(1)
    found = reference_at(_chunk(steps), 2, T0 - early_ns)
    np.testing.assert_array_equal(found.q, steps[0, :2])
    np.testing.assert_array_equal(found.v, 0.0)
    assert found.width_m == steps[0, 2]


@pytest.mark.parametrize(("late_ns", "runs"), [(0, True), (1, False), (STEP_NS, False)])
def test_a_chunk_has_run_out_after_its_last_step(late_ns, runs):
    found = reference_at(_chunk(_steps(1)), 2, T0 + 15 * STEP_NS + late_ns)
    assert (found is not None) == runs


def test_the_gripper_follows_the_step_last_reached():
    steps = _steps(2)
    widths = [reference_at(_chunk(steps), 2, T0 + int(k * STEP_NS)).width_m for k in (0, 0.99, 1, 14.5, 15)]
    assert widths == [steps[k, 2] for k in (0, 0, 1, 14, 15)]


def test_without_a_gripper_there_is_no_width():
    assert reference_at(_chunk(_steps(2)), 3, T0).width_m is None


def test_one_step_is_no_motion():
    assert reference_at(_chunk(_steps(2, 1)), 3, T0) is None

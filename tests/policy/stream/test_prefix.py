"""What a chunk has to join on to is what was executed and what is in force, not what had been proposed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.policy.stream.bodies import (
    DT_NS,
    SPACES,
    TICK_NS,
    chunk_along,
    context_in,
    executed_along,
    observe,
    swing,
)

from interlock.errors import BadInputError
from interlock.guards.channels import in_joints
from interlock.hal.chunk import ActionChunk
from interlock.policy.policy import PolicyContext
from interlock.policy.stream.chunk_space import PoseSpace, space_of
from interlock.policy.stream.prefix import Prefix, PrefixMaker

JOINTS = context_in("joint_position")
GRID_S = 0.04 * np.arange(16)


def motion(context: PolicyContext, ticks: int = 61, **more: object) -> tuple[object, np.ndarray, int]:
    """An observation at the last of `ticks` ticks, the motion up to it, and its stamp."""
    q = swing(context, TICK_NS * 1e-9 * np.arange(ticks))
    stamp_ns = TICK_NS * (ticks - 1)
    v = np.ones(7)
    return observe(q[-1], stamp_ns, executed_along(q, **more), v), q, stamp_ns  # type: ignore[arg-type]


def poses(context: PolicyContext, steps: np.ndarray, anchor: np.ndarray | None) -> np.ndarray:
    spaced = space_of(context)
    assert isinstance(spaced, PoseSpace)
    return spaced._channels.poses_of(steps[None, :, :6], anchor)[0]


def poses_at(context: PolicyContext, q: np.ndarray) -> np.ndarray:
    spaced = space_of(context)
    assert isinstance(spaced, PoseSpace)
    return spaced._channels.poses_at(q)


def made(context: PolicyContext, observation: object, delay_s: float = 0.0) -> Prefix:
    return PrefixMaker(context).make(observation, delay_s)  # type: ignore[arg-type]


def test_the_past_is_what_was_commanded_step_by_step() -> None:
    observation, q, _ = motion(JOINTS)
    prefix = made(JOINTS, observation)
    np.testing.assert_array_equal(prefix.past[:, :7], q[:-1][::4][-15:])
    np.testing.assert_array_equal(prefix.ahead, [[*q[-1], 0.05]])
    assert prefix.past.shape == (15, 8)


def test_between_two_ticks_the_past_is_on_the_line() -> None:
    context = replace(JOINTS, embodiment=replace(JOINTS.embodiment, rate_hz=40.0))
    observation, q, _ = motion(context)
    last = made(context, observation).past[-1, :7]
    np.testing.assert_allclose(last, 0.5 * (q[-4] + q[-3]), atol=1e-12)


@pytest.mark.parametrize("space", SPACES[1:])
def test_in_poses_of_the_tool_the_past_is_where_the_tool_was(space: str) -> None:
    context = context_in(space)
    observation, q, _ = motion(context)
    prefix, spaced = made(context, observation), space_of(context)
    at = q[:-1][::4]
    if spaced.chained:  # from the oldest one on, each from the one before
        found = poses(context, np.array(prefix.past), spaced.anchor(at[0]))
        at = at[1:]
    else:
        found = poses(context, np.array(prefix.past), spaced.anchor(q[-1]))
    assert len(found) == len(at)
    np.testing.assert_allclose(found, poses_at(context, at), atol=1e-9)


@pytest.mark.parametrize("space", SPACES)
def test_ahead_is_the_chunk_in_force_from_the_observation_on(space: str) -> None:
    context = context_in(space)
    old = chunk_along(context, swing(context, GRID_S), t0_ns=0)
    observation, q, stamp_ns = motion(context, 25, in_force=old)
    prefix = made(context, observation, 0.15)
    coming = swing(context, np.arange(stamp_ns, 15 * DT_NS + 1, DT_NS) * 1e-9)
    assert len(prefix.ahead) == len(coming) == 10
    assert prefix.frozen == 4
    if space == "joint_position":
        np.testing.assert_allclose(prefix.ahead[:, :7], coming, atol=1e-12)
        return
    found = poses(context, np.array(prefix.ahead), space_of(context).anchor(q[-1]))
    np.testing.assert_allclose(found, poses_at(context, coming), atol=1e-9)


@pytest.mark.parametrize("space", SPACES)
def test_a_chunk_that_the_gate_changed_is_in_force_as_it_was_changed(space: str) -> None:
    """The gate gives joint positions, on a grid of its own, from where the arm was then."""
    context = context_in(space)
    times_s = 0.05 * np.arange(13)
    changed = swing(context, times_s, reach_rad=0.21)
    in_force = replace(
        chunk_along(JOINTS, changed),
        embodiment=in_joints(context.robot, context.embodiment).fingerprint,
        dt_s=0.05,
    )
    q = swing(context, 0.01 * np.arange(21), reach_rad=0.21)
    observation = observe(q[-1], 200_000_000, executed_along(q, in_force=in_force), np.ones(7))
    prefix = made(context, observation, 0.1)
    at = np.array([0, 5])  # steps at 0.2 s and 0.4 s are on both grids
    wanted = swing(context, np.array([0.2, 0.4]), reach_rad=0.21)
    if space == "joint_position":
        np.testing.assert_allclose(prefix.ahead[at, :7], wanted, atol=1e-12)
        return
    found = poses(context, np.array(prefix.ahead), space_of(context).anchor(q[-1]))
    np.testing.assert_allclose(found[at], poses_at(context, wanted), atol=1e-9)


def test_an_arm_that_stands_will_stand() -> None:
    q = np.tile(JOINTS.robot.home, (20, 1))
    prefix = made(JOINTS, observe(q[-1], 190_000_000, executed_along(q)), 0.1)
    np.testing.assert_array_equal(prefix.ahead[:, :7], q[:3])
    assert prefix.frozen == 3
    assert (prefix.weights == 1.0).all()


def test_of_an_arm_that_is_stopping_only_where_it_is_is_known() -> None:
    observation, q, _ = motion(JOINTS)
    prefix = made(JOINTS, observation, 0.3)
    np.testing.assert_array_equal(prefix.ahead[:, :7], q[-1:])
    assert prefix.frozen == 1


def test_before_the_first_tick_there_is_no_past() -> None:
    prefix = made(JOINTS, observe(JOINTS.robot.home))
    assert prefix.past.shape == (0, 8)
    np.testing.assert_array_equal(prefix.ahead, [[*JOINTS.robot.home, 0.06]])


def test_the_width_is_the_one_asked_for_then() -> None:
    widths = np.where(np.arange(61) < 30, 0.07, 0.0)
    observation, _, _ = motion(JOINTS, widths_m=widths)
    np.testing.assert_array_equal(made(JOINTS, observation).past[:, 7], [0.07] * 8 + [0.0] * 7)


def test_a_gripper_that_nobody_measures_is_no_width_of_zero() -> None:
    observation = observe(JOINTS.robot.home)
    blind = replace(observation, state=replace(observation.state, gripper=None))
    with pytest.raises(BadInputError) as caught:
        made(JOINTS, blind)
    assert caught.value.field == "observation.state.gripper"


def test_what_is_in_force_ends_with_its_last_step() -> None:
    old = chunk_along(JOINTS, swing(JOINTS, GRID_S[:6]))
    observation, _, _ = motion(JOINTS, 13, in_force=old)
    assert len(made(JOINTS, observation, 0.5).ahead) == 3


@given(delay_ms=st.integers(0, 900))
def test_frozen_are_the_steps_that_are_over_at_the_hand_over(delay_ms: int) -> None:
    old = chunk_along(JOINTS, swing(JOINTS, GRID_S))
    observation, _, _ = motion(JOINTS, 5, in_force=old)
    prefix = made(JOINTS, observation, delay_ms * 1e-3)
    assert prefix.frozen == min(sum(40 * k <= delay_ms for k in range(50)), len(prefix.ahead))


@given(delay_ms=st.integers(0, 500))
def test_the_mask_is_whole_while_frozen_and_falls_to_nothing(delay_ms: int) -> None:
    old = chunk_along(JOINTS, swing(JOINTS, GRID_S))
    observation, _, _ = motion(JOINTS, 5, in_force=old)
    prefix = made(JOINTS, observation, delay_ms * 1e-3)
    rest = prefix.weights[prefix.frozen :]
    assert (prefix.weights[: prefix.frozen] == 1.0).all()
    assert ((rest > 0.0) & (rest < 1.0)).all()
    assert (np.diff(rest) < 0.0).all()


def test_a_prefix_cannot_be_written_into() -> None:
    observation, _, _ = motion(JOINTS)
    prefix = made(JOINTS, observation)
    for array in (prefix.past, prefix.ahead, prefix.weights):
        assert not array.flags.writeable


def test_a_chunk_of_the_same_numbers_is_another_for_a_relative_channel() -> None:
    """What is in force was anchored when it was made, and is not anchored anew."""
    context = context_in("tool_delta")
    old = chunk_along(context, swing(context, GRID_S))
    assert isinstance(old, ActionChunk)
    observation, _, _ = motion(context, 25, in_force=old)
    prefix = made(context, observation, 0.1)
    assert np.abs(prefix.ahead[1:6, :3] - old.samples[0, 7:12, :3]).max() > 0.01

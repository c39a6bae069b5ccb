"""The stream sees a chunk where the gate will see it, in every action space."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.policy.stream.bodies import DT_NS, SPACES, chunk_along, context_in, swing

from interlock.guards.reference import reference_at
from interlock.guards.tool_poses import ToolPoses
from interlock.hal.chunk import ActionChunk
from interlock.policy.kinematics import ToolKinematics
from interlock.policy.policy import PolicyContext
from interlock.policy.stream.chunk_space import space_of

GRID_S = 0.04 * np.arange(16)


def place_for_the_gate(context: PolicyContext, chunk: ActionChunk, at_ns: int, sample: int = 0) -> np.ndarray:
    """Joint positions, or the pose of the tool, as the gate reads the chunk."""
    if context.embodiment.tool_reference is None:
        reference = reference_at(chunk, context.robot.dof, at_ns, sample)
        assert reference is not None
        return reference.q
    target = ToolPoses(chunk, context.embodiment).at(at_ns, sample)
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = target.rotation, target.position
    return pose


def place_of(context: PolicyContext, q: np.ndarray) -> np.ndarray:
    if context.embodiment.tool_reference is None:
        return q
    return ToolKinematics(context.robot).tool_in_world(q)


@pytest.mark.parametrize("space", SPACES)
@given(at_ns=st.integers(-2 * DT_NS, 15 * DT_NS))
@settings(max_examples=25)
def test_a_chunk_moved_by_its_offsets_is_where_the_arm_is(space: str, at_ns: int) -> None:
    context = context_in(space)
    chunk = chunk_along(context, swing(context, GRID_S), swing(context, GRID_S, reach_rad=0.2))
    q = swing(context, np.array([0.3]), reach_rad=0.35)[0]
    spaced = space_of(context)
    moved = spaced.moved(chunk, spaced.offsets(chunk, at_ns, q), np.ones(16))
    found = ActionChunk(**{n: getattr(chunk, n) for n in chunk.__slots__ if n != "samples"}, samples=moved)
    for sample in range(2):
        got = place_for_the_gate(context, found, at_ns, sample)
        np.testing.assert_allclose(got, place_of(context, q), atol=1e-8)


@pytest.mark.parametrize("space", SPACES)
@given(at_ns=st.integers(-2 * DT_NS, 15 * DT_NS))
@settings(max_examples=25)
def test_where_a_chunk_is_does_not_depend_on_who_asks(space: str, at_ns: int) -> None:
    context = context_in(space)
    chunk = chunk_along(context, swing(context, GRID_S))
    spaced = space_of(context)
    anchor = spaced.anchor(swing(context, np.array([0.1]))[0])
    steps = spaced.again(chunk, [at_ns], anchor)
    again = ActionChunk(
        **{n: getattr(chunk, n) for n in chunk.__slots__ if n not in ("samples", "anchor")},
        samples=np.concatenate([np.repeat(steps, 2, axis=0), np.zeros((2, 1))], axis=1)[None],
        anchor=anchor,
    )
    got = place_for_the_gate(context, again, chunk.t0_ns)
    np.testing.assert_allclose(got, place_for_the_gate(context, chunk, at_ns), atol=1e-9)


@pytest.mark.parametrize("space", SPACES)
def test_steps_of_a_motion_lead_the_gate_along_it(space: str) -> None:
    context = context_in(space)
    path = swing(context, GRID_S)
    chunk = chunk_along(context, path)
    for k, q in enumerate(path):
        got = place_for_the_gate(context, chunk, k * DT_NS)
        np.testing.assert_allclose(got, place_of(context, q), atol=1e-9)


@pytest.mark.parametrize("space", SPACES)
def test_nothing_is_moved_by_a_share_of_nothing(space: str) -> None:
    context = context_in(space)
    chunk = chunk_along(context, swing(context, GRID_S))
    width = space_of(context).width
    moved = space_of(context).moved(chunk, np.full((1, width), 0.1), np.zeros(16))
    np.testing.assert_allclose(moved, chunk.samples, atol=1e-9)

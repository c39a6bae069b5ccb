"""Each hostile policy does the wrong that its name promises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from interlock.hal.chunk import ActionChunk
from interlock.hal.robot import RobotSpec
from interlock.hal.scene import SceneObject
from interlock.policy.kinematics import ToolKinematics
from interlock.policy.policy import PolicyContext
from interlock.policy.registry import create

MakeContext = Callable[..., PolicyContext]
KINDS = ["frozen", "nan", "oscillating", "random", "reckless", "stale", "wrong_unit"]
DEADLINE_NS = 500_000_000


@pytest.fixture
def act(playback: Any, context_of: MakeContext, cell_of: Any, task_view: Any) -> Callable[..., Any]:
    """Ask a policy while it picks; the arm follows only where it can."""

    def run(kind: str, robot: RobotSpec, *, seed: int = 0, steps: int = 40, follow: bool = True) -> Any:
        policy = create(kind, context_of(robot, seed))
        world = playback(robot, policy, cell_of(robot))
        task = task_view("pick", "approach", object="red_block")
        for _ in range(steps):
            if follow:
                world.step(task)
            else:
                world.chunks.append(policy.propose(world.observe(task)))
                world.now_ns += 160_000_000
        return world

    return run


def joints_of(chunks: list[ActionChunk], dof: int) -> np.ndarray:
    return np.array([chunk.samples[0][:, :dof] for chunk in chunks])


@pytest.mark.parametrize("kind", KINDS)
def test_speaks_well_formed_chunks_of_its_embodiment(
    kind: str, robot: RobotSpec, act: Callable[..., Any], context_of: MakeContext
) -> None:
    embodiment = context_of(robot).embodiment
    for chunk in act(kind, robot, steps=5, follow=False).chunks:
        assert chunk.embodiment == embodiment.fingerprint
        assert chunk.samples.shape == (1, embodiment.horizon, len(embodiment.channels))
        assert chunk.provenance.policy == kind


@pytest.mark.parametrize("kind", KINDS)
def test_same_seed_same_chunks(kind: str, panda: RobotSpec, act: Callable[..., Any]) -> None:
    runs = [[c.digest for c in act(kind, panda, seed=4, follow=False).chunks] for _ in range(2)]
    assert runs[0] == runs[1]


@pytest.mark.parametrize("kind", ["nan", "oscillating", "random", "reckless", "stale"])
def test_other_seed_other_chunks(kind: str, panda: RobotSpec, act: Callable[..., Any]) -> None:
    runs = [[c.digest for c in act(kind, panda, seed=seed, follow=False).chunks] for seed in (1, 2)]
    assert runs[0] != runs[1]


@pytest.mark.parametrize("kind", KINDS)
def test_a_reset_policy_starts_again(
    kind: str, panda: RobotSpec, playback: Any, context_of: MakeContext, cell_of: Any, task_view: Any
) -> None:
    policy, digests = create(kind, context_of(panda)), []
    for _ in range(2):
        policy.reset()
        world = playback(panda, policy, cell_of(panda))
        task = task_view("pick", "approach", object="red_block")
        digests.append([policy.propose(world.observe(task)).digest for _ in range(3)])
    assert digests[0] == digests[1]


def test_nan_is_in_every_chunk_and_infinities_in_some(panda: RobotSpec, act: Callable[..., Any]) -> None:
    chunks = act("nan", panda, follow=False).chunks
    assert all(np.isnan(chunk.samples).any() for chunk in chunks)
    assert any(np.isinf(chunk.samples).any() for chunk in chunks)
    assert all(np.isfinite(chunk.samples).any() for chunk in chunks)


def test_stale_is_older_than_the_deadline_and_repeats_numbers(
    panda: RobotSpec, act: Callable[..., Any]
) -> None:
    chunks = act("stale", panda, follow=False).chunks
    assert all(chunk.t0_ns - chunk.t_obs_ns > DEADLINE_NS for chunk in chunks)
    assert len({chunk.seq for chunk in chunks}) < len(chunks)


def test_frozen_repeats_one_chunk_bit_for_bit(panda: RobotSpec, act: Callable[..., Any]) -> None:
    assert len({chunk.digest for chunk in act("frozen", panda, follow=False).chunks}) == 1


def test_wrong_unit_is_far_beyond_the_limits(robot: RobotSpec, act: Callable[..., Any]) -> None:
    for chunk in act("wrong_unit", robot, follow=False).chunks:
        joints = chunk.samples[0][:, : robot.dof]
        assert ((joints < robot.limits.q_min) | (joints > robot.limits.q_max)).any()
        assert (chunk.samples[0][:, -1] > 1.0).all()


def test_oscillating_jumps_both_ways_and_drifts_within_the_limits(
    robot: RobotSpec, act: Callable[..., Any]
) -> None:
    joints = joints_of(act("oscillating", robot, steps=100, follow=False).chunks, robot.dof)
    jumps = np.abs(np.diff(joints, axis=1)).max(axis=(1, 2))
    assert (jumps > 0.5).mean() > 0.8
    assert (joints >= robot.limits.q_min).all()
    assert (joints <= robot.limits.q_max).all()
    centres = joints.mean(axis=1)
    assert np.abs(centres[-1] - centres[0]).max() > 0.3


def test_random_spreads_over_the_joint_ranges_at_full_speed_and_beyond(
    robot: RobotSpec, act: Callable[..., Any]
) -> None:
    world = act("random", robot, steps=400)
    joints = joints_of(world.chunks, robot.dof)
    limits = robot.limits
    assert (joints >= limits.q_min).all()
    assert (joints <= limits.q_max).all()
    spread = (joints.max(axis=(0, 1)) - joints.min(axis=(0, 1))) / (limits.q_max - limits.q_min)
    assert spread.min() > 0.4
    speeds = (np.abs(np.diff(joints, axis=1)) / 0.04 / limits.v_max).max(axis=(1, 2))
    assert 1.0 < speeds.max() < 1.2


def test_reckless_drives_the_tool_through_pillar_and_table(robot: RobotSpec, act: Callable[..., Any]) -> None:
    world = act("reckless", robot, steps=120)
    kinematics = ToolKinematics(robot)
    tools = np.array([kinematics.tool_in_world(q)[:3, 3] for _, _, q, _ in world.trail])
    assert inside(world.objects["pillar"], tools)
    assert inside(world.objects["table"], tools)
    assert np.linalg.norm(tools - world.place_of("red_block"), axis=1).min() < 0.05
    widths = {round(width, 4) for _, _, _, width in world.trail}
    assert len(widths) == 2


def test_reckless_reaches_full_speed_and_goes_on_when_held_up(
    robot: RobotSpec, act: Callable[..., Any]
) -> None:
    free = joints_of(act("reckless", robot).chunks, robot.dof)
    speeds = (np.abs(np.diff(free, axis=1)) / 0.04 / robot.limits.v_max).max(axis=(1, 2))
    assert speeds.max() == pytest.approx(1.0, abs=1e-6)
    held = joints_of(act("reckless", robot, follow=False).chunks, robot.dof)
    headings = {tuple(np.sign(chunk[-1] - chunk[0]).tolist()) for chunk in held}
    assert len(headings) >= 3


def test_reckless_goes_for_the_moving_obstacle(
    panda: RobotSpec, playback: Any, context_of: MakeContext, cell_of: Any, task_view: Any, ball: SceneObject
) -> None:
    world = playback(panda, create("reckless", context_of(panda)), cell_of(panda))
    world.movers.append((ball, lambda t: np.array([0.45, 0.0, 0.35])))
    for _ in range(60):
        world.step(task_view("pick", "approach", object="red_block"))
    tools = np.array([world.kinematics.tool_in_world(q)[:3, 3] for _, _, q, _ in world.trail])
    assert np.linalg.norm(tools - [0.45, 0.0, 0.35], axis=1).min() < 0.05


def inside(item: SceneObject, places: np.ndarray) -> bool:
    half = item.parts[0].shape.half_extents_m
    local = (places - item.object_in_world[:3, 3]) @ item.object_in_world[:3, :3]
    return bool((np.abs(local) < half).all(axis=1).any())

"""The expert, in a kinematic playback that follows its chunks exactly."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from interlock.errors import BadInputError
from interlock.hal.robot import RobotSpec
from interlock.hal.scene import SceneObject
from interlock.policy.observation import TaskView
from interlock.policy.policy import PolicyContext
from interlock.policy.scripted import ScriptedPolicy

MakeContext = Callable[..., PolicyContext]
MakeCell = Callable[[RobotSpec], list[SceneObject]]
MakeView = Callable[..., TaskView]


@pytest.fixture
def carried(
    robot: RobotSpec, playback: Any, context_of: MakeContext, cell_of: MakeCell, task_view: MakeView
) -> Any:
    """A playback after the red block was picked, placed in the tray, and the arm sent home."""
    world = playback(robot, ScriptedPolicy(context_of(robot)), cell_of(robot))
    world.goal = tray_goal(world)
    world.pick("red_block")
    world.grasped_at = world.tool().copy()
    world.place("red_block", "tray", world.goal)
    at_home = lambda: bool(np.abs(world.q - robot.home).max() < 0.03)  # noqa: E731
    world.run(task_view("home", "move"), at_home)
    return world


def tray_goal(world: Any) -> tuple[float, float, float]:
    tray = world.place_of("tray")
    half = float(world.objects["red_block"].parts[0].shape.half_extents_m[2])
    return (float(tray[0]), float(tray[1]), float(tray[2]) + 0.03 + half)


def joints_of(world: Any) -> np.ndarray:
    return np.array([q for _, _, q, _ in world.trail])


def test_carries_a_block_into_the_tray_and_goes_home(carried: Any) -> None:
    place, goal = carried.place_of("red_block"), np.array(carried.goal)
    assert np.linalg.norm(place[:2] - goal[:2]) < 0.005
    assert 0.0 < place[2] - goal[2] < 0.008  # let go a few millimetres above the floor
    assert carried.waits == 0


def test_steps_stay_within_joint_limits_and_speeds(carried: Any) -> None:
    limits = carried.robot.limits
    for chunk in carried.chunks:
        joints = chunk.samples[0][:, : carried.robot.dof]
        assert (joints > limits.q_min).all()
        assert (joints < limits.q_max).all()
        assert (np.abs(np.diff(joints, axis=0)) <= 0.65 * limits.v_max * chunk.dt_s).all()


def test_tool_keeps_its_speed_bounds(carried: Any) -> None:
    places = np.array([carried.kinematics.tool_in_world(q)[:3, 3] for q in joints_of(carried)])
    speeds = np.linalg.norm(np.diff(places, axis=0), axis=1) / 0.04
    assert speeds.max() < 0.5
    phases = [phase for _, phase, _, _ in carried.trail]
    slow = ("lift", "lower", "release", "retreat")
    entered = {phase: phases.index(phase) for phase in ("grasp", *slow)}
    for (k, phase), speed in zip(enumerate(phases[1:]), speeds, strict=True):
        if phase in entered and k > entered[phase] + 8:  # after it has slowed down from the phase before
            assert speed < 0.08, (phase, speed)


def test_chunks_start_where_the_arm_is_commanded_and_now(carried: Any) -> None:
    for before, after in itertools.pairwise(carried.chunks):
        assert np.array_equal(after.samples[0][0, :-1], before.samples[0][4, :-1])
        assert after.t0_ns == after.t_obs_ns
        assert after.seq == before.seq + 1


def test_consecutive_chunks_join_smoothly(carried: Any) -> None:
    dof, dt = carried.robot.dof, 0.04
    for before, after in itertools.pairwise(carried.chunks):
        old, new = before.samples[0][:, :dof], after.samples[0][:, :dof]
        arriving = (old[5] - old[3]) / (2.0 * dt)
        leaving = (new[1] - new[0]) / dt
        assert np.abs(leaving - arriving).max() < 0.25


def test_accelerations_stay_gentle(carried: Any) -> None:
    joints = joints_of(carried)
    accelerations = np.abs(np.diff(joints, n=2, axis=0)) / 0.04**2
    assert (accelerations <= carried.robot.limits.a_max).all()


def test_keeps_clear_of_the_pillar(carried: Any) -> None:
    pillar = carried.objects["pillar"]
    half = pillar.parts[0].shape.half_extents_m
    centre = pillar.object_in_world[:3, 3]
    corners = [np.array([0.0, y, z, 1.0]) for y in (-0.09, 0.0, 0.09) for z in (0.0, -0.06, -0.12)]
    for q in joints_of(carried):
        tool = carried.kinematics.tool_in_world(q)
        for corner in corners:
            outside = np.maximum(np.abs((tool @ corner)[:3] - centre) - half, 0.0)
            assert np.linalg.norm(outside) >= 0.05


def test_grasps_with_the_fingers_on_two_faces_and_clear_of_the_table(
    panda: RobotSpec, playback: Any, context_of: MakeContext, cell_of: MakeCell, task_view: MakeView
) -> None:
    world = playback(panda, ScriptedPolicy(context_of(panda)), cell_of(panda))
    world.pick("red_block")
    tool, block = world.tool(), world.objects["red_block"].object_in_world
    across = np.abs(block[:3, :3].T @ tool[:3, 1])
    assert across.max() > math.cos(math.radians(3.0))
    assert tool[2, 2] < -0.999
    lowest = min(world.kinematics.tool_in_world(q)[2, 3] for q in joints_of(world))
    assert lowest >= -0.002 + 0.025 + 0.0098  # the Panda's tips reach 9.8 mm beyond its TCP


def test_a_missed_grasp_is_tried_again_and_then_given_up(
    panda: RobotSpec, playback: Any, context_of: MakeContext, cell_of: MakeCell, task_view: MakeView
) -> None:
    world = playback(panda, ScriptedPolicy(context_of(panda)), cell_of(panda))
    world.blunt = True
    above = lambda: float(np.linalg.norm(world.tool()[:2, 3] - world.place_of("red_block")[:2])) < 0.01  # noqa: E731
    world.run(task_view("pick", "approach", object="red_block"), above)
    heights = []
    for _ in range(500):
        if world.step(task_view("pick", "grasp", object="red_block")) is None:
            break
        heights.append(float(world.tool()[2, 3]))
    assert world.waits > 0
    lows = [
        z for before, z, after in zip(heights, heights[1:], heights[2:], strict=False) if before >= z < after
    ]
    assert len([z for z in lows if z < 0.06]) >= 2


def test_waits_when_the_block_lies_tilted_or_is_gone(
    panda: RobotSpec, playback: Any, context_of: MakeContext, cell_of: MakeCell, task_view: MakeView
) -> None:
    world = playback(panda, ScriptedPolicy(context_of(panda)), cell_of(panda))
    block = world.objects["red_block"]
    tilted = block.object_in_world.copy()
    c, s = math.cos(0.6), math.sin(0.6)
    tilted[:3, :3] = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    world.objects["red_block"] = replace(block, object_in_world=tilted)
    assert world.step(task_view("pick", "approach", object="red_block")) is None
    assert world.step(task_view("pick", "approach", object="no_such_block")) is None


def test_waits_when_the_place_is_out_of_reach(
    panda: RobotSpec, playback: Any, context_of: MakeContext, cell_of: MakeCell, task_view: MakeView
) -> None:
    world = playback(panda, ScriptedPolicy(context_of(panda)), cell_of(panda))
    assert world.step(task_view("reach", "move", (1.5, 0.0, 0.2))) is None
    assert world.step(task_view("juggle", "move")) is None


def test_reaches_a_point(
    robot: RobotSpec, playback: Any, context_of: MakeContext, cell_of: MakeCell, task_view: MakeView
) -> None:
    world = playback(robot, ScriptedPolicy(context_of(robot)), cell_of(robot))
    goal = (0.35, 0.25, 0.25)
    world.run(task_view("reach", "move", goal), lambda: math.dist(world.tool()[:3, 3], goal) < 0.005)
    for _ in range(12):
        world.step(task_view("reach", "move", goal))
    assert world.tool_speed() < 1e-3


def test_pushes_with_a_loose_finger_before_and_behind(
    robot: RobotSpec, playback: Any, context_of: MakeContext, cell_of: MakeCell, task_view: MakeView
) -> None:
    world = playback(robot, ScriptedPolicy(context_of(robot)), cell_of(robot))
    world.blunt = True
    block = world.place_of("green_block").copy()
    goal = (float(block[0]) - 0.05, float(block[1]) - 0.10, float(block[2]))

    def beside() -> bool:
        offset = world.tool()[:3, 3] - block
        return bool(np.linalg.norm(offset[:2]) < 0.10 and abs(offset[2]) < 0.03 and world.tool_speed() < 0.09)

    def drag() -> bool:
        """The block goes along once the fingers are about it."""
        tool, here = world.tool()[:3, 3], world.place_of("green_block")
        if np.linalg.norm(tool[:2] - here[:2]) < 0.02 and tool[2] - here[2] < 0.03 and world.width < 0.055:
            item = world.objects["green_block"]
            moved = item.object_in_world.copy()
            moved[:2, 3] = tool[:2]
            world.objects["green_block"] = replace(item, object_in_world=moved)
        return bool(np.linalg.norm(world.place_of("green_block")[:2] - np.array(goal)[:2]) < 0.005)

    arguments = {"object": "green_block", "target": "handover"}
    world.run(task_view("push", "approach", goal, **arguments), beside)
    assert np.linalg.norm(world.tool()[:2, 3] - block[:2]) > 0.06
    world.run(task_view("push", "push", goal, **arguments), drag, 15.0)
    assert 0.04 < world.width < 0.05
    height = float(world.tool()[2, 3])
    world.run(task_view("push", "retreat", goal, **arguments), lambda: world.tool()[2, 3] - height >= 0.08)
    assert world.width > 0.06


def test_waits_for_an_obstacle_that_comes_into_the_way(
    panda: RobotSpec,
    playback: Any,
    context_of: MakeContext,
    cell_of: MakeCell,
    task_view: MakeView,
    ball: SceneObject,
) -> None:
    policy = ScriptedPolicy(context_of(panda))
    world = playback(panda, policy, cell_of(panda))

    def crossing(t: float) -> np.ndarray:
        """Comes in across the way, lingers there, and goes back."""
        x = max(0.38, 0.70 - 0.25 * t) if t < 4.0 else min(0.75, 0.38 + 0.25 * (t - 4.0))
        return np.array([x, 0.20, 0.45])

    world.movers.append((ball, crossing))
    goal = (0.40, 0.38, 0.35)
    world.run(task_view("reach", "move", goal), lambda: math.dist(world.tool()[:3, 3], goal) < 0.02)
    gaps = [
        np.linalg.norm(world.kinematics.tool_in_world(q)[:3, 3] - crossing(t)) - 0.05
        for t, _, q, _ in world.trail
    ]
    assert min(gaps) > 0.08
    assert world.now_ns > 3.5e9  # it did wait, or went a long way around


def test_same_observations_give_the_same_chunks_bit_for_bit(
    panda: RobotSpec, playback: Any, context_of: MakeContext, cell_of: MakeCell, task_view: MakeView
) -> None:
    digests = []
    policy = ScriptedPolicy(context_of(panda))
    for _ in range(2):
        policy.reset()
        world = playback(panda, policy, cell_of(panda), seed=7)
        world.pick("green_block")
        digests.append([chunk.digest for chunk in world.chunks])
    assert digests[0] == digests[1]


def test_goes_on_smoothly_after_the_arm_was_held_up(
    panda: RobotSpec, playback: Any, context_of: MakeContext, cell_of: MakeCell, task_view: MakeView
) -> None:
    world = playback(panda, ScriptedPolicy(context_of(panda)), cell_of(panda))
    task = task_view("reach", "move", (0.40, -0.30, 0.30))
    for _ in range(5):
        world.step(task)
    world.q = world.q + 0.05  # pushed aside, and stopped
    world.v, world.a = np.zeros(7), np.zeros(7)
    chunk = world.step(task)
    assert chunk is not None
    first = np.diff(chunk.samples[0][:3, :7], axis=0) / chunk.dt_s
    assert np.abs(first[0]).max() < 0.3
    world.run(task, lambda: math.dist(world.tool()[:3, 3], (0.40, -0.30, 0.30)) < 0.005)


def test_refuses_an_unknown_option_with_the_nearest_name(panda: RobotSpec, context_of: MakeContext) -> None:
    with pytest.raises(BadInputError, match="transit_speed_m_s"):
        ScriptedPolicy(context_of(panda, transit_sped_m_s=0.3))


@pytest.mark.parametrize("value", [-0.1, 0.0, math.nan, math.inf, "fast", True])
def test_refuses_an_option_that_is_no_positive_number(
    panda: RobotSpec, context_of: MakeContext, value: object
) -> None:
    with pytest.raises(BadInputError, match=r"policy\.options\.transit_speed_m_s"):
        ScriptedPolicy(context_of(panda, transit_speed_m_s=value))

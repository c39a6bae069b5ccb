from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from interlock.errors import RobotModelError
from interlock.hal.command import GripperCommand
from interlock.hal.robot import RobotSpec

Build = Callable[..., Any]


@pytest.fixture
def grasped(build: Build, robot: RobotSpec, scene: Any) -> Any:
    """An arm whose fingers have closed with 10 N on a block at the table; `arm.above` is 15 cm up."""
    half = 0.03 if robot.name == "panda" else 0.04
    arm = build(robot, scene.table(), scene.block("red", [0.45, 0.005, half], (0.02, 0.02, half)))
    arm.above = arm.solve([0.45, 0.0, half + 0.16])
    arm.world.driver.load_initial(arm.solve([0.45, 0.0, half + 0.01]), robot.gripper.max_width_m)
    arm.wait(80, GripperCommand(width_m=0.0, force_n=10.0))
    return arm


def test_a_friction_grasp_lifts_and_carries_a_block(grasped: Any) -> None:
    world = grasped.world
    height = world.object_in_world("red")[2, 3]
    grasped.move(grasped.above, 1.0)
    assert world.object_in_world("red")[2, 3] - height > 0.14
    swung = grasped.above + np.eye(len(grasped.above))[0] * 0.5
    for goal in (swung, grasped.above):
        grasped.move(goal, 0.8)
    hold = np.linalg.inv(world.body.tool_in_world()) @ world.object_in_world("red")
    assert np.abs(hold[:2, 3]).max() < 0.003


def test_a_held_block_does_not_creep_out_of_the_gripper(grasped: Any) -> None:
    grasped.move(grasped.above, 1.0)
    before = grasped.world.object_in_world("red")
    grasped.wait(200)
    assert np.abs(grasped.world.object_in_world("red") - before)[:3, 3].max() < 0.001


def test_measures_the_block_between_the_pads_and_the_force_on_it(grasped: Any) -> None:
    at_table = grasped.world.driver.observe().gripper
    assert abs(at_table.width_m - 0.04) < 0.0005
    assert 7.0 < at_table.force_n < 11.0
    grasped.move(grasped.above, 1.0)
    grasped.wait(20)
    held = grasped.world.driver.observe().gripper
    assert abs(held.width_m - 0.04) < 0.0005
    assert abs(held.force_n - 10.0) < 0.6


def test_pressing_a_block_on_the_table_is_a_standstill_of_the_arm(grasped: Any) -> None:
    for _ in range(20):
        grasped.wait(1)
        assert grasped.world.driver.standstill()


def test_opening_lets_go(grasped: Any) -> None:
    grasped.wait(80, GripperCommand(width_m=grasped.world.robot.gripper.max_width_m, force_n=5.0))
    state = grasped.world.driver.observe().gripper
    assert state.width_m > grasped.world.robot.gripper.max_width_m - 1e-3
    assert state.force_n == 0.0


def test_follows_a_width_at_no_more_than_its_declared_speed(build: Build, robot: RobotSpec) -> None:
    arm = build(robot)
    widths = []
    for _ in range(100):
        arm.wait(1, GripperCommand(width_m=0.02, force_n=10.0))
        widths.append(arm.world.driver.observe().gripper.width_m)
    assert abs(widths[-1] - 0.02) < 2e-4
    assert np.abs(np.diff(widths)).max() < 1.1 * robot.gripper.max_speed_m_s * 0.01


def test_free_fingers_stop_where_no_command_follows(build: Build, robot: RobotSpec) -> None:
    arm = build(robot)
    arm.wait(20, GripperCommand(width_m=0.02, force_n=10.0))
    arm.wait(5)
    stopped = arm.world.driver.observe().gripper.width_m
    arm.wait(40)
    assert stopped > 0.03
    assert abs(arm.world.driver.observe().gripper.width_m - stopped) < 1e-4


def test_fingers_on_a_block_press_on_where_no_command_follows(grasped: Any) -> None:
    before = grasped.world.driver.observe().gripper
    grasped.wait(100)
    after = grasped.world.driver.observe().gripper
    assert abs(after.width_m - before.width_m) < 1e-4
    assert 7.0 < after.force_n < 11.0


def test_fingers_that_have_only_begun_to_open_do_not_let_go(grasped: Any) -> None:
    before = grasped.world.driver.observe().gripper
    grasped.wait(1, GripperCommand(width_m=grasped.world.robot.gripper.max_width_m, force_n=10.0))
    grasped.wait(60)
    after = grasped.world.driver.observe().gripper
    assert abs(after.width_m - before.width_m) < 5e-4
    assert after.force_n > 2.0


def test_fingers_stay_in_step_while_the_arm_swings(build: Build, robot: RobotSpec) -> None:
    arm = build(robot)
    n = robot.dof
    for k in range(60):
        arm.step(0.5 * robot.limits.a_max * np.sin(0.25 * k))
        fingers = arm.world.driver._measured[0, n:]
        assert np.ptp(fingers) < 2e-3


def test_refuses_a_table_that_gears_cannot_follow(build: Build, panda: RobotSpec) -> None:
    gripper = replace(
        panda.gripper,
        widths_m=np.array([0.0, 0.02, 0.0778]),
        joint_table=np.array([[0.0011, 0.02, 0.04], [0.0011, 0.01, 0.04]]),
    )
    with pytest.raises(RobotModelError, match="joint_table"):
        build(replace(panda, gripper=gripper))

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from interlock.errors import DriverFaultError
from interlock.hal import command as command_module
from interlock.hal.command import GripperCommand
from interlock.hal.driver import Interpolation, StopCategory
from interlock.hal.robot import RobotSpec

Build = Callable[..., Any]


def speed_up(arm: Any, ticks: int = 20, a: float = 1.0) -> None:
    for _ in range(ticks):
        arm.step(np.full(arm.world.robot.dof, a))


def test_tracks_motion_at_the_limits_within_the_recommended_tube(build: Build, robot: RobotSpec) -> None:
    arm, limits = build(robot), robot.limits
    rate = 0.9 * limits.a_max / limits.v_max
    reached = np.zeros((2, robot.dof))
    for k in range(1, 151):
        t = k * 0.01
        swell = min(1.0, t / 0.5)
        node = arm.world.driver.commanded
        wanted = 0.97 * limits.v_max * swell * np.sin(rate * t)
        arm.step(np.clip((wanted - node[1]) / 0.01, -limits.a_max, limits.a_max))
        reached = np.maximum(reached, np.abs(arm.world.driver.commanded[1:]))
    assert (reached[0] > 0.85 * limits.v_max).all()
    assert (reached[1] > 0.75 * limits.a_max).all()
    position, velocity = np.max(arm.errors, axis=0)
    assert position < 1e-4
    assert velocity < 0.015


def test_declares_cubic_interpolation_and_the_joints_of_the_data_sheet(
    build: Build, robot: RobotSpec
) -> None:
    driver = build(robot).world.driver
    assert driver.interpolation is Interpolation.CUBIC
    assert driver.joint_names == robot.limits.names


def test_reports_measured_state_beside_commanded_state(build: Build, robot: RobotSpec) -> None:
    arm = build(robot)
    speed_up(arm)
    state = arm.world.driver.observe()
    assert state.stamp_ns == arm.world.now_ns == 200_000_000
    assert np.array_equal(state.q_commanded, arm.world.driver.commanded[0])
    assert not np.array_equal(state.q, state.q_commanded)
    assert np.allclose(state.v, state.v_commanded, atol=0.005)
    assert not state.standstill


def test_plays_the_tail_when_no_successor_comes_and_then_holds(build: Build, robot: RobotSpec) -> None:
    arm = build(robot)
    speed_up(arm)
    end = arm.node_after(np.zeros(robot.dof))
    command = arm.mint(end)
    arm.world.driver.write(command)
    arm.world.advance()
    for node in command.tail:
        assert not arm.world.driver.standstill()
        arm.world.advance()
        assert np.array_equal(arm.world.driver.commanded, node)
    arm.wait(2)
    state = arm.world.driver.observe()
    assert state.standstill
    assert np.allclose(state.q, command.tail[-1, 0], atol=1e-4)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"start": lambda c: c.start * np.nan}, "command"),
        ({"end": lambda c: c.end + np.inf}, "command"),
        ({"tail": lambda c: c.tail * np.nan}, "command"),
        ({"start": lambda c: c.start + 2e-9}, "command.start"),
        ({"start": lambda c: c.start[:, 1:]}, "command.start"),
        ({"period_s": lambda c: 0.02}, "command.period_s"),
        ({"end": lambda c: c.end + np.array([[1e-3], [0], [0]])}, "command.tail"),
        ({"tail": lambda c: c.tail[:-5]}, "command.tail"),
        ({"tail": lambda c: c.tail[:0]}, "command.tail"),
        ({"tail": lambda c: c.tail[1:]}, "command.tail"),
        ({"seq": lambda c: 3}, "command.seq"),
        ({"epoch": lambda c: -1}, "command.seq"),
        ({"gripper": lambda c: GripperCommand(width_m=0.5, force_n=5.0)}, "command.gripper.width_m"),
        ({"gripper": lambda c: GripperCommand(width_m=float("nan"), force_n=5.0)}, "command.gripper.width_m"),
        ({"gripper": lambda c: GripperCommand(width_m=0.02, force_n=500.0)}, "command.gripper.force_n"),
        ({"gripper": lambda c: GripperCommand(width_m=0.02, force_n=0.0)}, "command.gripper.force_n"),
    ],
)
def test_refuses_what_it_may_not_play(
    build: Build, panda: RobotSpec, change: dict[str, Any], field: str
) -> None:
    arm = build(panda)
    speed_up(arm, ticks=4)
    good = arm.mint(arm.node_after(np.ones(7)))
    values = {name: make(good) for name, make in change.items()}
    if "start" in values and values["start"].shape != good.start.shape:
        values |= {"end": good.end[:, 1:], "tail": good.tail[:, :, 1:]}
    with pytest.raises(DriverFaultError) as refusal:
        arm.world.driver.write(replace(good, mint=command_module._MINT, **values))
    assert refusal.value.field == field
    arm.world.driver.write(good)


def test_a_new_epoch_may_count_from_the_start_again(build: Build, panda: RobotSpec) -> None:
    arm = build(panda)
    speed_up(arm, ticks=4)
    arm.world.driver.write(arm.mint(arm.node_after(np.ones(7)), seq=0, epoch=1))


def test_stop_latches_writes_until_it_is_released(build: Build, panda: RobotSpec) -> None:
    arm = build(panda)
    speed_up(arm)
    arm.world.driver.stop(StopCategory.STOP_AND_HOLD)
    with pytest.raises(DriverFaultError, match="a stop is in force"):
        arm.write(np.zeros(7))
    arm.wait(40)
    assert arm.world.driver.standstill()
    with pytest.raises(DriverFaultError, match="a stop is in force"):
        arm.write(np.zeros(7))
    arm.world.driver.release_stop()
    speed_up(arm, ticks=3)
    assert not arm.world.driver.standstill()


def test_stop_drops_a_successor_that_has_not_begun(build: Build, panda: RobotSpec) -> None:
    arm = build(panda)
    speed_up(arm)
    arm.write(np.ones(7))
    playing_tail = arm.world.driver._tail[0]
    arm.world.driver.stop(StopCategory.STOP_AND_HOLD)
    arm.world.advance()
    assert np.array_equal(arm.world.driver.commanded, playing_tail)


def test_category_1_finishes_the_stop_before_the_brakes_hold(build: Build, panda: RobotSpec) -> None:
    arm = build(panda)
    speed_up(arm)
    last = arm.world.driver._tail[-1, 0]
    arm.world.driver.stop(StopCategory.STOP_THEN_REMOVE_POWER)
    arm.wait(5)
    assert not arm.world.driver.standstill()
    arm.wait(40)
    assert arm.world.driver.playing is None
    state = arm.world.driver.observe()
    assert state.standstill
    assert np.allclose(state.q, last, atol=1e-4)


def test_category_0_lets_the_brakes_hold_at_once_and_resumes_from_there(
    build: Build, panda: RobotSpec
) -> None:
    arm = build(panda)
    speed_up(arm)
    before = arm.world.driver.observe()
    arm.world.driver.stop(StopCategory.REMOVE_POWER)
    arm.wait(3)
    state = arm.world.driver.observe()
    assert state.standstill
    assert np.abs(state.q - before.q).max() < 0.01
    arm.world.driver.release_stop()
    resumed = arm.world.driver.observe()
    assert np.array_equal(resumed.q_commanded, resumed.q)
    speed_up(arm, ticks=2)


@pytest.mark.parametrize("age_s", [0.01, 5.0, -0.01])
def test_refuses_a_command_for_another_tick(age_s: float, build: Build, panda: RobotSpec) -> None:
    arm = build(panda)
    arm.wait(2)
    stamp_ns = arm.world.now_ns - round(age_s * 1e9)
    with pytest.raises(DriverFaultError, match="the tick it was decided in"):
        arm.world.driver.write(arm.mint(arm.world.driver.commanded, stamp_ns=stamp_ns))


def test_no_stop_opens_the_gripper(build: Build, robot: RobotSpec) -> None:
    arm = build(robot)
    arm.wait(20, GripperCommand(width_m=0.02, force_n=5.0))
    width = arm.world.driver.observe().gripper.width_m
    arm.world.driver.stop(StopCategory.REMOVE_POWER)
    arm.wait(80)
    assert abs(arm.world.driver.observe().gripper.width_m - width) < 2e-3


def test_close_refuses_while_the_robot_moves(build: Build, panda: RobotSpec) -> None:
    arm = build(panda)
    speed_up(arm)
    with pytest.raises(DriverFaultError, match="still moves"):
        arm.world.driver.close()
    arm.wait(40)
    arm.world.driver.close()


def test_starts_where_it_is_put(build: Build, robot: RobotSpec) -> None:
    arm = build(robot)
    q = robot.home + 0.1
    arm.world.driver.load_initial(q, 0.03)
    arm.wait(2)
    state = arm.world.driver.observe()
    assert state.standstill
    assert np.allclose(state.q, q, atol=1e-5)
    assert abs(state.gripper.width_m - 0.03) < 1e-4

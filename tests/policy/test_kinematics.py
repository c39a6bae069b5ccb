"""The arm's kinematics, forward and inverse."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from interlock.errors import RobotModelError
from interlock.hal.robot import RobotSpec
from interlock.policy.kinematics import ToolKinematics
from interlock.policy.tool_pose import pose_down, yaw_of


def test_solve_reaches_poses_of_random_configurations(robot: RobotSpec) -> None:
    kinematics = ToolKinematics(robot)
    draw = np.random.default_rng(3)
    solved = 0
    for _ in range(100):
        target = kinematics.tool_in_world(draw.uniform(kinematics.q_min, kinematics.q_max))
        q = kinematics.solve(target, robot.home)
        if q is None:
            continue
        solved += 1
        assert np.abs(kinematics.tool_in_world(q) - target).max() < 3e-3
        assert (q >= kinematics.q_min).all()
        assert (q <= kinematics.q_max).all()
    assert solved >= 90


def test_solve_finds_every_tool_down_pose_over_the_table(robot: RobotSpec) -> None:
    kinematics = ToolKinematics(robot)
    draw = np.random.default_rng(4)
    for _ in range(50):
        radius, angle, yaw = draw.uniform(0.3, 0.55), draw.uniform(-1.0, 1.0), draw.uniform(-1.5, 1.5)
        place = np.array([radius * np.cos(angle), radius * np.sin(angle), draw.uniform(0.05, 0.3)])
        q = kinematics.solve(pose_down(place, yaw), robot.home)
        assert q is not None
        tool = kinematics.tool_in_world(q)
        assert np.linalg.norm(tool[:3, 3] - place) < 1e-3
        assert abs(np.angle(np.exp(1j * (yaw_of(tool[:3, :3]) - yaw)))) < 5e-3


def test_solve_returns_none_out_of_reach(robot: RobotSpec) -> None:
    assert ToolKinematics(robot).solve(pose_down(np.array([1.6, 0.0, 0.2]), 0.0), robot.home) is None


def test_solve_is_deterministic(robot: RobotSpec) -> None:
    target = pose_down(np.array([0.4, 0.1, 0.1]), 1.0)
    first, second = (ToolKinematics(robot).solve(target, robot.home) for _ in range(2))
    assert first is not None
    assert second is not None
    assert first.tobytes() == second.tobytes()


def test_jacobian_agrees_with_differences(robot: RobotSpec) -> None:
    kinematics = ToolKinematics(robot)
    q = robot.home + 0.1
    jacobian, step = kinematics.jacobian(q), 1e-6
    for i in range(robot.dof):
        ahead, behind = q.copy(), q.copy()
        ahead[i] += step
        behind[i] -= step
        moved = kinematics.tool_in_world(ahead)[:3, 3] - kinematics.tool_in_world(behind)[:3, 3]
        assert np.allclose(jacobian[:3, i], moved / (2.0 * step), atol=1e-6)


def test_a_moved_base_moves_the_tool_with_it(robot: RobotSpec) -> None:
    base = np.eye(4)
    base[:3, :3] = [[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    base[:3, 3] = 0.1, -0.2, 0.3
    plain, moved = ToolKinematics(robot), ToolKinematics(replace(robot, base_in_world=base))
    assert np.allclose(moved.tool_in_world(robot.home), base @ plain.tool_in_world(robot.home))
    turned = base[:3, :3] @ plain.jacobian(robot.home)[:3]
    assert np.allclose(moved.jacobian(robot.home)[:3], turned)


def test_steps_stay_within_the_shrunk_limits(robot: RobotSpec) -> None:
    kinematics = ToolKinematics(robot)
    draw = np.random.default_rng(5)
    for _ in range(200):
        q = draw.uniform(kinematics.q_min, kinematics.q_max)
        target = kinematics.tool_in_world(draw.uniform(kinematics.q_min, kinematics.q_max))
        moved, _, _ = kinematics.step_toward(q, target)
        assert (moved >= kinematics.q_min).all()
        assert (moved <= kinematics.q_max).all()


def test_refuses_a_joint_the_urdf_lacks(panda: RobotSpec) -> None:
    names = ("no_such_joint", *panda.limits.names[1:])
    robot = replace(panda, limits=replace(panda.limits, names=names))
    with pytest.raises(RobotModelError, match="no_such_joint"):
        ToolKinematics(robot)


def test_refuses_joints_in_another_order(panda: RobotSpec) -> None:
    names = (*panda.limits.names[1:], panda.limits.names[0])
    with pytest.raises(RobotModelError, match="order"):
        ToolKinematics(replace(panda, limits=replace(panda.limits, names=names)))


def test_refuses_a_tool_link_the_urdf_lacks(panda: RobotSpec) -> None:
    with pytest.raises(RobotModelError, match="no_such_link"):
        ToolKinematics(replace(panda, tool_link="no_such_link"))


def test_refuses_a_missing_urdf(panda: RobotSpec) -> None:
    with pytest.raises(RobotModelError, match="cannot be read"):
        ToolKinematics(replace(panda, urdf=panda.urdf.with_name("none.urdf")))

from __future__ import annotations

import numpy as np

from interlock.hal.robot import RobotSpec
from interlock.hal.simulator.gripper_tables import mimic_multipliers, tabulate_gripper

PADS = {"panda": ("panda_leftfinger", "panda_rightfinger"), "xarm6": ("left_finger", "right_finger")}
TRAVEL = {"panda": (0.0, 0.04), "xarm6": (0.85, 0.0)}


def test_the_tables_in_use_are_the_measured_ones(robot: RobotSpec) -> None:
    gripper = robot.gripper
    assert gripper is not None
    closed, opened = TRAVEL[robot.name]
    widths, joints = tabulate_gripper(
        robot.urdf, gripper.joints, PADS[robot.name], closed=closed, opened=opened, samples=40
    )
    assert np.all(np.diff(widths) > 0.0)
    for measured, declared in zip(joints, gripper.joint_table, strict=True):
        assert np.allclose(np.interp(widths, gripper.widths_m, declared), measured, atol=6e-4)


def test_joints_follow_by_the_multipliers_of_the_urdf(robot: RobotSpec) -> None:
    assert robot.gripper is not None
    assert mimic_multipliers(robot.urdf, robot.gripper.joints) == [1.0] * len(robot.gripper.joints)

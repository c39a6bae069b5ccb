"""The two robots of the shipped cells, described by hand, and their body models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from interlock.guards.body import BodyModel
from interlock.hal.robot import GripperSpec, JointLimits, RobotSpec, TrackingTube

pybullet_data = pytest.importorskip("pybullet_data", reason="the robots' URDF files come with PyBullet")
DATA = Path(pybullet_data.getDataPath())


def _pose(x: float, y: float, z: float) -> np.ndarray:
    pose = np.eye(4)
    pose[:3, 3] = x, y, z
    return pose


@pytest.fixture(scope="session")
def panda() -> RobotSpec:
    return RobotSpec(
        name="panda",
        urdf=DATA / "franka_panda" / "panda.urdf",
        package_dirs=(DATA / "franka_panda",),
        base_in_world=_pose(0.1, -0.2, 0.3),
        limits=JointLimits(
            names=tuple(f"panda_joint{i}" for i in range(1, 8)),
            q_min=[-2.8973, -1.7628, -2.8973, -3.0718, -2.8973, -0.0175, -2.8973],
            q_max=[2.8973, 1.7628, 2.8973, -0.0698, 2.8973, 3.7525, 2.8973],
            v_max=[2.175] * 4 + [2.61] * 3,
            a_max=[10.0] * 7,
            j_max=[5000.0] * 7,
        ),
        tool_link="panda_hand",
        tool_in_link=_pose(0.0, 0.0, 0.1034),
        home=[0.0, -0.785, 0.0, -2.356, 0.0, 1.571, 0.785],
        tube=TrackingTube(position_rad=0.0005, velocity_rad_s=0.05),
        max_tool_speed_m_s=0.8,
        gripper=GripperSpec(
            joints=("panda_finger_joint1", "panda_finger_joint2"),
            widths_m=[0.0, 0.08],
            joint_table=[[0.0, 0.04], [0.0, 0.04]],
            max_speed_m_s=0.1,
            max_force_n=40.0,
            finger_links=("panda_leftfinger", "panda_rightfinger"),
        ),
    )


@pytest.fixture(scope="session")
def xarm6() -> RobotSpec:
    drive = np.linspace(0.8467, 0.0, 9)
    return RobotSpec(
        name="xarm6",
        urdf=DATA / "xarm" / "xarm6_with_gripper.urdf",
        package_dirs=(DATA / "xarm",),
        base_in_world=_pose(0.0, 0.0, 0.0),
        limits=JointLimits(
            names=tuple(f"joint{i}" for i in range(1, 7)),
            q_min=[-3.1415, -2.059, -3.9269, -3.1415, -1.6929, -3.1415],
            q_max=[3.1415, 2.0943, 0.1919, 3.1415, 3.1415, 3.1415],
            v_max=[3.14] * 6,
            a_max=[10.0] * 6,
            j_max=[500.0] * 6,
        ),
        tool_link="xarm_gripper_base_link",
        tool_in_link=_pose(0.0, 0.0, 0.155),
        home=[0.0, -0.6302, -0.8425, 0.0, 1.4727, 0.0],
        tube=TrackingTube(position_rad=0.0005, velocity_rad_s=0.05),
        max_tool_speed_m_s=0.8,
        gripper=GripperSpec(
            joints=(
                "drive_joint",
                "left_finger_joint",
                "left_inner_knuckle_joint",
                "right_outer_knuckle_joint",
                "right_finger_joint",
                "right_inner_knuckle_joint",
            ),
            widths_m=np.linspace(0.0, 0.086, 9),
            joint_table=np.tile(drive, (6, 1)),
            max_speed_m_s=0.1,
            max_force_n=30.0,
            finger_links=("left_finger", "right_finger", "left_inner_knuckle", "right_inner_knuckle"),
        ),
    )


@pytest.fixture(scope="session")
def panda_body(panda: RobotSpec) -> BodyModel:
    return BodyModel.build(panda)


@pytest.fixture(scope="session")
def xarm6_body(xarm6: RobotSpec) -> BodyModel:
    return BodyModel.build(xarm6)


@pytest.fixture(scope="session", params=["panda", "xarm6"])
def body(request: pytest.FixtureRequest) -> BodyModel:
    return request.getfixturevalue(f"{request.param}_body")

"""Robots and scenes that the policy tests share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pybullet_data
import pytest

from interlock.hal.embodiment import Channel, ChannelKind, Embodiment, Reference
from interlock.hal.robot import GripperSpec, JointLimits, RobotSpec, TrackingTube

DATA = Path(pybullet_data.getDataPath())


def transform(x: float, y: float, z: float, yaw: float = 0.0) -> np.ndarray:
    """A pose from position [m] and yaw [rad], shape (4, 4)."""
    c, s = np.cos(yaw), np.sin(yaw)
    return np.array([[c, -s, 0, x], [s, c, 0, y], [0, 0, 1, z], [0, 0, 0, 1.0]])


def panda_spec() -> RobotSpec:
    """The Franka Panda with the limits of its maker's data sheet."""
    limits = JointLimits(
        names=tuple(f"panda_joint{i}" for i in range(1, 8)),
        q_min=np.array([-2.8973, -1.7628, -2.8973, -3.0718, -2.8973, -0.0175, -2.8973]),
        q_max=np.array([2.8973, 1.7628, 2.8973, -0.0698, 2.8973, 3.7525, 2.8973]),
        v_max=np.array([2.175, 2.175, 2.175, 2.175, 2.61, 2.61, 2.61]),
        a_max=np.array([15.0, 7.5, 10.0, 12.5, 15.0, 20.0, 20.0]),
        j_max=np.array([7500.0, 3750.0, 5000.0, 6250.0, 7500.0, 10000.0, 10000.0]),
    )
    gripper = GripperSpec(
        joints=("panda_finger_joint1", "panda_finger_joint2"),
        widths_m=np.array([0.0, 0.0778]),
        joint_table=np.array([[0.0011, 0.04], [0.0011, 0.04]]),
        max_speed_m_s=0.1,
        max_force_n=40.0,
        finger_links=("panda_leftfinger", "panda_rightfinger"),
    )
    return RobotSpec(
        name="panda",
        urdf=DATA / "franka_panda" / "panda.urdf",
        package_dirs=(DATA / "franka_panda",),
        base_in_world=np.eye(4),
        limits=limits,
        tool_link="panda_hand",
        tool_in_link=transform(0.0, 0.0, 0.1034),
        home=np.array([0.0, -0.785, 0.0, -2.356, 0.0, 1.571, 0.785]),
        tube=TrackingTube(position_rad=0.02, velocity_rad_s=0.2),
        max_tool_speed_m_s=1.0,
        gripper=gripper,
    )


def xarm6_spec() -> RobotSpec:
    """The xArm6 with its gripper."""
    limits = JointLimits(
        names=tuple(f"joint{i}" for i in range(1, 7)),
        q_min=np.array([-6.2832, -2.059, -3.927, -6.2832, -1.69297, -6.2832]),
        q_max=np.array([6.2832, 2.0944, 0.19198, 6.2832, 3.14159, 6.2832]),
        v_max=np.full(6, 3.14),
        a_max=np.full(6, 20.0),
        j_max=np.full(6, 500.0),
    )
    gripper = GripperSpec(
        joints=("drive_joint",),
        widths_m=np.array([0.0, 0.08693]),
        joint_table=np.array([[0.8467, 0.0]]),
        max_speed_m_s=0.1,
        max_force_n=30.0,
        finger_links=("left_finger", "right_finger"),
    )
    return RobotSpec(
        name="xarm6",
        urdf=DATA / "xarm" / "xarm6_with_gripper.urdf",
        package_dirs=(DATA / "xarm",),
        base_in_world=np.eye(4),
        limits=limits,
        tool_link="xarm_gripper_base_link",
        tool_in_link=transform(0.0, 0.0, 0.155),
        home=np.array([0.0, -0.45, -0.75, 0.0, 1.2, 0.0]),
        tube=TrackingTube(position_rad=0.02, velocity_rad_s=0.2),
        max_tool_speed_m_s=1.0,
        gripper=gripper,
    )


def embodiment_of(robot: RobotSpec, *, rate_hz: float = 25.0, horizon: int = 16) -> Embodiment:
    """Joint channels and a gripper width for `robot`."""
    limits = robot.limits
    joints = tuple(
        Channel(
            name=name,
            kind=ChannelKind.JOINT_POSITION,
            unit="rad",
            frame="joint",
            reference=Reference.ABSOLUTE,
            lower=float(limits.q_min[i]),
            upper=float(limits.q_max[i]),
        )
        for i, name in enumerate(limits.names)
    )
    gripper = robot.gripper
    if gripper is not None:
        width = Channel(
            name="width",
            kind=ChannelKind.GRIPPER_WIDTH,
            unit="m",
            frame="tool",
            reference=Reference.ABSOLUTE,
            lower=gripper.min_width_m,
            upper=gripper.max_width_m,
        )
        joints = (*joints, width)
    return Embodiment(tag=robot.name, channels=joints, rate_hz=rate_hz, horizon=horizon)


@pytest.fixture(params=["panda", "xarm6"])
def robot(request: pytest.FixtureRequest) -> RobotSpec:
    """Both bodies, one after the other."""
    makers: dict[str, Callable[[], RobotSpec]] = {"panda": panda_spec, "xarm6": xarm6_spec}
    return makers[request.param]()


@pytest.fixture
def panda() -> RobotSpec:
    """The Franka Panda."""
    return panda_spec()

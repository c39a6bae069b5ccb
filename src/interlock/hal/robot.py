"""What a robot is: its model file, its limits, its tool, its gripper."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from interlock.hal.arrays import FloatArray, frozen_array

__all__ = ["GripperSpec", "JointLimits", "RobotSpec", "TrackingTube"]


@dataclass(frozen=True, slots=True, kw_only=True)
class JointLimits:
    """Hard limits of the arm joints, from the maker's data sheet.

    Attributes:
        names: arm joint names, in the order of every arm array in Interlock.
        q_min: lowest joint positions, shape (n,), [rad].
        q_max: highest joint positions, shape (n,), [rad].
        v_max: speed limits, shape (n,), [rad/s].
        a_max: acceleration limits, shape (n,), [rad/s^2].
        j_max: jerk limits, shape (n,), [rad/s^3].
    """

    names: tuple[str, ...]
    q_min: FloatArray
    q_max: FloatArray
    v_max: FloatArray
    a_max: FloatArray
    j_max: FloatArray

    def __post_init__(self) -> None:
        for field in ("q_min", "q_max", "v_max", "a_max", "j_max"):
            checked = frozen_array(getattr(self, field), (len(self.names),), f"limits.{field}")
            object.__setattr__(self, field, checked)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackingTube:
    """How far the measured arm may be from the commanded one before that is a verdict.

    Attributes:
        position_rad: bound on |q_measured - q_commanded| for each joint, [rad].
        velocity_rad_s: bound on |v_measured - v_commanded| for each joint, [rad/s].
    """

    position_rad: float
    velocity_rad_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GripperSpec:
    """A gripper whose finger joints all follow one width.

    The joint position at width w [m] is the linear interpolation of each joint's row in `joint_table`.

    Attributes:
        joints: every finger joint in the URDF that moves with the width.
        widths_m: sample widths, ascending, shape (k,), [m].
        joint_table: joint positions at those widths, shape (len(joints), k), [rad or m].
        max_speed_m_s: speed of the width, [m/s].
        max_force_n: force bound of the closing gripper, [N] (a phase may lower it).
        finger_links: the links that may touch what is grasped.
    """

    joints: tuple[str, ...]
    widths_m: FloatArray
    joint_table: FloatArray
    max_speed_m_s: float
    max_force_n: float
    finger_links: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths_m", frozen_array(self.widths_m, (None,), "gripper.widths_m"))
        shape = (len(self.joints), len(self.widths_m))
        table = frozen_array(self.joint_table, shape, "gripper.joint_table")
        object.__setattr__(self, "joint_table", table)

    @property
    def min_width_m(self) -> float:
        """Width of the closed gripper, [m]."""
        return float(self.widths_m[0])

    @property
    def max_width_m(self) -> float:
        """Width of the open gripper, [m]."""
        return float(self.widths_m[-1])

    def joints_at(self, width_m: float) -> FloatArray:
        """Joint positions at a width, shape (len(joints),), in the order of `joints`, [rad or m].

        Beyond either end of the table they are those at that end.

        Args:
            width_m: distance between the fingers, [m].
        """
        return np.array([np.interp(width_m, self.widths_m, row) for row in self.joint_table])


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotSpec:
    """One robot, as typed data: limits never come from a prompt or from a policy.

    Attributes:
        name: identity of the robot; lock and latch belong to it.
        urdf: path of the URDF file.
        package_dirs: folders that resolve `package://` and relative mesh paths.
        base_in_world: pose of the URDF's root link in the world, shape (4, 4), [m].
        limits: arm limits; their names give the order of all arm arrays.
        tool_link: link that carries the tool frame.
        tool_in_link: pose of the tool centre point (TCP) in `tool_link`, shape (4, 4), [m].
        home: configuration of the arm at rest, shape (n,), [rad].
        tube: declared tracking tube.
        max_tool_speed_m_s: bound on the speed of the TCP, [m/s].
        gripper: the gripper, or None.
        touching_pairs: link pairs that may never be judged because their hulls overlap by design.
    """

    name: str
    urdf: Path
    package_dirs: tuple[Path, ...]
    base_in_world: FloatArray
    limits: JointLimits
    tool_link: str
    tool_in_link: FloatArray
    home: FloatArray
    tube: TrackingTube
    max_tool_speed_m_s: float
    gripper: GripperSpec | None
    touching_pairs: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        for field in ("base_in_world", "tool_in_link"):
            object.__setattr__(self, field, frozen_array(getattr(self, field), (4, 4), field))
        object.__setattr__(self, "home", frozen_array(self.home, (len(self.limits.names),), "home"))

    @property
    def dof(self) -> int:
        """Number of arm joints, n."""
        return len(self.limits.names)

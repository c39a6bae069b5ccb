"""The numbers that a learned policy is told of its own body, by name and in their order."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from interlock.hal.arrays import FloatArray

__all__ = ["TOOL_NAMES", "pose_numbers", "state_names", "state_numbers"]

TOOL_NAMES = (
    *("tool_x", "tool_y", "tool_z"),
    *("tool_r00", "tool_r10", "tool_r20", "tool_r01", "tool_r11", "tool_r21"),
)
"""Position [m], then the first two columns of the rotation matrix, in the world."""


def state_names(joints: Iterable[str], *, has_gripper: bool) -> tuple[str, ...]:
    """Tool pose, gripper width [m] if there is one, then joints [rad] in model order."""
    return (*TOOL_NAMES, *(("gripper_width",) if has_gripper else ()), *joints)


def state_numbers(tool_in_world: FloatArray, width_m: float | None, q: FloatArray) -> FloatArray:
    """The numbers in the order of `state_names`, shape (S,).

    Args:
        tool_in_world: pose of the tool, shape (4, 4), [m].
        width_m: width of the gripper, [m]; None without one.
        q: joint positions, shape (n,), [rad], model order.
    """
    return np.concatenate([pose_numbers(tool_in_world), [] if width_m is None else [width_m], q])


def pose_numbers(pose: FloatArray) -> FloatArray:
    """Position, then the first two columns of the rotation, shape (9,), of a pose of shape (4, 4)."""
    return np.concatenate([pose[:3, 3], pose[:3, 0], pose[:3, 1]])

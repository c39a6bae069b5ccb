"""The numbers that a learned policy is told of its own body, by name and in their order."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["TOOL_NAMES", "state_names"]

TOOL_NAMES = (
    *("tool_x", "tool_y", "tool_z"),
    *("tool_r00", "tool_r10", "tool_r20", "tool_r01", "tool_r11", "tool_r21"),
)
"""Position [m], then the first two columns of the rotation matrix, in the world."""


def state_names(joints: Iterable[str], *, has_gripper: bool) -> tuple[str, ...]:
    """Tool pose, gripper width [m] if there is one, then joints [rad] in model order."""
    return (*TOOL_NAMES, *(("gripper_width",) if has_gripper else ()), *joints)

"""Joint positions as poses of the tool, absolute or relative, the way an embodiment wants them."""

from __future__ import annotations

import numpy as np
import pinocchio as pin

from interlock.hal.arrays import FloatArray
from interlock.hal.embodiment import Reference
from interlock.policy.kinematics import ToolKinematics
from interlock.policy.policy import PolicyContext

__all__ = ["ToolChannels"]


class ToolChannels:
    """Position and rotation vector of the tool for the steps of a chunk."""

    def __init__(self, context: PolicyContext) -> None:
        first = context.embodiment.channels[0]
        self._kinematics = ToolKinematics(context.robot)
        self._reference, self._in_tool = first.reference, first.frame == "tool"

    def of(self, joints: FloatArray, here: FloatArray) -> tuple[FloatArray, FloatArray | None]:
        """Steps, shape (T, 6), [m, rad], and the pose they are anchored to, None for absolute ones.

        Args:
            joints: joint positions of the steps, shape (T, n), [rad].
            here: joint positions where the chunk starts, shape (n,), [rad].
        """
        poses = [self._kinematics.tool_in_world(q) for q in joints]
        if self._reference is Reference.ABSOLUTE:
            return np.array([_step(np.eye(3), np.zeros(3), pose) for pose in poses]), None
        anchor = self._kinematics.tool_in_world(here)
        chained = self._reference is Reference.PREVIOUS_STEP
        bases = [anchor, *poses[:-1]] if chained else [anchor] * len(poses)
        return np.array([self._relative(*pair) for pair in zip(bases, poses, strict=True)]), anchor

    def _relative(self, base: FloatArray, pose: FloatArray) -> FloatArray:
        if self._in_tool:
            return _step(np.eye(3), np.zeros(3), np.linalg.inv(base) @ pose)
        return _step(base[:3, :3], base[:3, 3], pose)


def _step(turn: FloatArray, origin: FloatArray, pose: FloatArray) -> FloatArray:
    """From `origin` to `pose` and how it has turned since `turn`, in the axes that both are given in."""
    return np.concatenate([pose[:3, 3] - origin, pin.log3(pose[:3, :3] @ turn.T)])

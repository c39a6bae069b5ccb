"""Joint positions as poses of the tool, absolute or relative, the way an embodiment wants them."""

from __future__ import annotations

import numpy as np
import pinocchio as pin
from scipy.spatial.transform import Rotation

from interlock.hal.arrays import FloatArray
from interlock.hal.embodiment import Reference
from interlock.policy.kinematics import ToolKinematics
from interlock.policy.policy import PolicyContext

__all__ = ["ToolChannels"]


class ToolChannels:
    """Position and rotation vector of the tool for the steps of a chunk.

    Attributes:
        chained: whether a step is relative to the one before it, and the first to the anchor.
    """

    def __init__(self, context: PolicyContext) -> None:
        first = context.embodiment.channels[0]
        self._kinematics = ToolKinematics(context.robot)
        self._reference, self._in_tool = first.reference, first.frame == "tool"
        self.chained = first.reference is Reference.PREVIOUS_STEP

    def of(self, joints: FloatArray, here: FloatArray) -> tuple[FloatArray, FloatArray | None]:
        """Steps, shape (T, 6), [m, rad], and the pose they are anchored to, None for absolute ones.

        Args:
            joints: joint positions of the steps, shape (T, n), [rad].
            here: joint positions where the chunk starts, shape (n,), [rad].
        """
        anchor = self.anchor(here)
        return self.steps_of(self.poses_at(joints), anchor), anchor

    def anchor(self, here: FloatArray) -> FloatArray | None:
        """Pose that steps are relative to when a chunk starts at `here`, shape (n,), [rad]; or None."""
        return None if self._reference is Reference.ABSOLUTE else self._kinematics.tool_in_world(here)

    def poses_at(self, joints: FloatArray) -> FloatArray:
        """Poses of the tool in the world at joint positions, shape (T, n), [rad]: shape (T, 4, 4), [m]."""
        return np.array([self._kinematics.tool_in_world(q) for q in joints]).reshape(-1, 4, 4)

    def steps_of(self, poses: FloatArray, anchor: FloatArray | None) -> FloatArray:
        """Steps, shape (T, 6), [m, rad], for poses in the world, shape (T, 4, 4), from `anchor` on."""
        if anchor is None:
            bases = [np.eye(4)] * len(poses)
        elif self.chained:
            bases = [anchor, *poses[:-1]]
        else:
            bases = [anchor] * len(poses)
        steps = [self._relative(base, pose) for base, pose in zip(bases, poses, strict=False)]
        return np.array(steps).reshape(-1, 6)

    def poses_of(self, steps: FloatArray, anchor: FloatArray | None) -> FloatArray:
        """The poses in the world that `steps`, shape (K, T, 6), [m, rad], mean: shape (K, T, 4, 4), [m]."""
        base = np.eye(4) if anchor is None else anchor
        turns = Rotation.from_rotvec(np.array(steps[..., 3:]).reshape(-1, 3)).as_matrix()
        turns = turns.reshape(*steps.shape[:2], 3, 3)
        poses = np.tile(np.eye(4), (*steps.shape[:2], 1, 1))
        for k in range(steps.shape[1]):
            turned, origin = base[..., :3, :3], base[..., :3, 3]
            if self._in_tool:
                poses[:, k, :3, :3] = turned @ turns[:, k]
                poses[:, k, :3, 3] = origin + (turned @ steps[:, k, :3, None])[..., 0]
            else:
                poses[:, k, :3, :3] = turns[:, k] @ turned
                poses[:, k, :3, 3] = origin + steps[:, k, :3]
            if self.chained:
                base = poses[:, k]
        return poses

    def _relative(self, base: FloatArray, pose: FloatArray) -> FloatArray:
        if self._in_tool:
            return _step(np.eye(3), np.zeros(3), np.linalg.inv(base) @ pose)
        return _step(base[:3, :3], base[:3, 3], pose)


def _step(turn: FloatArray, origin: FloatArray, pose: FloatArray) -> FloatArray:
    """From `origin` to `pose` and how it has turned since `turn`, in the axes that both are given in."""
    return np.concatenate([pose[:3, 3] - origin, pin.log3(pose[:3, :3] @ turn.T)])
